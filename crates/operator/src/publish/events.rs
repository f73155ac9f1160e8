//! Events of our own objects. One of a kind is written at most every ten minutes: the next one tells in its `series` how
//! often it happened meanwhile.

use crate::{FIELD_MANAGER, ctx::Ctx, kubernetes, object::Object};
use acivnet_api::conditions::reasons;
use acivnet_core::{names::Names, outcome::Event, scrub::fitted};
use k8s_openapi::{
    api::events::v1::{Event as KubernetesEvent, EventSeries},
    apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta},
};
use kube::{Api, api::PostParams};
use std::{
    collections::BTreeMap,
    hash::{DefaultHasher, Hash, Hasher},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// Longest note of an event, in bytes (Kubernetes API, `events.k8s.io/v1`, field `note`).
pub(crate) const NOTE: usize = 1024;
/// Longest name of an object (Kubernetes, "Object Names and IDs"), less what is put behind it.
const LONGEST_NAME: usize = 253 - 17;
/// How long one event stands for others of its kind, so that a trouble that comes back every few seconds is one event in
/// ten minutes (test `one_of_a_kind_stands_for_the_others`).
pub(crate) const SERIES: Duration = Duration::from_secs(600);
/// How many kinds of events are remembered. Beyond that one is forgotten, and may be written again too early.
pub(crate) const MOST: usize = 8192;

/// Reasons of troubles that pass by themselves. The condition has their words, so that events don't repeat them.
const PASSING: [&str; 4] = [reasons::BUSY, reasons::THROTTLED, reasons::AZURE_UNREACHABLE, reasons::REGION_CAPACITY];

/// When each kind of event of each object was told last, and how often it happened since.
#[derive(Default)]
pub(crate) struct RecentEvents(Mutex<BTreeMap<u64, Series>>);

struct Series {
    since: Instant,
    untold: u32,
}

impl RecentEvents {
    /// Of how many an event that happens now is to tell; none while the last one stands for it.
    fn count(&self, uid: &str, event: &Event, lasts: Duration) -> Option<u32> {
        let (mut all, now, kind) = (self.lock(), Instant::now(), kind(uid, event));
        let fresh = |series: &Series| now.duration_since(series.since) < lasts;
        if let Some(series) = all.get_mut(&kind).filter(|series| fresh(series)) {
            series.untold = series.untold.saturating_add(1);
            return None;
        }
        let untold = all.remove(&kind).map_or(0, |series| series.untold);
        if all.len() >= MOST {
            all.retain(|_, series| fresh(series));
        }
        if all.len() >= MOST {
            all.pop_first();
        }
        all.insert(kind, Series { since: now, untold: 0 });
        Some(untold.saturating_add(1))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Series>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Events of one kind differ in ids, and in how long they ask to wait. A trouble that passes by itself is of one kind
/// whatever it hits: many things at once wait for each other while much is made.
fn kind(uid: &str, event: &Event) -> u64 {
    let passing = PASSING.contains(&event.reason);
    let words = event.message.split_whitespace().filter(|word| !passing && !is_volatile(word));
    let mut hasher = DefaultHasher::new();
    (uid, event.warning, event.reason, event.action).hash(&mut hasher);
    words.for_each(|word| word.hash(&mut hasher));
    hasher.finish()
}

/// A number by itself, or a long id in hex.
fn is_volatile(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric());
    let long = word.len() >= 16 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-');
    long || !word.is_empty() && word.chars().all(|c| c.is_ascii_digit())
}

/// Writes events. One that is refused is logged: a namespace that is going takes none.
pub(crate) async fn write<S: Object>(ctx: &Ctx, cr: &S, events: &[Event]) {
    for event in events {
        log(cr, event);
        let Some(count) = ctx.recent_events.count(cr.meta().uid(), event, ctx.pace.of(SERIES)) else { continue };
        ctx.metrics.kubernetes_write("Event", "create");
        let api = Api::<KubernetesEvent>::namespaced(ctx.kube.clone(), cr.meta().namespace());
        match api.create(&PostParams::default(), &kubernetes_event(ctx, cr, event, count)).await {
            Ok(_) => {}
            Err(error) if kubernetes::terminating(&error) => {
                tracing::debug!("the namespace is going and takes no events")
            }
            Err(error) => {
                tracing::warn!(error = kubernetes::text(&error), reason = event.reason, "an event could not be written")
            }
        }
    }
}

fn log<S: Object>(cr: &S, event: &Event) {
    let (namespace, name) = (cr.meta().namespace(), cr.meta().name());
    let Event { reason, message, .. } = event;
    if event.warning {
        tracing::warn!(kind = %S::kind(&()), namespace, name, reason, message, "event");
    } else {
        tracing::info!(kind = %S::kind(&()), namespace, name, reason, message, "event");
    }
}

fn kubernetes_event<S: Object>(ctx: &Ctx, cr: &S, event: &Event, count: u32) -> KubernetesEvent {
    let (namespace, name) = (cr.meta().namespace(), cr.meta().name());
    let now = MicroTime(ctx.clock.now());
    let series = EventSeries { count: i32::try_from(count).unwrap_or(i32::MAX), last_observed_time: now.clone() };
    KubernetesEvent {
        metadata: ObjectMeta {
            namespace: Some(namespace.to_owned()),
            name: Some(format!("{}.{:016x}", prefix(name), ctx.random.next())),
            ..ObjectMeta::default()
        },
        type_: Some(if event.warning { "Warning" } else { "Normal" }.to_owned()),
        reason: Some(event.reason.to_owned()),
        action: Some(event.action.to_owned()),
        note: Some(note(&event.message)),
        regarding: Some(cr.object_ref(&())),
        event_time: Some(now),
        // the API server takes no series of one
        series: (count > 1).then_some(series),
        reporting_controller: Some("acivnet.dev/operator".to_owned()),
        reporting_instance: Some(FIELD_MANAGER.to_owned()),
        ..KubernetesEvent::default()
    }
}

/// A name that leaves room behind it.
fn prefix(name: &str) -> &str {
    name.get(..LONGEST_NAME).unwrap_or(name).trim_end_matches(['-', '.'])
}

/// A message of at most [`NOTE`] bytes: in characters less, where they are longer.
fn note(message: &str) -> String {
    let lengths = [NOTE, NOTE / 2, NOTE / 3, NOTE / 4 - 1];
    let mut notes = lengths.into_iter().map(|length| fitted(message.to_owned(), length));
    notes.find(|note| note.len() <= NOTE).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(reason: &'static str, message: &str) -> Event {
        Event { warning: true, reason, action: "Reconcile", message: message.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn one_of_a_kind_stands_for_the_others() {
        let (told, lasts) = (RecentEvents::default(), Duration::from_secs(600));
        let busy =
            |n: u32| event("Busy", &format!("PUT s{n}: 429: operation 0b1c2d3e-0000-4000-8000-00000000000{n} runs"));
        let counts: Vec<_> = (0..9).map(|n| told.count("u", &busy(n), lasts)).collect();
        assert_eq!((counts[0], counts.iter().flatten().count()), (Some(1), 1));
        assert_eq!(told.count("other", &busy(0), lasts), Some(1), "objects are told of by themselves");
        tokio::time::advance(lasts).await;
        assert_eq!(told.count("u", &busy(0), lasts), Some(9), "the next one tells of those between");
        tokio::time::advance(lasts).await;
        assert_eq!(told.count("u", &busy(0), lasts), Some(1));
    }

    #[tokio::test(start_paused = true)]
    async fn what_says_something_else_is_told() {
        let (told, lasts) = (RecentEvents::default(), Duration::from_secs(600));
        let counts = [
            told.count("u", &event("AzureRefused", "PUT s1: 400 A: retry in 11 seconds"), lasts),
            told.count("u", &event("AzureRefused", "PUT s1: 400 A: retry in 12 seconds"), lasts),
            told.count("u", &event("AzureRefused", "PUT s2: 400 A: retry in 12 seconds"), lasts),
            told.count("u", &event("InvalidSpec", "PUT s1: 400 A: retry in 11 seconds"), lasts),
            told.count("u", &event("AzureRefused", "prefix 10.0.1.0/24"), lasts),
            told.count("u", &event("AzureRefused", "prefix 10.0.2.0/24"), lasts),
        ];
        assert_eq!(counts, [Some(1), None, Some(1), Some(1), Some(1), Some(1)]);
    }

    #[tokio::test(start_paused = true)]
    async fn kinds_have_a_bound() {
        let (told, lasts) = (RecentEvents::default(), Duration::from_secs(600));
        for n in 0..2 * MOST {
            told.count(&n.to_string(), &event("Busy", ""), lasts);
        }
        assert_eq!(told.lock().len(), MOST);
    }

    #[test]
    fn names_and_notes_fit() {
        for text in ["a".repeat(253), format!("{}-.{}", "a".repeat(235), "b".repeat(16)), "a".into()] {
            let name = format!("{}.{:016x}", prefix(&text), u64::MAX);
            assert!(name.len() <= 253 && !name.contains("-.") && !name.contains(".."), "{name}");
        }
        for character in ["a", "é", "語", "🦀", "\u{0}"] {
            let note = note(&format!("begin {} end", character.repeat(2000)));
            assert!(
                note.len() <= NOTE && note.starts_with("begin ") && note.ends_with(" end"),
                "{character}: {}",
                note.len()
            );
        }
        assert_eq!(note("short"), "short");
    }
}
