//! Runs many seeds in parallel, and collects their results.

use crate::run::Outcome;
use acivnet_tests::results::Results;
use std::{
    collections::BTreeMap,
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

/// The results of a range of seeds.
#[derive(Clone, Debug)]
pub struct Report {
    /// Every seed, in order.
    pub outcomes: Vec<Outcome>,
    /// The seeds that were run once more, and whether their traces were the same.
    pub again: Vec<(u64, bool)>,
}

impl Report {
    /// Runs `one` for every seed on this many threads, and one seed in `again` twice.
    pub fn of(
        seeds: Range<u64>,
        again: Option<u64>,
        threads: Option<usize>,
        one: impl Fn(u64) -> Outcome + Sync,
    ) -> Self {
        let (next, outcomes) = (AtomicU64::new(seeds.start), Mutex::new(BTreeMap::new()));
        let same = Mutex::new(BTreeMap::new());
        let work = || {
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if !seeds.contains(&seed) {
                    return;
                }
                let mut outcome = one(seed);
                if again.is_some_and(|every| seed.is_multiple_of(every)) {
                    same.lock().unwrap().insert(seed, is_same(&mut outcome, &one(seed)));
                }
                if !outcome.wrong.is_empty() {
                    eprintln!("{}", failure(&outcome));
                }
                outcomes.lock().unwrap().insert(seed, outcome);
            }
        };
        let cores = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..threads.unwrap_or(cores) {
                scope.spawn(work);
            }
        });
        Self {
            outcomes: outcomes.into_inner().unwrap().into_values().collect(),
            again: same.into_inner().unwrap().into_iter().collect(),
        }
    }

    /// How many seeds went wrong.
    pub fn wrong(&self) -> usize {
        self.outcomes.iter().filter(|outcome| !outcome.wrong.is_empty()).count()
    }

    /// Simulated time of all seeds together.
    pub fn lasted(&self) -> Duration {
        self.outcomes.iter().map(|outcome| outcome.lasted).sum()
    }

    /// Faults that struck, by kind.
    pub fn faults(&self) -> BTreeMap<&'static str, u64> {
        let mut all = BTreeMap::new();
        for (kind, count) in self.outcomes.iter().flat_map(|outcome| &outcome.counts.faults) {
            *all.entry(*kind).or_default() += count;
        }
        all
    }
}

/// Whether a second run left the same trace. If not, `outcome` went wrong.
fn is_same(outcome: &mut Outcome, again: &Outcome) -> bool {
    let same = outcome.hash == again.hash;
    if !same {
        outcome.wrong.push(format!("two runs differ: {} and {}", outcome.hash, again.hash));
        let lines = outcome.lines.iter().zip(&again.lines);
        let from = lines.clone().find(|(one, two)| one != two);
        let from = from.map(|(one, two)| format!("from here on:\n    {one}\n    {two}"));
        outcome.wrong.extend(from);
    }
    same
}

fn failure(outcome: &Outcome) -> String {
    let replay = format!("cargo run -p acivnet-seeds -- --seed {} --trace", outcome.seed);
    format!("seed {} went wrong; again with: {replay}\n  {}", outcome.seed, outcome.wrong.join("\n  "))
}

impl Report {
    /// What came of it, for a run that took `took` in all.
    pub fn results(&self, took: Duration) -> Results {
        let mut results = Results::new("seeds", "Seeds: the operator on a simulated network");
        let sum = |count: fn(&Outcome) -> u64| self.outcomes.iter().map(count).sum::<u64>();
        let (requests, writes) = (sum(|one| one.counts.requests), sum(|one| one.counts.writes));
        let (seeds, wrong, lasted) = (self.outcomes.len(), self.wrong(), self.lasted().as_secs());
        let (pairs, holders) = (sum(|one| u64::from(one.operators > 1)), sum(|one| one.counts.holders));
        results.text(format!(
            "{lasted} s simulated, {requests} requests, {writes} of which are writes. {pairs} of the seeds run two \
             operators, whose Lease got a new holder {holders} times. Faults by kind:"
        ));
        let rows: Vec<Vec<String>> =
            self.faults().iter().map(|(kind, count)| vec![(*kind).to_owned(), count.to_string()]).collect();
        results.table(&["fault", "times"], &rows);
        results.bar("seeds", "≥ 500", seeds, seeds >= 500);
        results.bar("violations", "0", wrong, wrong == 0);
        let (again, same) = (self.again.len(), self.again.iter().filter(|(_, same)| *same).count());
        results.bar("seeds run twice whose traces have the same hash", "all, ≥ 20", same, same == again && again >= 20);
        results.bar("seconds", "≤ 600", took.as_secs(), took.as_secs() <= 600);
        results
    }
}
