//! Namespace, name and uid of an object of the API server.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// What tells an object from others. Each is empty where it is absent, which it is in no object of an API server.
pub trait Names {
    /// `metadata.namespace`.
    fn namespace(&self) -> &str;
    /// `metadata.name`.
    fn name(&self) -> &str;
    /// `metadata.uid`: another one when the object is deleted and created again.
    fn uid(&self) -> &str;
}

impl Names for ObjectMeta {
    fn namespace(&self) -> &str {
        self.namespace.as_deref().unwrap_or_default()
    }

    fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_default()
    }

    fn uid(&self) -> &str {
        self.uid.as_deref().unwrap_or_default()
    }
}
