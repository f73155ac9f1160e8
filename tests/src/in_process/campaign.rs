//! Many cases: each is run, and compared with the undisturbed run of its scenario.

use super::{
    scenario::{Run, Scenario},
    scenarios,
    wire::{Disturbance, Interruption, Mode, Sent},
};
use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// Names the case that the test `one_case` runs alone.
pub const CASE: &str = "ACIVNET_INTERRUPTION";

/// A scenario, and its interruptions. The number of a second interruption counts in the run that
/// the first one changed.
#[derive(Clone)]
pub struct Case {
    /// What happens.
    pub scenario: &'static Scenario,
    /// Its interruptions.
    pub interruptions: Vec<Interruption>,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.scenario.name)?;
        self.interruptions.iter().try_for_each(|one| write!(f, "/{}/{:?}", one.request, one.mode))
    }
}

impl Case {
    /// The case of a name, as its `Display` form gives it.
    pub fn named(name: &str) -> Self {
        let parts: Vec<&str> = name.split('/').collect();
        let (scenario, rest) = parts.split_first().expect("a scenario");
        let mode = |name: &str| Mode::ALL.into_iter().find(|one| format!("{one:?}") == name).expect("a mode");
        let interruption =
            |pair: &[&str]| Interruption { request: pair[0].parse().expect("a number"), mode: mode(pair[1]) };
        Self { scenario: scenarios::named(scenario), interruptions: rest.chunks(2).map(interruption).collect() }
    }

    /// Runs it on a runtime of its own, whose time is paused.
    ///
    /// # Errors
    /// What did not settle, or was touched although it belongs to others, or panicked.
    pub fn run(&self, disturbance: Disturbance) -> Result<Run, String> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let run = || runtime.block_on(self.scenario.run(disturbance));
        catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| Err(format!("panic: {}", text_of(panic.as_ref()))))
    }

    /// Runs it with its interruptions.
    ///
    /// # Errors
    /// As [`Case::run`].
    pub fn disturbed(&self) -> Result<Run, String> {
        self.run(Disturbance { interruptions: self.interruptions.clone(), plant: None })
    }

    /// The command that runs it alone.
    pub fn command(&self) -> String {
        format!("{CASE}='{self}' cargo test -p acivnet-tests --test interruptions -- --ignored --nocapture one_case")
    }
}

fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default()
}

/// What is wrong with a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Wrong {
    /// It never came to rest.
    Stuck,
    /// Something is left in Azure that the undisturbed run does not leave.
    Leak,
    /// Something is there more than once, or was made more often.
    Duplicate,
    /// It ended differently.
    Different,
}

/// A case that went wrong.
#[derive(Clone, Debug)]
pub struct Finding {
    /// In which way.
    pub wrong: Wrong,
    /// What was found, and how to run the case alone.
    pub text: String,
}

/// What became of a case.
pub struct Outcome {
    /// What went wrong, if anything did.
    pub finding: Option<Finding>,
    /// The numbers of the writes after the last interruption.
    pub later_writes: Vec<usize>,
}

/// A scenario with its undisturbed run.
pub struct Clean {
    /// The scenario.
    pub scenario: &'static Scenario,
    /// How it goes undisturbed.
    pub run: Run,
}

impl Clean {
    /// Runs a scenario twice without interruptions.
    ///
    /// # Errors
    /// It does not come to rest, the two runs differ, or it does not end as it has to.
    pub fn of(scenario: &'static Scenario) -> Result<Self, String> {
        let case = Case { scenario, interruptions: Vec::new() };
        let about = |why: String| format!("{case}, undisturbed: {why}");
        let (one, two) = (case.disturbed().map_err(about)?, case.disturbed().map_err(about)?);
        let parted = one.trace.iter().zip(&two.trace).enumerate().find(|(_, (first, second))| first != second);
        if let Some((number, (first, second))) = parted {
            return Err(about(format!("two runs part at request {number}: {first}, {second}")));
        }
        if (one.trace.len(), &one.end) != (two.trace.len(), &two.end) {
            return Err(about("two runs end differently".into()));
        }
        let ends = catch_unwind(AssertUnwindSafe(|| (scenario.ends)(&one.end)));
        ends.map_err(|panic| about(format!("it ends otherwise: {}", text_of(panic.as_ref()))))?;
        Ok(Self { scenario, run: one })
    }

    /// Each of these requests in each of these modes.
    pub fn cases(&self, requests: &[usize], modes: &[Mode]) -> Vec<Case> {
        let each = |request: &usize| modes.iter().map(|mode| Interruption { request: *request, mode: *mode }).collect();
        let ones: Vec<Interruption> = requests.iter().flat_map::<Vec<_>, _>(each).collect();
        ones.into_iter().map(|one| Case { scenario: self.scenario, interruptions: vec![one] }).collect()
    }

    /// Runs a case of this scenario and compares.
    pub fn judge(&self, case: &Case) -> Outcome {
        match case.disturbed() {
            Err(why) => Outcome { finding: Some(self.finding(case, Wrong::Stuck, &why)), later_writes: Vec::new() },
            Ok(run) => {
                let after = case.interruptions.last().map_or(0, |last| last.request + 1);
                let writes = run.numbers(Sent::writes);
                let wrong = self.run.wrong_with(&run, &case.interruptions);
                let kind = wrong.iter().map(|(kind, _)| *kind).min();
                let text = wrong.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join("\n  ");
                let finding = kind.map(|kind| self.finding(case, kind, &text));
                Outcome { finding, later_writes: writes.into_iter().filter(|write| *write >= after).collect() }
            }
        }
    }

    fn finding(&self, case: &Case, wrong: Wrong, why: &str) -> Finding {
        eprintln!("{case}: {wrong:?}");
        let struck =
            case.interruptions.first().map_or_else(String::new, |first| self.run.trace[first.request].to_string());
        Finding { wrong, text: format!("{case} ({struck}): {wrong:?}\n  {why}\n  {}", case.command()) }
    }
}

/// Works on all items, on every core; the answers come in the order of the items.
pub fn parallel<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let (next, answers) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let worker = || {
        while let (at, Some(item)) = {
            let at = next.fetch_add(1, Ordering::Relaxed);
            (at, items.get(at))
        } {
            let answer = work(item);
            answers.lock().unwrap().push((at, answer));
        }
    };
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(worker);
        }
    });
    let mut answers = answers.into_inner().unwrap();
    answers.sort_by_key(|(at, _)| *at);
    answers.into_iter().map(|(_, answer)| answer).collect()
}
