//! Hands in the Azure portal: what the operator made is changed, marked otherwise, or gone.

use super::Done;
use crate::in_process::bed::{Bed, GROUP_ID};
use futures::future::FutureExt as _;
use http::Method;
use serde_json::{Value, json};

/// Ids of what the how-to makes.
pub fn virtual_network() -> String {
    format!("{GROUP_ID}/providers/Microsoft.Network/virtualNetworks/amlvnet1")
}

/// A subnet of that network.
pub fn subnet(name: &str) -> String {
    format!("{}/subnets/{name}", virtual_network())
}

/// The security group.
pub fn security_group() -> String {
    format!("{GROUP_ID}/providers/Microsoft.Network/networkSecurityGroups/amlnsg")
}

pub(super) fn in_workspace(what: &str) -> String {
    format!("{GROUP_ID}/providers/Microsoft.MachineLearningServices/workspaces/amlws/{what}")
}

/// A security rule is gone, the mark of the network is taken off, the service is deleted: all at once.
pub fn several(bed: &Bed) -> Done<'_> {
    async move {
        no_rules(bed).await;
        patch(bed, virtual_network(), json!({"tags": {"acivnet-owner": null}})).await;
        service_deleted(bed).await;
    }
    .boxed()
}

/// All tags of the network are replaced.
pub fn network_tags(bed: &Bed) -> Done<'_> {
    patch(bed, virtual_network(), json!({"tags": {"acivnet-owner": null, "team": "network"}}))
}

/// The network is gone with all that is in it.
pub fn network_deleted(bed: &Bed) -> Done<'_> {
    bed.portal(Method::DELETE, virtual_network(), Value::Null)
}

/// The delegation of the subnet is gone.
pub fn no_delegation(bed: &Bed) -> Done<'_> {
    patch(bed, subnet("amlsubnet1"), json!({"properties": {"delegations": []}}))
}

/// The delegation of the subnet has another name, and so no mark.
pub fn delegation_renamed(bed: &Bed) -> Done<'_> {
    let delegation =
        json!({"name": "by-hand", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}});
    patch(bed, subnet("amlsubnet1"), json!({"properties": {"delegations": [delegation]}}))
}

/// The client subnet has no security group.
pub fn client_without_group(bed: &Bed) -> Done<'_> {
    patch(bed, subnet("default"), json!({"properties": {"networkSecurityGroup": null}}))
}

/// A security rule is opened besides.
pub fn rule_added(bed: &Bed) -> Done<'_> {
    let rules = json!([machine_learning("Allow"), rule("open", 200, "Allow", "*", "22")]);
    patch(bed, security_group(), json!({"properties": {"securityRules": rules}}))
}

/// The security rule denies.
pub fn rule_changed(bed: &Bed) -> Done<'_> {
    patch(bed, security_group(), json!({"properties": {"securityRules": [machine_learning("Deny")]}}))
}

/// The security rules are gone.
pub fn no_rules(bed: &Bed) -> Done<'_> {
    patch(bed, security_group(), json!({"properties": {"securityRules": []}}))
}

/// The security group is taken off its subnet and deleted.
pub fn group_deleted(bed: &Bed) -> Done<'_> {
    async move {
        client_without_group(bed).await;
        bed.portal(Method::DELETE, security_group(), Value::Null).await;
    }
    .boxed()
}

/// Tags and description of the service are others.
pub fn service_tags(bed: &Bed) -> Done<'_> {
    let tags = json!({"acivnet-owner": null, "cost-centre": "0", "hand": "made"});
    patch(bed, in_workspace("services/aciservice"), json!({"kvTags": tags, "description": "by hand"}))
}

/// Application Insights is switched on, and authentication.
pub fn service_switches(bed: &Bed) -> Done<'_> {
    patch(bed, in_workspace("services/aciservice"), json!({"appInsightsEnabled": true, "authEnabled": true}))
}

/// The service is deleted.
pub fn service_deleted(bed: &Bed) -> Done<'_> {
    bed.portal(Method::DELETE, in_workspace("services/aciservice"), Value::Null)
}

/// The description of the model is another.
pub fn model_description(bed: &Bed) -> Done<'_> {
    patch(bed, in_workspace("models/mymodel:1"), json!({"description": "by hand"}))
}

/// The model is deleted.
pub fn model_deleted(bed: &Bed) -> Done<'_> {
    bed.portal(Method::DELETE, in_workspace("models/mymodel:1"), Value::Null)
}

/// Every mark that says what is ours is lost: tags replaced, delegation renamed, security group taken off.
pub fn marks_lost(bed: &Bed) -> Done<'_> {
    async move {
        network_tags(bed).await;
        delegation_renamed(bed).await;
        client_without_group(bed).await;
        patch(bed, security_group(), json!({"tags": {"acivnet-owner": null, "team": "network"}})).await;
    }
    .boxed()
}

/// The same, and both objects are deleted before anybody looks: the network first, since whoever hears of the deployment's
/// deletion looks at the network.
pub fn marks_lost_and_deleted(bed: &Bed) -> Done<'_> {
    async move {
        marks_lost(bed).await;
        super::delete_network(bed).await;
        super::delete_deployment(bed).await;
    }
    .boxed()
}

fn patch(bed: &Bed, id: String, body: Value) -> Done<'_> {
    bed.portal(Method::PATCH, id, body)
}

fn machine_learning(access: &str) -> Value {
    rule("AllowAzureMachineLearning", 100, access, "AzureMachineLearning", "44224")
}

pub(super) fn rule(name: &str, priority: u32, access: &str, source: &str, port: &str) -> Value {
    json!({"name": name, "properties": {
        "priority": priority, "direction": "Inbound", "access": access, "protocol": "Tcp", "sourceAddressPrefix": source,
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port,
    }})
}
