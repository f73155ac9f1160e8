//! Decides: pure functions from what was read of one object to what is written and said.
//!
//! ```text
//! questions(object, observed) ──► the shell reads ──► Observed
//! describe(object, observed, now) ──► Blueprint ──► plan() ──► Plan ──► the shell writes ──► Plan with results
//! report(object, observed, plan, now) ──► status, events, when to look again
//! ```
//!
//! What holds: no I/O, no clock, no random, no environment · a node acts only when all it needs is where its own goal
//! wants it · nothing that is not held is written · a read that failed is never absence · planning twice changes nothing.

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
