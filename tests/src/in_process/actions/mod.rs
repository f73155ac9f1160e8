//! What people do in scenarios.

pub mod adoption;
pub mod of_others;
pub mod others;
pub mod parts;
pub mod portal;
pub mod service;
pub mod sources;
pub mod trouble;
pub mod truth;

use super::{
    api_server::{
        resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS, NAMESPACES},
        store::Key,
    },
    bed::{Bed, NAMESPACE},
    wire::Sent,
};
use crate::{
    examples::{self, Object},
    repository,
};
use acivnet_api::APPROVE_PLAN;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::{BoxFuture, FutureExt as _, ready};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// An action in progress.
pub type Done<'b> = BoxFuture<'b, ()>;

/// How often a person who waits for something looks again.
const LOOK: Duration = Duration::from_secs(120);

/// Does nothing.
pub fn nothing(_: &Bed) -> Done<'_> {
    done()
}

/// Applies the how-to's network.
pub fn network(bed: &Bed) -> Done<'_> {
    bed.apply(examples::subnet().0);
    done()
}

/// Applies the how-to's two objects and their files.
pub fn article(bed: &Bed) -> Done<'_> {
    bed.apply(files("churn"));
    bed.apply(examples::deployment().0);
    network(bed)
}

/// The same in a namespace that proves itself by a client secret.
pub fn article_with_secret(bed: &Bed) -> Done<'_> {
    bed.use_secret();
    article(bed)
}

/// A second subnet in the same virtual network.
pub fn two_networks(bed: &Bed) -> Done<'_> {
    bed.apply(second_subnet().0);
    network(bed)
}

/// A second deployment of the same model content, under its own names.
pub fn second_deployment(bed: &Bed) -> Done<'_> {
    bed.apply(other_deployment().0);
    done()
}

/// Two deployments of the same model content, one after the other.
pub fn two_deployments(bed: &Bed) -> Done<'_> {
    bed.later(Duration::from_secs(600), second_deployment);
    article(bed)
}

/// Another model under another name of ConfigMap, as kustomize's generator names it.
pub fn other_model(bed: &Bed) -> Done<'_> {
    let mut other = files("churn-2");
    other["binaryData"]["model.pkl"] = STANDARD.encode(b"\x80\x04another model").into();
    bed.apply(other);
    let mut deployment = examples::deployment().0;
    for [part, member] in [["model", "source"], ["scoring", "script"], ["environment", "conda"], ["probe", "request"]] {
        deployment["spec"][part][member]["configMap"]["name"] = "churn-2".into();
    }
    bed.apply(deployment);
    done()
}

/// Another script in the same ConfigMap.
pub fn other_script(bed: &Bed) -> Done<'_> {
    let mut same = files("churn");
    same["data"]["score.py"] = "def init():\n    pass\n\n\ndef run(data):\n    return data\n".into();
    bed.apply(same);
    done()
}

/// A tag on both objects.
pub fn tag(bed: &Bed) -> Done<'_> {
    bed.apply(tagged(examples::deployment()).0);
    tag_network(bed)
}

/// A tag on the network.
pub fn tag_network(bed: &Bed) -> Done<'_> {
    bed.apply(tagged(examples::subnet()).0);
    done()
}

/// More memory: the service is replaced, and that is approved beforehand.
pub fn more_memory(bed: &Bed) -> Done<'_> {
    let approved = examples::deployment().with("/spec/rollout", json!({"replaceApproval": "Automatic"}));
    bed.apply(approved.with("/spec/resources/memory", "2G").0);
    done()
}

/// More cores: the service is replaced once a person has approved what `status.plan` shows.
pub fn more_cpu(bed: &Bed) -> Done<'_> {
    bed.apply(examples::deployment().with("/spec/resources/cpu", "2").0);
    bed.later(LOOK, approve);
    done()
}

/// Approves the plan that shows, as soon as one does.
fn approve(bed: &Bed) -> Done<'_> {
    let deployment = examples::deployment();
    let stands = bed.object(&ACI_VNET_DEPLOYMENTS, deployment.name()).unwrap_or_default();
    match stands["status"]["plan"]["hash"].as_str() {
        Some(hash) => bed.annotate(&ACI_VNET_DEPLOYMENTS, deployment.name(), APPROVE_PLAN, hash),
        None => bed.later(LOOK, approve),
    }
    done()
}

/// Applies the network, and changes its tags while it is being created.
pub fn network_changed_while_made(bed: &Bed) -> Done<'_> {
    bed.after(makes_network, tag_network);
    network(bed)
}

/// Applies the deployment, and changes its model while the service is being created.
pub fn model_changed_while_made(bed: &Bed) -> Done<'_> {
    bed.after(makes_service, other_model);
    article(bed)
}

/// Deletes the deployment.
pub fn delete_deployment(bed: &Bed) -> Done<'_> {
    bed.delete(&ACI_VNET_DEPLOYMENTS, examples::deployment().name());
    done()
}

/// Deletes the network.
pub fn delete_network(bed: &Bed) -> Done<'_> {
    bed.delete(&DELEGATED_SUBNETS, examples::subnet().name());
    done()
}

/// Deletes the second subnet.
fn delete_second_subnet(bed: &Bed) -> Done<'_> {
    bed.delete(&DELEGATED_SUBNETS, second_subnet().name());
    done()
}

/// Deletes both subnets, the one with the client subnet first.
pub fn delete_first_then_second(bed: &Bed) -> Done<'_> {
    bed.later(Duration::from_secs(300), delete_second_subnet);
    delete_network(bed)
}

/// Deletes both subnets, the one with the client subnet last.
pub fn delete_second_then_first(bed: &Bed) -> Done<'_> {
    bed.later(Duration::from_secs(300), delete_network);
    delete_second_subnet(bed)
}

/// Deletes both subnets at once.
pub fn delete_both_subnets(bed: &Bed) -> Done<'_> {
    bed.delete(&DELEGATED_SUBNETS, second_subnet().name());
    delete_network(bed)
}

/// Deletes both objects at once.
pub fn delete_all(bed: &Bed) -> Done<'_> {
    bed.delete(&ACI_VNET_DEPLOYMENTS, examples::deployment().name());
    delete_network(bed)
}

/// Applies, and deletes while the service is being made.
pub fn create_and_delete(bed: &Bed) -> Done<'_> {
    bed.after(makes_service, delete_all);
    article(bed)
}

/// Applies, and deletes while the network is being made.
pub fn create_and_delete_network(bed: &Bed) -> Done<'_> {
    bed.after(makes_network, delete_network);
    network(bed)
}

/// Deletes, and applies the same again when all is gone.
pub fn delete_and_create(bed: &Bed) -> Done<'_> {
    bed.later(LOOK, create_when_gone);
    delete_all(bed)
}

fn create_when_gone(bed: &Bed) -> Done<'_> {
    let stands = bed.object(&ACI_VNET_DEPLOYMENTS, examples::deployment().name()).is_some()
        || bed.object(&DELEGATED_SUBNETS, examples::subnet().name()).is_some();
    if stands {
        bed.later(LOOK, create_when_gone);
        return done();
    }
    article(bed)
}

/// Deletes the deployment, takes its finalizer off while Azure is still at it, and applies the same again: an object
/// with another uid.
pub fn force_out_and_create(bed: &Bed) -> Done<'_> {
    bed.after(|sent| sent.is(Method::DELETE, "/services/aciservice"), force_out);
    delete_deployment(bed)
}

fn force_out(bed: &Bed) -> Done<'_> {
    bed.take_finalizers_off(&ACI_VNET_DEPLOYMENTS, examples::deployment().name());
    bed.apply(examples::deployment().0);
    done()
}

/// Deletes the namespace.
pub fn delete_namespace(bed: &Bed) -> Done<'_> {
    bed.cluster.delete(&Key::new(&NAMESPACES, "", NAMESPACE));
    done()
}

fn makes_network(sent: &Sent) -> bool {
    sent.is(Method::PUT, "/virtualNetworks/amlvnet1")
}

fn makes_service(sent: &Sent) -> bool {
    sent.is(Method::POST, "/services")
}

fn done<'b>() -> Done<'b> {
    ready(()).boxed()
}

fn tagged(object: Object) -> Object {
    object.with("/spec/azure/tags", json!([{"name": "cost-centre", "value": "4711"}]))
}

fn second_subnet() -> Object {
    let subnet = examples::subnet().named("amlsubnet2").without("/spec/clientSubnet");
    subnet.with("/spec/subnet", json!({"name": "amlsubnet2", "addressPrefix": "10.0.2.0/24"}))
}

fn other_deployment() -> Object {
    examples::deployment().named("aciservice2").with("/spec/model/name", "mymodel2")
}

/// The example's ConfigMap: text in `data`, the rest in `binaryData`.
pub fn files(name: &str) -> Value {
    let folder = repository().join("deploy/examples/article");
    let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}});
    for file in ["model.pkl", "score.py", "myenv.yml", "sample.json"] {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        match String::from_utf8(bytes) {
            Ok(text) => map["data"][file] = text.into(),
            Err(binary) => map["binaryData"][file] = STANDARD.encode(binary.as_bytes()).into(),
        }
    }
    map
}
