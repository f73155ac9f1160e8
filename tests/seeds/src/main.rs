//! `seeds`: runs seeds side by side, and one of them again to look at it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a tool of the tests"
)]

use acivnet_seeds::{
    plants::Plant,
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
    /// Makes the operator wrong in this way.
    #[arg(long)]
    plant: Option<Plant>,
    /// Runs each seed twice and compares the traces.
    #[arg(long)]
    twice: bool,
    /// Seeds that run side by side; as many as there are cores if absent.
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
    let report = Report::of(from..to, arguments.threads, |seed| one(&arguments, seed));
    report.results(begin.elapsed()).publish();
    if report.wrong() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(arguments: &Arguments, seed: u64) -> Outcome {
    let mut outcome = run::seed(seed, arguments.plant, arguments.trace);
    if arguments.twice {
        let again = run::seed(seed, arguments.plant, arguments.trace);
        if again.hash != outcome.hash {
            outcome.wrong.push(format!("two runs differ: {} and {}", outcome.hash, again.hash));
            outcome.wrong.extend(
                outcome
                    .lines
                    .iter()
                    .zip(&again.lines)
                    .find(|(one, two)| one != two)
                    .map(|(one, two)| format!("from here on:\n    {one}\n    {two}")),
            );
        }
    }
    outcome.lines.iter().for_each(|line| println!("{line}"));
    outcome
}
