//! The scenarios on a real API server: undisturbed they ask the same of Azure as on the simulated bed, and a sample of
//! interruptions leads to the same end.
//!
//! `cargo test` runs a slice. `ACIVNET_REAL_BED=all` runs every scenario that needs no minutes of Azure's own time.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say so"
)]

use acivnet_tests::{
    in_process::{
        campaign::Case,
        scenario::{Run, Scenario},
        scenarios,
        wire::{Mode, Strike},
    },
    real_bed::{conformance, run::World},
    results::Results,
    run,
};
use futures::{StreamExt as _, stream};
use std::{collections::BTreeSet, panic::catch_unwind, sync::Arc};
use tokio::task::spawn_blocking;

/// Asks for all scenarios.
const WHOLE: &str = "ACIVNET_REAL_BED";
/// What a plain `cargo test` runs.
const SLICE: [&str; 5] = ["network create", "article create", "script update", "drift: rule removed", "delete all"];
/// Scenarios in which minutes or hours pass that no scale shortens: of tokens, and of faults of Azure.
const LONG: [&str; 7] = [
    "token expires",
    "network deletion, group not found",
    "network deletion, rights lost",
    "network not found after its creation",
    "subnet not found after its creation",
    "service not found after its creation",
    "model not listed after its registration",
];
/// Something happens at a moment that is another one on each bed, so that other requests follow. The end is the same.
const TIMED: [&str; 6] = [
    "network changed while it is made",
    "model changed while the service is made",
    "delete while creating",
    "delete while the network is made",
    "created again while the old one is going",
    "two subnets",
];
/// So many cases at once.
const SIDE_BY_SIDE: usize = 20;

/// What came of one scenario.
struct Outcome {
    scenario: &'static Scenario,
    requests: usize,
    differing: Vec<String>,
    cases: usize,
    wrong: Vec<String>,
}

#[test]
fn real_bed() {
    run(async {
        let whole = std::env::var_os(WHOLE).is_some();
        let wanted = |name: &str| if whole { !LONG.contains(&name) } else { SLICE.contains(&name) };
        let world = Arc::new(World::start().await);
        let sample = if whole { 4 } else { 2 };
        // tasks of their own: what people do blocks, and must not keep the others from being woken
        let each = scenarios::all().filter(|one| wanted(one.name));
        let each = each.map(|one| (one, Arc::clone(&world))).collect::<Vec<_>>().into_iter();
        let each =
            each.map(|(one, world)| async move { tokio::spawn(scenario(world, one, sample)).await.expect("it ends") });
        let outcomes: Vec<Outcome> = stream::iter(each).buffered(SIDE_BY_SIDE).collect().await;
        report(&outcomes);
    });
}

/// The undisturbed run on both beds, then the sample of interruptions.
async fn scenario(world: Arc<World>, scenario: &'static Scenario, sample: usize) -> Outcome {
    let simulated = spawn_blocking(move || Case { scenario, interruptions: Vec::new() }.disturbed());
    let clean = world.run(scenario, None).await;
    let simulated = simulated.await.expect("it ends").expect("the simulated bed's run");
    let mut outcome = Outcome { scenario, requests: 0, differing: Vec::new(), cases: 1, wrong: Vec::new() };
    match clean {
        Err(why) => outcome.wrong.push(format!("{}, undisturbed: {why}", scenario.name)),
        Ok(clean) => {
            outcome.requests = clean.trace.len() - clean.acted;
            if catch_unwind(|| (scenario.ends)(&clean.end)).is_err() {
                outcome.wrong.push(format!("{}, undisturbed, ends otherwise", scenario.name));
            }
            if !TIMED.contains(&scenario.name) {
                outcome.differing = conformance::differences(&simulated, &clean);
            }
            for strike in strikes(&clean, sample) {
                outcome.cases += 1;
                outcome.wrong.extend(struck(&world, scenario, &clean, &strike).await);
            }
        }
    }
    eprintln!(
        "{}: {} requests, {} cases, {} wrong",
        scenario.name,
        outcome.requests,
        outcome.cases,
        outcome.wrong.len()
    );
    outcome
}

/// Writes spread over the run, each in another mode.
fn strikes(clean: &Run, sample: usize) -> Vec<Strike> {
    let writes =
        clean.trace.iter().skip(clean.acted).filter(|sent| (sent.writes()) && !sent.path().contains("/events"));
    let mut seen = BTreeSet::new();
    let fresh: Vec<_> = writes.filter(|sent| seen.insert((sent.method.to_string(), sent.path().to_owned()))).collect();
    let at = |one: usize| fresh.get((2 * one + 1) * fresh.len() / (2 * sample));
    let strike = |(one, mode): (usize, Mode)| {
        let sent = at(one)?;
        Some(Strike { method: sent.method.clone(), path: sent.path().to_owned(), after: 0, mode })
    };
    // the first halves are those of fewer cases as well
    let modes = [Mode::StoppedWithoutAnswer, Mode::AnswerLost, Mode::StoppedAfter, Mode::StoppedBefore];
    (0..sample).zip(modes).filter_map(strike).collect()
}

async fn struck(world: &World, scenario: &'static Scenario, clean: &Run, strike: &Strike) -> Vec<String> {
    let about = format!("{}, {:?} at {} {}", scenario.name, strike.mode, strike.method, strike.path);
    match world.run(scenario, Some(strike)).await {
        Err(why) => vec![format!("{about}: {why}")],
        Ok(run) => {
            let wrong = clean.ends_otherwise(&run).into_iter();
            wrong.map(|(kind, text)| format!("{about}: {kind:?}: {text}")).collect()
        }
    }
}

fn report(outcomes: &[Outcome]) {
    let mut results = Results::new("real-bed", "The scenarios on a real API server");
    results.text("Each scenario undisturbed, compared with the simulated bed, and with single writes interrupted.");
    let row = |one: &Outcome| {
        let compared = if TIMED.contains(&one.scenario.name) {
            "not compared".to_owned()
        } else {
            one.differing.len().to_string()
        };
        vec![
            one.scenario.name.to_owned(),
            one.requests.to_string(),
            compared,
            one.cases.to_string(),
            one.wrong.len().to_string(),
        ]
    };
    let rows: Vec<_> = outcomes.iter().map(row).collect();
    results.table(&["scenario", "requests", "differences between the beds", "cases", "wrong"], &rows);
    let cases: usize = outcomes.iter().map(|one| one.cases).sum();
    let wrong: Vec<&String> = outcomes.iter().flat_map(|one| &one.wrong).collect();
    let differing: Vec<String> = outcomes
        .iter()
        .flat_map(|one| one.differing.iter().map(|text| format!("{}: {text}", one.scenario.name)))
        .collect();
    results.bar("cases that went wrong", "0", format!("{} of {cases}", wrong.len()), wrong.is_empty());
    results.bar("differences between the beds", "0", differing.len(), differing.is_empty());
    results.publish();
    wrong.iter().for_each(|text| eprintln!("{text}"));
    differing.iter().for_each(|text| eprintln!("{text}"));
    assert_eq!(results.missed(), Vec::<String>::new());
}
