//! Every request interrupted in every way: the end is always the undisturbed one.
//!
//! `cargo test` runs a fixed slice. `make converge` runs the whole and keeps what it found in `docs/results/`. A case
//! that goes wrong prints the command that runs it alone.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say so"
)]

mod all;
mod credentials;
mod planted;
