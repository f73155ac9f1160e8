//! `seeds`: runs seeds in parallel, or one of them again to inspect it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the tests"
)]

use acivnet_seeds::{
    planted_bugs::Plant,
    report::Report,
    run::{self, Outcome},
};
use clap::Parser;
use std::{process::ExitCode, str::FromStr};
use tokio::time::Instant;

/// Runs the operator on simulated networks in which things break as seeds choose.
#[derive(Parser)]
struct Arguments {
    /// Runs the seeds from the first number up to, but not including, the second.
    #[arg(long, value_name = "FROM..TO", default_value = "0..500")]
    seeds: Range,
    /// Runs one seed alone.
    #[arg(long, conflicts_with = "seeds")]
    seed: Option<u64>,
    /// Prints everything that happened.
    #[arg(long)]
    trace: bool,
    /// Plants this bug in the operator.
    #[arg(long)]
    plant: Option<Plant>,
    /// Runs one seed in this many twice, and compares the traces.
    #[arg(long, value_name = "EVERY", default_value = "25")]
    again: u64,
    /// Seeds that run in parallel; if absent, as many as there are cores.
    #[arg(long)]
    threads: Option<usize>,
}

#[derive(Clone, Copy)]
struct Range(u64, u64);

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text} is not FROM..TO");
        let (from, to) = text.split_once("..").ok_or_else(wrong)?;
        Ok(Self(from.parse().map_err(|_| wrong())?, to.parse().map_err(|_| wrong())?))
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let Range(from, to) = arguments.seed.map_or(arguments.seeds, |seed| Range(seed, seed + 1));
    let begin = Instant::now();
    let report = Report::of(from..to, Some(arguments.again), arguments.threads, |seed| {
        run::seed(seed, arguments.plant, arguments.trace)
    });
    report.outcomes.iter().for_each(|outcome| print(outcome, arguments.seed.is_some()));
    report.results(begin.elapsed()).publish();
    if report.wrong() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The trace, if it was kept, and its hash.
fn print(outcome: &Outcome, hash: bool) {
    outcome.lines.iter().for_each(|line| println!("{line}"));
    if hash {
        println!("{}", outcome.hash);
    }
}
