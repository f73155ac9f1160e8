//! When to look at something that runs in Azure: learned from how long the like of it took.
//!
//! Of what has ended two moments are known: the last look that found it running and the first that did not. The end lay
//! between them, anywhere alike. Looks go where ends of the last ones lie closest, and soon after each such place; a few
//! go before, in case things became faster, and ever rarer ones go after the last.

mod kept;

pub use kept::LONGEST_TEXT;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// So many of the last ends are remembered of each sort of work: enough to tell tenths of them apart, and few enough that what
/// became faster or slower soon fills them.
const REMEMBERED: usize = 32;
/// Looks that a work takes at most which ends as the last ones did: the bar of `docs/results/bench.md`, where five are measured
/// for works of a steady time. The numbers of looks below follow from it.
const MOST_LOOKS: usize = 12;
/// Looks for which the remembered ends are divided evenly: all but the one before them ([`LEAD`]) and one more, soon after
/// the beginning of a long pause.
const PARTS: usize = MOST_LOOKS - 2;
/// Fewer ends than this say little of the next one: an image that is built once is found from then on. One service that took
/// 163 s made the next, of 63 s, be seen 60 s late (test `what_becomes_faster_at_once_is_seen_before_long`).
const TELLING: usize = 4;
/// Until then, looks before the first remembered end, as parts of its time: no further apart than three tenths of it, so that
/// what suddenly takes less is seen within a quarter of what it took before (the same test).
const FIRST_EARLY: [f64; 3] = [0.3, 0.5, 0.72];
/// For these looks there are so many fewer parts.
const FIRST_PARTS: usize = PARTS - FIRST_EARLY.len();
/// Looks before the first remembered end from then on; in vain unless things became twice or five times as fast (test
/// `what_became_faster_is_noticed`).
const EARLY: [f64; 2] = [0.2, 0.5];
/// They are taken only if the remembered ends need no more than half of the looks, so that a work of a steady time takes
/// eight (test `what_always_takes_as_long_is_seen_at_once`).
const FEW: usize = MOST_LOOKS / 2;
/// The first look comes before all but this part of the ends, so that the next end is known as narrowly: of 32 ends, one.
const LEAD: f64 = 0.03;
/// Looks are no closer than this, in seconds. With nothing else in the way an end is seen half of it late on average; the
/// test asks for 0.6 s.
const CLOSEST: f64 = 0.5;
/// A pause between looks that is longer than this part of the time gone by gets another look at its beginning: ends spread
/// evenly over all of the time would have looks as far apart.
const PAUSE: f64 = 1.0 / PARTS as f64;
/// While nothing is known: the first look, in seconds, the time of the fastest work in the tests.
const FIRST: f64 = 2.0;
/// While nothing is known of one alone, each pause is so many times the last: [`MOST_LOOKS`] reach 351 s, and the longest
/// operation of the bench takes 300 s (test `what_is_unknown_is_looked_at_twelve_times_in_five_minutes`).
const PAUSE_GROWTH: f64 = 1.45;
/// While nothing is known of several, each look at one comes at so many times the time of the one before.
const GROWTH: f64 = 1.6;
/// A look that Azure asked for, or one at another work of the same object, stands in for one that would follow within this part
/// of the time gone by.
const NEAR: f64 = 0.25;
/// Of works alike, so many are looked at as often as one alone. Each that runs after them is looked at half as often: what many
/// looks tell is soon enough, and reads have a limit.
const FIRST_FEW: u32 = 16;
/// Multiples of the golden section, less whole numbers, lie most evenly (Knuth, "The Art of Computer Programming", 6.4): so the
/// looks at works that run at the same time do.
const GOLDEN: f64 = 0.618_033_988_749_895;
/// After the last remembered end: the first pause, in seconds, the same as before another look in a long pause.
const AFTER: f64 = 2.0 * CLOSEST;
/// After the last remembered end each pause is twice the last: something is wrong, and the end may be far.
const GROWTH_AFTER: f64 = 2.0;
/// Longest pause, in seconds: less than a tenth ([`PAUSE`]) of what takes a quarter of an hour and more.
const LONGEST: f64 = 90.0;
/// Shortest wait before a look, in seconds; also how much too early one may come and still count as made. A look takes about
/// as long itself, and timers are late by some milliseconds.
const GRAIN: f64 = 0.2;

/// What is done to a resource.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Work {
    /// It was not there.
    Create,
    /// It stands and is changed.
    Update,
    /// It is removed.
    Delete,
}

/// A sort of work: name of the kind, and what is done.
pub type Sort = (&'static str, Work);

/// Within which times since its beginning a work ended, in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
struct End {
    after: f64,
    until: f64,
}

/// How long each sort of work took of late.
#[derive(Clone, Debug, Default)]
pub struct Durations(BTreeMap<Sort, VecDeque<End>>);

impl Durations {
    /// A work that still ran at a look `after` its beginning had ended at the look `until`.
    pub fn learn(&mut self, sort: Sort, after: Duration, until: Duration) {
        let ends = self.0.entry(sort).or_default();
        let after = after.as_secs_f64();
        ends.push_back(End { after, until: until.as_secs_f64().max(after + GRAIN / 2.0) });
        if ends.len() > REMEMBERED {
            ends.pop_front();
        }
    }

    /// Whether so few ends of a sort are known that another one says much about those that still run.
    pub fn is_new(&self, sort: Sort) -> bool {
        self.0.get(&sort).is_none_or(|ends| ends.len() < TELLING)
    }

    /// Whether an end of this sort is known.
    pub fn knows(&self, sort: Sort) -> bool {
        self.0.contains_key(&sort)
    }

    /// Whether a work has probably ended so long after its beginning: at least half of the last ones had.
    pub fn is_probably_over(&self, sort: Sort, elapsed: Duration) -> bool {
        let now = elapsed.as_secs_f64();
        let over = |end: &&End| (end.after + end.until) / 2.0 <= now;
        self.0.get(&sort).is_some_and(|ends| 2 * ends.iter().filter(over).count() >= ends.len())
    }

    /// How long to wait before the next look at a work that ran at a look `elapsed` after its beginning; `number` as of
    /// [`Self::next_unlearned`].
    pub fn next_look(&self, sort: Sort, elapsed: Duration, number: u32) -> Duration {
        let now = elapsed.as_secs_f64();
        let Some(ends) = self.0.get(&sort) else { return Self::next_unlearned(elapsed, number) };
        let looks = looks(ends);
        let last = looks.last().copied().unwrap_or_default();
        let planned = looks.into_iter().find(|look| *look > now + GRAIN);
        wait(now, planned.unwrap_or_else(|| growing(last + AFTER, AFTER, GROWTH_AFTER, now)))
    }

    /// The same when nothing like it was seen to end, or its beginning was not seen: `elapsed` since it was first seen. Of works
    /// alike that run at the same time, each, by its `number` from 0, has times of its own for its looks, and those after the
    /// first few have fewer: together they see the first of them end soon, and that tells of all.
    pub fn next_unlearned(elapsed: Duration, number: u32) -> Duration {
        let now = elapsed.as_secs_f64();
        if number == 0 {
            return wait(now, growing(FIRST, FIRST, PAUSE_GROWTH, now));
        }
        let growth = if number < FIRST_FEW { GROWTH } else { GROWTH * GROWTH };
        let mut look = FIRST * growth.powf((f64::from(number) * GOLDEN).fract());
        while look < now * (1.0 + NEAR) + GRAIN {
            look *= growth;
        }
        wait(now, look.min(now + LONGEST))
    }
}

/// When to look, from when a look is wanted and when Azure is to be asked again, both from now, and the time gone by: one
/// of two near ones is enough.
pub fn with_asked(look: Duration, asked: Option<Duration>, elapsed: Duration) -> Duration {
    let latest = look + (elapsed + look).mul_f64(NEAR / 2.0);
    asked.filter(|asked| *asked <= latest).unwrap_or(look)
}

fn wait(now: f64, look: f64) -> Duration {
    Duration::from_secs_f64((look - now).max(GRAIN))
}

/// The first look after `now` of a series that begins with `look`, with growing pauses.
fn growing(mut look: f64, mut pause: f64, growth: f64, now: f64) -> f64 {
    while look <= now + GRAIN {
        pause = (pause * growth).min(LONGEST);
        look += pause;
    }
    look
}

/// The looks that the remembered ends call for, by time.
fn looks(ends: &VecDeque<End>) -> Vec<f64> {
    let telling = ends.len() >= TELLING;
    let number = if telling { PARTS } else { FIRST_PARTS };
    let parts = (1..=number).map(|part| part as f64 / number as f64);
    let wanted = quantiles(ends, std::iter::once(LEAD).chain(parts));
    let spread = spread(&wanted);
    let early: &[f64] = match telling {
        false => &FIRST_EARLY,
        true if spread.len() <= FEW => &EARLY,
        true => &[],
    };
    let first = spread.first().copied().unwrap_or_default();
    let early = early.iter().map(|part| first * part).filter(|look| *look >= FIRST);
    early.chain(spread).collect()
}

/// Looks that are not too close, with another one at the beginning of each long pause.
fn spread(wanted: &[f64]) -> Vec<f64> {
    let mut looks: Vec<f64> = Vec::new();
    for look in wanted {
        if looks.last().is_none_or(|last| *look >= last + CLOSEST) {
            looks.push(*look);
        }
    }
    if let (Some(last), Some(end)) = (looks.last().copied(), wanted.last())
        && *end > last
    {
        looks.push(last + CLOSEST);
    }
    let next = looks.iter().skip(1).copied().chain([f64::INFINITY]);
    let pauses = looks.iter().zip(next);
    pauses
        .flat_map(|(look, next)| {
            let long = next - look > (look * PAUSE).max(3.0 * CLOSEST);
            [Some(*look), long.then_some(look + 2.0 * CLOSEST)]
        })
        .flatten()
        .collect()
}

/// The times by which these parts (rising, up to 1) of the ends have come, each end spread evenly over its stretch.
fn quantiles(ends: &VecDeque<End>, parts: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut edges: Vec<f64> = ends.iter().flat_map(|end| [end.after, end.until]).collect();
    edges.sort_by(f64::total_cmp);
    let mut stretches =
        edges.iter().zip(edges.iter().skip(1)).map(|(from, to)| (*from, *to, density(ends, *from, *to)));
    let last = edges.last().copied().unwrap_or_default();
    let (mut stretch, mut below) = (stretches.next(), 0.0);
    parts
        .map(|part| {
            while let Some((from, to, density)) = stretch {
                let within = density * (to - from);
                if below + within + 1e-9 >= part {
                    return if density > 0.0 { (from + (part - below) / density).min(to) } else { to };
                }
                (below, stretch) = (below + within, stretches.next());
            }
            last
        })
        .collect()
}

/// Which part of all ends lies in a second of a stretch between two neighbouring edges.
fn density(ends: &VecDeque<End>, from: f64, to: f64) -> f64 {
    let over = ends.iter().filter(|end| end.after <= from && end.until >= to && to > from);
    over.map(|end| 1.0 / (end.until - end.after)).sum::<f64>() / ends.len() as f64
}

#[cfg(test)]
mod tests;
