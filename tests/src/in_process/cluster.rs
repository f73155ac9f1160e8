//! Kubernetes, simulated or real: as people see it, and as the operator reaches it.

use super::api_server::{
    ApiServer, Body,
    resources::ResourceType,
    store::{Key, Part},
};
use async_trait::async_trait;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

/// A cluster. Actions of people are complete when the call returns.
#[async_trait]
pub trait Cluster: Send + Sync {
    /// Creates an object, or replaces the existing one.
    fn apply(&self, object: &Value);

    /// Deletes an object as `kubectl delete` does.
    fn delete(&self, key: &Key);

    /// An object, if it exists.
    fn get(&self, key: &Key) -> Option<Value>;

    /// The objects of a type, by name.
    fn list(&self, resource: &'static ResourceType) -> Vec<Value>;

    /// Changes an object by a merge patch (RFC 7396). A deleted object stays deleted.
    fn merge(&self, key: &Key, patch: &Value);

    /// Answers a request of the operator.
    async fn handle(&self, request: Request<Bytes>) -> Response<Body>;
}

#[async_trait]
impl Cluster for ApiServer {
    fn apply(&self, object: &Value) {
        Self::apply(self, object);
    }

    fn delete(&self, key: &Key) {
        Self::delete(self, key);
    }

    fn get(&self, key: &Key) -> Option<Value> {
        self.with(|store| store.get(key).cloned()).ok()
    }

    fn list(&self, resource: &'static ResourceType) -> Vec<Value> {
        self.with(|store| store.list(resource, "").cloned().collect())
    }

    fn merge(&self, key: &Key, patch: &Value) {
        let change = |object: &mut Value| {
            json_patch::merge(object, patch);
            Ok(())
        };
        self.with(|store| store.patch(key, Part::Main, change)).ok();
    }

    async fn handle(&self, request: Request<Bytes>) -> Response<Body> {
        Self::handle(self, request)
    }
}
