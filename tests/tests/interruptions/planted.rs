//! Bugs that are planted: each has to be caught.

use acivnet_tests::in_process::{
    campaign::{Case, Clean},
    scenarios,
    wire::{Disturbance, Interruption, Mode, Plant, Sent},
};
use http::{Method, Uri, request::Parts};

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
        let clean = Clean::of(scenarios::named(name)).unwrap_or_else(|why| panic!("{why}"));
        let lost = clean
            .run
            .numbers(Sent::writes_azure)
            .into_iter()
            .map(|request| Interruption { request, mode: Mode::AnswerLost });
        let mut cases = std::iter::once(Vec::new()).chain(lost.map(|one| vec![one]));
        let caught = cases.find(|interruptions| {
            let case = Case { scenario: clean.scenario, interruptions: interruptions.clone() };
            let run = case.run(Disturbance { interruptions: interruptions.clone(), plant: Some(plant) });
            run.is_err() || run.is_ok_and(|run| !clean.run.end.differences(&run.end).is_empty())
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
