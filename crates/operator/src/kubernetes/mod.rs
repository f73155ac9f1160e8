//! What the operator has to do with Kubernetes beside its own objects: who leads, who a namespace is in Azure, which
//! networks the cluster uses, whether the definitions are there, and what an error of the API says.

pub mod client;
pub(crate) mod definition;
mod errors;
pub(crate) mod identity;
pub mod lease;
#[cfg(test)]
pub(crate) mod mock;
pub mod networks;

pub use errors::{failure, is_too_long, status, terminating, text};
