//! What people do in scenarios.

use super::{
    api_server::{
        resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS, NAMESPACES},
        store::Key,
    },
    azure::admin,
    bed::{Bed, GROUP_ID, NAMESPACE},
};
use crate::{examples, repository};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::{BoxFuture, FutureExt as _, ready};
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;

type Done<'b> = BoxFuture<'b, ()>;

/// Nothing.
pub fn nothing(_: &Bed) -> Done<'_> {
    ready(()).boxed()
}

/// Applies the how-to's two objects and their files.
pub fn article(bed: &Bed) -> Done<'_> {
    bed.apply(files("churn"));
    bed.apply(examples::subnet().0);
    bed.apply(examples::deployment().0);
    ready(()).boxed()
}

/// The same in a namespace that proves itself by a client secret.
pub fn article_with_secret(bed: &Bed) -> Done<'_> {
    bed.use_secret();
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
    ready(()).boxed()
}

/// Another script in the same ConfigMap.
pub fn other_script(bed: &Bed) -> Done<'_> {
    let mut same = files("churn");
    same["data"]["score.py"] = "def init():\n    pass\n\n\ndef run(data):\n    return data\n".into();
    bed.apply(same);
    ready(()).boxed()
}

/// A tag on both objects.
pub fn tag(bed: &Bed) -> Done<'_> {
    let tags = json!([{"name": "cost-centre", "value": "4711"}]);
    bed.apply(examples::subnet().with("/spec/azure/tags", tags.clone()).0);
    bed.apply(examples::deployment().with("/spec/azure/tags", tags).0);
    ready(()).boxed()
}

/// More memory: the service is replaced, and that is approved beforehand.
pub fn more_memory(bed: &Bed) -> Done<'_> {
    let approved = examples::deployment().with("/spec/rollout", json!({"replaceApproval": "Automatic"}));
    bed.apply(approved.with("/spec/resources/memory", "2G").0);
    ready(()).boxed()
}

/// Hands in the portal: a security rule is gone, tags are replaced, the service is deleted.
pub fn drift(bed: &Bed) -> Done<'_> {
    async move {
        let network = format!("{GROUP_ID}/providers/Microsoft.Network");
        let workspace = format!("{GROUP_ID}/providers/Microsoft.MachineLearningServices/workspaces/amlws");
        let rules = json!({"properties": {"securityRules": []}});
        edit(bed, Method::PATCH, &format!("{network}/networkSecurityGroups/amlnsg"), rules).await;
        edit(
            bed,
            Method::PATCH,
            &format!("{network}/virtualNetworks/amlvnet1"),
            json!({"tags": {"acivnet-owner": null}}),
        )
        .await;
        edit(bed, Method::DELETE, &format!("{workspace}/services/aciservice"), Value::Null).await;
    }
    .boxed()
}

async fn edit(bed: &Bed, method: Method, id: &str, body: Value) {
    admin(&bed.azure, method, &format!("resources?id={id}"), body).await;
}

/// Deletes both objects at once.
pub fn delete_all(bed: &Bed) -> Done<'_> {
    bed.api.delete(&Bed::key(&ACI_VNET_DEPLOYMENTS, examples::deployment().name()));
    bed.api.delete(&Bed::key(&DELEGATED_SUBNETS, examples::subnet().name()));
    ready(()).boxed()
}

/// Applies, and deletes while the service is being made.
pub fn create_and_delete(bed: &Bed) -> Done<'_> {
    bed.later(Duration::from_secs(60), delete_all);
    article(bed)
}

/// Deletes, and applies the same again when all is gone.
pub fn delete_and_create(bed: &Bed) -> Done<'_> {
    bed.later(Duration::from_secs(4 * 3600), article);
    delete_all(bed)
}

/// Deletes the namespace.
pub fn delete_namespace(bed: &Bed) -> Done<'_> {
    bed.api.delete(&Key::new(&NAMESPACES, "", NAMESPACE));
    ready(()).boxed()
}

/// The example's ConfigMap: text in `data`, the rest in `binaryData`.
fn files(name: &str) -> Value {
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
