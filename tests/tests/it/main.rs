//! All tests that need more than one crate, in one program: every program links the Kubernetes client.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking, and say so"
)]

mod azure_roles;
mod compatibility;
mod control_plane;
mod deploy;
mod generated;
mod gitops;
mod kstatus;
mod leader;
mod operations;
mod purity;
mod removal;
mod restore;
mod scenarios;
mod schema;
mod upgrade;
