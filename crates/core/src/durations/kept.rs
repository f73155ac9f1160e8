//! What was learned, as a short text that outlives the process.

use super::{Durations, End, Sort, TELLING, Work};
use crate::kinds;
use std::{collections::VecDeque, fmt::Write, time::Duration};

/// So many ends are kept of each sort: enough to be [`TELLING`].
const KEPT: usize = TELLING;
/// Longest text that is taken, in bytes: four ends of three works of each kind.
pub const LONGEST_TEXT: usize = 4 << 10;
/// A longer work than this is nobody's that is seen to end.
const LONGEST_WORK: Duration = Duration::from_hours(24);

impl Durations {
    /// The last ends of each sort, in seconds, in at most [`LONGEST_TEXT`]: `VirtualNetwork/Create 3.9-4.2 3.8-4.1;…`.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for ((kind, work), ends) in &self.0 {
            let separator = if text.is_empty() { "" } else { ";" };
            // writing to a String never fails
            let _ = write!(text, "{separator}{kind}/{work:?}");
            for End { after, until } in ends.iter().skip(ends.len().saturating_sub(KEPT)) {
                let _ = write!(text, " {after:.1}-{until:.1}");
            }
        }
        text
    }

    /// What such a text says. It may be anybody's: what is no known sort, and no time of a work, is passed over.
    pub fn from_text(text: &str) -> Self {
        let mut durations = Self::default();
        for part in text.split(';').filter(|_| text.len() <= LONGEST_TEXT) {
            let mut words = part.split(' ');
            let Some(sort) = words.next().and_then(sort) else { continue };
            let ends = words.take(KEPT).filter_map(end).collect::<VecDeque<_>>();
            ends.into_iter().for_each(|(after, until)| durations.learn(sort, after, until));
        }
        durations
    }
}

fn sort(text: &str) -> Option<Sort> {
    let (kind, work) = text.split_once('/')?;
    let all = [Work::Create, Work::Update, Work::Delete];
    Some((kinds::by_name(kind)?.name, all.into_iter().find(|one| format!("{one:?}") == work)?))
}

fn end(text: &str) -> Option<(Duration, Duration)> {
    let (after, until) = text.split_once('-')?;
    let time = |text: &str| Duration::try_from_secs_f64(text.parse().ok()?).ok().filter(|time| *time <= LONGEST_WORK);
    Some((time(after)?, time(until)?)).filter(|(after, until)| after <= until)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_learned_is_known_again() {
        let mut durations = Durations::default();
        let seconds = Duration::from_secs_f64;
        (0..9).for_each(|_| durations.learn(("Subnet", Work::Create), seconds(3.9), seconds(4.25)));
        durations.learn(("VirtualNetwork", Work::Delete), seconds(9.0), seconds(10.04));
        let text = durations.to_text();
        assert_eq!(text, "Subnet/Create 3.9-4.2 3.9-4.2 3.9-4.2 3.9-4.2;VirtualNetwork/Delete 9.0-10.0");
        let again = Durations::from_text(&text);
        assert_eq!(again.to_text(), text);
        let look = |durations: &Durations| durations.next_look(("Subnet", Work::Create), seconds(3.0), 0);
        assert!(look(&again).abs_diff(look(&durations)) < seconds(0.1));
    }

    #[test]
    fn what_others_write_there_is_passed_over() {
        for text in [
            "",
            "nonsense",
            "Pod/Create 1-2",
            "Subnet/Rename 1-2",
            "Subnet/Create 2-1",
            "Subnet/Create -1-2",
            "Subnet/Create NaN-NaN",
            "Subnet/Create inf-inf",
            "Subnet/Create 1-1e300",
            "Subnet/Create 1",
        ] {
            assert_eq!(Durations::from_text(text).to_text(), "", "{text}");
        }
        assert_eq!(
            Durations::from_text("x;Subnet/Create 1-2 y 3-4 5-6").to_text(),
            "Subnet/Create 1.0-2.0 3.0-4.0 5.0-6.0"
        );
        let long = "Subnet/Create 1-2;".repeat(1000);
        assert_eq!(Durations::from_text(&long).to_text(), "");
    }

    #[test]
    fn the_longest_text_is_taken() {
        let mut durations = Durations::default();
        for kind in kinds::KINDS {
            for work in [Work::Create, Work::Update, Work::Delete] {
                (0..KEPT).for_each(|_| durations.learn((kind.name, work), LONGEST_WORK, LONGEST_WORK));
            }
        }
        assert!(durations.to_text().len() <= LONGEST_TEXT, "{}", durations.to_text().len());
    }
}
