//! What the shell needs of both kinds beyond what decisions need.

use acivnet_core::subject::Subject;
use k8s_openapi::NamespaceResourceScope;
use kube::{Resource, ResourceExt, core::object::HasStatus};
use serde::{Serialize, de::DeserializeOwned};
use std::fmt::Debug;

/// A custom resource of ours.
pub trait Object:
    Subject<Status: Send + Sync>
    + HasStatus<Status = <Self as Subject>::Status>
    + Resource<DynamicType = (), Scope = NamespaceResourceScope>
    + Clone
    + Debug
    + Serialize
    + DeserializeOwned
    + Send
    + Sync
    + 'static
{
}

impl<K> Object for K where
    K: Subject<Status: Send + Sync>
        + HasStatus<Status = <Self as Subject>::Status>
        + Resource<DynamicType = (), Scope = NamespaceResourceScope>
        + Clone
        + Debug
        + Serialize
        + DeserializeOwned
        + Send
        + Sync
        + 'static
{
}

/// Drops what is never looked at and takes most of the memory.
pub(crate) fn prune<K: Resource>(object: &mut K) {
    object.meta_mut().managed_fields = None;
    object.annotations_mut().remove("kubectl.kubernetes.io/last-applied-configuration");
}
