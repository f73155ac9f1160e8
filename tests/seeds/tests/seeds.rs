//! A slice of the seeds, that a seed is the same in every run, and that the net has no holes.
//!
//! `cargo run -p acivnet-seeds` runs more of them; `-- --seed 17 --trace` shows one.
#![allow(clippy::panic, clippy::print_stderr, reason = "tests fail by panicking, and say so")]

use acivnet_seeds::{planted_bugs::Plant, report::Report, run};
use std::process::Command;

#[test]
fn a_slice_of_seeds() {
    let report = Report::of(0..40, None, None, |seed| run::seed(seed, None, false));
    eprintln!("{} s simulated, faults: {:#?}", report.lasted().as_secs(), report.faults());
    assert_eq!((report.outcomes.len(), report.wrong()), (40, 0), "see above for what went wrong");
}

#[test]
fn same_seed_same_trace() {
    let hash = |seed: u64| {
        let output = Command::new(env!("CARGO_BIN_EXE_acivnet-seeds")).args(["--seed", &seed.to_string()]).output();
        let output = output.unwrap_or_else(|error| panic!("seeds: {error}"));
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    // one operator, and two
    for seed in [40, 41] {
        let (one, two) = (run::seed(seed, None, true), run::seed(seed, None, true));
        let differs = one.lines.iter().zip(&two.lines).find(|(one, two)| one != two);
        assert_eq!(differs, None, "seed {seed}");
        assert_eq!([&one.hash, &one.hash], [&two.hash, &hash(seed)], "seed {seed}, in this process and in another");
    }
    assert_ne!(hash(40), hash(41), "seeds differ");
}

#[test]
fn planted_bugs_are_caught() {
    for plant in Plant::ALL {
        let caught = (0..40).map(|seed| run::seed(seed, Some(plant), false)).find(|outcome| !outcome.wrong.is_empty());
        let Some(caught) = caught else { panic!("{plant:?}: none of 40 seeds caught it") };
        eprintln!("{plant:?}: caught by seed {}: {}", caught.seed, caught.wrong.first().map_or("", String::as_str));
    }
}
