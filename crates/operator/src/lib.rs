//! The shell around the decisions: watches, observes, acts, publishes.
//!
//! ```text
//! watch ─► observe (reads) ─► acivnet_core decides ─► act (writes to Azure) ─► publish (status, events, finalizer)
//! ```
//!
//! What holds: everything from outside comes in through [`ctx::Ctx`] · no reconcile waits for Azure · nothing is read
//! after the decision · only `publish` writes our objects · every write to Azure takes a permit from the one gate, which
//! the lease closes.

mod act;
mod cache;
pub mod cli;
pub mod controllers;
pub mod ctx;
pub mod kubernetes;
pub mod limits;
pub mod monitoring;
mod object;
mod observe;
mod per_object;
mod publish;
pub mod reconcile;
pub mod start;

pub use cache::packed::Packed;
pub use object::{CustomResource, Object, ObjectKey, Reference};

/// Name under which the API server notes what we wrote.
pub const FIELD_MANAGER: &str = "acivnet";
