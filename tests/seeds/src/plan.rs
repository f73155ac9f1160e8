//! The plan of a seed: what people do and what breaks, and at which simulated times.

use crate::{
    chance::Chance,
    clients::{AZURE, KUBERNETES},
    leadership::LEADER,
    servers::Refusal,
    user_actions::{Hand, Stands, Wish},
    world::OPERATORS,
};
use serde_json::{Value, json};
use std::time::Duration;

/// How long people change things and things break.
pub const UNREST: Duration = Duration::from_secs(300);

/// An event of a plan.
#[derive(Clone, Debug)]
pub enum Event {
    /// People want something else.
    Wish(Wish),
    /// Somebody changes something in Azure by hand.
    Hand(Hand),
    /// A host ends without warning, and starts again so much later. An operator's host may be given as [`LEADER`], here
    /// and below.
    Crash(&'static str, Duration),
    /// Nothing gets from one host to another, and back if `both`, for so long.
    Partition {
        /// From where.
        from: &'static str,
        /// To where.
        to: &'static str,
        /// Neither back.
        both: bool,
        /// How long.
        lasts: Duration,
    },
    /// An operator reaches neither server, and neither reaches it, for so long.
    Island(&'static str, Duration),
    /// What two hosts send each other arrives so much later, all at once.
    Hold(&'static str, &'static str, Duration),
    /// What two hosts send each other takes up to seconds, for so long.
    Slow(&'static str, &'static str, Duration),
    /// A server closes all connections.
    Reset(&'static str),
    /// The API server forgets its history, and closes all connections.
    Compaction,
    /// The API server refuses requests, or carries them out and does not answer.
    Refusal(Refusal),
    /// Azure does something wrong with the next matching requests: a fault of the simulator.
    Azure(&'static str, Value),
}

/// Everything that happens, in order, and what people want in the end.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What happens when.
    pub events: Vec<(Duration, Event)>,
    /// The last wish.
    pub wish: Wish,
    /// How many operators there are.
    pub operators: usize,
    /// How soon another controller puts its finalizer on what is made, if there is one.
    pub other_controller: Option<Duration>,
}

impl Plan {
    /// What a seed chooses. Every other has two operators.
    pub fn of(seed: u64) -> Self {
        let chance = Chance::new(seed);
        let mut wish = Wish::ARTICLE;
        let mut wishes = vec![(chance.time(0, 20_000), Event::Wish(wish))];
        for _ in 0..chance.between(1, 5) {
            wish = next_wish(&chance, wish);
            wishes.push((moment(&chance), Event::Wish(wish)));
        }
        // the wishes keep their order
        let mut times: Vec<Duration> = wishes.iter().map(|(at, _)| *at).collect();
        times.sort();
        wishes.iter_mut().zip(times).for_each(|((at, _), time)| *at = time);
        let hands = (0..chance.below(4)).map(|_| (moment(&chance), Event::Hand(chance.of(&Hand::ALL))));
        let operators = if seed.is_multiple_of(2) { 1 } else { 2 };
        let faults = (0..chance.between(6, 20)).map(|_| (moment(&chance), fault(&chance, operators)));
        let mut events: Vec<_> = wishes.into_iter().chain(hands).chain(faults).collect();
        events.sort_by_key(|(at, _)| *at);
        let other_controller = chance.one_in(2).then(|| chance.time(10, 300));
        Self { events, wish, operators, other_controller }
    }

    /// One wish and one operator, and nothing breaks.
    pub fn calm(wish: Wish) -> Self {
        Self { events: vec![(Duration::ZERO, Event::Wish(wish))], wish, operators: 1, other_controller: None }
    }
}

fn moment(chance: &Chance) -> Duration {
    chance.time(0, u64::try_from(UNREST.as_millis()).expect("a short time"))
}

fn next_wish(chance: &Chance, wish: Wish) -> Wish {
    match chance.below(10) {
        0 | 1 => Wish { other_model: !wish.other_model, ..wish },
        2 => Wish { other_script: !wish.other_script, ..wish },
        3 => Wish { tagged: !wish.tagged, ..wish },
        4 => Wish { more_memory: !wish.more_memory, ..wish },
        5 => Wish { stands: Stands::Nothing, ..wish },
        6 => Wish { stands: Stands::Subnet, ..wish },
        7 => Wish { telemetry: !wish.telemetry, ..wish },
        8 => Wish { egress: !wish.egress, ..wish },
        _ => Wish { stands: Stands::Both, ..wish },
    }
}

fn fault(chance: &Chance, operators: usize) -> Event {
    let operator = if operators > 1 { chance.of(&[LEADER, OPERATORS[0], OPERATORS[1]]) } else { OPERATORS[0] };
    let server = chance.of(&[KUBERNETES, AZURE]);
    match chance.below(14) {
        0 | 1 => Event::Crash(operator, chance.time(100, 20_000)),
        2 => Event::Crash(server, chance.time(100, 15_000)),
        3 => Event::Partition { from: operator, to: server, both: true, lasts: chance.time(200, 90_000) },
        4 => Event::Partition { from: operator, to: server, both: false, lasts: chance.time(200, 90_000) },
        5 => Event::Partition { from: server, to: operator, both: false, lasts: chance.time(200, 90_000) },
        6 => Event::Hold(operator, server, chance.time(100, 40_000)),
        7 => Event::Reset(server),
        8 => Event::Compaction,
        9 => Event::Refusal(refusal(chance)),
        10 => Event::Island(operator, chance.time(200, 60_000)),
        11 => Event::Slow(operator, server, chance.time(1_000, 60_000)),
        _ => azure(chance),
    }
}

fn refusal(chance: &Chance) -> Refusal {
    let watches = chance.one_in(3);
    let status = match (watches, chance.below(5)) {
        (true, 0 | 1) => Some(410),
        (false, 0 | 1) => None,
        (_, 2) => Some(429),
        (_, 3) => Some(500),
        _ => Some(503),
    };
    Refusal { watches, status, times: chance.between(1, 4) }
}

/// Azure's own troubles, in its own words (`crates/simulator/src/faults.rs`).
fn azure(chance: &Chance) -> Event {
    let times = chance.between(1, 4);
    let error = |code: &str| json!({"error": {"code": code, "message": "by the seed"}});
    match chance.below(9) {
        0 => Event::Azure("429 of Azure", json!({"status": 429, "times": times, "body": error("TooManyRequests")})),
        1 => {
            let wait = chance.between(1, 20).to_string();
            let headers = json!({"Retry-After": wait});
            Event::Azure(
                "429 of Azure",
                json!({"status": 429, "times": times, "headers": headers, "body": error("TooManyRequests")}),
            )
        }
        2 => Event::Azure("500 of Azure", json!({"status": 500, "times": times, "body": error("InternalServerError")})),
        3 => Event::Azure("503 of Azure", json!({"status": 503, "times": times, "body": error("ServerTimeout")})),
        4 => Event::Azure("slow answer of Azure", json!({"delaySeconds": chance.between(1, 70), "times": 1})),
        5 => Event::Azure("request lost by Azure", json!({"drop": true, "when": "before", "times": times})),
        6 | 7 => Event::Azure(
            "answer lost by Azure",
            json!({"drop": true, "when": "after", "times": times, "method": chance.of(&["PUT", "POST", "PATCH", "DELETE"])}),
        ),
        _ => Event::Azure(
            "operation of Azure ends wrong",
            json!({"operation": chance.of(&["Failed", "Canceled", "Lost"]), "times": 1, "method": chance.of(&["PUT", "POST", "DELETE"])}),
        ),
    }
}
