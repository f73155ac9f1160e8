//! Edits like a person's in the portal: resources are put, patched and deleted at once, without permission checks.

use super::Edit;
use crate::arm::{computes, groups, workspaces};
use crate::call::Path;
use crate::container_instances;
use crate::machine_learning;
use crate::managed_identity;
use crate::network::private_dns::{self, NEWEST};
use crate::network::tracked::{self, Kind};
use crate::network::{addresses, peerings, subnet_body, subnets, virtual_networks};
use crate::store::{Resource, parent_of};
use crate::tags::Tags;
use crate::world::World;
use serde_json::{Map, Value};

/// The body that GET would answer, for any type.
pub(super) fn body(world: &World, resource: &Resource) -> Value {
    match resource.kind {
        virtual_networks::KIND => virtual_networks::body(world, resource),
        subnets::KIND => {
            let network = world.resources.get(parent_of(&resource.id).unwrap_or_default());
            subnet_body::body(world, resource, network.map_or("", |network| &network.etag))
        }
        workspaces::KIND => workspaces::body(resource),
        computes::KIND => computes::body(world, resource),
        container_instances::KIND => container_instances::shown_body(world, resource),
        peerings::KIND => peerings::body(world, resource),
        managed_identity::KIND => managed_identity::body(resource),
        private_dns::ZONE => private_dns::zone_body(world, resource, NEWEST),
        private_dns::LINK => private_dns::link_body(resource, NEWEST),
        _ if private_dns::is_record(resource) => private_dns::record_body(resource),
        other => Kind::of(other).map_or_else(|| groups::body(resource), |kind| tracked::body(world, kind, resource)),
    }
}

/// Carries out an edit. The resource exists, unless it is put.
pub(super) fn edit(world: &mut World, id: &str, edit: Edit) -> Result<(), String> {
    match edit {
        Edit::Put(document) => put(world, id, &document),
        Edit::Patch(patch) => {
            let mut document = world.resources.get(id).map(|found| body(world, found)).unwrap_or_default();
            merge(&mut document, patch);
            put(world, id, &document)
        }
        Edit::Delete => {
            delete(world, id);
            Ok(())
        }
    }
}

fn put(world: &mut World, id: &str, document: &Value) -> Result<(), String> {
    let path = Path::parse(id);
    let id = world.resources.get(id).map_or_else(|| id.to_owned(), |there| there.id.clone());
    match path.segments().as_slice() {
        ["subscriptions", subscription, "resourcegroups", name] => {
            let location = document.get("location").and_then(Value::as_str).ok_or("a group needs \"location\"")?;
            groups::stand(world, subscription, name, location);
            set_common(world, &id, document);
            Ok(())
        }
        [.., "microsoft.network", "virtualnetworks", _] => virtual_networks::overwrite(world, &id, document),
        [.., "microsoft.network", "virtualnetworks", _, "subnets", _] => subnets::overwrite(world, &id, document),
        [.., "microsoft.machinelearningservices", "workspaces", _] => workspace(world, &id, document),
        [.., "microsoft.machinelearningservices", "workspaces", _, "computes", _] => {
            computes::overwrite(world, &id, document)
        }
        [.., namespace, collection, _] => match Kind::of(&format!("{namespace}/{collection}")) {
            Some(kind) => tracked::overwrite(world, kind, &id, document),
            None => Err(format!("{id} is of a type that can't be edited here")),
        },
        _ => Err(format!("{id} is not the id of a resource")),
    }
}

fn set_common(world: &mut World, id: &str, document: &Value) {
    if let Some(resource) = world.resources.get_mut(id) {
        resource.tags = Tags::unchecked(document);
        if let Some(location) = document.get("location").and_then(Value::as_str) {
            resource.location = Some(location.to_owned());
        }
    }
}

fn workspace(world: &mut World, id: &str, document: &Value) -> Result<(), String> {
    let properties = document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    let found = world.resources.get_mut(id).ok_or("create a workspace with PUT /simulator/seed")?;
    found.properties = properties;
    if let Some(state) =
        found.properties.remove("provisioningState").and_then(|state| state.as_str().map(str::to_owned))
    {
        found.state = state;
    }
    set_common(world, id, document);
    Ok(())
}

/// Removes a resource and everything in it.
fn delete(world: &mut World, id: &str) {
    let network = parent_of(id).map(str::to_owned);
    for resource in world.resources.remove_tree(id) {
        match resource.kind {
            workspaces::KIND => machine_learning::workspace_removed(world, &resource.id),
            subnets::KIND => addresses::forget(world, &resource.id),
            container_instances::KIND => container_instances::removed(world, &resource),
            computes::KIND => computes::removed(world, &resource),
            managed_identity::KIND => managed_identity::removed(world, &resource),
            _ => {}
        }
    }
    virtual_networks::touch(world, &network.unwrap_or_default());
}

/// JSON merge patch (RFC 7396).
fn merge(target: &mut Value, patch: Value) {
    let Value::Object(patch) = patch else {
        *target = patch;
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(object) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            object.remove(&name);
        } else {
            merge(object.entry(name).or_insert(Value::Null), value);
        }
    }
}
