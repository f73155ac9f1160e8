//! What runs in Azure, as far as reconciles saw it, and when to look at it next. Losing it costs a few looks.

use super::PerObject;
use crate::{object::ObjectKey, reconcile::pace::Pace};
use acivnet_azure::Glance;
use acivnet_core::{
    durations::{Durations, Sort, Work, with_asked},
    id::ResourceId,
    kind::{Kind, Plane},
    plan::{Action, Held, Plan, Progress, Request, Step},
    seen::Seen,
};
use std::{collections::BTreeMap, mem::take, time::Duration};
use tokio::time::Instant;

/// How long after a reconcile short looks may stand for the next: what only a reconcile tells, or sees, waits no longer. A turn in
/// a virtual network lasts three minutes without one, and `Stalled` comes after fifteen.
const SHORT_LOOKS_FOR: Duration = Duration::from_secs(60);

/// The operations of one object.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Operations {
    /// By id of the resource in lower case.
    running: BTreeMap<String, Ongoing>,
    /// When a reconcile found nothing else to wait for.
    only: Option<Instant>,
}

#[derive(Debug, PartialEq)]
struct Ongoing {
    /// Whose it is.
    object: ObjectKey,
    kind: &'static Kind,
    id: ResourceId,
    /// What it is; nothing when its beginning was not seen.
    sort: Option<Sort>,
    /// When it began or was first seen.
    begun: Instant,
    /// The last look that found it running.
    seen: Instant,
    /// Azure asked not to be asked before.
    open: Instant,
    /// When Azure asked to be asked again about the operation itself.
    asked: Option<Instant>,
    /// How many of its sort had begun before it when nothing was known of any.
    number: u32,
}

impl PerObject {
    /// A write of an object was answered: work that goes on begins.
    pub(crate) fn began(&self, uid: &str, object: &ObjectKey, step: &Step) {
        let (Some(Progress::Running(asked)), Some(request)) = (step.progress(), step.request()) else { return };
        let sort = (step.node.kind.name, work(request, &step.seen));
        self.update_and_learn(uid, |entry, learned| {
            let number = learned.began(sort);
            let now = Instant::now();
            let known = Ongoing::new(object, step, now);
            let known = Ongoing { sort: Some(sort), open: now + asked.unwrap_or_default(), number, ..known };
            entry.operations.running.insert(step.node.id.folded(), known);
        });
    }

    /// Notes what the reads of a reconcile, begun at `looked`, show of what was running; learns from what has ended. Others like
    /// it that therefore want to be looked at sooner, and when.
    pub(crate) fn note_operations(
        &self,
        (uid, object): (&str, &ObjectKey),
        plan: &Plan,
        looked: Instant,
        pace: Pace,
    ) -> Vec<(ObjectKey, Instant)> {
        let ended = self.update_and_learn(uid, |entry, _| entry.operations.note(object, plan, looked));
        ended.iter().flat_map(|one| self.learn(one, looked, pace)).collect()
    }

    /// One had ended at a look begun at `looked`. While little is known of its sort, it tells when the others end that run.
    fn learn(&self, ended: &Ongoing, looked: Instant, pace: Pace) -> Vec<(ObjectKey, Instant)> {
        let (Some(sort), now) = (ended.sort, Instant::now()) else { return Vec::new() };
        let state = &mut *self.lock();
        let is_new = state.learned.durations.is_new(sort);
        let since = |begun: Instant, moment: Instant| pace.undone(moment.duration_since(begun));
        let (mut after, until) = (since(ended.begun, ended.seen), since(ended.begun, looked));
        let all = state.objects.values().filter(|_| is_new).flat_map(|entry| entry.operations.running.values());
        let alike: Vec<&Ongoing> = all.filter(|one| one.sort == Some(sort)).collect();
        for ran in alike.iter().map(|one| since(one.begun, one.seen)).filter(|ran| *ran < until) {
            after = after.max(ran);
        }
        state.learned.durations.learn(sort, after, until);
        let durations = &state.learned.durations;
        let sooner = alike.into_iter().map(|one| {
            let ends = pace.of(until.saturating_sub(since(one.begun, now)));
            let open = one.open.saturating_duration_since(now);
            (one.object.clone(), now + one.wait(durations, now, pace).min(ends.max(open)))
        });
        sooner.collect()
    }

    /// Notes after a reconcile whether nothing but operations begun here is waited for, so that short looks at these may stand for
    /// the next reconciles.
    pub(crate) fn note_only_operations(&self, uid: &str, plan: &Plan) {
        self.update(uid, |entry| {
            let only = entry.operations.waits_for_nothing_else(plan);
            entry.operations.only = only.then(Instant::now);
        });
    }

    /// Whether nothing but such operations was waited for after the last reconcile.
    pub(crate) fn waits_only(&self, uid: &str) -> bool {
        self.read(uid, |entry| entry.operations.only.is_some())
    }

    /// Which operations a short look may ask about now, if any; nothing when a reconcile is due. One is due at once where an
    /// end is to be expected, which a reconcile would have to see anyway, and where one may not be asked about itself.
    pub(crate) fn short_looks(&self, uid: &str, pace: Pace) -> Option<Vec<ResourceId>> {
        let (state, now) = (self.lock(), Instant::now());
        let Operations { running, only } = &state.objects.get(uid)?.operations;
        let durations = &state.learned.durations;
        let is_short = |one: &Ongoing| {
            let elapsed = pace.undone(now.duration_since(one.begun));
            one.asked.is_none_or(|asked| asked <= now)
                && one.sort.is_some_and(|sort| !durations.is_probably_over(sort, elapsed))
        };
        let open = || running.values().filter(|one| one.open <= now);
        let allowed = only.is_some_and(|since| now.duration_since(since) < SHORT_LOOKS_FOR);
        (allowed && open().all(is_short)).then(|| open().map(|one| one.id.clone()).collect())
    }

    /// Notes what a short look, begun at `looked`, showed. Whether the operation runs.
    pub(crate) fn note_glance(&self, uid: &str, id: &ResourceId, looked: Instant, glance: Glance) -> bool {
        let Glance::Runs(asked) = glance else { return false };
        self.update(uid, |entry| {
            let Some(known) = entry.operations.running.get_mut(&id.folded()) else { return false };
            known.seen = looked.max(known.seen);
            known.asked = asked.map(|asked| Instant::now() + asked).or(known.asked);
            true
        })
    }

    /// How long to wait before the next look at what runs; nothing when nothing does.
    pub(crate) fn next_look(&self, uid: &str, pace: Pace) -> Option<Duration> {
        self.next_look_at(uid, pace, |_| true)
    }

    /// The same for what was begun here, and not for what somebody else was seen to do.
    pub(crate) fn next_look_at_own(&self, uid: &str, pace: Pace) -> Option<Duration> {
        self.next_look_at(uid, pace, |ongoing| ongoing.sort.is_some())
    }

    fn next_look_at(&self, uid: &str, pace: Pace, counts: impl Fn(&Ongoing) -> bool) -> Option<Duration> {
        let (state, now) = (self.lock(), Instant::now());
        let running = state.objects.get(uid)?.operations.running.values();
        running.filter(|one| counts(one)).map(|one| one.wait(&state.learned.durations, now, pace)).min()
    }
}

impl Ongoing {
    fn new(object: &ObjectKey, step: &Step, now: Instant) -> Self {
        let (object, kind, id) = (object.clone(), step.node.kind, step.node.id.clone());
        Self { object, kind, id, sort: None, begun: now, seen: now, open: now, asked: None, number: 0 }
    }

    /// How long to wait before the next look.
    fn wait(&self, durations: &Durations, now: Instant, pace: Pace) -> Duration {
        if self.open > now {
            return self.open - now;
        }
        let passed = now.duration_since(self.begun);
        let elapsed = pace.undone(passed);
        let look = pace.of(match self.sort {
            Some(sort) => durations.next_look(sort, elapsed, self.number),
            None => Durations::next_unlearned(elapsed, self.number),
        });
        with_asked(look, self.asked.and_then(|asked| asked.checked_duration_since(now)), passed)
    }
}

impl Operations {
    /// What has ended.
    fn note(&mut self, object: &ObjectKey, plan: &Plan, looked: Instant) -> Vec<Ongoing> {
        let now = Instant::now();
        let mut before = take(self).running;
        let (mut after, mut all_ended) = (BTreeMap::new(), Vec::new());
        for step in &plan.steps {
            let id = step.node.id.folded();
            match (&step.seen, before.remove(&id)) {
                (Seen::Busy, Some(known)) => drop(after.insert(id, Ongoing { seen: looked.max(known.seen), ..known })),
                (Seen::Busy, None) if step.action == Action::Wait => {
                    after.insert(id, Ongoing::new(object, step, now));
                }
                (Seen::Unread(_), Some(known)) => drop(after.insert(id, known)),
                (Seen::Failed { .. } | Seen::Unread(_) | Seen::Busy, _) | (_, None) => {}
                (Seen::Absent | Seen::Foreign(_) | Seen::Drifted(_) | Seen::Settled, Some(ended)) => {
                    all_ended.push(ended);
                }
            }
        }
        if plan.incomplete {
            after.append(&mut before);
        }
        self.running = after;
        all_ended
    }

    /// Whether the steps of a plan, and what came of them, leave nothing to wait for but operations of Resource Manager that
    /// were begun here.
    fn waits_for_nothing_else(&self, plan: &Plan) -> bool {
        let runs = |step: &Step| {
            let known = self.running.get(&step.node.id.folded());
            known.is_some_and(|one| one.sort.is_some() && one.kind.plane == Plane::Arm)
        };
        let quiet = |step: &Step| match (&step.action, &step.result) {
            (Action::Keep | Action::Hold(Held::Needs | Held::Turn), _) => true,
            (Action::Wait, _) => runs(step),
            // after a failure the next try has its own time
            (Action::Write(_), Some(Ok(Progress::Running(_)))) => {
                runs(step) && !matches!(step.seen, Seen::Failed { .. })
            }
            (Action::Write(_) | Action::Hold(_), _) => false,
        };
        !plan.incomplete && plan.blocked.is_none() && !self.running.is_empty() && plan.steps.iter().all(quiet)
    }
}

fn work(request: &Request, seen: &Seen) -> Work {
    match request {
        Request::Delete { .. } => Work::Delete,
        Request::CreateService { .. } | Request::RegisterModel { .. } => Work::Create,
        Request::Put { .. } if *seen == Seen::Absent => Work::Create,
        Request::Put { .. } | Request::PatchModel { .. } | Request::PatchService { .. } => Work::Update,
        Request::ChangeKey { .. } | Request::KeepKeys { .. } => Work::Update,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use acivnet_api::{DelegatedSubnet, conditions::reasons};
    use acivnet_core::{
        blueprint::{Goal, Node},
        failure::Failure,
        id::ResourceId,
        kinds::network_security_group,
        owner::Mark,
        retry::Retry,
    };
    use serde_json::Value;

    const PACE: f64 = 1.0;

    const UID: &str = "u";

    fn node() -> Node {
        let id = network_security_group::id(&ResourceId::group_id("s", "g"), "n");
        Node::new(&network_security_group::NETWORK_SECURITY_GROUP, id, Goal::Present, Value::Null, Mark::None)
    }

    fn step(seen: Seen, action: Action) -> Step {
        Step { node: node(), seen, action, change: None, result: None }
    }

    fn begin(all: &PerObject, asked: Option<Duration>) {
        let put = Request::Put { body: Value::Null, if_match: None };
        let result = Some(Ok(Progress::Running(asked)));
        all.began(UID, &object(), &Step { result, ..step(Seen::Absent, Action::Write(put)) });
    }

    fn look(all: &PerObject, seen: Seen) {
        let action = if seen == Seen::Busy { Action::Wait } else { Action::Keep };
        let plan = Plan { steps: vec![step(seen, action)], ..Plan::default() };
        all.note_operations((UID, &object()), &plan, Instant::now(), Pace::new(PACE));
    }

    fn object() -> ObjectKey {
        ObjectKey::new::<DelegatedSubnet>("ml", "a")
    }

    async fn until_seen(all: &PerObject, takes: Duration) -> (Duration, usize) {
        let (begun, mut looks) = (Instant::now(), 0);
        loop {
            tokio::time::sleep(all.next_look(UID, Pace::new(PACE)).unwrap()).await;
            looks += 1;
            if begun.elapsed() >= takes {
                look(all, Seen::Settled);
                assert_eq!(all.next_look(UID, Pace::new(PACE)), None);
                return (begun.elapsed() - takes, looks);
            }
            look(all, Seen::Busy);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_to_end_tells_when_the_next_ends() {
        let all = PerObject::default();
        for attempt in 0..20 {
            begin(&all, None);
            let (late, looks) = until_seen(&all, Duration::from_secs(70)).await;
            assert!(
                looks <= 12 && (attempt < 3 || late <= Duration::from_millis(1500)),
                "{attempt}: {late:?}, {looks}"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_azure_asks_for_is_kept_to_the_moment() {
        let all = PerObject::default();
        begin(&all, Some(Duration::from_secs(17)));
        assert_eq!(all.next_look(UID, Pace::new(0.01)), Some(Duration::from_secs(17)), "and never scaled");
        tokio::time::advance(Duration::from_secs(17)).await;
        assert!(all.next_look(UID, Pace::new(PACE)).unwrap() < Duration::from_secs(20));
    }

    #[tokio::test(start_paused = true)]
    async fn what_began_unseen_teaches_nothing() {
        let all = PerObject::default();
        look(&all, Seen::Busy);
        let (_, looks) = until_seen(&all, Duration::from_secs(300)).await;
        assert!(looks <= 12, "{looks}");
        begin(&all, None);
        assert_eq!(all.next_look(UID, Pace::new(PACE)), Some(Duration::from_secs(2)));
        all.forget(UID);
        assert_eq!(all.next_look(UID, Pace::new(PACE)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_failed_tells_nothing() {
        let all = PerObject::default();
        begin(&all, None);
        let failure = Failure::local("NoAnswer", String::new(), Retry::Backoff, reasons::AZURE_UNREACHABLE);
        look(&all, Seen::Unread(failure));
        assert!(all.next_look(UID, Pace::new(PACE)).is_some());
    }
}
