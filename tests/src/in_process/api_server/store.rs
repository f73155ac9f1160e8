//! Objects by type, namespace and name, with what every write does to their metadata.

use super::{
    problem::Problem,
    resources::{NAMESPACES, ResourceType},
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{collections::BTreeMap, ops::Bound};

/// Where an object is.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its type.
    pub resource: &'static ResourceType,
    /// Its namespace; empty for what has none.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl Key {
    /// A key; the namespace is dropped for types without.
    pub fn new(resource: &'static ResourceType, namespace: &str, name: &str) -> Self {
        let namespace = if resource.namespaced { namespace } else { "" };
        Self { resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    fn order(&self) -> (&str, &str, &str, &str) {
        (self.resource.group, self.resource.plural, &self.namespace, &self.name)
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.order() == other.order()
    }
}

impl Eq for Key {}

impl PartialOrd for Key {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Key {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.order().cmp(&other.order())
    }
}

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    /// It was made.
    Added,
    /// It was changed.
    Modified,
    /// It is gone; the object is its last state.
    Deleted,
}

impl Happened {
    /// The word of watch events.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One entry of the history.
#[derive(Clone, Debug)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// What happened.
    pub happened: Happened,
    /// To which object.
    pub key: Key,
    /// The object afterwards; at its deletion, the last of it.
    pub object: Value,
}

/// Which part of an object a write may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All but status, when that is a subresource.
    Main,
    /// Status alone.
    Status,
}

/// All objects, and how they came to be.
#[derive(Debug, Default)]
pub struct Store {
    objects: BTreeMap<Key, Value>,
    history: BTreeMap<u64, Change>,
    version: u64,
    /// Everything up to this version is forgotten.
    compacted: u64,
    uids: u64,
}

impl Store {
    /// The version of the last write.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// One object.
    pub fn get(&self, key: &Key) -> Result<&Value, Problem> {
        self.objects.get(key).ok_or_else(|| Problem::not_found(key))
    }

    /// The objects of a type, in the order of their names; of one namespace, or of all when it is empty.
    pub fn list(&self, resource: &'static ResourceType, namespace: &str) -> impl Iterator<Item = &Value> {
        let of_type = self.objects.iter().filter(move |(key, _)| key.resource.qualified() == resource.qualified());
        of_type.filter(move |(key, _)| namespace.is_empty() || key.namespace == namespace).map(|(_, object)| object)
    }

    /// What happened after a version.
    ///
    /// # Errors
    /// That part of the history is forgotten.
    pub fn since(&self, version: u64) -> Result<impl Iterator<Item = &Change>, Problem> {
        if version < self.compacted {
            return Err(Problem::expired(version, self.compacted));
        }
        Ok(self.history.range((Bound::Excluded(version), Bound::Unbounded)).map(|(_, change)| change))
    }

    /// Forgets the history: whoever watches from an older version has to list anew.
    pub fn compact(&mut self) {
        self.compacted = self.version;
        self.history.clear();
    }

    /// Makes an object.
    pub fn create(&mut self, key: &Key, mut object: Value, now: Timestamp) -> Result<Value, Problem> {
        self.require_namespace(key)?;
        if self.objects.contains_key(key) {
            return Err(Problem::already_exists(key));
        }
        let Some(resource) = object.as_object_mut() else { return Err(Problem::invalid(key, "it is no object")) };
        if key.resource.custom {
            resource.remove("status");
        }
        object["apiVersion"] = key.resource.api_version().into();
        object["kind"] = key.resource.kind.into();
        self.uids += 1;
        let meta = &mut object["metadata"];
        meta["name"] = key.name.clone().into();
        if key.resource.namespaced {
            meta["namespace"] = key.namespace.clone().into();
        }
        meta["uid"] = format!("00000000-0000-4000-8000-{:012x}", self.uids).into();
        meta["creationTimestamp"] = seconds(now).into();
        if key.resource.custom {
            meta["generation"] = 1.into();
        }
        for server_set in ["resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"] {
            remove(meta, server_set);
        }
        if key.resource.qualified() == NAMESPACES.qualified() {
            object["spec"] = json!({"finalizers": ["kubernetes"]});
            object["status"] = json!({"phase": "Active"});
        }
        key.resource.set_defaults(&mut object);
        Ok(self.put(Happened::Added, key, object))
    }

    /// Replaces the given part of an object by that of `next`.
    pub fn update(&mut self, key: &Key, part: Part, next: Value) -> Result<Value, Problem> {
        let stands = self.get(key)?.clone();
        check_version(key, &stands, &next, key.resource.custom)?;
        let mut object = merge_parts(key, part, &stands, next);
        check_finalizers(key, &stands, &object)?;
        if key.resource.custom && part == Part::Main && content(&stands) != content(&object) {
            object["metadata"]["generation"] = (generation(&stands) + 1).into();
        }
        key.resource.set_defaults(&mut object);
        Ok(self.finish(key, &stands, object))
    }

    /// Patches an object by `patch`, which gets the object as it is.
    pub fn patch(
        &mut self,
        key: &Key,
        part: Part,
        patch: impl FnOnce(&mut Value) -> Result<(), Problem>,
    ) -> Result<Value, Problem> {
        let stands = self.get(key)?.clone();
        let mut next = stands.clone();
        patch(&mut next)?;
        check_version(key, &stands, &next, false)?;
        next["metadata"]["resourceVersion"] = stands["metadata"]["resourceVersion"].clone();
        self.update(key, part, next)
    }

    /// Deletes an object, or marks it while finalizers hold it. The object as it is afterwards if it still stands.
    pub fn delete(&mut self, key: &Key, now: Timestamp) -> Result<Deletion, Problem> {
        let stands = self.get(key)?.clone();
        if key.resource.qualified() == NAMESPACES.qualified() {
            return Ok(self.delete_namespace(key, stands, now));
        }
        if finalizers(&stands).is_empty() {
            self.remove(key);
            return Ok(Deletion::Done(stands));
        }
        if is_deleting(&stands) {
            return Ok(Deletion::Waits(stands));
        }
        let mut object = stands;
        mark(&mut object, now);
        Ok(Deletion::Waits(self.put(Happened::Modified, key, object)))
    }

    /// Objects in a namespace are deleted with it, and those that finalizers hold keep it.
    fn delete_namespace(&mut self, key: &Key, stands: Value, now: Timestamp) -> Deletion {
        if !is_deleting(&stands) {
            let mut object = stands;
            mark(&mut object, now);
            object["status"]["phase"] = "Terminating".into();
            self.put(Happened::Modified, key, object);
            let inside: Vec<Key> = self.objects.keys().filter(|one| one.namespace == key.name).cloned().collect();
            for one in inside {
                // what went meanwhile with another needs no deletion
                self.delete(&one, now).ok();
            }
        }
        self.settle_namespaces();
        match self.get(key) {
            Ok(object) => Deletion::Waits(object.clone()),
            Err(_) => Deletion::Done(Value::Null),
        }
    }

    /// A namespace that is being deleted goes with the last object in it.
    fn settle_namespaces(&mut self) {
        let terminating =
            self.list(&NAMESPACES, "").filter(|one| is_deleting(one)).map(|one| Key::new(&NAMESPACES, "", name(one)));
        let empty = |namespace: &Key| !self.objects.keys().any(|one| one.namespace == namespace.name);
        let done: Vec<Key> = terminating.filter(empty).collect();
        for namespace in done {
            self.take_out(&namespace);
        }
    }

    fn require_namespace(&self, key: &Key) -> Result<(), Problem> {
        if !key.resource.namespaced {
            return Ok(());
        }
        let namespace = self.get(&Key::new(&NAMESPACES, "", &key.namespace))?;
        if is_deleting(namespace) { Err(Problem::terminating(key)) } else { Ok(()) }
    }

    /// Stores a changed object. Without a change nothing is written; without the last finalizer a marked object goes.
    fn finish(&mut self, key: &Key, stands: &Value, object: Value) -> Value {
        if *stands == object {
            return object;
        }
        if is_deleting(&object) && finalizers(&object).is_empty() {
            self.remove(key);
            return object;
        }
        self.put(Happened::Modified, key, object)
    }

    fn put(&mut self, happened: Happened, key: &Key, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.objects.insert(key.clone(), object.clone());
        self.note(happened, key, object.clone());
        object
    }

    fn remove(&mut self, key: &Key) {
        self.take_out(key);
        self.settle_namespaces();
    }

    fn take_out(&mut self, key: &Key) {
        if let Some(mut object) = self.objects.remove(key) {
            self.version += 1;
            object["metadata"]["resourceVersion"] = self.version.to_string().into();
            self.note(Happened::Deleted, key, object);
        }
    }

    fn note(&mut self, happened: Happened, key: &Key, object: Value) {
        let change = Change { version: self.version, happened, key: key.clone(), object };
        self.history.insert(self.version, change);
    }
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq)]
pub enum Deletion {
    /// The object is gone; this is what it was.
    Done(Value),
    /// Finalizers hold it.
    Waits(Value),
}

/// The part of `next` that the write may change, over what stands. Name, uid and the server's own marks stay.
fn merge_parts(key: &Key, part: Part, stands: &Value, next: Value) -> Value {
    let mut object = match part {
        Part::Status => {
            let mut object = stands.clone();
            object["status"] = next["status"].clone();
            return object;
        }
        Part::Main => next,
    };
    if key.resource.custom {
        object["status"] = stands["status"].clone();
    }
    for fixed in ["apiVersion", "kind"] {
        object[fixed] = stands[fixed].clone();
    }
    for fixed in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
    ] {
        match stands["metadata"].get(fixed) {
            Some(value) => object["metadata"][fixed] = value.clone(),
            None => remove(&mut object["metadata"], fixed),
        }
    }
    if let Some(meta) = object["metadata"].as_object_mut() {
        meta.retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
    }
    object
}

fn check_version(key: &Key, stands: &Value, next: &Value, required: bool) -> Result<(), Problem> {
    let uid = &next["metadata"]["uid"];
    if uid.is_string() && *uid != stands["metadata"]["uid"] {
        return Err(Problem::conflict(key));
    }
    match next["metadata"]["resourceVersion"].as_str().filter(|version| !version.is_empty()) {
        Some(version) if stands["metadata"]["resourceVersion"] != version => Err(Problem::conflict(key)),
        None if required => {
            Err(Problem::invalid(key, "metadata.resourceVersion: Invalid value: 0: must be specified for an update"))
        }
        _ => Ok(()),
    }
}

fn check_finalizers(key: &Key, stands: &Value, object: &Value) -> Result<(), Problem> {
    let before = finalizers(stands);
    let fresh = finalizers(object).into_iter().any(|one| !before.contains(&one));
    if fresh && is_deleting(stands) {
        return Err(Problem::invalid(
            key,
            "metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted",
        ));
    }
    Ok(())
}

/// All of an object but metadata and status.
fn content(object: &Value) -> Value {
    let mut content = object.clone();
    for part in ["metadata", "status", "apiVersion", "kind"] {
        remove(&mut content, part);
    }
    content
}

fn mark(object: &mut Value, now: Timestamp) {
    let next = generation(object) + 1;
    let meta = &mut object["metadata"];
    meta["deletionTimestamp"] = seconds(now).into();
    meta["deletionGracePeriodSeconds"] = 0.into();
    if meta.get("generation").is_some() {
        meta["generation"] = next.into();
    }
}

/// Whether an object carries a deletion timestamp.
pub fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// `metadata.finalizers`.
pub fn finalizers(object: &Value) -> Vec<&str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// `metadata.name`.
pub fn name(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

fn generation(object: &Value) -> i64 {
    object["metadata"]["generation"].as_i64().unwrap_or_default()
}

fn remove(object: &mut Value, member: &str) {
    if let Some(members) = object.as_object_mut() {
        members.remove(member);
    }
}

/// A time as metadata shows it, without a fraction.
fn seconds(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
