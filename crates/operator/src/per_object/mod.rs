//! What is remembered of each object between two reconciles, by uid.

pub(crate) mod memory;
pub(crate) mod pauses;
pub(crate) mod refusals;
pub(crate) mod repeats;
pub(crate) mod running;
