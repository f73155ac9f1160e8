//! The shell around the decisions: watches, observes, acts, publishes.
//!
//! ```text
//! watch ─► observe (reads) ─► acivnet_core decides ─► act (writes to Azure) ─► publish (status, events, finalizer)
//! ```
//!
//! What holds: everything from outside comes in through [`ctx::Ctx`] · no pass waits for Azure · nothing is read after
//! the decision · only `publish` writes our objects · every write to Azure takes a permit from the one gate, which the lease closes.

mod act;
pub mod admin;
mod alike;
mod apart;
pub mod args;
mod bounded;
mod certificates;
pub mod cli;
mod config_maps;
pub mod controllers;
pub mod crd;
pub mod ctx;
mod definition;
mod digests;
mod events;
mod fingerprints;
mod identity;
mod kubernetes;
pub mod lease;
pub mod limits;
mod locks;
mod memory;
pub mod metrics;
#[cfg(test)]
mod mock;
mod named;
pub mod networks;
mod object;
mod observe;
pub mod pace;
mod packed;
mod pauses;
mod probe;
mod publish;
pub mod pulse;
mod queue;
pub mod reconcile;
mod refusals;
mod remote_files;
mod repeats;
mod running;
mod secret_values;
mod secret_watches;
mod secrets;
mod snapshot;
pub mod start;
mod stores;
pub mod telemetry;
mod turns;
pub mod uninstall;
mod writers;

pub use object::Object;
pub use packed::{Mention, Packed};
pub use queue::CustomResource;

/// Name under which the API server notes what we wrote.
pub const FIELD_MANAGER: &str = "acivnet";
