//! The resources by id, ignoring case, in the case in which they were created.

use crate::tags::Tags;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Bound;

/// One resource of Resource Manager.
#[derive(Debug, Clone, Default)]
pub struct Resource {
    /// Id in the case of creation.
    pub id: String,
    /// Last segment of the id, in the case of creation.
    pub name: String,
    /// Type in Azure's spelling, for example `Microsoft.Network/virtualNetworks/subnets`.
    pub kind: &'static str,
    /// Region; none for children such as subnets.
    pub location: Option<String>,
    /// Tags.
    pub tags: Tags,
    /// What clients wrote beside `properties`: `sku`, `zones`, `identity`.
    pub members: Map<String, Value>,
    /// What clients wrote under `properties`, without read-only members.
    pub properties: Map<String, Value>,
    /// Current etag, `W/"…"`; empty if the type has none.
    pub etag: String,
    /// `provisioningState`.
    pub state: String,
    /// `resourceGuid` or the like, fixed at creation.
    pub guid: String,
    /// The write in progress, if any; nobody else may write until it has ended.
    pub busy: Option<Busy>,
    /// Order of creation, unique in a store.
    pub sequence: u64,
}

/// A write in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Busy {
    /// Azure's name of the operation, for example `PutSubnetOperation`.
    pub operation: &'static str,
    /// Id of the operation.
    pub id: String,
}

/// All resources.
#[derive(Debug, Default)]
pub struct Store {
    by_key: BTreeMap<String, Resource>,
    created: u64,
}

/// The form in which ids are compared: ASCII case folded, without a slash at the end.
pub fn key(id: &str) -> String {
    id.trim_end_matches('/').to_ascii_lowercase()
}

/// Whether two ids name the same resource.
pub fn same_id(one: &str, other: &str) -> bool {
    one.trim_end_matches('/').eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// Whether `id` is `scope` or lies below it.
pub fn is_within(id: &str, scope: &str) -> bool {
    let (id, scope) = (key(id), key(scope));
    id.strip_prefix(&scope).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The subscription in an id; empty where there is none.
pub fn subscription_of(id: &str) -> &str {
    let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case("subscriptions"));
    parts.nth(1).unwrap_or_default()
}

/// `/subscriptions/S/resourceGroups/G` of an id below a group, in the id's own case.
pub fn group_of(id: &str) -> Option<String> {
    let parts: Vec<&str> = id.split('/').collect();
    match parts.as_slice() {
        ["", a, subscription, b, group, ..]
            if a.eq_ignore_ascii_case("subscriptions") && b.eq_ignore_ascii_case("resourceGroups") =>
        {
            Some(format!("/{a}/{subscription}/{b}/{group}"))
        }
        _ => None,
    }
}

/// The id without its last two segments.
pub fn parent_of(id: &str) -> Option<&str> {
    let (rest, _) = id.rsplit_once('/')?;
    rest.rsplit_once('/').map(|(parent, _)| parent)
}

impl Store {
    /// The resource with this id, ignoring case.
    pub fn get(&self, id: &str) -> Option<&Resource> {
        self.by_key.get(&key(id))
    }

    /// As [`Store::get`], to be changed.
    pub fn get_mut(&mut self, id: &str) -> Option<&mut Resource> {
        self.by_key.get_mut(&key(id))
    }

    /// Adds a resource. If it replaces one with the same id, it keeps that one's place in the order of creation.
    pub fn insert(&mut self, mut resource: Resource) {
        let key = key(&resource.id);
        resource.sequence = self.by_key.get(&key).map_or_else(
            || {
                self.created += 1;
                self.created
            },
            |old| old.sequence,
        );
        self.by_key.insert(key, resource);
    }

    /// Reorders existing resources among their places in the order of creation.
    pub fn put_in_order(&mut self, ids: &[String]) {
        let mut places: Vec<u64> = ids.iter().filter_map(|id| Some(self.get(id)?.sequence)).collect();
        places.sort_unstable();
        for (id, place) in ids.iter().zip(places) {
            if let Some(resource) = self.get_mut(id) {
                resource.sequence = place;
            }
        }
    }

    /// Removes a resource.
    pub fn remove(&mut self, id: &str) -> Option<Resource> {
        self.by_key.remove(&key(id))
    }

    /// Removes a resource and everything below it.
    pub fn remove_tree(&mut self, id: &str) -> Vec<Resource> {
        let keys: Vec<String> = self.below(id).map(|resource| key(&resource.id)).collect();
        let mut removed: Vec<Resource> = self.remove(id).into_iter().collect();
        removed.extend(keys.iter().filter_map(|key| self.by_key.remove(key)));
        removed
    }

    /// Everything below `id`, at any depth, in order of id.
    pub fn below(&self, id: &str) -> impl Iterator<Item = &Resource> {
        let prefix = format!("{}/", key(id));
        let start = Bound::Excluded(prefix.clone());
        self.by_key.range((start, Bound::Unbounded)).take_while(move |(k, _)| k.starts_with(&prefix)).map(|(_, r)| r)
    }

    /// Resources of one type below `id`, in order of creation.
    pub fn children(&self, id: &str, kind: &str) -> Vec<&Resource> {
        let mut found: Vec<&Resource> =
            self.below(id).filter(|resource| resource.kind.eq_ignore_ascii_case(kind)).collect();
        found.sort_by_key(|resource| resource.sequence);
        found
    }

    /// Every resource, in order of id.
    pub fn iter(&self) -> impl Iterator<Item = &Resource> {
        self.by_key.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(id: &str) -> Resource {
        Resource { id: id.to_owned(), kind: "T/t", ..Resource::default() }
    }

    #[test]
    fn ids_have_no_case() {
        let mut store = Store::default();
        store.insert(resource("/a/B/c/D"));
        store.insert(resource("/a/B/c/D/e/F"));
        store.insert(resource("/a/B/c/DD"));
        assert_eq!(store.get("/A/b/C/d").unwrap().id, "/a/B/c/D");
        assert_eq!(store.children("/A/B/C/D", "t/T").len(), 1);
        assert_eq!(store.remove_tree("/a/b/c/d").len(), 2);
        store.insert(resource("/a/b/c/dd/e/2"));
        store.insert(resource("/a/b/c/dd/e/1"));
        let order =
            |store: &Store| store.children("/a/b/c/dd", "T/t").iter().map(|it| it.id.clone()).collect::<Vec<_>>();
        assert_eq!(order(&store), ["/a/b/c/dd/e/2", "/a/b/c/dd/e/1"]);
        store.put_in_order(&["/A/b/c/dd/e/1".to_owned(), "/a/b/c/dd/e/2".to_owned()]);
        assert_eq!(order(&store), ["/a/b/c/dd/e/1", "/a/b/c/dd/e/2"]);
        store.remove_tree("/a/b/c/dd/e");
        assert_eq!(store.iter().count(), 1, "{store:?}");
    }

    #[test]
    fn scopes() {
        assert!(is_within("/subscriptions/S/resourceGroups/g", "/subscriptions/s"));
        assert!(!is_within("/subscriptions/S1", "/subscriptions/S"));
        assert!(is_within("/subscriptions/S", "/"));
        assert_eq!(
            group_of("/subscriptions/S/resourcegroups/g/providers/x").unwrap(),
            "/subscriptions/S/resourcegroups/g"
        );
        assert_eq!(parent_of("/a/b/c/d"), Some("/a/b"));
    }
}
