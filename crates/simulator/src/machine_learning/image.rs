//! What a runner needs to know: the images to build, and the container groups that should run, with their files.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::state::{Container, Service, Stage, Workspace};
use super::{artifacts, assets, deployment, environment_builds, models, request};
use crate::run::{Content, File, Group, Place};
use crate::world::World;

/// Members of an environment definition that make its image; name, version and variables do not.
const INGREDIENTS: &[&str] = &["docker", "inferencingStackVersion", "python", "r", "spark"];

/// What a runner should do and report on.
#[derive(Debug, Default)]
pub(crate) struct Pending {
    /// Images to build.
    pub builds: Vec<Build>,
    /// Every group that should run.
    pub groups: Vec<Arc<Group>>,
    /// Groups to ask after.
    pub watched: Vec<Watched>,
}

/// An image that an operation waits for.
#[derive(Debug)]
pub(crate) struct Build {
    /// Workspace id.
    pub workspace: String,
    /// Id of the operation, or of the build of an environment.
    pub operation: String,
    /// Key of the image.
    pub key: String,
    /// Definition of the environment.
    pub environment: Value,
}

/// A container group to ask after.
#[derive(Debug)]
pub(crate) struct Watched {
    /// Id of the group.
    pub group: String,
    /// Workspace id.
    pub workspace: String,
    /// Name of the service.
    pub service: String,
    /// The operation that waits for it; none when it is up already.
    pub operation: Option<String>,
}

/// Key of an image: equal definitions have one image.
pub(crate) fn key(environment: &Value) -> String {
    let parts: Vec<_> =
        INGREDIENTS.iter().map(|member| sorted(environment.get(*member).unwrap_or(&Value::Null)).to_string()).collect();
    Sha256::digest(parts.join("\n")).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

/// With the members of every object in one order.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let ordered: BTreeMap<_, _> = map.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            Value::Object(ordered.into_iter().collect())
        }
        Value::Array(items) => items.iter().map(sorted).collect(),
        other => other.clone(),
    }
}

/// Everything that a runner has to do or to look at.
pub(crate) fn pending(world: &World) -> Pending {
    let mut pending = Pending::default();
    for workspace in world.machine_learning.workspaces() {
        for service in workspace.services.values() {
            add(world, workspace, service, &mut pending);
        }
        pending.builds.extend(environment_builds::running(workspace).map(|build| Build {
            workspace: workspace.id.clone(),
            operation: build.id.clone(),
            key: key(&build.environment),
            environment: build.environment.clone(),
        }));
    }
    pending
}

fn add(world: &World, workspace: &Workspace, service: &Service, pending: &mut Pending) {
    let current = workspace.operations.get(&service.operation_id).filter(|operation| operation.ended.is_none());
    if let Some(operation) = current.filter(|operation| operation.stage == Stage::BuildEnvironment) {
        let environment = request::environment(world, &workspace.id, &service.image_request).unwrap_or_default();
        // Without a log, the image existed before the operation began.
        if operation.build_log.is_some() {
            let (workspace, operation, key) = (workspace.id.clone(), operation.id.clone(), key(&environment));
            pending.builds.push(Build { workspace, operation, key, environment });
        }
    }
    if let Some(container) = &service.container {
        let group = group(world, &workspace.id, service, container);
        let operation = current.filter(|operation| operation.stage == Stage::DeployService);
        pending.watched.push(Watched {
            group: group.id.clone(),
            workspace: workspace.id.clone(),
            service: service.name.clone(),
            operation: operation.map(|operation| operation.id.clone()),
        });
        pending.groups.push(Arc::new(group));
    }
}

fn group(world: &World, workspace: &str, service: &Service, container: &Container) -> Group {
    let asked = &container.image_request;
    let environment = request::environment(world, workspace, asked).unwrap_or_default();
    let variables = variables(&environment);
    let driver = asked.get("driverProgram").and_then(Value::as_str).map(str::to_owned);
    let script = variables.iter().find(|(name, _)| name == "AZUREML_ENTRY_SCRIPT").map(|(_, value)| value.clone());
    let mut files = scripts(world, workspace, asked);
    let mut roots = Vec::new();
    for id in request::model_ids(asked) {
        let root = format!("azureml-models/{}", id.replace(':', "/"));
        files.extend(model_files(world, workspace, &id, &root));
        roots.push(root);
    }
    // One model's own directory, else the directory that holds them all.
    let model_dir = match roots.as_slice() {
        [only] => only.clone(),
        _ => "azureml-models".to_owned(),
    };
    Group {
        id: deployment::group_id(workspace, &service.name),
        revision: container.revision.clone(),
        image: container.image.clone(),
        place: place(world, service, container),
        files,
        driver,
        script,
        model_dir,
        variables,
        front: service.front(&container.made),
        memory_gb: container.made.memory_gb,
    }
}

fn place(world: &World, service: &Service, container: &Container) -> Option<Place> {
    let network = crate::store::parent_of(&service.network.as_ref()?.subnet_id)?;
    crate::run::place(world, network, container.address)
}

fn variables(environment: &Value) -> Vec<(String, String)> {
    let map = environment.get("environmentVariables").and_then(Value::as_object).into_iter().flatten();
    map.filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect()
}

fn scripts(world: &World, workspace: &str, asked: &Value) -> Vec<File> {
    let unpacked = |id: &str| {
        let assets = asked.get("assets").and_then(Value::as_array).into_iter().flatten();
        let of_id = |asset: &&Value| asset.get("id").and_then(Value::as_str) == Some(id);
        assets.filter(of_id).any(|asset| asset.get("unpack").and_then(Value::as_bool).unwrap_or(false))
    };
    let file = |(id, url): (String, String)| {
        let content = content(world, workspace, url.strip_prefix("aml://artifact/")?)?;
        Some(File { unpack: unpacked(&id), path: id, content })
    };
    request::files(asked).into_iter().filter_map(file).collect()
}

/// The files of a model below its root: an artifact's path without origin and container.
fn model_files(world: &World, workspace: &str, id: &str, root: &str) -> Vec<File> {
    let url = models::find(world, workspace, id).and_then(|model| model.get("url")?.as_str());
    let asset = url.and_then(|url| url.strip_prefix("aml://asset/")).unwrap_or_default();
    let prefixes = assets::artifacts(world, workspace, asset).unwrap_or_default();
    let ids = prefixes.iter().flat_map(|prefix| artifacts::below(world, workspace, prefix));
    let file = |id: String| {
        let relative = id.splitn(3, '/').nth(2)?.to_owned();
        let content = content(world, workspace, &id)?;
        Some(File { path: format!("{root}/{relative}"), content, unpack: false })
    };
    ids.filter_map(file).collect()
}

fn content(world: &World, workspace: &str, artifact: &str) -> Option<Content> {
    let blob = artifacts::blob_of(world, workspace, artifact)?;
    Some(world.blobs.get(&blob)?.received.content.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_image_follows_from_the_ingredients_only() {
        let base = json!({"name": "a", "python": {"x": 1, "y": 2}, "environmentVariables": {"A": "1"}});
        let renamed = json!({"environmentVariables": {}, "python": {"y": 2, "x": 1}, "name": "b", "version": "3"});
        assert_eq!(key(&base), key(&renamed));
        assert_ne!(key(&base), key(&json!({"python": {"x": 1}})));
    }
}
