//! What the operator says of itself: the admin port, logs, metrics, and whether the work goes on.

pub mod admin;
pub mod metrics;
pub(crate) mod object_state;
pub mod pulse;
pub mod telemetry;
