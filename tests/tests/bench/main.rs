//! `make bench`: the figures of speed, memory and quiet, each with its bar. Nothing here fails a test; what has to hold
//! as an exact number is in `counts`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "a benchmark ends by panicking, and says so"
)]

mod first_operations;
mod pacing;
mod process;
mod resident;
mod steady;
mod writes;

use acivnet_tests::results::Results;

/// One group of figures.
type Figure = (&'static str, fn(&mut Results));

const FIGURES: [Figure; 8] = [
    ("writes", writes::measure),
    ("steady", steady::measure),
    ("burst", pacing::at_once),
    ("waits", pacing::waits),
    ("first-waits", first_operations::first_operations),
    ("ready", pacing::until_ready),
    ("1000", resident::thousand),
    ("10000", resident::ten_thousand),
];

/// All figures, or those that the arguments name.
fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let mut results = Results::new("bench", "Requests, pacing, memory and processor time");
    for (name, measure) in FIGURES {
        if wanted.is_empty() || wanted.iter().any(|one| one == name) {
            measure(&mut results);
        }
    }
    results.publish();
}
