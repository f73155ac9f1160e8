//! What the replay found, for people.

use crate::compare::{Difference, What};
use crate::known::{self, KNOWN, Known, OTHER_VERSIONS};
use crate::player::Outcome;
use crate::recordings::Exchange;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};

/// Most places that are named of a difference.
const NAMED: usize = 3;

#[derive(Default)]
struct Count {
    exchanges: usize,
    equal: usize,
    other_version: usize,
    known: usize,
    unknown: usize,
    not_comparable: usize,
}

#[derive(Default)]
pub struct Report {
    counts: BTreeMap<String, Count>,
    not_comparable: BTreeMap<&'static str, usize>,
    /// Exchanges and, of those, differences by entry of the list.
    known: BTreeMap<usize, usize>,
    unknown: BTreeMap<(String, Difference), Vec<String>>,
    /// Names of the recordings that were played, and exchanges that show an entry of the list.
    played: BTreeSet<String>,
    shown: BTreeSet<(usize, String, u32)>,
}

impl Report {
    pub fn add(&mut self, recording: &str, results: Vec<(Exchange, Outcome)>) {
        self.played.insert(recording.to_owned());
        for (exchange, outcome) in results {
            let count = self.counts.entry(exchange.kind()).or_default();
            count.exchanges += 1;
            match outcome {
                Outcome::NotComparable(why) => {
                    count.not_comparable += 1;
                    *self.not_comparable.entry(why).or_default() += 1;
                }
                Outcome::Compared(found) => self.judge(recording, &exchange, found),
            }
        }
    }

    fn judge(&mut self, recording: &str, exchange: &Exchange, found: Vec<Difference>) {
        let found: Vec<Difference> =
            found.into_iter().filter(|found| !known::is_of_neighbours(exchange, found)).collect();
        let is_of_version = |found: &Difference| OTHER_VERSIONS.iter().any(|entry| entry.is(exchange, found));
        let (of_version, own): (Vec<_>, Vec<_>) = found.into_iter().partition(is_of_version);
        let mut is_unknown = false;
        let is_equal = own.is_empty();
        for difference in own {
            match KNOWN.iter().position(|entry| entry.is(exchange, &difference)) {
                Some(entry) => {
                    *self.known.entry(entry).or_default() += 1;
                    self.shown.insert((entry, recording.to_owned(), exchange.n));
                }
                None => {
                    is_unknown = true;
                    let kind = format!("{} {} {}", exchange.method, exchange.kind(), exchange.status);
                    self.unknown.entry((kind, difference)).or_default().push(format!("{recording}, {}", exchange.n));
                }
            }
        }
        let count = self.counts.entry(exchange.kind()).or_default();
        match (is_equal, is_unknown) {
            (true, _) if of_version.is_empty() => count.equal += 1,
            (true, _) => count.other_version += 1,
            (false, true) => count.unknown += 1,
            (false, false) => count.known += 1,
        }
    }

    /// Entries of the list whose own example was played and no longer shows the difference.
    fn stale(&self) -> Vec<&'static Known> {
        let is_stale = |(entry, known): &(usize, &Known)| {
            self.played.contains(known.example.0)
                && !self.shown.contains(&(*entry, known.example.0.to_owned(), known.example.1))
        };
        KNOWN.iter().enumerate().filter(is_stale).map(|(_, known)| known).collect()
    }

    /// What makes the replay fail; empty if nothing does.
    pub fn faults(&self) -> String {
        let mut text = String::new();
        for ((kind, found), places) in &self.unknown {
            text += &format!("{kind}: {}, {} times: {}\n", Words(found), places.len(), first(places));
        }
        for known in self.stale() {
            text += &format!(
                "stale entry of the list of known differences: {}, {} no longer differs in {}. Take it off the list.\n",
                known.example.0, known.example.1, known.at
            );
        }
        text
    }
}

fn first(places: &[String]) -> String {
    let more = places.len().saturating_sub(NAMED);
    let named = places.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ");
    if more == 0 { named } else { format!("{named}; and {more} more") }
}

struct Words<'a>(&'a Difference);

impl Display for Words<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Difference { what, at, azure, simulator } = self.0;
        let cut = |text: &str| text.chars().take(200).collect::<String>();
        match what {
            What::Missing => write!(f, "{at} is missing, Azure has {}", cut(azure)),
            What::Extra => write!(f, "{at} is not Azure's: {}", cut(simulator)),
            What::Status | What::Value => write!(f, "{at} is {}, Azure's is {}", cut(simulator), cut(azure)),
            What::Order => write!(f, "{at} stands in another order"),
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut whole = Count::default();
        writeln!(f, "{:66}exchanges  equal  of version  known  new  not comparable", "type")?;
        let line = |f: &mut Formatter<'_>, kind: &str, count: &Count| {
            let Count { exchanges, equal, other_version, known, unknown, not_comparable } = count;
            writeln!(f, "{kind:66}{exchanges:9}{equal:7}{other_version:12}{known:7}{unknown:5}{not_comparable:16}")
        };
        for (kind, count) in &self.counts {
            line(f, kind, count)?;
            whole.exchanges += count.exchanges;
            whole.equal += count.equal;
            whole.other_version += count.other_version;
            whole.known += count.known;
            whole.unknown += count.unknown;
            whole.not_comparable += count.not_comparable;
        }
        line(f, "all", &whole)?;
        let comparable = whole.exchanges - whole.not_comparable;
        let alike = whole.equal + whole.other_version;
        let percent = alike as f64 / comparable.max(1) as f64 * 100.0;
        writeln!(
            f,
            "\n{alike} of {comparable} comparable exchanges are Azure's ({percent:.1} %), {} of them but for what \
                     another api-version shows.",
            whole.other_version
        )?;
        for (why, count) in &self.not_comparable {
            writeln!(f, "not comparable: {count} {why}")?;
        }
        for (entry, count) in &self.known {
            if let Some(known) = KNOWN.get(*entry) {
                writeln!(f, "known: {count} times {} of {}: {}", known.at, known.kind, known.reason)?;
            }
        }
        Ok(())
    }
}
