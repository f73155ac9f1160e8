//! Edits by hand through the admin interface, as a person in the portal would make them.

use serde_json::Value;

use super::deployment;
use super::state::{Service, State};
use crate::admin::Edit;
use crate::store;
use crate::world::World;

/// Edits a service (`{WS}/services/{name}`) or a model (`{WS}/models/{name:version}`) at once, without permission
/// checks. None if the id names neither.
pub fn edit(world: &mut World, id: &str, edit: Edit) -> Option<Result<(), String>> {
    let (parent, name) = id.trim_end_matches('/').rsplit_once('/')?;
    let (workspace, kind) = parent.rsplit_once('/')?;
    if !workspace.to_ascii_lowercase().contains("/providers/microsoft.machinelearningservices/workspaces/") {
        return None;
    }
    match kind.to_ascii_lowercase().as_str() {
        "services" => Some(service(world, workspace, name, edit)),
        "models" => Some(model(world, workspace, name, edit)),
        _ => None,
    }
}

/// Removes a workspace with its content; addresses are free again.
pub fn workspace_removed(world: &mut World, workspace: &str) {
    let state = world.machine_learning.workspace(workspace);
    let names: Vec<_> = state.into_iter().flat_map(|w| w.services.keys().cloned()).collect();
    for name in names {
        deployment::remove(world, workspace, &name);
    }
    world.machine_learning.remove_workspace(workspace);
}

fn service(world: &mut World, workspace: &str, name: &str, edit: Edit) -> Result<(), String> {
    let standing = world.machine_learning.service_mut(workspace, name);
    let service = standing.ok_or_else(|| format!("there is no service {name} in {}", store::key(workspace)))?;
    match edit {
        Edit::Put(_) => Err("a service can be patched or deleted here; create it through its own interface".into()),
        Edit::Patch(patch) => {
            let mut copy = service.clone();
            for (member, value) in patch.as_object().into_iter().flatten() {
                change(&mut copy, member, value)?;
            }
            *service = copy;
            Ok(())
        }
        Edit::Delete => {
            deployment::remove(world, workspace, name);
            Ok(())
        }
    }
}

fn change(service: &mut Service, member: &str, value: &Value) -> Result<(), String> {
    match (member, value) {
        ("description", value) => service.description = value.clone(),
        ("kvTags" | "properties", Value::Object(patch)) => {
            let map = if member == "kvTags" { &mut service.tags } else { &mut service.properties };
            for (key, value) in patch {
                if value.is_null() {
                    map.shift_remove(key);
                } else {
                    map.insert(key.clone(), value.clone());
                }
            }
        }
        ("authEnabled", Value::Bool(enabled)) => {
            service.auth_enabled = *enabled;
            service.container.iter_mut().for_each(|container| container.made.auth_enabled = *enabled);
        }
        ("appInsightsEnabled", Value::Bool(enabled)) => service.app_insights = *enabled,
        ("state", Value::String(state)) => service.state = named(state)?,
        ("containerResourceRequirements", Value::Object(resources)) => {
            let number = |name: &str, old: f64| resources.get(name).and_then(Value::as_f64).unwrap_or(old);
            (service.cpu, service.memory_gb) = (number("cpu", service.cpu), number("memoryInGB", service.memory_gb));
        }
        _ => return Err(format!("member {member:?} with value {value} can't be edited by hand")),
    }
    Ok(())
}

fn named(state: &str) -> Result<State, String> {
    [State::Transitioning, State::Healthy, State::Unhealthy, State::Failed]
        .into_iter()
        .find(|known| known.as_str() == state)
        .ok_or_else(|| format!("state {state:?} is none of Transitioning, Healthy, Unhealthy, Failed"))
}

fn model(world: &mut World, workspace: &str, id: &str, edit: Edit) -> Result<(), String> {
    let models = &mut world.machine_learning.workspace_mut(workspace).models;
    let model = models.get_mut(id).ok_or_else(|| format!("there is no model {id} in {}", store::key(workspace)))?;
    match edit {
        Edit::Put(_) => Err("a model can be patched or deleted here; register it through its own interface".into()),
        Edit::Patch(patch) => {
            for (member, value) in patch.as_object().into_iter().flatten() {
                super::set(model, member, value.clone());
            }
            Ok(())
        }
        Edit::Delete => {
            models.shift_remove(id);
            Ok(())
        }
    }
}
