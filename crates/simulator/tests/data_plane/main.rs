//! The Azure ML data plane, asked as a client asks: requests to the service, a clock that the test moves.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod bed;
mod blobs;
mod containers;
mod deployments;
mod failures;
mod flow;
mod models;
mod runner;
mod services;
