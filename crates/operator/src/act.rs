//! A plan to writes, in its order. Nothing is read here but the payloads that are uploaded.

use crate::{config_maps::Files, ctx::Ctx, secrets::Secrets, turns::Turn};
use acivnet_api::conditions::reasons;
use acivnet_azure::{Azure, NOT_LEADING};
use acivnet_core::{
    blueprint::{Blueprint, Node, PayloadSource},
    failure::Failure,
    id::ResourceId,
    kinds,
    plan::{Done, Plan, Request},
    retry::Retry,
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
        let result = match upload(ctx, azure, request) {
            Ok(_turn) => azure.carry_out(permit, node, request, &payloads).await,
            Err(busy) => Err(busy),
        };
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

/// The turn of a write that uploads a file out of a URI, whose blocks are in memory; no pass waits for one.
fn upload(ctx: &Ctx, azure: &Azure, request: &Request) -> Result<Option<Turn>, Failure> {
    let Request::RegisterModel { payloads, .. } = request else { return Ok(None) };
    if !payloads.iter().any(|file| matches!(file.source, PayloadSource::Uri { .. })) {
        return Ok(None);
    }
    let busy = || Failure {
        status: 0,
        code: "UploadsUnderWay".into(),
        message: "the model waits, because files of others are being uploaded; it is tried again by itself".into(),
        retry: Retry::Soon,
        reason: reasons::READING_MODEL,
    };
    ctx.uploads.take(&azure.identity()).map(Some).ok_or_else(busy)
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
    use crate::mock::Mock;
    use acivnet_azure::{Identity, Secret};
    use acivnet_core::{
        blueprint::{Goal, Payload},
        owner::Mark,
    };
    use serde_json::Value;

    #[tokio::test]
    async fn uploads_out_of_uris_have_a_bound_and_others_have_none() {
        let ctx = Mock::new(|seen| panic!("{seen:?}")).ctx();
        let asked = |team: &str, source: PayloadSource| {
            let azure = ctx.azure.pass(&Identity::client_secret("t", team, Secret::new("s")));
            let (container, path) = ("c".into(), "m".into());
            let payloads = vec![Payload { source, container, path, digest: String::new(), size: 1 }];
            upload(&ctx, &azure, &Request::RegisterModel { body: Value::Null, payloads })
        };
        let uri = || PayloadSource::Uri { uri: "https://a/m".into(), etag: "\"1\"".into() };
        let held: Vec<_> = ["a", "a", "b", "b"].into_iter().map(|team| asked(team, uri()).unwrap().unwrap()).collect();
        for team in ["a", "c"] {
            let busy = asked(team, uri()).err().unwrap();
            assert!(busy.retry == Retry::Soon && busy.message.contains("files of others are being uploaded"));
            assert!(asked(team, PayloadSource::Text("x")).unwrap().is_none());
        }
        drop(held);
        let _one_team = [asked("a", uri()).unwrap(), asked("a", uri()).unwrap()];
        assert!(asked("a", uri()).is_err() && asked("c", uri()).is_ok());
    }

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
