use super::*;
use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use futures::FutureExt;
use tokio::time::advance;

const LONG: Duration = Duration::from_secs(300);

fn who(namespace: &str, name: &str) -> Who {
    Who::new::<DelegatedSubnet>(namespace, name)
}

/// Those who have their turn now.
fn turns(queue: &Queue, priority: impl Fn(&Who) -> Option<Priority>) -> Vec<String> {
    std::iter::from_fn(|| queue.next(&priority).now_or_never()).map(|who| who.name.to_string()).collect()
}

fn alike(_: &Who) -> Option<Priority> {
    Some(Priority::Sweep)
}

/// Takes all places of a namespace.
fn fill(queue: &Queue, namespace: &str) -> Vec<Who> {
    let all: Vec<Who> = (0..AT_ONCE).map(|number| who(namespace, &format!("first-{number}"))).collect();
    all.iter().for_each(|one| queue.seen(one, 1));
    assert_eq!(turns(queue, alike).len(), AT_ONCE);
    all
}

#[tokio::test(start_paused = true)]
async fn a_pass_follows_a_wish_that_is_new_a_wait_or_a_call() {
    let (queue, one) = (Queue::default(), who("ml", "a"));
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
    let (queue, one) = (Queue::default(), who("ml", "a"));
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
    let [rests, waits, passes, unknown] = ["rests", "waits", "passes", "unknown"].map(|name| who("ml", name));
    queue.seen(&passes, 1);
    assert_eq!(turns(&queue, alike), ["passes"]);
    queue.seen(&rests, 1);
    assert_eq!(turns(&queue, alike), ["rests"]);
    queue.done(&rests, Some(LONG));
    let others = (1..AT_ONCE).map(|number| who("ml", &number.to_string())).collect::<Vec<_>>();
    others.iter().for_each(|one| queue.seen(one, 1));
    assert_eq!(turns(&queue, alike).len(), AT_ONCE - 1);
    queue.seen(&waits, 1);
    queue.want(&unknown);
    assert!(turns(&queue, |who| (&*who.name != "unknown").then_some(Priority::Sweep)).is_empty());
    [&rests, &waits, &passes].into_iter().chain(&others).for_each(|one| queue.gone(one));
    others.iter().chain([&passes]).for_each(|one| queue.done(one, Some(LONG)));
    let state = queue.lock();
    assert!(state.objects.is_empty() && state.due.is_empty() && state.namespaces.is_empty(), "{state:?}");
}

#[tokio::test(start_paused = true)]
async fn so_many_at_once_and_the_urgent_first() {
    let queue = Queue::default();
    let held = fill(&queue, "ml");
    let urgency = |who: &Who| match &*who.name {
        "change" => Some(Priority::Change),
        "operation" => Some(Priority::Operation),
        "retry" => Some(Priority::Retry),
        _ => Some(Priority::Sweep),
    };
    for name in ["sweep", "retry", "change", "operation"] {
        queue.seen(&who("ml", name), 1);
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
    ["a", "b"].iter().for_each(|name| queue.seen(&who("ml", name), 1));
    assert!(turns(&queue, alike).is_empty());
    queue.seen(&who("ml", "b"), 2);
    let urgency = |who: &Who| Some(if &*who.name == "b" { Priority::Change } else { Priority::Sweep });
    assert!(turns(&queue, urgency).is_empty());
    queue.done(&held[0], None);
    assert_eq!(turns(&queue, urgency), ["b"]);
}

#[tokio::test]
async fn a_namespace_holds_up_no_other() {
    let queue = Queue::default();
    fill(&queue, "one");
    queue.seen(&who("one", "waits"), 1);
    queue.seen(&who("other", "a"), 1);
    queue.seen(&Who::new::<AciVnetDeployment>("other", "a"), 1);
    assert_eq!(turns(&queue, alike), ["a", "a"]);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_turn_is_woken() {
    let queue = Queue::default();
    let asked = tokio::time::Instant::now();
    let told = async {
        tokio::time::sleep(Duration::from_secs(7)).await;
        queue.seen(&who("ml", "a"), 1);
    };
    let (next, ()) = futures::join!(queue.next(alike), told);
    assert_eq!((&*next.name, asked.elapsed()), ("a", Duration::from_secs(7)));
    queue.done(&next, Some(LONG));
    queue.next(alike).await;
    assert_eq!(asked.elapsed(), LONG + Duration::from_secs(7));
}
