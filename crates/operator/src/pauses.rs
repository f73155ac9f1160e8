//! When news of progress may be written again.

use crate::pace::Pace;
use acivnet_core::names::Names;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// How long the first news waits after the last write, the second four times as long, and so on.
const FIRST: Duration = Duration::from_secs(15);
const LONGEST: Duration = Duration::from_secs(900);

/// Last writes by uid, of objects that are worked on. Losing them delays a piece of news.
#[derive(Default)]
pub struct Pauses(Mutex<BTreeMap<String, Pause>>);

struct Pause {
    since: Instant,
    length: Duration,
}

impl Pauses {
    /// Whether the pause since the last write is over, so that news of progress may be written.
    pub fn over(&self, meta: &ObjectMeta, pace: Pace) -> bool {
        let mut all = self.lock();
        let pause = all.entry(meta.uid().to_owned()).or_insert_with(Pause::begin);
        if pause.since.elapsed() < pace.of(pause.length) {
            return false;
        }
        pause.length = (pause.length * 4).min(LONGEST);
        true
    }

    /// A status was written.
    pub fn written(&self, meta: &ObjectMeta) {
        self.lock().entry(meta.uid().to_owned()).or_insert_with(Pause::begin).since = Instant::now();
    }

    /// Nothing is worked on any more.
    pub fn forget(&self, meta: &ObjectMeta) {
        self.lock().remove(meta.uid());
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Pause>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pause {
    fn begin() -> Self {
        Self { since: Instant::now(), length: FIRST }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn news_become_rarer_until_nothing_is_worked_on() {
        let (pauses, pace) = (Pauses::default(), Pace::new(0.1));
        let object = ObjectMeta { uid: Some("u".into()), ..ObjectMeta::default() };
        let mut told = Vec::new();
        for tenth in 0..400 {
            if pauses.over(&object, pace) {
                pauses.written(&object);
                told.push(tenth);
            }
            tokio::time::advance(Duration::from_millis(100)).await;
        }
        assert_eq!(told, [15, 75, 315], "after 1.5, 6 and 24 seconds");
        pauses.forget(&object);
        assert!(!pauses.over(&object, pace));
        tokio::time::advance(Duration::from_millis(1500)).await;
        assert!(pauses.over(&object, pace));
    }
}
