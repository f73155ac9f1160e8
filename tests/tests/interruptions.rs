//! Every write to Azure interrupted in every way: the end is always the undisturbed one.
//!
//! `ACIVNET_INTERRUPTION="article create:57:AnswerLost"` runs one case alone and prints its requests.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::print_stderr, reason = "tests fail by panicking")]

use acivnet_tests::in_process::{
    scenario::{Run, SCENARIOS, Scenario},
    wire::{Interruption, Mode, Sent},
};
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

#[test]
fn article_create() {
    let clean = every_write_to_azure_interrupted("article create");
    let azure = &clean.end.azure;
    for what in ["models", "assets", "services"] {
        let count = azure[what].as_array().map(Vec::len);
        assert_eq!(count.unwrap_or_default(), 1, "{what}: {}", azure[what]);
    }
    let ready = |kind: &str, name: &str| {
        let conditions = clean.end.kubernetes[kind][name]["status"]["conditions"].as_array().cloned().unwrap_or_default();
        conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
    };
    assert!(ready("delegatedsubnets", "ml/amlsubnet1") && ready("acivnetdeployments", "ml/aciservice"), "{:#}", clean.end.kubernetes);
}

#[test]
fn model_update() {
    every_write_to_azure_interrupted("model update");
}

#[test]
fn delete_all() {
    let clean = every_write_to_azure_interrupted("delete all");
    let azure = &clean.end.azure;
    assert_eq!((azure["models"].as_array().map(Vec::len), azure["services"].as_array().map(Vec::len)), (Some(0), Some(0)), "{azure:#}");
    let ours = azure["resources"].as_object().unwrap().keys().any(|id| id.contains("amlvnet1") || id.contains("amlnsg"));
    assert!(!ours && clean.end.kubernetes["delegatedsubnets"].as_object().unwrap().is_empty(), "{azure:#}");
}

/// The undisturbed run, after every case was compared with it.
fn every_write_to_azure_interrupted(name: &str) -> Run {
    let scenario = SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario of that name");
    let clean = undisturbed(scenario);
    let writes = clean.numbers(|sent| sent.writes_kubernetes() || sent.side == acivnet_tests::in_process::wire::Side::Azure);
    assert!(!writes.is_empty(), "{name}: nothing was written");
    let cases: Vec<Interruption> = writes.iter().flat_map(|request| Mode::ALL.map(|mode| Interruption { request: *request, mode })).collect();
    let cases = match chosen(name) {
        Some(one) => vec![one],
        None => cases,
    };
    let wrong = run_all(scenario, &clean, &cases);
    eprintln!("{name}: {} requests, {} writes to Azure, {} cases, {} wrong", clean.trace.len(), writes.len(), cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{} of {} cases went wrong\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
    clean
}

/// Runs a scenario twice without interruptions: both runs send the same requests.
fn undisturbed(scenario: &Scenario) -> Run {
    let run = || case(scenario, Vec::new()).unwrap_or_else(|why| panic!("{}, undisturbed: {why}", scenario.name));
    let (one, two) = (run(), run());
    for (number, (first, second)) in one.trace.iter().zip(&two.trace).enumerate() {
        assert_eq!(first, second, "{}: request {number} of two undisturbed runs", scenario.name);
    }
    assert_eq!((one.trace.len(), &one.end), (two.trace.len(), &two.end), "{}", scenario.name);
    one
}

/// What went wrong in which case, in the order of the cases.
fn run_all(scenario: &Scenario, clean: &Run, cases: &[Interruption]) -> Vec<String> {
    let (next, wrong) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some(interruption) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Err(why) = compare(scenario, clean, *interruption) {
                wrong.lock().unwrap().push((*interruption, why));
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(work);
        }
    });
    let mut wrong = wrong.into_inner().unwrap();
    wrong.sort();
    wrong.into_iter().map(|(_, why)| why).collect()
}

fn compare(scenario: &Scenario, clean: &Run, interruption: Interruption) -> Result<(), String> {
    let Interruption { request, mode } = interruption;
    let about = format!("{}, request {request} ({}), {mode:?}", scenario.name, clean.trace[request]);
    let run = case(scenario, vec![interruption]).map_err(|why| format!("{about}: {why}"))?;
    if chosen(scenario.name).is_some() {
        run.log.iter().for_each(|line| eprintln!("{line}"));
    }
    let wrong = clean.wrong_with(&run, &interruption);
    if wrong.is_empty() { Ok(()) } else { Err(format!("{about}:\n  {}", wrong.join("\n  "))) }
}

/// One run on a runtime of its own, whose time is paused.
fn case(scenario: &Scenario, planned: Vec<Interruption>) -> Result<Run, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(scenario.run(planned))
}

/// The one case that is asked for, if it is of this scenario.
fn chosen(name: &str) -> Option<Interruption> {
    let wanted = std::env::var("ACIVNET_INTERRUPTION").ok()?;
    let [scenario, request, mode] = wanted.split(':').collect::<Vec<_>>().try_into().expect("scenario:request:mode");
    let mode = Mode::ALL.into_iter().find(|one| format!("{one:?}") == mode).expect("a mode");
    (scenario == name).then(|| Interruption { request: request.parse().expect("a number"), mode })
}
