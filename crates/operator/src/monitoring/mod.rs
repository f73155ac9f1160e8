//! What the operator says of itself: the admin port, logs, metrics, and whether the work goes on.

pub mod admin;
pub mod metrics;
pub mod pulse;
pub(crate) mod shown;
pub mod telemetry;
