//! How soon a process that has just begun sees operations end, on paused time.

use super::pacing::runtime;
use acivnet_tests::{
    in_process::{
        first_operations::{after_restart, alone, at_once, with_retry_after},
        pacing::{Waited, quantile},
    },
    results::Results,
};

/// Operations of 20 and 45 s that a process sees at its beginning.
pub fn first_operations(results: &mut Results) {
    results.text(
        "The first operations that a process sees. One alone, of which nothing is known, can't be seen within 3 s by 12 \
         looks: these cover 36 s so, and operations take up to minutes. Its looks come ever more rarely, so that the twelfth comes \
         after 351 s. Of many at once the first that ends tells the others; \
         after a restart the lease has kept what was learned.",
    );
    for seconds in [20, 45] {
        let what = |of: &str| format!("first operations of {seconds} s: {of}");
        let first = runtime().block_on(alone(seconds));
        let least = 0.6 * f64::from(seconds);
        results.bar(what("one alone, seen after"), &format!("≤ {least:.0} s"), told(&first), first.late <= least);
        let many = runtime().block_on(at_once(seconds, 100));
        let late = |part| quantile(many.iter().map(|one| one.late), part);
        let most = many.iter().map(|one| one.polls).max().unwrap_or_default();
        results.bar(what("100 at once, seen after, p50"), "≤ 1 s", format!("{:.2} s", late(0.5)), late(0.5) <= 1.0);
        results.bar(what("100 at once, seen after, p99"), "≤ 3 s", format!("{:.2} s", late(0.99)), late(0.99) <= 3.0);
        results.bar(what("100 at once, polls of each"), "≤ 12", most, most <= 12);
        for before in [1, 4] {
            let next = runtime().block_on(after_restart(seconds, before));
            let what = what(&format!("after a restart, {before} seen before it"));
            results.bar(what, "≤ 1 s", told(&next), next.late <= 1.0 && next.polls <= 12);
        }
    }
    for seconds in [3, 13, 20, 33, 45] {
        let asked = runtime().block_on(with_retry_after(seconds));
        let what = |of: &str| format!("Retry-After, first operation of {seconds} s: {of}");
        let most = asked.after.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let early = asked.after.iter().filter(|after| **after < 0.0).count();
        results.bar(what("questions before it has passed"), "0", early, early == 0);
        results.bar(what("asked after it has passed"), "≤ 0.3 s", format!("{most:.2} s"), most <= 0.3);
        let least = 0.6 * f64::from(seconds);
        results.bar(what("seen after"), &format!("≤ {least:.0} s"), told(&asked.waited), asked.waited.late <= least);
    }
}

fn told(one: &Waited) -> String {
    format!("{:.2} s, {} polls", one.late, one.polls)
}
