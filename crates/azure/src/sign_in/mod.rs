//! How a namespace proves itself to Microsoft Entra ID, and the tokens that it gets.

mod exchange;
mod identity;
pub(crate) mod token;

pub(crate) use identity::Caller;
pub use identity::{Assertion, AssertionSource, Identity, IdentityKey, Secret};
