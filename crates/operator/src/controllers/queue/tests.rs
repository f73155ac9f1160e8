use super::*;
use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use futures::FutureExt;
use tokio::time::advance;

const LONG: Duration = Duration::from_secs(300);

fn key(namespace: &str, name: &str) -> ObjectKey {
    ObjectKey::new::<DelegatedSubnet>(namespace, name)
}

/// Those who have their turn now.
fn turns(queue: &Queue, priority: impl Fn(&ObjectKey) -> Option<Priority>) -> Vec<String> {
    in_order(queue, |key| priority(key).map(|priority| (priority, 0)))
}

fn in_order(queue: &Queue, priority: impl Fn(&ObjectKey) -> Option<(Priority, u64)>) -> Vec<String> {
    std::iter::from_fn(|| queue.next(&priority).now_or_never()).map(|key| key.name.to_string()).collect()
}

fn alike(_: &ObjectKey) -> Option<Priority> {
    Some(Priority::Sweep)
}

fn both(_: &ObjectKey) -> Option<(Priority, u64)> {
    Some((Priority::Sweep, 0))
}

/// Takes all places of a namespace.
fn fill(queue: &Queue, namespace: &str) -> Vec<ObjectKey> {
    let all: Vec<ObjectKey> = (0..AT_ONCE).map(|number| key(namespace, &format!("first-{number}"))).collect();
    all.iter().for_each(|one| queue.seen(one, 1));
    assert_eq!(turns(queue, alike).len(), AT_ONCE);
    all
}

#[tokio::test(start_paused = true)]
async fn a_pass_follows_a_wish_that_is_new_a_wait_or_a_call() {
    let (queue, one) = (Queue::default(), key("ml", "a"));
    queue.seen(&one, 1);
    assert_eq!(turns(&queue, alike), ["a"]);
    queue.done(&one, Some(LONG));
    queue.seen(&one, 1);
    assert!(turns(&queue, alike).is_empty(), "its people want what they wanted");
    queue.seen(&one, 2);
    assert_eq!(turns(&queue, alike), ["a"]);
    queue.done(&one, Some(LONG));
    advance(LONG - Duration::from_secs(1)).await;
    assert!(turns(&queue, alike).is_empty());
    advance(Duration::from_secs(1)).await;
    assert_eq!(turns(&queue, alike), ["a"]);
    queue.done(&one, None);
    advance(LONG * 10).await;
    assert!(turns(&queue, alike).is_empty());
    queue.want(&one);
    assert_eq!(turns(&queue, alike), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn never_two_passes_over_one_object() {
    let (queue, one) = (Queue::default(), key("ml", "a"));
    queue.seen(&one, 1);
    assert_eq!(turns(&queue, alike), ["a"]);
    queue.seen(&one, 2);
    queue.want(&one);
    assert!(turns(&queue, alike).is_empty());
    queue.done(&one, Some(LONG));
    assert_eq!(turns(&queue, alike), ["a"], "at once, since it was wanted meanwhile");
    queue.gone(&one);
    queue.seen(&one, 3);
    assert!(turns(&queue, alike).is_empty(), "made anew while a pass over the old one is under way");
    queue.done(&one, None);
    assert_eq!(turns(&queue, alike), ["a"]);
    queue.done(&one, Some(LONG));
    advance(LONG).await;
    assert_eq!(turns(&queue, alike), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_leaves_nothing() {
    let queue = Queue::default();
    let [rests, waits, passes, unknown] = ["rests", "waits", "passes", "unknown"].map(|name| key("ml", name));
    queue.seen(&passes, 1);
    assert_eq!(turns(&queue, alike), ["passes"]);
    queue.seen(&rests, 1);
    assert_eq!(turns(&queue, alike), ["rests"]);
    queue.done(&rests, Some(LONG));
    let others = (1..AT_ONCE).map(|number| key("ml", &number.to_string())).collect::<Vec<_>>();
    others.iter().for_each(|one| queue.seen(one, 1));
    assert_eq!(turns(&queue, alike).len(), AT_ONCE - 1);
    queue.seen(&waits, 1);
    queue.want(&unknown);
    assert!(turns(&queue, |key| (&*key.name != "unknown").then_some(Priority::Sweep)).is_empty());
    [&rests, &waits, &passes].into_iter().chain(&others).for_each(|one| queue.gone(one));
    others.iter().chain([&passes]).for_each(|one| queue.done(one, Some(LONG)));
    let state = queue.lock();
    assert!(state.objects.is_empty() && state.due.is_empty() && state.namespaces.is_empty(), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn so_many_at_once_and_the_urgent_first() {
    let queue = Queue::default();
    let held = fill(&queue, "ml");
    let urgency = |key: &ObjectKey| match &*key.name {
        "change" => Some(Priority::Change),
        "operation" => Some(Priority::Operation),
        "retry" => Some(Priority::Retry),
        _ => Some(Priority::Sweep),
    };
    for name in ["sweep", "retry", "change", "operation"] {
        queue.seen(&key("ml", name), 1);
    }
    assert!(turns(&queue, urgency).is_empty());
    let mut order = Vec::new();
    for one in &held {
        queue.done(one, Some(LONG));
        order.extend(turns(&queue, urgency));
    }
    assert_eq!(order, ["change", "operation", "retry", "sweep"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_and_becomes_urgent_moves_up() {
    let queue = Queue::default();
    let held = fill(&queue, "ml");
    ["a", "b"].iter().for_each(|name| queue.seen(&key("ml", name), 1));
    assert!(turns(&queue, alike).is_empty());
    queue.seen(&key("ml", "b"), 2);
    let urgency = |key: &ObjectKey| Some(if &*key.name == "b" { Priority::Change } else { Priority::Sweep });
    assert!(turns(&queue, urgency).is_empty());
    queue.done(&held[0], None);
    assert_eq!(turns(&queue, urgency), ["b"]);
}

#[tokio::test]
async fn a_namespace_holds_up_no_other() {
    let queue = Queue::default();
    fill(&queue, "one");
    queue.seen(&key("one", "waits"), 1);
    queue.seen(&key("other", "a"), 1);
    queue.seen(&ObjectKey::new::<AciVnetDeployment>("other", "a"), 1);
    assert_eq!(turns(&queue, alike), ["a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_turn_is_woken() {
    let queue = Queue::default();
    let asked = tokio::time::Instant::now();
    let told = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        queue.seen(&key("ml", "a"), 1);
    };
    let (next, ()) = futures::join!(queue.next(both), told);
    assert_eq!((&*next.name, asked.elapsed()), ("a", Duration::from_secs(7)));
    queue.done(&next, Some(LONG));
    queue.next(both).await;
    assert_eq!(asked.elapsed(), LONG + Duration::from_secs(7));
}

#[tokio::test(start_paused = true)]
async fn five_thousand_objects_of_a_namespace_come_before_no_other_object_but_those_under_way() {
    let queue = Queue::default();
    (0..5_000).for_each(|number| queue.seen(&key("a", &number.to_string()), 1));
    let held: Vec<String> = turns(&queue, alike);
    assert_eq!(held.len(), AT_ONCE);
    // reconciles of the many end and begin all the time; another namespace's object comes in between
    for (round, name) in held.iter().enumerate() {
        queue.done(&key("a", name), Some(LONG));
        if round % 3 == 2 {
            queue.seen(&key("b", &round.to_string()), 1);
            queue.seen(&key("0", &round.to_string()), 1);
            let next: Vec<ObjectKey> = (0..3).filter_map(|_| queue.next(both).now_or_never()).collect();
            let namespaces: std::collections::BTreeSet<&str> = next.iter().map(|key| &*key.namespace).collect();
            assert_eq!(namespaces, ["0", "a", "b"].into(), "one each");
            next.iter().filter(|key| &*key.namespace != "a").for_each(|key| queue.done(key, None));
        } else {
            assert_eq!(turns(&queue, alike).len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_first_is_ready_first() {
    const PASSES: usize = 6;
    let (queue, mut passes) = (Queue::default(), std::collections::BTreeMap::<String, usize>::new());
    let objects: Vec<ObjectKey> = (0..100).map(|number| key("ml", &format!("{number:03}"))).collect();
    objects.iter().for_each(|one| queue.seen(one, 1));
    let begun = std::cell::RefCell::new(std::collections::BTreeSet::<String>::new());
    // whoever was looked at before runs in Azure
    let priority = |key: &ObjectKey| {
        let known = begun.borrow().contains(&*key.name);
        let order = key.name.parse().unwrap();
        Some((if known { Priority::Continuation } else { Priority::Creation }, order))
    };
    let (start, mut ready) = (Instant::now(), Vec::new());
    while ready.len() < objects.len() {
        for name in in_order(&queue, priority) {
            begun.borrow_mut().insert(name.clone());
            let count = passes.entry(name.clone()).or_default();
            *count += 1;
            let done = *count == PASSES;
            ready.extend(done.then(|| start.elapsed()));
            queue.done(&key("ml", &name), (!done).then_some(Duration::from_secs(1)));
        }
        advance(Duration::from_millis(250)).await;
    }
    let (first, half, last) = (ready[0], ready[ready.len() / 2], ready[ready.len() - 1]);
    let alone = Duration::from_secs(1) * (PASSES as u32 - 1);
    assert!(first <= alone * 3 / 2, "the first was ready after {first:?}, alone after {alone:?}");
    assert!(half <= last * 4 / 5, "half were ready after {half:?} of {last:?}");
    queue.seen(&objects[0], 2);
    assert_eq!(in_order(&queue, priority).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_stands_and_what_has_begun_come_before_what_is_new_and_the_older_before_the_younger() {
    let queue = Queue::default();
    let held = fill(&queue, "ml");
    for name in ["new-2", "begun-2", "new-1", "edit", "begun-1", "retry-1"] {
        queue.seen(&key("ml", name), 1);
    }
    let priority = |key: &ObjectKey| {
        let (what, age) = key.name.split_once('-').unwrap_or((&key.name, "9"));
        let priority = match what {
            "edit" => Priority::Change,
            "begun" => Priority::Continuation,
            "new" => Priority::Creation,
            _ => Priority::Retry,
        };
        Some((priority, age.parse().unwrap()))
    };
    let mut order = Vec::new();
    for one in held.iter().take(6) {
        queue.done(one, Some(LONG));
        order.extend(in_order(&queue, priority));
    }
    // the eighth turn is that of the longest waiting
    assert_eq!(order, ["edit", "begun-1", "begun-2", "new-1", "new-2", "retry-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_reconcile_knows_whether_it_is_wanted_or_was_told_something_or_is_only_due() {
    let (queue, one) = (Queue::default(), key("ml", "a"));
    let turn = || queue.next(both).now_or_never().map(|key| queue.cause(&key));
    queue.seen(&one, 1);
    assert_eq!(turn(), Some(Cause::Wanted));
    queue.done(&one, Some(LONG));
    advance(LONG).await;
    assert_eq!(turn(), Some(Cause::Due));
    queue.want(&one);
    assert_eq!(queue.cause(&one), Cause::Due, "what is wanted meanwhile is for the next");
    queue.done(&one, Some(LONG));
    assert_eq!(turn(), Some(Cause::Wanted));
    queue.done(&one, Some(LONG));
    queue.due_by(&one, Instant::now() + LONG * 2);
    queue.due_by(&one, Instant::now() + LONG / 2);
    queue.due_by(&key("ml", "unknown"), Instant::now());
    advance(LONG / 2).await;
    assert_eq!(turn(), Some(Cause::Due), "the earlier of two moments counts");
    queue.done(&one, Some(LONG));
    assert_eq!(turn(), None);
    advance(LONG - Duration::from_secs(1)).await;
    queue.want(&one);
    advance(Duration::from_secs(1)).await;
    assert_eq!(turn(), Some(Cause::Wanted), "due and wanted");
    assert_eq!(queue.cause(&key("ml", "unknown")), Cause::Wanted);
    for [first, last] in [[Queue::want as fn(&Queue, &ObjectKey), Queue::tell], [Queue::tell, Queue::want]] {
        first(&queue, &one);
        last(&queue, &one);
        queue.done(&one, None);
        assert_eq!(turn(), Some(Cause::Wanted), "the stronger of two causes counts");
    }
    queue.tell(&one);
    queue.done(&one, None);
    assert_eq!(turn(), Some(Cause::Told));
}
