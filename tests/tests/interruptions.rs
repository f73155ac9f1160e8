//! Every write interrupted in every way: the end is always the undisturbed one.
//!
//! By default every write to Azure is interrupted, and in two scenarios every write to Kubernetes as well;
//! `ACIVNET_INTERRUPTED=writes` does so in all of them, `ACIVNET_INTERRUPTED=every` adds the reads of Azure.
//! `ACIVNET_INTERRUPTION="article create:57:AnswerLost"` runs one case alone and prints its requests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say so"
)]

use acivnet_tests::in_process::{
    end_state::EndState,
    scenario::{Run, SCENARIOS, Scenario},
    wire::{Disturbance, Interruption, Mode, Plant, Sent, Side},
};
use http::{Method, Uri, request::Parts};
use serde_json::Value;
use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

#[test]
fn article_create() {
    let clean = interrupted_everywhere("article create");
    for what in ["models", "assets", "services"] {
        assert_eq!(count(&clean.end, what), 1, "{what}");
    }
    for (kind, name) in [("delegatedsubnets", "ml/amlsubnet1"), ("acivnetdeployments", "ml/aciservice")] {
        assert!(is_ready(&clean.end.kubernetes[kind][name]), "{:#}", clean.end.kubernetes);
    }
}

#[test]
fn model_update() {
    let clean = interrupted_everywhere("model update");
    assert_eq!((count(&clean.end, "assets"), count(&clean.end, "services")), (2, 1));
    let deployment = &clean.end.kubernetes["acivnetdeployments"]["ml/aciservice"];
    assert!(is_ready(deployment) && deployment["status"]["modelLabel"] == "mymodel:2", "{deployment:#}");
}

#[test]
fn delete_all() {
    let clean = interrupted_everywhere("delete all");
    assert_eq!((count(&clean.end, "models"), count(&clean.end, "services")), (0, 0));
    let ours = |id: &String| ["amlvnet1", "amlnsg"].iter().any(|name| id.contains(name));
    let resources = clean.end.azure["resources"].as_object().unwrap();
    assert_eq!(resources.keys().filter(|id| ours(id)).count(), 0);
    for kind in ["delegatedsubnets", "acivnetdeployments"] {
        assert_eq!(clean.end.kubernetes[kind].as_object().map(|all| all.len()), Some(0), "{kind}");
    }
}

#[test]
fn script_update() {
    let clean = interrupted_everywhere("script update");
    assert_eq!((count(&clean.end, "models"), count(&clean.end, "artifacts")), (1, 4));
}

#[test]
fn tag() {
    let clean = interrupted_everywhere("tag");
    assert_eq!(clean.end.azure["services"][0]["kvTags"]["cost-centre"], "4711");
}

#[test]
fn more_memory() {
    let clean = interrupted_everywhere("more memory");
    assert_eq!(clean.end.azure["services"][0]["containerResourceRequirements"]["memoryInGB"], 2);
}

#[test]
fn drift() {
    let clean = interrupted_everywhere("drift");
    assert_eq!(count(&clean.end, "services"), 1);
    assert!(is_ready(&clean.end.kubernetes["delegatedsubnets"]["ml/amlsubnet1"]), "{:#}", clean.end.kubernetes);
}

#[test]
fn delete_while_creating() {
    let clean = interrupted_everywhere("delete while creating");
    assert_eq!((count(&clean.end, "models"), count(&clean.end, "services")), (0, 0));
}

#[test]
fn delete_and_create_again() {
    let clean = interrupted_everywhere("delete and create again");
    assert_eq!((count(&clean.end, "models"), count(&clean.end, "services")), (1, 1));
}

#[test]
fn namespace_deletion() {
    let clean = interrupted_everywhere("namespace deletion");
    assert_eq!(count(&clean.end, "models"), 0);
}

/// A net that lets a bug through is no net: each of these has to be caught by some case.
#[test]
fn planted_bugs_are_caught() {
    let plants: [(&str, &str, Plant); 3] = [
        ("an asset is made without a look at those that are there", "article create", |parts| {
            look_elsewhere(parts, "/assets")
        }),
        ("a model is registered without a look at those that are there", "article create", |parts| {
            look_elsewhere(parts, "/models")
        }),
        ("the finalizer is not written", "delete all", |parts| {
            if parts.method == Method::PATCH && parts.uri.path().starts_with("/apis/acivnet.dev/") {
                parts.method = Method::GET;
            }
        }),
    ];
    for (bug, name, plant) in plants {
        let scenario = scenario(name);
        let clean = undisturbed(scenario);
        let lost = clean
            .numbers(Sent::writes_azure)
            .into_iter()
            .map(|request| Interruption { request, mode: Mode::AnswerLost });
        let mut cases = std::iter::once(Vec::new()).chain(lost.map(|one| vec![one]));
        let caught = cases.find(|interruptions| {
            let run = case(scenario, Disturbance { interruptions: interruptions.clone(), plant: Some(plant) });
            run.is_err() || run.is_ok_and(|run| !clean.end.differences(&run.end).is_empty())
        });
        eprintln!("{bug}: caught by {name} with {caught:?}");
        assert!(caught.is_some(), "{bug}: no case of {name} caught it");
    }
}

/// Turns a search in the Azure ML data plane into one that finds nothing.
fn look_elsewhere(parts: &mut Parts, what: &str) {
    if parts.method == Method::GET
        && parts.uri.path().ends_with(what)
        && parts.uri.path().starts_with("/modelmanagement/")
    {
        let place = parts.uri.authority().expect("a host");
        let elsewhere = format!("https://{place}{}?properties=nobody%3Dhas-this", parts.uri.path());
        parts.uri = elsewhere.parse::<Uri>().expect("a URL");
    }
}

/// The undisturbed run, after every case was compared with it.
fn interrupted_everywhere(name: &str) -> Run {
    let scenario = scenario(name);
    let clean = undisturbed(scenario);
    let requests = clean.numbers(concerned(name));
    assert!(!requests.is_empty(), "{name}: nothing to interrupt");
    let cases = match chosen(name) {
        Some(one) => vec![one],
        None => {
            requests.iter().flat_map(|request| Mode::ALL.map(|mode| Interruption { request: *request, mode })).collect()
        }
    };
    let wrong = run_all(scenario, &clean, &cases);
    eprintln!("{name}: {} requests, {} cases, {} wrong", clean.trace.len(), cases.len(), wrong.len());
    assert!(wrong.is_empty(), "{} of {} cases went wrong\n\n{}", wrong.len(), cases.len(), wrong.join("\n\n"));
    clean
}

fn scenario(name: &str) -> &'static Scenario {
    SCENARIOS.iter().find(|scenario| scenario.name == name).expect("a scenario of that name")
}

/// Which requests of a scenario are interrupted.
fn concerned(name: &str) -> fn(&Sent) -> bool {
    match (std::env::var("ACIVNET_INTERRUPTED").as_deref(), name) {
        (Ok("every"), _) => |sent| sent.side != Side::Kubernetes || sent.writes_kubernetes(),
        (Ok("writes"), _) | (_, "article create" | "delete all") => {
            |sent| sent.writes_azure() || sent.writes_kubernetes()
        }
        _ => Sent::writes_azure,
    }
}

/// Runs a scenario twice without interruptions: both runs send the same requests.
fn undisturbed(scenario: &Scenario) -> Run {
    let run =
        || case(scenario, Disturbance::default()).unwrap_or_else(|why| panic!("{}, undisturbed: {why}", scenario.name));
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
    let run = case(scenario, interruption.into()).map_err(|why| format!("{about}: {why}"))?;
    if chosen(scenario.name).is_some() {
        run.log.iter().for_each(|line| eprintln!("{line}"));
    }
    let wrong = clean.wrong_with(&run, &interruption);
    if wrong.is_empty() { Ok(()) } else { Err(format!("{about}:\n  {}", wrong.join("\n  "))) }
}

/// One run on a runtime of its own, whose time is paused.
fn case(scenario: &Scenario, disturbance: Disturbance) -> Result<Run, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(scenario.run(disturbance))
}

/// The one case that is asked for, if it is of this scenario.
fn chosen(name: &str) -> Option<Interruption> {
    let wanted = std::env::var("ACIVNET_INTERRUPTION").ok()?;
    let [scenario, request, mode] = wanted.split(':').collect::<Vec<_>>().try_into().expect("scenario:request:mode");
    let mode = Mode::ALL.into_iter().find(|one| format!("{one:?}") == mode).expect("a mode");
    (scenario == name).then(|| Interruption { request: request.parse().expect("a number"), mode })
}

fn count(end: &EndState, what: &str) -> usize {
    end.azure[what].as_array().unwrap_or_else(|| panic!("the dump of Azure has no {what}")).len()
}

fn is_ready(object: &Value) -> bool {
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
}
