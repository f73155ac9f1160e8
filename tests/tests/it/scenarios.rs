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

use acivnet_tests::{kstatus, run, tenant::Tenant, world::World};
use serde_json::Value;

/// Runs a scenario for a tenant of the shared world, with the ServiceAccount as identity.
fn scenario(about: &str, play: impl AsyncFnOnce(&Tenant<'static>)) {
    run(async {
        let tenant = Tenant::new(World::shared().await, about).await;
        play(&tenant).await;
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
