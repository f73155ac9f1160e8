//! All scenarios.

use acivnet_tests::{
    in_process::{
        campaign::{CASE, Case, Clean, Finding, Outcome, Wrong, parallel},
        scenario::Scenario,
        scenarios,
        wire::{Interruption, Mode, Sent},
    },
    results::Results,
};
use std::time::Instant;

/// So many scenarios are interrupted twice in a row: those with the most writes.
const TWICE: usize = 3;

fn writes(sent: &Sent) -> bool {
    sent.writes_azure() || sent.writes_kubernetes()
}

/// The undisturbed runs, two of each, which are the same and end as they have to.
#[test]
fn undisturbed() {
    let all: Vec<&'static Scenario> = scenarios::all().collect();
    for clean in parallel(&all, |scenario| Clean::of(scenario)) {
        let requests = clean.run.trace.len() - clean.run.acted;
        eprintln!("{}: {requests} requests, {} writes", clean.scenario.name, clean.run.numbers(writes).len());
    }
}

/// The case that the environment names, with all its requests.
#[test]
#[ignore = "runs one case on demand"]
fn one_case() {
    let case = Case::named(&std::env::var(CASE).unwrap_or_else(|_| panic!("{CASE} names the case")));
    let clean = Clean::of(case.scenario);
    if let Ok(run) = case.disturbed() {
        run.log().iter().for_each(|line| eprintln!("{line}"));
    }
    let wrong = clean.judge(&case).finding;
    assert!(wrong.is_none(), "{}", wrong.unwrap().text);
}
