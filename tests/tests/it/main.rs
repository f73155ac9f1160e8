//! All tests that need more than one crate, in one program: every program links the Kubernetes client.

mod generated;
mod purity;
mod scenarios;
mod schema;
