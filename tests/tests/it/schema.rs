//! What a real API server makes of the two definitions.

mod bounds;
mod columns;
mod documents;
mod rules;
mod writers;

use acivnet_tests::{examples::Object, kube_bed::KubeBed};
use kube::{
    Api,
    api::PostParams,
    core::{ApiResource, DynamicObject, GroupVersionKind},
};

/// The objects of an example's kind in a namespace, untyped: some examples no type would hold.
fn api(bed: &KubeBed, namespace: &str, example: &Object) -> Api<DynamicObject> {
    let kind = example.0["kind"].as_str().expect("a kind");
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("acivnet.dev", "v1alpha1", kind));
    Api::namespaced_with(bed.client(), namespace, &resource)
}

fn dry_run() -> PostParams {
    PostParams { dry_run: true, ..PostParams::default() }
}

/// Whether the API server takes a new object; nothing is stored.
async fn create(bed: &KubeBed, namespace: &str, example: &Object) -> Result<(), String> {
    verdict(api(bed, namespace, example).create(&dry_run(), &example.typed()).await)
}

/// Whether the API server takes a change from one object to another; nothing is stored of the change.
async fn change(bed: &KubeBed, namespace: &str, old: &Object, new: &Object) -> Result<(), String> {
    let api = api(bed, namespace, old);
    api.create(&PostParams::default(), &old.typed())
        .await
        .unwrap_or_else(|error| panic!("the old object is refused: {error}"));
    let version = api.get(old.name()).await.expect("the old object").metadata.resource_version.expect("a version");
    let new = new.clone().with("/metadata/resourceVersion", version);
    let verdict = verdict(api.replace(new.name(), &dry_run(), &new.typed()).await);
    api.delete(old.name(), &Default::default()).await.expect("the old object goes");
    verdict
}

fn verdict(answer: kube::Result<DynamicObject>) -> Result<(), String> {
    match answer {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 422 || status.code == 400 => Err(status.message.clone()),
        Err(other) => panic!("the API server: {other}"),
    }
}
