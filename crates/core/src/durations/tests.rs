use super::*;

const SORT: Sort = ("Subnet", Work::Create);

/// Numbers in 0..1, always the same.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Seconds from the end to the look that saw it, and looks, of one work.
struct Seen {
    late: f64,
    looks: usize,
}

/// Works one after another, the last 200 of 205; each look comes up to 50 ms late.
fn watch(mut seconds: impl FnMut(&mut Numbers) -> f64) -> (Vec<Seen>, Vec<Seen>) {
    let (mut durations, mut numbers) = (Durations::default(), Numbers(7));
    let mut seen: Vec<Seen> = (0..205)
        .map(|_| {
            let end = seconds(&mut numbers);
            let (mut at, mut looks) = (0.0, 0);
            loop {
                let wait = durations.next_look(SORT, Duration::from_secs_f64(at), 0).as_secs_f64();
                let next = at + wait + numbers.next() * 0.05;
                looks += 1;
                if next >= end {
                    durations.learn(SORT, Duration::from_secs_f64(at), Duration::from_secs_f64(next));
                    return Seen { late: next - end, looks };
                }
                at = next;
            }
        })
        .collect();
    let learned = seen.split_off(5);
    (seen, learned)
}

fn quantile(seen: &[Seen], part: f64) -> f64 {
    let mut late: Vec<f64> = seen.iter().map(|one| one.late).collect();
    late.sort_by(f64::total_cmp);
    late[((late.len() - 1) as f64 * part) as usize]
}

fn most_looks(seen: &[Seen]) -> usize {
    seen.iter().map(|one| one.looks).max().unwrap()
}

#[test]
fn what_always_takes_as_long_is_seen_at_once() {
    for seconds in [2.0, 4.0, 20.0, 45.0, 70.0, 300.0, 1200.0] {
        let (first, learned) = watch(|_| seconds);
        let (half, nearly_all) = (quantile(&learned, 0.5), quantile(&learned, 0.99));
        println!("{seconds} s: {half:.2} and {nearly_all:.2} s late, {} looks", most_looks(&learned));
        assert!(half <= 0.6 && nearly_all <= 2.0, "{seconds} s: {half} and {nearly_all} s late");
        assert!(most_looks(&learned) <= 8, "{seconds} s: {} looks", most_looks(&learned));
        assert!(seconds > 300.0 || most_looks(&first) <= 12, "{seconds} s: {} looks at first", most_looks(&first));
    }
}

#[test]
fn what_varies_by_a_tenth_is_seen_soon() {
    for (seconds, most_half, most_nearly_all) in
        [(20.0, 1.0, 3.0), (45.0, 1.5, 5.0), (70.0, 1.5, 8.0), (300.0, 6.0, 40.0)]
    {
        let (_, learned) = watch(|numbers| seconds * (0.9 + 0.2 * numbers.next()));
        let (half, nearly_all) = (quantile(&learned, 0.5), quantile(&learned, 0.99));
        println!("{seconds} s: {half:.2} and {nearly_all:.2} s late, {} looks", most_looks(&learned));
        assert!(half <= most_half && nearly_all <= most_nearly_all, "{seconds} s: {half} and {nearly_all} s late");
        assert!(most_looks(&learned) <= 13, "{seconds} s: {} looks", most_looks(&learned));
    }
}

#[test]
fn what_becomes_faster_at_once_is_seen_before_long() {
    for (before, then) in [(163.0, 63.0), (340.0, 240.0), (300.0, 90.0)] {
        for ends in 1..4 {
            let mut number = 0;
            let (first, _) = watch(|_| {
                number += 1;
                if number > ends { then } else { before }
            });
            let next = &first[ends];
            assert!(next.late <= 0.25 * before, "{before} s {ends} times, then {then} s: {} s late", next.late);
            assert!(most_looks(&first) <= 12, "{} looks", most_looks(&first));
        }
    }
}

#[test]
fn two_ways_are_both_known() {
    let (_, learned) = watch(|numbers| if numbers.next() < 0.5 { 63.0 } else { 160.0 });
    let (half, nearly_all) = (quantile(&learned, 0.5), quantile(&learned, 0.99));
    println!("{half:.2} and {nearly_all:.2} s late, {} looks", most_looks(&learned));
    assert!(half <= 1.0 && nearly_all <= 5.0, "{half} and {nearly_all} s late");
    assert!(most_looks(&learned) <= 12, "{} looks", most_looks(&learned));
}

#[test]
fn what_became_faster_is_noticed() {
    let mut durations = Durations::default();
    (0..REMEMBERED).for_each(|_| durations.learn(SORT, Duration::from_secs(299), Duration::from_secs(300)));
    let first = durations.next_look(SORT, Duration::ZERO, 0).as_secs();
    assert_eq!(first, 59);
    assert_eq!(durations.next_look(SORT, Duration::from_secs(60), 0).as_secs(), 89);
}

#[test]
fn what_takes_longer_than_ever_is_looked_at_more_rarely() {
    let mut durations = Durations::default();
    durations.learn(SORT, Duration::from_secs(9), Duration::from_secs(10));
    let mut at = Duration::from_secs(11);
    let mut waits = Vec::new();
    while at < Duration::from_secs(600) {
        let wait = durations.next_look(SORT, at, 0);
        waits.push(wait.as_secs());
        at += wait;
    }
    assert!(waits.is_sorted() && waits.last() == Some(&90), "{waits:?}");
}

#[test]
fn what_is_unknown_is_looked_at_twelve_times_in_five_minutes() {
    let mut at = Duration::ZERO;
    for _ in 0..12 {
        at += Durations::next_unlearned(at, 0);
    }
    assert!(at.as_secs() > 300, "{at:?}");
    assert_eq!(Durations::default().next_look(SORT, Duration::ZERO, 0), Duration::from_secs(2));
}

/// How late the first of many works alike is seen to end, when all began at once and nothing is known.
fn first_seen(many: u32, seconds: f64) -> f64 {
    let first = (0..many).map(|number| {
        let mut at = Duration::ZERO;
        while at.as_secs_f64() < seconds {
            at += Durations::next_unlearned(at, number);
        }
        at.as_secs_f64() - seconds
    });
    first.fold(f64::INFINITY, f64::min)
}

#[test]
fn many_alike_see_the_first_end_soon() {
    for seconds in 3..200 {
        let seconds = f64::from(seconds) + 0.37;
        let (alone, few, many) = (first_seen(1, seconds), first_seen(8, seconds), first_seen(50, seconds));
        assert!(alone <= 0.8 * seconds && few <= 0.25 * seconds && many <= 0.05 * seconds, "{seconds}: {few} {many}");
    }
}

#[test]
fn of_two_near_looks_the_one_that_was_asked_for_is_enough() {
    let seconds = Duration::from_secs;
    for (look, asked, elapsed, expected) in [
        (seconds(2), None, seconds(10), 2),
        (seconds(2), Some(seconds(3)), seconds(10), 3),
        (seconds(2), Some(seconds(9)), seconds(10), 2),
        (seconds(8), Some(seconds(5)), seconds(10), 5),
    ] {
        assert_eq!(with_asked(look, asked, elapsed).as_secs(), expected);
    }
}
