//! An object's owner in Azure, and the tags that carry it.

use crate::{names::Names, owner::Owner};
use acivnet_api::Tag;
use serde_json::{Map, Value};

/// Tags with the owner mark. Azure Resource Manager ignores case in names, so only one of each is kept.
pub(super) fn tags(user: &[Tag], owner: &str) -> Map<String, Value> {
    let mut map = service_tags(&[], owner);
    for tag in user {
        if !map.keys().any(|name| name.eq_ignore_ascii_case(&tag.name)) {
            map.insert(tag.name.clone(), tag.value.clone().into());
        }
    }
    map
}

/// Tags of a web service with the owner mark. Azure ML, which keeps them, is not known to ignore case.
pub(super) fn service_tags(user: &[Tag], owner: &str) -> Map<String, Value> {
    let mut map: Map<String, Value> = user.iter().map(|tag| (tag.name.clone(), tag.value.clone().into())).collect();
    map.insert(crate::owner::OWNER_TAG.into(), owner.into());
    map
}

pub(super) fn owner_of(cluster: &str, meta: &k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta) -> Owner {
    let (namespace, name) = (meta.namespace(), meta.name());
    Owner::new(cluster, namespace, name)
}
