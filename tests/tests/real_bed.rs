//! The scenarios on a real API server: undisturbed they ask the same of Azure as on the simulated bed, and a sample of
//! interruptions leads to the same end.
//!
//! `cargo test` runs a slice. `ACIVNET_REAL_BED=all` runs every scenario, and the name of a scenario that one.
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
    real_bed::{
        conformance::{self, Closeness},
        run::World,
    },
    results::Results,
    run,
};
use futures::future::join_all;
use std::{
    collections::BTreeSet,
    panic::catch_unwind,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::task::spawn_blocking;

/// Asks for other scenarios than the slice.
const ASKED: &str = "ACIVNET_REAL_BED";
/// What a plain `cargo test` runs.
const SLICE: [&str; 5] = ["network create", "article create", "script update", "drift: rule removed", "delete all"];
/// How often the same is written in a row follows from the moment, which is another one on each bed: where two objects work
/// on one network at once, each may write it, and Azure refuses while it works for the other; what was made and is not seen
/// for a while is made again meanwhile.
const REPEATING: [&str; 5] = [
    "two subnets",
    "two subnets deleted at once",
    "network not found after its creation",
    "service not found after its creation",
    "model not listed after its registration",
];

/// The results of one scenario.
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
        let asked = std::env::var(ASKED).ok();
        let wanted = |name: &str| match asked.as_deref() {
            Some(asked) => asked == "all" || asked == name,
            None => SLICE.contains(&name),
        };
        let began = Instant::now();
        let world = Arc::new(World::start().await);
        let sample = if asked.is_some() { 4 } else { 2 };
        let each = scenarios::all().filter(|one| wanted(one.name));
        let outcomes = join_all(each.map(|one| apart(scenario(Arc::clone(&world), one, sample)))).await;
        report(&outcomes, began.elapsed());
    });
}

/// In a task of its own: what people do blocks, and must not keep the others from being woken.
async fn apart<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    tokio::spawn(work).await.expect("it ends")
}

/// The undisturbed run on both beds, then the sample of interruptions.
async fn scenario(world: Arc<World>, scenario: &'static Scenario, sample: usize) -> Outcome {
    let clean = world.run(scenario, None).await;
    let simulated = spawn_blocking(move || Case { scenario, interruptions: Vec::new() }.disturbed());
    let simulated = simulated.await.expect("it ends").expect("the simulated bed's run");
    let mut outcome = Outcome { scenario, requests: 0, differing: Vec::new(), cases: 1, wrong: Vec::new() };
    match clean {
        Err(why) => outcome.wrong.push(format!("{}, undisturbed: {why}", scenario.name)),
        Ok(clean) => {
            outcome.requests = clean.trace.len() - clean.acted;
            if catch_unwind(|| (scenario.ends)(&clean.end)).is_err() {
                outcome.wrong.push(format!("{}, undisturbed, ends otherwise", scenario.name));
            }
            let compared = if REPEATING.contains(&scenario.name) { Closeness::Repeats } else { Closeness::Each };
            outcome.differing = conformance::differences(&simulated, &clean, compared);
            if !outcome.differing.is_empty() {
                for (bed, run) in [("real", &clean), ("simulated", &simulated)] {
                    eprintln!("{}, undisturbed, on the {bed} bed:\n{}", scenario.name, run.log().join("\n"));
                }
            }
            let (strikes, clean) = (strikes(&clean, sample), Arc::new(clean));
            outcome.cases += strikes.len();
            let each = strikes.into_iter();
            let each = each.map(|strike| apart(struck(Arc::clone(&world), scenario, Arc::clone(&clean), strike)));
            outcome.wrong.extend(join_all(each).await.into_iter().flatten());
        }
    }
    eprintln!("{}: {} requests, {} cases", scenario.name, outcome.requests, outcome.cases);
    outcome.wrong.iter().chain(&outcome.differing).for_each(|text| eprintln!("  {text}"));
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

/// What is wrong with a case, if anything is.
async fn struck(world: Arc<World>, scenario: &'static Scenario, clean: Arc<Run>, strike: Strike) -> Option<String> {
    let about = format!("{}, {:?} at {} {}", scenario.name, strike.mode, strike.method, strike.path);
    match world.run(scenario, Some(&strike)).await {
        Err(why) => Some(format!("{about}: {why}")),
        Ok(run) => {
            let wrong = clean.ends_otherwise(&run).into_iter();
            let wrong: Vec<String> = wrong.map(|(kind, text)| format!("{kind:?}: {text}")).collect();
            (!wrong.is_empty()).then(|| format!("{about}:\n    {}", wrong.join("\n    ")))
        }
    }
}

fn report(outcomes: &[Outcome], took: Duration) {
    let mut results = Results::new("real-bed", "The scenarios on a real API server");
    results.text(
        "Each scenario runs undisturbed, is compared with the simulated bed, and runs again with single writes \
         interrupted. Its end state has to be that of the undisturbed run on the same bed. The writes to each Azure \
         resource have to be the same in the same order, and so do the reads, whatever their number. Reads that \
         depend on timing (lists of a sweep, the endpoints of the workspace, the log of a container that starts) are \
         left out. Where a write repeats as long as something lasts, or either of two objects makes it, the repeats \
         are left out:",
    );
    results.text(REPEATING.map(|name| format!("- {name}")).join("\n"));
    let row = |one: &Outcome| {
        vec![
            one.scenario.name.to_owned(),
            one.requests.to_string(),
            one.differing.len().to_string(),
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
    let mut timed = results.clone();
    let minutes = took.as_secs_f64() / 60.0;
    timed.bar("minutes, all cores", "≤ 8", format!("{minutes:.1}"), minutes <= 8.0);
    timed.publish();
    assert_eq!(results.missed(), Vec::<String>::new());
}
