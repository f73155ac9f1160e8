//! An Azure that fits on a laptop: Resource Manager, sign-in, the Azure ML v1 data plane and blob storage on one TLS
//! port, faithful to Azure in status codes, headers, error bodies and asynchronous operations.
//!
//! At its core is [`Simulator`], a [`tower::Service`] over one [`World`](world::World) and one [`Clock`]: no background
//! task, no timer. Every request first settles what has come due, in order of time, so that the same requests at the
//! same times give the same bytes. TLS, ports and how containers really run stand outside of it, in [`server`] and
//! [`run`].
//!
//! It deliberately shares no type with any client: otherwise a misreading of Azure would be made twice and never noticed.

pub mod admin;
pub mod args;
pub mod arm;
pub mod authorization;
pub mod blob;
pub mod call;
pub mod clock;
pub mod container_instances;
pub mod containers;
pub mod error;
pub mod faults;
pub mod identity;
pub mod ids;
pub mod locks;
pub mod machine_learning;
pub mod managed_identity;
pub mod network;
pub mod operations;
pub mod recording;
pub mod request_log;
pub mod run;
pub mod seed;
pub mod server;
pub mod settings;
mod simulator;
pub mod specs;
pub mod store;
pub mod tags;
#[cfg(test)]
mod tests;
pub mod windows;
pub mod world;

pub use clock::{Clock, ManualClock, SystemClock};
pub use error::{Refusal, Response};
pub use identity::issuer::{HttpsIssuerKeys, IssuerError, IssuerKeys, StaticIssuerKeys};
pub use identity::keys::SigningKey;
pub use run::Runner;
pub use seed::Seed;
pub use simulator::{Config, ConnectionDropped, Simulator};
