//! All scenarios: the slice that `cargo test` runs, and the whole that `make converge` runs.

use acivnet_tests::{
    in_process::{
        campaign::{CASE, Case, Clean, Finding, Outcome, Wrong, parallel},
        scenario::Scenario,
        scenarios,
        wire::{Interruption, Mode, Sent},
    },
    results::Results,
};
use std::time::{Duration, Instant};

/// How many scenarios, those with the most writes to Azure, are also interrupted twice in a row. Pairs grow with the
/// square of the requests, so the largest ones take minutes.
const TWICE: usize = 3;
/// Most pairs of interruptions in each of them, taken evenly from all pairs.
const PAIRS: usize = 400;
/// The slice interrupts every write to Azure, one in this many other writes, and one in this many reads: enough for the
/// bar of 2,000 cases in a few minutes.
const SLICE: [usize; 2] = [4, 40];
/// Part of the name of the only scenarios to be run.
const SCENARIO: &str = "ACIVNET_SCENARIO";

/// Every write to Azure in every mode, and a fixed sample of the other requests.
#[test]
fn slice() {
    let (began, clean) = (Instant::now(), undisturbed());
    let singles = judged(&clean, clean.iter().flat_map(sample).collect());
    told("interruptions-slice", &clean, &singles, &[], began.elapsed()).publish();
    assert_eq!(wrong(&singles), [] as [&str; 0]);
}

/// Every request, and pairs of interruptions in the largest scenarios; `ACIVNET_INTERRUPTED=every` leaves out no poll.
#[test]
#[ignore = "takes minutes: make converge"]
fn whole() {
    let (began, clean) = (Instant::now(), undisturbed());
    let singles = judged(&clean, clean.iter().flat_map(every_request).collect());
    let pairs = judged(&clean, largest(&clean).into_iter().flat_map(|one| pairs(one, &singles)).collect());
    told("interruptions", &clean, &singles, &pairs, began.elapsed()).publish();
    assert_eq!((wrong(&singles), wrong(&pairs)), Default::default());
}

/// The case that the environment names, with all its requests.
#[test]
#[ignore = "runs one case on demand"]
fn one_case() {
    let case = Case::named(&std::env::var(CASE).unwrap_or_else(|_| panic!("{CASE} names the case")));
    let clean = Clean::of(case.scenario).unwrap_or_else(|why| panic!("{why}"));
    if let Ok(run) = case.disturbed() {
        run.log().iter().for_each(|line| eprintln!("{line}"));
    }
    let wrong = clean.judge(&case).finding;
    assert!(wrong.is_none(), "{}", wrong.unwrap().text);
}

/// The undisturbed runs, two of each, which are the same and end as they have to.
fn undisturbed() -> Vec<Clean> {
    let wanted = std::env::var(SCENARIO).unwrap_or_default();
    let all: Vec<&'static Scenario> = scenarios::all().filter(|one| one.name.contains(&wanted)).collect();
    let runs: Vec<Result<Clean, String>> = parallel(&all, |scenario| Clean::of(scenario));
    let wrong: Vec<String> = runs.iter().filter_map(|run| run.as_ref().err().cloned()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    runs.into_iter().flatten().collect()
}

fn judged(clean: &[Clean], cases: Vec<Case>) -> Vec<(Case, Outcome)> {
    let outcomes = parallel(&cases, |case| of(clean, case).judge(case));
    cases.into_iter().zip(outcomes).collect()
}

fn wrong(judged: &[(Case, Outcome)]) -> Vec<&str> {
    judged.iter().filter_map(|(_, outcome)| Some(outcome.finding.as_ref()?.text.as_str())).collect()
}

fn of<'c>(clean: &'c [Clean], case: &Case) -> &'c Clean {
    clean.iter().find(|one| one.scenario.name == case.scenario.name).expect("its undisturbed run")
}

fn sample(clean: &Clean) -> Vec<Case> {
    let [writes, reads] = SLICE;
    let azure = clean.cases(&clean.run.numbers(Sent::writes_azure), &Mode::ALL);
    let kubernetes: Vec<usize> = clean.run.numbers(Sent::writes_kubernetes).into_iter().step_by(writes).collect();
    let others: Vec<usize> = clean.run.first_reads().into_iter().step_by(reads).collect();
    let kubernetes = clean.cases(&kubernetes, &Mode::ALL);
    azure.into_iter().chain(kubernetes).chain(clean.cases(&others, &Mode::OF_READS)).collect()
}

fn every_request(clean: &Clean) -> Vec<Case> {
    if std::env::var("ACIVNET_INTERRUPTED").as_deref() == Ok("every") {
        return clean.cases(&clean.run.numbers(|_| true), &Mode::ALL);
    }
    let writes = clean.cases(&clean.run.numbers(Sent::writes), &Mode::ALL);
    writes.into_iter().chain(clean.cases(&clean.run.first_reads(), &Mode::OF_READS)).collect()
}

fn largest(clean: &[Clean]) -> Vec<&Clean> {
    let mut all: Vec<&Clean> = clean.iter().collect();
    all.sort_by_key(|one| std::cmp::Reverse(one.run.numbers(Sent::writes_azure).len()));
    all.truncate(TWICE);
    all
}

/// Each interrupted write with each later write of the run that it changed, the modes in turn.
fn pairs(clean: &Clean, singles: &[(Case, Outcome)]) -> Vec<Case> {
    let writes = clean.run.numbers(Sent::writes);
    let firsts = singles.iter().filter(|(case, _)| {
        case.scenario.name == clean.scenario.name && writes.contains(&case.interruptions[0].request)
    });
    let seconds = firsts.flat_map(|(case, outcome)| {
        outcome.later_writes.iter().enumerate().map(|(at, request)| {
            let second = Interruption { request: *request, mode: Mode::ALL[at % Mode::ALL.len()] };
            Case { scenario: clean.scenario, interruptions: vec![case.interruptions[0], second] }
        })
    });
    let all: Vec<Case> = seconds.collect();
    // an odd step, so that the modes stay in turn
    let step = all.len().div_ceil(PAIRS) | 1;
    all.into_iter().step_by(step).collect()
}

fn told(
    name: &str,
    clean: &[Clean],
    singles: &[(Case, Outcome)],
    pairs: &[(Case, Outcome)],
    took: Duration,
) -> Results {
    let mut results = Results::new(name, "Interruptions, in process");
    let [writes, reads] = SLICE;
    results.text(format!(
        "Each scenario is run undisturbed, then once for each request and mode: the operator is stopped before \
         sending · the request is carried out, its answer is lost, and the operator goes on · it is carried out and \
         the operator is stopped · the operator is stopped after the answer. The end state of Azure and Kubernetes \
         has to be that of the undisturbed run: nothing of others touched, nothing created twice, and no write in \
         three sweeps. A read is interrupted only in the first two modes, since it changes nothing: stopping after it \
         is the same as stopping before the next request. A poll, which is a read that was already sent since the \
         last write, is left out. The slice interrupts every write to Azure, one in {writes} of the other writes and \
         one in {reads} reads.",
    ));
    let rows: Vec<Vec<String>> = clean.iter().map(|one| row(one, singles, pairs)).collect();
    results.table(&["scenario", "requests", "writes to Azure", "to Kubernetes", "cases", "pairs", "wrong"], &rows);
    let findings: Vec<&Finding> =
        singles.iter().chain(pairs).filter_map(|(_, outcome)| outcome.finding.as_ref()).collect();
    findings.iter().for_each(|one| results.text(format!("```text\n{}\n```", one.text)));
    let cases = singles.len() + pairs.len();
    results.bar("cases", "≥ 2,000", cases, cases >= 2_000);
    for (what, kind) in [("leaks", Wrong::Leak), ("duplicates", Wrong::Duplicate), ("stuck", Wrong::Stuck)] {
        let count = findings.iter().filter(|one| one.wrong == kind).count();
        results.bar(what, "0", count, count == 0);
    }
    let others = findings.iter().filter(|one| one.wrong == Wrong::Different).count();
    results.bar("ended otherwise", "0", others, others == 0);
    let (cpu, minutes) = (cpu_seconds(), took.as_secs_f64() / 60.0);
    results.text(format!("{cases} cases in {:.0} s; {cpu:.0} s of processor time.", took.as_secs_f64()));
    let paced = minutes * 2_000.0 / cases.max(1) as f64;
    results.bar("minutes for 2,000 cases, all cores", "≤ 12", format!("{paced:.1}"), paced <= 12.0);
    results
}

fn row(clean: &Clean, singles: &[(Case, Outcome)], pairs: &[(Case, Outcome)]) -> Vec<String> {
    let run = &clean.run;
    let mine =
        |all: &[(Case, Outcome)]| all.iter().filter(|(case, _)| case.scenario.name == clean.scenario.name).count();
    let both = singles.iter().chain(pairs).filter(|(case, _)| case.scenario.name == clean.scenario.name);
    let numbers = [
        run.numbers(|_| true).len(),
        run.numbers(Sent::writes_azure).len(),
        run.numbers(Sent::writes_kubernetes).len(),
        mine(singles),
        mine(pairs),
        both.filter(|(_, outcome)| outcome.finding.is_some()).count(),
    ];
    let numbers = numbers.into_iter().map(|number| number.to_string());
    std::iter::once(clean.scenario.name.to_owned()).chain(numbers).collect()
}

/// Processor time of this process so far (`/proc/self/stat`, fields 14 and 15, in hundredths of a second).
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    fields.filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}
