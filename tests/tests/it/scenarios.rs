//! The operator on a real API server and the simulated Azure: what users do, and what becomes of it.
//!
//! Scenarios share one world and run side by side, each as a tenant of its own.

mod absence;
mod canaries;
mod causes;
mod changes;
mod credentials;
mod drift;
mod life;
mod namespaces;
mod rights;
mod secrets;

use acivnet_tests::{examples::Object, kstatus, run, tenant::Tenant, world::World};
use serde_json::Value;

/// Runs a scenario for a tenant of the shared world, with the ServiceAccount as identity.
fn scenario(about: &str, play: impl AsyncFnOnce(&Tenant<'static>)) {
    run(async {
        let tenant = Tenant::new(World::shared().await, about).await;
        play(&tenant).await;
        tenant.leave().await;
    });
}

/// The message of a condition.
fn message<'o>(object: &'o Value, type_: &str) -> &'o str {
    kstatus::condition(object, type_).2
}

/// A text in an object, by JSON pointer.
fn text<'o>(object: &'o Value, pointer: &str) -> &'o str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Both objects, looked at every 30 seconds at the operator's own pace.
async fn stand(tenant: &Tenant<'_>) -> [Object; 2] {
    tenant.how_to().await;
    let often = [tenant.subnet(), tenant.deployment()].map(|object| object.with("/spec/drift/intervalSeconds", 30));
    for object in &often {
        tenant.apply(object).await;
        tenant.ready(object).await;
    }
    often
}

/// The tenant's web service as Azure ML stores it.
async fn service(tenant: &Tenant<'_>) -> Option<Value> {
    stored(tenant, "services", |service| service["name"] == tenant.service.as_str()).await
}

/// A model version of the tenant's.
async fn model(tenant: &Tenant<'_>) -> Option<Value> {
    stored(tenant, "models", |model| text(model, "/properties/acivnet-owner").contains(&tenant.namespace)).await
}

async fn stored(tenant: &Tenant<'_>, list: &str, is_it: impl Fn(&&Value) -> bool) -> Option<Value> {
    let dump = tenant.world.azure.dump().await;
    dump[list].as_array().expect("a list").iter().find(is_it).cloned()
}
