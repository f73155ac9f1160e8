//! Operator, API server and Azure in one process, on paused time.
//!
//! ```text
//! Scenario ─► Bed ── ApiServer ◄─┐
//!              │                 ├── Wire (numbers, interruptions) ◄── passes of the operator ◄── Driver
//!              └──── Simulator ◄─┘
//! ```
//!
//! Invariants: no socket, no wall clock, no random order · request number k is the same in every run · an operator that
//! is stopped leaves no memory behind.

pub mod actions;
pub mod api_server;
pub mod azure;
pub mod bed;
pub mod campaign;
pub mod certificates;
pub mod clock;
pub mod cluster;
pub mod concurrent_changes;
pub mod counts;
pub mod driver;
pub mod end_state;
pub mod expect;
pub mod first_operations;
pub mod operator;
pub mod pacing;
pub mod planted_bugs;
pub mod scenario;
pub mod scenarios;
pub mod schedule;
pub mod sdk;
pub mod sweeps;
pub mod transport;
pub mod wire;
