//! A plan to writes, in its order. Nothing is read here but the payloads that are uploaded.

use crate::{config_maps::Files, ctx::Ctx, secrets::Secrets};
use acivnet_azure::{Azure, NOT_LEADING};
use acivnet_core::{
    blueprint::{Blueprint, Node},
    id::ResourceId,
    kinds,
    plan::{Done, Plan},
    subject::names,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// Carries out every write of a plan. One that fails keeps no other from its turn; none when this process may no longer
/// write, since whoever may looks for itself.
pub(crate) async fn act(
    ctx: &Ctx,
    azure: &Azure,
    meta: &ObjectMeta,
    secrets: &Secrets,
    blueprint: &Blueprint,
    plan: &Plan,
) -> Option<Done> {
    let (mut done, namespace) = (Done::default(), names(meta).0);
    let payloads = Files { ctx, namespace, owner: meta, secrets, azure };
    for (at, request) in plan.writes() {
        let Some(node) = blueprint.nodes.get(at) else { continue };
        let _turn = match network(node) {
            Some(id) => Some(ctx.writers.lock(&id.folded()).await),
            None => None,
        };
        let permit = ctx.azure.gate().open().ok()?;
        let result = azure.carry_out(permit, node, request, &payloads).await;
        ctx.snapshots.drop_around(&node.id);
        if let (Ok(progress), Some(step)) = (&result, plan.steps.get(at)) {
            ctx.running.began(meta, node, step, *progress);
        }
        match &result {
            Err(failure) if failure.code == NOT_LEADING => return None,
            Ok(progress) => tracing::info!(namespace, resource = node.label(), ?progress, "written to Azure"),
            Err(failure) => tracing::warn!(
                namespace,
                resource = node.label(),
                reason = failure.reason,
                code = failure.code,
                message = failure.message,
                "Azure was not written"
            ),
        }
        done.results.push((at, result));
    }
    Some(done)
}

/// The virtual network that a node is or lies in: Azure takes one write at a time in each.
fn network(node: &Node) -> Option<ResourceId> {
    if node.kind == &kinds::subnet::SUBNET {
        node.id.parent()
    } else {
        (node.kind == &kinds::virtual_network::VIRTUAL_NETWORK).then(|| node.id.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_core::{blueprint::Goal, owner::Mark};
    use serde_json::Value;

    #[test]
    fn subnets_wait_for_their_network() {
        let group = ResourceId::group_id("s", "g");
        let vnet = kinds::virtual_network::id(&group, "v");
        let node = |kind, id: &ResourceId| Node::new(kind, id.clone(), Goal::Present, Value::Null, Mark::None);
        assert_eq!(network(&node(&kinds::virtual_network::VIRTUAL_NETWORK, &vnet)), Some(vnet.clone()));
        assert_eq!(network(&node(&kinds::subnet::SUBNET, &kinds::subnet::id(&vnet, "n"))), Some(vnet));
        assert_eq!(
            network(&node(
                &kinds::network_security_group::NETWORK_SECURITY_GROUP,
                &kinds::network_security_group::id(&group, "g")
            )),
            None
        );
    }
}
