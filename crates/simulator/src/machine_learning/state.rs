//! The data plane's state: the artifacts, assets, models, services, operations, images and environments of each workspace.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::environment_builds::EnvironmentBuild;
use crate::faults::ScriptedEnding;
use crate::identity::Secret;
use crate::run::{Runs, Settings};
use crate::store;

/// The Azure ML data plane of all workspaces.
#[derive(Debug, Default)]
pub struct MachineLearning {
    /// True if containers really run and the runner reports their state; false if scripts and the clock decide it.
    pub(crate) real: bool,
    workspaces: BTreeMap<String, Workspace>,
}

/// What one workspace holds.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    /// Resource id, in the case in which it was first used.
    pub id: String,
    /// By artifact id `{origin}/{container}/{path}`.
    pub artifacts: BTreeMap<String, Value>,
    /// By id, in order of creation.
    pub assets: Map<String, Value>,
    /// By `name:version`, in order of registration.
    pub models: Map<String, Value>,
    /// Highest version that a name ever had.
    pub model_versions: BTreeMap<String, u64>,
    /// By name.
    pub services: BTreeMap<String, Service>,
    /// By id.
    pub operations: BTreeMap<String, Operation>,
    /// Images in the workspace's registry, by content of the environment.
    pub images: BTreeMap<String, Image>,
    /// Registered environments: all versions of each name.
    pub environments: BTreeMap<String, Vec<Value>>,
    /// Version of an environment by its name and label.
    pub environment_labels: BTreeMap<(String, String), String>,
    /// By id.
    pub environment_builds: BTreeMap<String, EnvironmentBuild>,
}

/// A built image.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    /// Name of the environment that it was first built for.
    pub environment: String,
    pub built: Timestamp,
}

/// A web service on Azure Container Instances.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    pub name: String,
    pub description: Value,
    pub tags: Map<String, Value>,
    pub properties: Map<String, Value>,
    pub created: Timestamp,
    pub updated: Option<Timestamp>,
    pub created_by: Value,
    pub state: State,
    pub error: Option<Value>,
    pub operation_id: String,
    /// `environmentImageRequest` as it was sent.
    pub image_request: Value,
    pub cpu: f64,
    pub memory_gb: f64,
    pub location: String,
    pub auth_enabled: bool,
    pub app_insights: bool,
    pub ssl: Ssl,
    pub keys: Keys,
    /// Members that are only kept and answered: `dataCollection`, `encryptionProperties`.
    pub kept: Map<String, Value>,
    pub dns_label: Option<String>,
    pub network: Option<Attachment>,
    /// The container group, once one was submitted.
    pub container: Option<Container>,
}

/// TLS of the front-end container.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ssl {
    pub enabled: bool,
    pub certificate: Value,
    /// The private key, which is never shown again.
    pub key: Option<Secret>,
    pub cname: Value,
}

/// Authentication keys.
#[derive(Clone)]
pub(crate) struct Keys {
    pub primary: String,
    pub secondary: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(…)")
    }
}

/// `vnetConfiguration` and what it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub vnet: String,
    pub subnet: String,
    /// Full id of the subnet, in the workspace's resource group.
    pub subnet_id: String,
}

/// The container group behind a service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Container {
    /// The operation that created it: a new one replaces what runs.
    pub revision: String,
    /// Key of its image.
    pub image: String,
    /// What it was created from; the service's own request may already be newer.
    pub image_request: Value,
    /// Address in the subnet, or the public one.
    pub address: Ipv4Addr,
    /// Whether the group ever answered: only then its address is shown.
    pub up: bool,
    /// Whether its container answers now.
    pub serving: bool,
    /// Its settings; the service's own may already differ.
    pub made: Made,
    /// How its container has ended so far, where it really runs.
    pub runs: Runs,
}

/// The settings of a service that only a new deployment changes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Made {
    pub auth_enabled: bool,
    pub ssl: Ssl,
    pub memory_gb: f64,
}

impl Service {
    /// The settings for a container group now.
    pub fn made(&self) -> Made {
        Made { auth_enabled: self.auth_enabled, ssl: self.ssl.clone(), memory_gb: self.memory_gb }
    }

    /// The front end of its container: as the group was created, with today's keys.
    pub fn front(&self, made: &Made) -> Settings {
        let keys = [&self.keys.primary, &self.keys.secondary].map(Secret::new);
        let certificate = made.ssl.certificate.as_str().filter(|_| made.ssl.enabled);
        let tls = certificate.zip(made.ssl.key.clone()).map(|(certificate, key)| (certificate.to_owned(), key));
        Settings { keys: made.auth_enabled.then_some(keys), tls }
    }
}

/// States of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Transitioning,
    Healthy,
    Unhealthy,
    Failed,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Transitioning => "Transitioning",
            Self::Healthy => "Healthy",
            Self::Unhealthy => "Unhealthy",
            Self::Failed => "Failed",
        }
    }
}

/// An asynchronous operation.
#[derive(Debug)]
pub(crate) struct Operation {
    pub id: String,
    pub parent_request: String,
    pub service: String,
    pub created: Timestamp,
    pub ended: Option<Timestamp>,
    pub state: &'static str,
    pub stage: Stage,
    pub stage_state: &'static str,
    /// Entries `yyyyMMddHHmmss|message#`.
    pub log: String,
    /// Name of the blob with the build log.
    pub build_log: Option<String>,
    pub error: Option<Value>,
    /// How it is to end, by script.
    pub scripted: Option<ScriptedEnding>,
}

/// The step of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    BuildEnvironment,
    DeployService,
    /// A single step, such as key regeneration or deletion.
    Whole,
}

impl MachineLearning {
    /// A workspace's content; none if nothing was ever added.
    pub(crate) fn workspace(&self, id: &str) -> Option<&Workspace> {
        self.workspaces.get(&store::key(id))
    }

    /// As [`MachineLearning::workspace`], created at the first use.
    pub(crate) fn workspace_mut(&mut self, id: &str) -> &mut Workspace {
        self.workspaces
            .entry(store::key(id))
            .or_insert_with(|| Workspace { id: id.trim_end_matches('/').to_owned(), ..Workspace::default() })
    }

    /// All workspaces in order of id.
    pub(crate) fn workspaces(&self) -> impl Iterator<Item = &Workspace> {
        self.workspaces.values()
    }

    /// The number of a subscription's container groups in a region.
    pub(crate) fn container_groups(&self, subscription: &str, region: &str) -> usize {
        let here = |one: &&Workspace| store::subscription_of(&one.id).eq_ignore_ascii_case(subscription);
        let workspaces = self.workspaces.values().filter(here);
        let services = workspaces.flat_map(|one| one.services.values());
        services.filter(|one| one.container.is_some() && one.location == region).count()
    }

    /// Forgets a workspace.
    pub(crate) fn remove_workspace(&mut self, id: &str) -> Option<Workspace> {
        self.workspaces.remove(&store::key(id))
    }

    /// A service of a workspace.
    pub(crate) fn service(&self, workspace: &str, name: &str) -> Option<&Service> {
        self.workspace(workspace)?.services.get(name)
    }

    /// As [`MachineLearning::service`], to be changed.
    pub(crate) fn service_mut(&mut self, workspace: &str, name: &str) -> Option<&mut Service> {
        self.workspaces.get_mut(&store::key(workspace))?.services.get_mut(name)
    }

    /// An operation of a workspace.
    pub(crate) fn operation_mut(&mut self, workspace: &str, id: &str) -> Option<&mut Operation> {
        self.workspaces.get_mut(&store::key(workspace))?.operations.get_mut(id)
    }
}

impl Workspace {
    /// Whether an operation on this service has not ended.
    pub fn busy(&self, service: &str) -> bool {
        self.operations.values().any(|operation| operation.service == service && operation.ended.is_none())
    }
}
