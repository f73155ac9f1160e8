//! The unmodified operator on a simulated network, with faults that a seed chooses.
//!
//! ```text
//! seed ─► Plan: what people do, what breaks, when
//!           │
//!           ▼            turmoil: hosts, TCP, time
//!         Run ── operator, or two with a Lease ══ HTTP/1.1 ══ kubernetes (simulated API server)
//!                                              ══ HTTP/1.1 ══ azure (simulated Azure)
//! ```
//!
//! Invariants: the operator is `acivnet_operator::start::operate` with its watches, stores and waits · a seed gives the
//! same requests, answers and faults at the same simulated times in every run ([`trace::Trace`] hashes them) · when the
//! faults have ended, everything is as in a run without any, and stays so · meanwhile nothing in Azure carries our mark
//! without an object that our finalizer holds, nothing is there twice, and of two operators only the one that holds the
//! Lease writes to Azure, and nobody's finalizer but ours is taken off.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say so"
)]

pub mod chance;
pub mod clients;
pub mod comparable;
pub mod invariants;
pub mod leadership;
pub mod network;
pub mod other_controller;
pub mod plan;
pub mod planted_bugs;
pub mod report;
pub mod run;
pub mod servers;
pub mod trace;
pub mod user_actions;
pub mod world;
