//! Proves that the interruption tests catch bugs: each planted bug has to be caught by a case.

use acivnet_tests::{
    in_process::{
        campaign::{Case, Clean, parallel},
        planted_bugs::{self, Planted},
        scenario::{Run, Scenario},
        scenarios,
        wire::{Disturbance, Interruption, Mode, Sent},
    },
    results::Results,
};
use std::collections::BTreeMap;

/// The most informative first.
const MODES: [Mode; 4] = [Mode::StoppedWithoutAnswer, Mode::AnswerLost, Mode::StoppedBefore, Mode::StoppedAfter];

/// Part of the name of the only bugs to be planted.
const BUG: &str = "ACIVNET_BUG";
/// So many cases are tried against one bug.
const MOST_CASES: usize = 60;

/// The case that caught a bug, and what it found.
struct Caught {
    case: Case,
    cases: usize,
    found: String,
}

#[test]
fn planted_bugs_are_caught() {
    let wanted = std::env::var(BUG).unwrap_or_default();
    let bugs: Vec<&Planted> = planted_bugs::all().filter(|one| one.bug.contains(&wanted)).collect();
    let needed: BTreeMap<&str, &Scenario> =
        bugs.iter().flat_map(|bug| bug.scenarios).map(|name| (*name, scenarios::named(name))).collect();
    let needed: Vec<&'static Scenario> = needed.into_values().collect();
    let clean: BTreeMap<&str, Clean> = needed
        .iter()
        .map(|scenario| scenario.name)
        .zip(parallel(&needed, |one| Clean::of(one).unwrap_or_else(|why| panic!("{why}"))))
        .collect();
    let caught = parallel(&bugs, |bug| {
        let caught = catch(bug, &clean);
        eprintln!("{}", row(bug, caught.as_ref()).join(" | "));
        caught
    });
    let mut results = Results::new("planted", "Planted bugs, and which case catches each");
    results.text("Each bug sits between the operator and its servers, and forgets everything when the operator's process ends. A case catches it if the case ends differently from the undisturbed run without the bug, never ends, or touches what belongs to others. A case without interruption is named by its scenario alone.");
    let rows: Vec<Vec<String>> = bugs.iter().zip(&caught).map(|(bug, caught)| row(bug, caught.as_ref())).collect();
    results.table(&["bug", "caught by", "cases until then", "what was found"], &rows);
    let count = caught.iter().flatten().count();
    results.bar("planted bugs", "≥ 20", bugs.len(), bugs.len() >= 20 || !wanted.is_empty());
    results.bar("caught", "all", format!("{count} of {}", bugs.len()), count == bugs.len());
    results.publish();
    assert_eq!(results.missed(), Vec::<String>::new());
}

fn row(bug: &Planted, caught: Option<&Caught>) -> Vec<String> {
    match caught {
        Some(Caught { case, cases, found }) => vec![bug.bug.into(), case.to_string(), cases.to_string(), found.clone()],
        None => vec![bug.bug.into(), "NOTHING".into(), String::new(), String::new()],
    }
}

/// Runs the bug's scenarios, first without interruptions, then with each write interrupted, until one is caught.
fn catch(bug: &Planted, clean: &BTreeMap<&str, Clean>) -> Option<Caught> {
    let mut cases = 0;
    bug.scenarios.iter().find_map(|name| {
        let clean = &clean[name];
        let case = |interruptions| Case { scenario: clean.scenario, interruptions };
        let mut judge = |case: Case| {
            cases += 1;
            let run = case.run(Disturbance { interruptions: case.interruptions.clone(), plant: Some(bug.plant) });
            match wrong(&clean.run, &run) {
                Some(found) => Err(Caught { case, cases, found }),
                None => Ok(run.expect("nothing was wrong")),
            }
        };
        let undisturbed = match judge(case(Vec::new())) {
            Err(caught) => return Some(caught),
            Ok(run) => run,
        };
        let writes = undisturbed.numbers(Sent::writes);
        let mut all = MODES
            .into_iter()
            .flat_map(|mode| writes.iter().map(move |request| Interruption { request: *request, mode }));
        all.by_ref().take(MOST_CASES).find_map(|one| judge(case(vec![one])).err())
    })
}

/// What is wrong with a run, in a line; as in the campaign, but for where the requests part, as a bug's do.
fn wrong(clean: &Run, run: &Result<Run, String>) -> Option<String> {
    let found = match run {
        Err(why) => Some(format!("Stuck: {why}")),
        Ok(run) => clean.ends_otherwise(run).into_iter().min().map(|(kind, text)| format!("{kind:?}: {text}")),
    };
    let line = |text: String| text.lines().next().unwrap_or_default().replace('|', "/").chars().take(160).collect();
    found.map(line)
}
