//! One simulation from a plan: everything happens when the plan says, until all is as it should be and stays so.

use crate::{
    clients::{AZURE, KUBERNETES},
    leadership::LEADER,
    other_controller::OtherController,
    plan::{Event, Plan, UNREST},
    planted_bugs::Plant,
    servers,
    trace::Counts,
    user_actions::Wish,
    world::World,
};
use acivnet_tests::in_process::{azure::admin, end_state::EndState};
use futures::FutureExt as _;
use http::Method;
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};
use turmoil::Sim;

/// The step of simulated time: messages arrive and events happen at the end of a step.
const TICK: Duration = Duration::from_millis(10);
/// The longest that a message travels while nothing slows it.
const LATENCY: Duration = Duration::from_millis(50);
/// The same on a slow link.
const SLOW: Duration = Duration::from_secs(4);
/// Longer than three sweeps, scaled.
const QUIET: Duration = Duration::from_secs(100);
/// How often the end is looked at, once nothing is written any more.
const LOOK: Duration = Duration::from_secs(30);
/// How often people look whether what they want is there.
const INSIST: Duration = Duration::from_secs(2);
/// It has to come to rest within this time after the last event.
const LONGEST: Duration = Duration::from_secs(3600);

/// How a simulation went.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// Its seed.
    pub seed: u64,
    /// Hash of its trace.
    pub hash: String,
    /// Its trace in words, if it was kept.
    pub lines: Vec<String>,
    /// How many operators there were.
    pub operators: usize,
    /// What was counted.
    pub counts: Counts,
    /// How long it lasted, in simulated time.
    pub lasted: Duration,
    /// What went wrong; empty when nothing did.
    pub wrong: Vec<String>,
}

/// Runs a seed on a thread of its own, whose random numbers are the seed's.
pub fn seed(seed: u64, plant: Option<Plant>, keep: bool) -> Outcome {
    // what the process makes once is made now, outside of every seed's thread
    expected(Wish::ARTICLE);
    on_thread(seed, move || {
        let plan = Plan::of(seed);
        let (operators, want) = (plan.operators, expected(plan.wish));
        let world = Arc::new(World::new(seed, operators, plant, keep));
        let wrong = Run::new(&world, plan, Some(want)).until_rest();
        Outcome {
            seed,
            hash: world.trace.hash(),
            lines: world.trace.lines(),
            operators,
            counts: world.trace.counts(),
            lasted: world.time.elapsed(),
            wrong,
        }
    })
}

/// What stands in the end when a wish is the only one and nothing breaks. Each is found once a process.
pub fn expected(wish: Wish) -> EndState {
    static KNOWN: Mutex<BTreeMap<Wish, EndState>> = Mutex::new(BTreeMap::new());
    let mut known = KNOWN.lock().unwrap();
    known
        .entry(wish)
        .or_insert_with(|| {
            on_thread(0, move || {
                let world = Arc::new(World::new(0, 1, None, true));
                let wrong = Run::new(&world, Plan::calm(wish), None).until_rest();
                assert!(wrong.is_empty(), "{wish:?} without faults: {wrong:#?}\n{}", world.trace.lines().join("\n"));
                world.end_state()
            })
        })
        .clone()
}

/// The thread's name tells `getrandom.c` the seed.
fn on_thread<T: Send + 'static>(seed: u64, work: impl FnOnce() -> T + Send + 'static) -> T {
    let thread = thread::Builder::new().name(format!("seed-{seed}")).stack_size(16 << 20).spawn(work);
    thread.expect("a thread").join().unwrap_or_else(|_| panic!("seed {seed} panicked, see above"))
}

/// What ends a fault that lasts.
enum Undo {
    Start(&'static str),
    Repair(&'static str, &'static str),
    Release(&'static str, &'static str),
    Quicken(&'static str, &'static str),
}

struct Run<'w> {
    world: &'w Arc<World>,
    sim: Sim<'static>,
    events: VecDeque<(Duration, Event)>,
    undo: BTreeMap<(Duration, u64), Undo>,
    undos: u64,
    other_controller: Option<OtherController>,
    wish: Option<Wish>,
    want: Option<EndState>,
    insisted: Duration,
    looked: Duration,
    healed: bool,
}

impl<'w> Run<'w> {
    fn new(world: &'w Arc<World>, plan: Plan, want: Option<EndState>) -> Self {
        let mut sim = turmoil::Builder::new()
            .rng_seed(world.seed())
            .tick_duration(TICK)
            .simulation_duration(UNREST + LONGEST * 2)
            .min_message_latency(Duration::from_millis(1))
            .max_message_latency(LATENCY)
            .tcp_capacity(1 << 16)
            .build();
        let here = Arc::clone(world);
        sim.host(KUBERNETES, move || {
            let world = Arc::clone(&here);
            async move { Ok(servers::kubernetes(world).await?) }
        });
        let here = Arc::clone(world);
        sim.host(AZURE, move || {
            let world = Arc::clone(&here);
            async move { Ok(servers::azure(world).await?) }
        });
        for host in world.operators() {
            let here = Arc::clone(world);
            sim.host(*host, move || {
                let world = Arc::clone(&here);
                async move {
                    world.operate(host).await;
                    Ok(())
                }
            });
        }
        Self {
            world,
            sim,
            events: plan.events.into(),
            undo: BTreeMap::new(),
            undos: 0,
            other_controller: plan.other_controller.map(OtherController::after),
            wish: None,
            want,
            insisted: Duration::ZERO,
            looked: Duration::ZERO,
            healed: false,
        }
    }

    /// Runs until it rests; what went wrong.
    fn until_rest(mut self) -> Vec<String> {
        let unrest = if self.want.is_some() { UNREST } else { Duration::ZERO };
        let foreign = self.foreign();
        loop {
            let now = self.sim.elapsed();
            self.world.time.set(now);
            self.happen(now);
            if now >= unrest && self.events.is_empty() {
                self.heal();
                match self.rests(now) {
                    Some(true) => break,
                    _ if now > unrest + LONGEST => return self.stuck(),
                    _ => {}
                }
            }
            if let Err(error) = self.sim.step() {
                return vec![format!("the simulation ended: {error}")];
            }
            if self.world.is_broken() {
                return self.world.violations();
            }
        }
        self.world.check();
        let mut wrong = self.world.violations();
        if self.foreign() != foreign {
            wrong.push("something that belongs to others was touched".into());
        }
        wrong
    }

    fn foreign(&self) -> Vec<serde_json::Value> {
        self.world.bed.foreign().now_or_never().expect("a look waits for nothing")
    }

    /// Whether all is as it should be and nothing was written for three sweeps. None while it is too early to look.
    fn rests(&mut self, now: Duration) -> Option<bool> {
        if self.world.trace.quiet() < QUIET || now < self.looked + LOOK {
            return None;
        }
        self.looked = now;
        let is = self.world.end_state();
        Some(self.want.as_ref().is_none_or(|want| want.differences(&is).is_empty()))
    }

    fn stuck(&self) -> Vec<String> {
        let quiet = self.world.trace.quiet();
        let mut wrong = vec![format!("no rest {LONGEST:?} after the last fault; the last write is {quiet:?} ago")];
        let differences = self.want.iter().flat_map(|want| want.differences(&self.world.end_state()));
        wrong.extend(differences.map(|(_, difference)| difference));
        wrong
    }

    fn happen(&mut self, now: Duration) {
        while self.events.front().is_some_and(|(at, _)| *at <= now) {
            if let Some((_, event)) = self.events.pop_front() {
                self.one(now, event);
            }
        }
        while self.undo.first_key_value().is_some_and(|((at, _), _)| *at <= now) {
            if let Some((_, undo)) = self.undo.pop_first() {
                self.undo(&undo);
            }
        }
        if let Some(other_controller) = &mut self.other_controller {
            other_controller.step(self.world);
        }
        if now >= self.insisted + INSIST {
            self.insisted = now;
            if self.wish.is_some_and(|wish| wish.insist(&self.world.bed)) {
                self.world.trace.note("people: what is not there is applied again");
            }
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each event")]
    fn one(&mut self, now: Duration, event: Event) {
        let trace = &self.world.trace;
        match event {
            Event::Wish(wish) => {
                trace.note(&format!("people: {wish:?}"));
                wish.apply(&self.world.bed);
                self.wish = Some(wish);
            }
            Event::Hand(hand) => {
                if hand.change(&self.world.bed) {
                    trace.fault("change by hand", &format!("{hand:?}"));
                }
            }
            Event::Crash(host, lasts) => {
                let host = self.host(host);
                trace.fault("crash", &format!("{host} {lasts:?}"));
                self.sim.crash(host);
                self.later(now + lasts, Undo::Start(host));
            }
            Event::Partition { from, to, both, lasts } => {
                self.part(now, (self.host(from), self.host(to)), both, lasts);
            }
            Event::Island(host, lasts) => {
                let host = self.host(host);
                self.part(now, (host, KUBERNETES), true, lasts);
                self.part(now, (host, AZURE), true, lasts);
            }
            Event::Hold(one, other, lasts) => {
                let one = self.host(one);
                trace.fault("delay", &format!("{one} {other} {lasts:?}"));
                self.sim.hold(one, other);
                self.later(now + lasts, Undo::Release(one, other));
            }
            Event::Slow(one, other, lasts) => {
                let one = self.host(one);
                trace.fault("slow link", &format!("{one} {other} {lasts:?}"));
                self.sim.set_link_max_message_latency(one, other, SLOW);
                self.later(now + lasts, Undo::Quicken(one, other));
            }
            Event::Reset(host) => {
                trace.fault("reset of connections", host);
                self.troubles(host).resets.notify_waiters();
            }
            Event::Compaction => {
                trace.fault("compaction", "");
                self.world.bed.api().with(|store| store.compact());
                self.world.kubernetes.resets.notify_waiters();
            }
            Event::Refusal(refusal) => self.world.kubernetes.refuse(refusal),
            Event::Azure(kind, fault) => {
                trace.fault(kind, &fault.to_string());
                admin(&self.world.bed.azure, Method::POST, "faults", fault).now_or_never().expect("at once");
            }
        }
    }

    fn part(&mut self, now: Duration, (from, to): (&'static str, &'static str), both: bool, lasts: Duration) {
        let (kind, way) = if both { ("partition", "<->") } else { ("one-way partition", "->") };
        self.world.trace.fault(kind, &format!("{from} {way} {to} {lasts:?}"));
        if both {
            self.sim.partition(from, to);
        } else {
            self.sim.partition_oneway(from, to);
        }
        self.later(now + lasts, Undo::Repair(from, to));
    }

    /// The host that an event names.
    fn host(&self, name: &'static str) -> &'static str {
        if name == LEADER { self.world.leadership.host() } else { name }
    }

    fn troubles(&self, host: &str) -> &servers::Troubles {
        if host == AZURE { &self.world.azure } else { &self.world.kubernetes }
    }

    fn later(&mut self, at: Duration, undo: Undo) {
        self.undos += 1;
        self.undo.insert((at, self.undos), undo);
    }

    fn undo(&mut self, undo: &Undo) {
        match undo {
            Undo::Start(host) => {
                if !self.sim.is_host_running(*host) {
                    self.world.trace.note(&format!("{host} starts again"));
                    self.sim.bounce(*host);
                }
            }
            Undo::Repair(one, other) => {
                self.world.trace.note(&format!("{one} {other} repaired"));
                self.sim.repair(*one, *other);
            }
            Undo::Release(one, other) => {
                self.world.trace.note(&format!("{one} {other} released"));
                self.sim.release(*one, *other);
            }
            Undo::Quicken(one, other) => {
                self.world.trace.note(&format!("{one} {other} as quick as before"));
                self.sim.set_link_max_message_latency(*one, *other, LATENCY);
            }
        }
    }

    /// Ends every fault.
    fn heal(&mut self) {
        if std::mem::replace(&mut self.healed, true) {
            return;
        }
        while let Some((_, undo)) = self.undo.pop_first() {
            self.undo(&undo);
        }
        self.other_controller.take().into_iter().for_each(|other_controller| other_controller.leave(self.world));
        self.world.kubernetes.end();
        self.world.bed.azure.with(|azure| azure.faults.clear());
        self.world.trace.note("every fault has ended");
    }
}
