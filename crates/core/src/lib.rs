//! Decides, as pure functions, for each object:
//!
//! ```text
//! questions(object, observed) ──► the shell reads ──► Observed
//! describe(object, observed, now) ──► Blueprint ──► plan() ──► Plan ──► the shell writes ──► Plan with results
//! report(object, observed, plan, now) ──► status, events, when to look again
//! ```
//!
//! Invariants: no I/O, no clock, no randomness, no environment · a node acts only once everything it needs has reached
//! its own goal · a held node is not written · a failed read is never absence · planning twice gives the same plan.

pub mod adoption;
pub mod archive;
pub mod blueprint;
pub mod conditions;
pub mod describe;
pub mod drift;
pub mod durations;
pub mod endpoint;
pub mod events;
pub mod expectation;
pub mod failure;
pub mod fit;
pub mod id;
pub mod kind;
pub mod kinds;
pub mod names;
pub mod observed;
pub mod outcome;
pub mod owner;
pub mod patience;
pub mod plan;
pub mod quantity;
pub mod questions;
mod refusal;
pub mod report;
mod request;
pub mod resources;
mod restart;
pub mod retry;
pub mod scrub;
pub mod secret_flaws;
pub mod seen;
pub mod subject;
