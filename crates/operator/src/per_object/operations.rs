//! What runs in Azure, as far as reconciles saw it, and when to look at it next. Losing it costs a few looks.

use super::PerObject;
use crate::reconcile::pace::Pace;
use acivnet_core::{
    durations::{Durations, Sort, Work},
    plan::{Action, Plan, Progress, Request, Step},
    seen::Seen,
};
use std::{collections::BTreeMap, mem::take, time::Duration};
use tokio::time::Instant;

/// The operations of one object, by id of the resource in lower case.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Operations(BTreeMap<String, Ongoing>);

#[derive(Debug, PartialEq)]
struct Ongoing {
    /// What it is; nothing when its beginning was not seen.
    sort: Option<Sort>,
    /// When it began or was first seen.
    begun: Instant,
    /// The last look that found it running.
    seen: Instant,
    /// Azure asked not to be asked before.
    open: Instant,
}

impl PerObject {
    /// Notes what the reads of a reconcile, begun at `looked`, show of what was running; learns from what has ended.
    pub(crate) fn note_operations(&self, uid: &str, plan: &Plan, looked: Instant, pace: Pace) {
        self.update_and_learn(uid, |entry, durations| entry.operations.note(durations, plan, looked, pace));
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
        let wait = |ongoing: &Ongoing| {
            if ongoing.open > now {
                return ongoing.open - now;
            }
            let elapsed = pace.undone(now.duration_since(ongoing.begun));
            pace.of(match ongoing.sort {
                Some(sort) => state.durations.next_look(sort, elapsed),
                None => Durations::next_unlearned(elapsed),
            })
        };
        state.objects.get(uid)?.operations.0.values().filter(|one| counts(one)).map(wait).min()
    }
}

impl Operations {
    /// A write was answered: work that goes on begins.
    pub(crate) fn began(&mut self, step: &Step) {
        let (Some(Progress::Running(asked)), Some(request)) = (step.progress(), step.request()) else { return };
        let now = Instant::now();
        let sort = Some((step.node.kind.name, work(request, &step.seen)));
        let ongoing = Ongoing { sort, begun: now, seen: now, open: now + asked.unwrap_or_default() };
        self.0.insert(step.node.id.folded(), ongoing);
    }

    fn note(&mut self, durations: &mut Durations, plan: &Plan, looked: Instant, pace: Pace) {
        let now = Instant::now();
        let mut before = take(&mut self.0);
        let mut after = BTreeMap::new();
        for step in &plan.steps {
            let id = step.node.id.folded();
            match (&step.seen, before.remove(&id)) {
                (Seen::Busy, Some(known)) => drop(after.insert(id, Ongoing { seen: looked.max(known.seen), ..known })),
                (Seen::Busy, None) if step.action == Action::Wait => {
                    after.insert(id, Ongoing { sort: None, begun: now, seen: now, open: now });
                }
                (Seen::Unread(_), Some(known)) => drop(after.insert(id, known)),
                (Seen::Failed { .. } | Seen::Unread(_) | Seen::Busy, _) | (_, None) => {}
                (Seen::Absent | Seen::Foreign(_) | Seen::Drifted(_) | Seen::Settled, Some(ended)) => {
                    let since = |moment: Instant| pace.undone(moment.duration_since(ended.begun));
                    ended.sort.inspect(|sort| durations.learn(*sort, since(ended.seen), since(now)));
                }
            }
        }
        if plan.incomplete {
            after.append(&mut before);
        }
        self.0 = after;
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
    use acivnet_api::conditions::reasons;
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
        let step = Step { result, ..step(Seen::Absent, Action::Write(put)) };
        all.update(UID, |entry| entry.operations.began(&step));
    }

    fn look(all: &PerObject, seen: Seen) {
        let action = if seen == Seen::Busy { Action::Wait } else { Action::Keep };
        let plan = Plan { steps: vec![step(seen, action)], ..Plan::default() };
        all.note_operations(UID, &plan, Instant::now(), Pace::new(PACE));
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
