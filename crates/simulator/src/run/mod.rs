//! How a container really runs: not at all (`none`, scripted outcomes on the simulator's clock), or the uploaded model
//! and script under Microsoft's scoring server in a network namespace at its private address (`netns`).
//!
//! The simulator's state is authoritative: a runner is told what should run, and is asked what it sees while a request
//! is being answered. It keeps no timers.

mod builder;
mod conda;
mod drive;
pub mod environments;
mod filter;
mod front;
mod hosts;
mod match_spec;
mod memory;
mod namespace;
mod netns;
mod pip_lines;
mod process;
mod pythons;
mod rules;

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde_json::Value;

pub use drive::drive;
pub(crate) use drive::place;
pub use filter::{Access, Addresses, Filter, Hop, Rule};
pub use front::Settings;
pub(crate) use front::unauthorized;
pub use hosts::hosts;

/// Prefix of the names of machines that represent compute instances.
pub(crate) const COMPUTE_PREFIX: &str = "compute-";

/// How containers run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum RunnerKind {
    /// By script, on the simulator's clock.
    #[default]
    None,
    /// Really, in network namespaces.
    Netns,
}

/// What a runner needs.
#[derive(Debug, Clone)]
pub struct RunnerOptions {
    /// Socket of the environment builder; required for [`RunnerKind::Netns`].
    pub environments_socket: Option<PathBuf>,
    /// Directory of the simulator's files.
    pub state_dir: PathBuf,
}

/// Opens the runner of this kind.
///
/// # Errors
/// What is missing, and how to get it.
pub async fn open(kind: RunnerKind, options: RunnerOptions) -> Result<Arc<dyn Runner>, String> {
    match kind {
        RunnerKind::None => Ok(Arc::new(Scripted)),
        RunnerKind::Netns => {
            let socket = options.environments_socket.ok_or(
                "--runner netns needs --environments-socket: the socket of a running `acivnet-simulator environments`",
            )?;
            namespace::check().await?;
            // Containers have a working directory of their own.
            let groups = std::path::absolute(options.state_dir.join("groups")).map_err(|e| e.to_string())?;
            Ok(Arc::new(netns::Netns::new(groups, socket)))
        }
    }
}

/// Starts, stops and inspects container groups.
#[async_trait]
pub trait Runner: Send + Sync + 'static {
    /// True if outcomes are scripted and durations come from the clock; then nothing else is called.
    fn scripted(&self) -> bool;
    /// Begins to build the image `key` on the first call; later calls return its state.
    async fn build(&self, key: &str, environment: &Value) -> Build;
    /// Stops what is not in `groups` and starts what is missing. Groups are told apart by id and revision.
    async fn converge(&self, groups: &[Arc<Group>]);
    /// The state of the group with this id.
    async fn status(&self, id: &str) -> Status;
    /// How often the container of this group has ended, and how the last time.
    async fn runs(&self, id: &str) -> Runs;
    /// Sets the rules and routes of the subnets; a host in none of them is not restricted.
    async fn filter(&self, filters: &[Filter]);
    /// What the container wrote to stdout and stderr, the last `tail` lines.
    async fn logs(&self, id: &str, tail: usize) -> String;
    /// Adds a machine in a subnet, as a namespace of this name; with `forwards` it forwards packets.
    ///
    /// # Errors
    /// What the system refused, in its own words.
    async fn add_host(&self, name: &str, place: &Place, forwards: bool) -> Result<(), String>;
    /// Creates and removes machines that represent compute instances, so that there are exactly these.
    async fn keep_hosts(&self, hosts: &BTreeMap<String, Place>);
    /// Removes a machine; false if there is none of this name.
    async fn remove_host(&self, name: &str) -> bool;
    /// Ends everything that the runner started.
    async fn shutdown(&self);
}

/// An address in a virtual network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Resource id of the virtual network, in one case.
    pub network: String,
    /// The address given by the subnet.
    pub address: Ipv4Addr,
    /// The network's address prefix that contains the address.
    pub prefix: ipnet::Ipv4Net,
}

/// A container group: one scoring container.
#[derive(Debug, Clone)]
pub struct Group {
    /// Which service it belongs to, unique in the simulator.
    pub id: String,
    /// Changes with each deployment: an update replaces the running container.
    pub revision: String,
    /// Key of the image that it runs, as given to [`Runner::build`].
    pub image: String,
    /// Address in a virtual network; none for a public group.
    pub place: Option<Place>,
    /// The files below the application root.
    pub files: Vec<File>,
    /// The client's driver program, relative to the application root.
    pub driver: Option<String>,
    /// The scoring script (`AZUREML_ENTRY_SCRIPT`), relative to the application root.
    pub script: Option<String>,
    /// Directory with the models, relative to the application root.
    pub model_dir: String,
    /// Environment variables of the definition.
    pub variables: Vec<(String, String)>,
    /// The front end of the container. It may change while the container runs.
    pub front: Settings,
    /// Memory in GB (2^30 bytes; whether Azure counts so is not confirmed).
    pub memory_gb: f64,
}

/// A file of a container group.
#[derive(Debug, Clone)]
pub struct File {
    /// Relative to the application root.
    pub path: String,
    /// What is in it.
    pub content: Content,
    /// A gzipped tar whose entries are unpacked beside it.
    pub unpack: bool,
}

/// Bytes in memory, or in a file of the state directory.
#[derive(Debug, Clone)]
pub enum Content {
    /// In memory.
    Memory(Bytes),
    /// In a file that is never changed again.
    Stored(PathBuf),
}

/// The state of an image's build. The log is the whole text so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Build {
    /// Still running.
    Running {
        /// Build log so far.
        log: String,
    },
    /// The image is built.
    Succeeded {
        /// Whole build log.
        log: String,
    },
    /// It can't be built; asking again tries again.
    Failed {
        /// Whole build log; the last line is the reason.
        log: String,
    },
}

/// How the container of a group has ended so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Runs {
    /// How often it ended and was started again.
    pub restarts: u32,
    /// The last end.
    pub last: Option<Ended>,
}

/// How a container ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// Exit code; 128 and the signal's number where a signal ended it.
    pub code: i32,
    /// Whether it had used more memory than it has.
    pub out_of_memory: bool,
    /// When it was seen.
    pub at: jiff::Timestamp,
}

/// The state of a container group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Not answering yet.
    Starting,
    /// The scoring server answers.
    Healthy,
    /// It ended again and again.
    CrashLoop,
    /// Nothing of this id runs.
    Absent,
}

/// Runs nothing: containers follow their scripts (see the admin interface).
#[derive(Debug, Clone, Copy, Default)]
pub struct Scripted;

#[async_trait]
impl Runner for Scripted {
    fn scripted(&self) -> bool {
        true
    }
    async fn build(&self, _: &str, _: &Value) -> Build {
        Build::Succeeded { log: String::new() }
    }
    async fn converge(&self, _: &[Arc<Group>]) {}
    async fn status(&self, _: &str) -> Status {
        Status::Healthy
    }
    async fn runs(&self, _: &str) -> Runs {
        Runs::default()
    }
    async fn filter(&self, _: &[Filter]) {}
    async fn logs(&self, _: &str, _: usize) -> String {
        String::new()
    }
    async fn add_host(&self, name: &str, _: &Place, _: bool) -> Result<(), String> {
        Err(format!("host {name:?} can't be created: with this runner nothing really runs"))
    }
    async fn keep_hosts(&self, _: &BTreeMap<String, Place>) {}
    async fn remove_host(&self, _: &str) -> bool {
        false
    }
    async fn shutdown(&self) {}
}
