//! The scenarios on a real API server, on real time: operator with its watches, and an Azure of its own for each case.
//!
//! ```text
//! Scenario ─► Bed ── Namespace of the real cluster ◄─┐
//!              │                                     ├── Wire ◄── controllers of the operator
//!              └──── Simulator ◄─────────────────────┘
//! ```
//!
//! Cases stand side by side, each in a namespace of its own, and know nothing of each other: to operator and people every
//! one of them is called as in the simulated cluster, so that what is asked of Azure is the same on both beds.
//!
//! The operator's waits, Azure's work, its faults and people's patience are shortened; hours in which nothing happens pass
//! by putting the clock of operator and Azure forward. Azure's `Retry-After`, in whole seconds, is kept to as it is.

pub mod conformance;
pub mod namespace;
pub mod run;
