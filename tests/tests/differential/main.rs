//! The operator says what Microsoft's SDK says: every configuration of `tests/differential`, as `azureml-core` sent it
//! (`recordings/`, made by `make differential`) and as the operator sends it, request by request and field by field.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests fail by panicking, and say so"
)]

mod explained;
mod normal;
mod operator;

use acivnet_tests::repository;
use explained::{EXPLAINED, WITHOUT_A_FIELD};
use normal::{differences, requests};
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs, path::PathBuf};

fn folder() -> PathBuf {
    repository().join("tests/differential")
}

fn read(path: &PathBuf) -> Value {
    let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the SDK sent for a configuration, as it is in the repository.
fn recording(name: &str) -> Value {
    read(&folder().join(format!("recordings/{name}.json")))
}

/// Every configuration is there in all three forms.
#[test]
fn configurations_stand_in_python_in_yaml_and_as_recordings() {
    let python = fs::read_to_string(folder().join("configurations.py")).unwrap();
    let functions =
        python.lines().filter_map(|line| line.strip_prefix("def ")?.strip_suffix("(ws: Workspace) -> None:"));
    let recordings = fs::read_dir(folder().join("recordings")).unwrap().map(|entry| entry.unwrap().path());
    let recordings = recordings.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned());
    let (names, mut recordings): (Vec<String>, Vec<String>) = (operator::names(), recordings.collect());
    recordings.sort();
    let mut sorted = names.clone();
    sorted.sort();
    assert_eq!((functions.collect::<Vec<_>>(), recordings), (names.iter().map(String::as_str).collect(), sorted));
    assert!(names.len() >= 20, "only {} configurations", names.len());
}

/// The newest recordings are those of the repository: a new release of the SDK that sends anything else shows here.
#[test]
fn the_sdk_sends_what_it_sent() {
    let Some(fresh) = std::env::var_os("ACIVNET_SDK_RECORDINGS").map(PathBuf::from) else {
        return eprintln!("not recorded anew: `make differential` runs azureml-core");
    };
    let mut others = Vec::new();
    for name in operator::names() {
        let raw = read(&fresh.join(format!("{name}.json")));
        let now = json!({"sdk": raw["sdk"], "refused": raw["refused"], "requests": requests(raw["sent"].as_array().unwrap())});
        if std::env::var_os("ACIVNET_ACCEPT_RECORDINGS").is_some() {
            let path = folder().join(format!("recordings/{name}.json"));
            fs::write(path, format!("{}\n", serde_json::to_string_pretty(&now).unwrap())).unwrap();
        }
        let known = recording(&name);
        others.extend(differences("", Some(&known), Some(&now)).into_iter().map(|one| format!("{name}{one:?}")));
    }
    assert!(
        others.is_empty(),
        "sdk is what is in the repository, operator what azureml-core sends now:\n{}",
        others.join("\n")
    );
}

#[test]
fn the_operator_sends_what_the_sdk_sends() {
    let (mut unexplained, mut used) = (Vec::new(), BTreeSet::new());
    let compared = compared();
    for (request, one) in compared.iter().flat_map(|name| differing(name)) {
        match EXPLAINED.iter().position(|explained| explained.is(&request, &one)) {
            Some(place) => drop(used.insert(place)),
            None => unexplained.push(format!("{request} {}: SDK {}, operator {}", one.at, one.sdk, one.operator)),
        }
    }
    assert!(unexplained.is_empty(), "{} unexplained differences:\n{}", unexplained.len(), unexplained.join("\n"));
    let stale = EXPLAINED.iter().enumerate().filter(|(place, _)| !used.contains(place));
    let stale: Vec<_> = stale.map(|(_, one)| one.line()).collect();
    assert!(stale.is_empty(), "explained, and no difference any more:\n{}", stale.join("\n"));
    eprintln!("{} configurations compared, 0 unexplained differences; not compared:", compared.len());
    WITHOUT_A_FIELD.iter().for_each(|(name, why)| eprintln!("  {name}: {why}"));
    eprintln!("explained:");
    EXPLAINED.iter().for_each(|one| eprintln!("  {}", one.line()));
}

/// The configurations that stand as custom resources: all but those that are said to have no field.
fn compared() -> Vec<String> {
    let without = |name: &String| WITHOUT_A_FIELD.iter().any(|(one, _)| one == name);
    let (without, compared): (Vec<_>, Vec<_>) = operator::names().into_iter().partition(without);
    assert!(without.iter().all(|name| operator::otherwise(name).is_null()), "{without:?}");
    assert_eq!(without.len(), WITHOUT_A_FIELD.len());
    compared
}

/// In what the requests for a configuration differ, each with configuration and request.
fn differing(name: &str) -> Vec<(String, normal::Difference)> {
    let known = recording(name);
    assert!(known["refused"].is_null(), "{name}: Azure refused it: {}", known["refused"]);
    let found = pairs(known["requests"].as_array().unwrap(), &requests(&operator::sent(name)));
    found.into_iter().map(|(request, one)| (format!("{name}: {request}"), one)).collect()
}

/// The differences of two lists of requests, each with the request in which it is.
fn pairs(sdk: &[Value], operator: &[Value]) -> Vec<(String, normal::Difference)> {
    let about = |place: usize| {
        let one = sdk.get(place).or(operator.get(place)).unwrap();
        one["request"].as_str().unwrap().to_owned()
    };
    let places = 0..sdk.len().max(operator.len());
    let found = places.flat_map(|place| {
        let found = differences("", sdk.get(place), operator.get(place));
        found.into_iter().map(move |one| (place, one))
    });
    found.map(|(place, one)| (about(place), one)).collect()
}
