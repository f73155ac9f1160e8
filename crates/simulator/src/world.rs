//! Everything the simulated Azure knows, behind one lock.

use crate::arm::rate::Buckets;
use crate::authorization::{Asked, CustomRole, RoleAssignment};
use crate::blob::Blobs;
use crate::clock::after;
use crate::container_instances::ContainerInstances;
use crate::containers::Containers;
use crate::error::{Refusal, Response, set_header};
use crate::faults::Faults;
use crate::identity::{Directory, Secret};
use crate::ids::Ids;
use crate::locks::Locks;
use crate::machine_learning::MachineLearning;
use crate::network::Network;
use crate::operations::Operations;
use crate::recording::Recording;
use crate::request_log::RequestLog;
use crate::settings::Settings;
use crate::store::{Resource, Store};
use crate::tags::Tags;
use crate::windows::Windows;
use http::StatusCode;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::time::Duration;

/// An event that happens by itself at its time.
type Event = Box<dyn FnOnce(&mut World) + Send>;

/// A subscription.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// GUID.
    pub id: String,
    /// GUID of the tenant it belongs to.
    pub tenant: String,
    /// Name shown to people.
    pub display_name: String,
    /// Tags.
    pub tags: Tags,
}

/// The whole state. Handlers are plain functions on `&mut World` that never wait.
pub struct World {
    /// `https://HOST[:PORT]`, without a slash at the end.
    pub base_url: String,
    /// Suffix of storage accounts' hosts, `HOST[:PORT]`; by default the same host.
    pub blob_suffix: String,
    /// Instant of the request (or of the event) that is being carried out.
    pub now: Timestamp,
    /// Factor on every duration that Azure needs.
    pub time_scale: f64,
    /// Most entries of one page of a list.
    pub page_size: usize,
    /// Source of every guid, etag and signature.
    pub ids: Ids,
    /// Subscriptions by lower-case GUID.
    pub subscriptions: BTreeMap<String, Subscription>,
    /// Resource groups, networks, workspaces.
    pub resources: Store,
    /// Asynchronous operations of Resource Manager.
    pub operations: Operations,
    /// Tenants, applications and the key that signs tokens.
    pub directory: Directory,
    /// Who may do what.
    pub roles: Vec<RoleAssignment>,
    /// Custom roles, by lower-case id of their definitions.
    pub custom_roles: BTreeMap<String, CustomRole>,
    /// The rights that callers used or were refused.
    pub asked: Asked,
    /// Management locks.
    pub locks: Locks,
    /// Settings that can be changed at run time.
    pub settings: Settings,
    /// Resource Manager's rate limits.
    pub buckets: Buckets,
    /// Resource providers' rate limits.
    pub windows: Windows,
    /// Scripted faults.
    pub faults: Faults,
    /// The request log.
    pub log: RequestLog,
    /// Complete requests, while recording is on.
    pub recording: Recording,
    /// Addresses and links of subnets.
    pub network: Network,
    /// The Azure ML data plane.
    pub machine_learning: MachineLearning,
    /// How containers of Azure ML services behave.
    pub containers: Containers,
    /// Container groups.
    pub container_instances: ContainerInstances,
    /// Blob storage.
    pub blobs: Blobs,
    events: BTreeMap<(Timestamp, u64), Event>,
    scheduled: u64,
}

/// The parameters of a new [`World`].
pub struct Beginning {
    /// See [`World::base_url`].
    pub base_url: String,
    /// See [`World::time_scale`].
    pub time_scale: f64,
    /// See [`World::page_size`].
    pub page_size: usize,
    /// First instant.
    pub now: Timestamp,
    /// Seed of all ids.
    pub seed: u64,
    /// Tenants, applications, signing key.
    pub directory: Directory,
}

impl World {
    /// A world that holds only the directory.
    pub fn new(beginning: Beginning) -> Self {
        let mut ids = Ids::new(beginning.seed);
        let mut directory = beginning.directory;
        directory.identity_header = Secret::new(ids.hex("identity header", 32));
        Self {
            operations: Operations::new(&mut ids),
            blob_suffix: beginning.base_url.trim_start_matches("https://").to_owned(),
            base_url: beginning.base_url,
            now: beginning.now,
            time_scale: beginning.time_scale,
            page_size: beginning.page_size,
            ids,
            subscriptions: BTreeMap::new(),
            resources: Store::default(),
            directory,
            roles: Vec::new(),
            custom_roles: BTreeMap::new(),
            asked: Asked::default(),
            locks: Locks::default(),
            settings: Settings::default(),
            buckets: Buckets::default(),
            windows: Windows::default(),
            faults: Faults::default(),
            log: RequestLog::default(),
            recording: Recording::default(),
            network: Network::default(),
            machine_learning: MachineLearning::default(),
            containers: Containers::default(),
            container_instances: ContainerInstances::default(),
            blobs: Blobs::default(),
            events: BTreeMap::new(),
            scheduled: 0,
        }
    }

    /// Carries out everything that is due, in order of time, then moves to `now`. Time never runs backwards.
    pub fn advance(&mut self, now: Timestamp) {
        while let Some(entry) = self.events.first_entry() {
            let (due, _) = *entry.key();
            if due > now {
                break;
            }
            let event = entry.remove();
            self.now = self.now.max(due);
            event(self);
        }
        self.now = self.now.max(now);
    }

    /// Schedules `event` after `delay` (already scaled, see [`World::scaled`]).
    pub fn schedule(&mut self, delay: Duration, event: impl FnOnce(&mut World) + Send + 'static) {
        self.scheduled += 1;
        self.events.insert((after(self.now, delay), self.scheduled), Box::new(event));
    }

    /// The duration here of what takes `seconds` in Azure.
    pub fn scaled(&self, seconds: f64) -> Duration {
        Duration::try_from_secs_f64(seconds * self.time_scale).unwrap_or_default()
    }

    /// The duration here of the named work, which by default takes `usual` seconds in Azure.
    pub fn duration_of(&self, work: &str, usual: f64) -> Duration {
        self.scaled(self.settings.seconds(work, usual))
    }

    /// Puts `Retry-After` on an answer about an operation, unless that is switched off.
    pub fn ask_to_wait(&self, response: &mut Response, seconds: f64) {
        if self.settings.retry_after {
            set_header(response, "retry-after", &self.retry_after(seconds).to_string());
        }
    }

    /// `Retry-After` for `seconds` in Azure: scaled, a whole number, at least 1 (clients take 0 as absent).
    pub fn retry_after(&self, seconds: f64) -> u64 {
        self.scaled(seconds).as_secs_f64().round().max(1.0) as u64
    }

    /// The resource of this type with this id, ignoring case.
    pub fn resource(&self, id: &str, kind: &str) -> Option<&Resource> {
        self.resources.get(id).filter(|resource| resource.kind.eq_ignore_ascii_case(kind))
    }

    /// The Azure ML workspace with this id.
    ///
    /// # Errors
    /// `404 ResourceGroupNotFound` or `ResourceNotFound`, as Resource Manager words them.
    pub fn workspace(&self, id: &str) -> Result<&Resource, Refusal> {
        self.find(id, crate::arm::workspaces::KIND)
    }

    /// The resource with this id and type.
    ///
    /// # Errors
    /// `404 ResourceGroupNotFound` where the group is missing, else `404 ResourceNotFound`.
    pub fn find(&self, id: &str, kind: &'static str) -> Result<&Resource, Refusal> {
        self.existing_group(id)?;
        self.resource(id, kind).ok_or_else(|| not_found(id, kind))
    }

    /// The resource group that `id` names or lies in.
    ///
    /// # Errors
    /// `404 ResourceGroupNotFound`.
    pub fn existing_group(&self, id: &str) -> Result<&Resource, Refusal> {
        let group = crate::store::group_of(id).unwrap_or_default();
        self.resources.get(&group).ok_or_else(|| {
            let name = group.rsplit('/').next().unwrap_or_default();
            let message = format!("Resource group '{name}' could not be found.");
            Refusal::gateway(StatusCode::NOT_FOUND, "ResourceGroupNotFound", message)
        })
    }
}

/// `404 ResourceNotFound` for a resource in an existing group.
pub fn not_found(id: &str, kind: &str) -> Refusal {
    let group = crate::store::group_of(id).unwrap_or_default();
    let group = group.rsplit('/').next().unwrap_or_default();
    let name = relative_name(id);
    let message = format!(
        "The Resource '{kind}/{name}' under resource group '{group}' was not found. For more details please go to \
         https://aka.ms/ARMResourceNotFoundFix"
    );
    Refusal::gateway(StatusCode::NOT_FOUND, "ResourceNotFound", message)
}

/// The names of a nested resource joined by slashes, `v/s` for a subnet.
pub(crate) fn relative_name(id: &str) -> String {
    let mut parts = id.split('/').skip_while(|part| !part.eq_ignore_ascii_case("providers")).skip(3);
    let mut names: Vec<&str> = Vec::new();
    while let Some(name) = parts.next() {
        names.push(name);
        parts.next();
    }
    names.join("/")
}
