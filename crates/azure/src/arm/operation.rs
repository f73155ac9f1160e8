//! Asynchronous operations of Azure Resource Manager that a write began: whether they still run, and why they failed.
//!
//! Only the resource proves what stands. Its operation is asked because that is one small read, and because it may say when to
//! ask again. A failed resource of Microsoft.Network says no more than its state; the reason is told by the operation alone.
//! The URLs of operations are signed, so they stay in memory; what is lost with them is the reason.

use crate::{
    answer::Answer, connector::Azure, error::Refusal, observe::Class, request::Call, sign_in::IdentityKey, throttle,
};
use acivnet_core::{id::ResourceId, observed::Fact};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex, time::Duration};
use tokio::time::Instant;
use url::Url;

/// Beyond this many the oldest is forgotten. It is far more than the operations that run at a time, which Azure's limits
/// on writes keep below a few hundred.
pub const MOST: usize = 1000;
/// Longest URL of an operation that is kept, in bytes. Signed ones have had some 3 KB since 2025.
pub const LONGEST_URL: usize = 8 << 10;

type Key = (IdentityKey, ResourceId);

/// The last operation begun on each resource, by identity.
#[derive(Default)]
pub(crate) struct Operations(Mutex<Remembered>);

#[derive(Default)]
struct Remembered {
    begun: u64,
    operations: BTreeMap<Key, Operation>,
}

#[derive(Clone)]
struct Operation {
    /// Counts the operations that began.
    number: u64,
    known: Known,
    /// Azure asked not to be asked before.
    open: Instant,
}

/// What is known of an operation.
#[derive(Clone)]
enum Known {
    /// Where to ask about it.
    Url(Url),
    /// It failed: `{"code":"…","message":"…"}`.
    Error(Value),
}

impl Remembered {
    fn begin(&mut self, key: Key, url: Url, open: Instant) {
        if self.operations.len() >= MOST && !self.operations.contains_key(&key) {
            let oldest = self.operations.iter().min_by_key(|(_, operation)| operation.number);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.operations.remove(&oldest);
            }
        }
        self.begun += 1;
        self.operations.insert(key, Operation { number: self.begun, known: Known::Url(url), open });
    }

    /// An operation still runs, and is not to be asked before `open`.
    fn goes_on(&mut self, key: &Key, number: u64, open: Instant) {
        let known = self.operations.get_mut(key).filter(|operation| operation.number == number);
        known.into_iter().for_each(|operation| operation.open = open);
    }

    /// Notes how an operation ended, unless another one has begun since.
    fn end(&mut self, key: &Key, number: u64, error: Option<&Value>) {
        let Some(operation) = self.operations.get_mut(key).filter(|operation| operation.number == number) else {
            return;
        };
        match error {
            Some(error) => operation.known = Known::Error(error.clone()),
            None => drop(self.operations.remove(key)),
        }
    }
}

/// What an answer tells of an operation.
enum Outcome {
    Running,
    Failed(Value),
    /// It has not failed, or Azure tells no more about it.
    Ended,
    /// Azure could not tell at the moment.
    Untold,
}

/// What a question about an operation showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glance {
    /// It runs. With a duration, Azure asks to be asked again after it, and not before.
    Runs(Option<Duration>),
    /// It has ended, or there is no telling: only a read of the resource says what stands.
    Unclear,
}

impl Azure {
    /// Asks whether the last operation that this process began on a resource still runs. Nothing is sent when its URL is not
    /// known, or Azure asked not to be asked yet.
    pub async fn glance(&self, id: &ResourceId) -> Glance {
        let key = (self.identity.key(), id.clone());
        let known = crate::lock(&self.connector.operations.0).operations.get(&key).cloned();
        match known {
            Some(Operation { number, known: Known::Url(url), open }) if open <= Instant::now() => {
                self.ask_operation(&key, number, url).await
            }
            Some(_) | None => Glance::Unclear,
        }
    }

    async fn ask_operation(&self, key: &Key, number: u64, url: Url) -> Glance {
        let call = Call::get(url, Class::ResourceManager, format!("operation on {}", key.1));
        let Ok(answer) = self.send(&call).await else { return Glance::Unclear };
        let outcome = self.outcome(&answer).await;
        let mut known = crate::lock(&self.connector.operations.0);
        match outcome {
            Outcome::Running => {
                let asked = self.asked(&answer);
                known.goes_on(key, number, Instant::now() + asked.unwrap_or_default());
                return Glance::Runs(asked);
            }
            Outcome::Failed(error) => known.end(key, number, Some(&error)),
            Outcome::Ended => known.end(key, number, None),
            Outcome::Untold => {}
        }
        Glance::Unclear
    }

    /// What Azure asks to wait before the next question about an operation.
    pub(crate) fn asked(&self, answer: &Answer) -> Option<Duration> {
        throttle::retry_after(&answer.headers, self.connector.clock.now())
    }

    /// Keeps the operation that a write on `id` began, if it lies in Resource Manager.
    pub(crate) fn remember_operation(&self, id: &ResourceId, answer: &Answer) {
        let named = ["azure-asyncoperation", "location"].into_iter().find_map(|name| answer.header(name));
        let url = named
            .filter(|text| text.len() <= LONGEST_URL)
            .and_then(|text| Url::parse(text).ok())
            .filter(|url| self.connector.cloud.is_resource_manager(url));
        let open = Instant::now() + self.asked(answer).unwrap_or_default();
        let mut known = crate::lock(&self.connector.operations.0);
        let key = (self.identity.key(), id.clone());
        match url {
            Some(url) => known.begin(key, url, open),
            None => drop(known.operations.remove(&key)),
        }
    }

    /// Why the last operation that this process began on a resource failed; asked once the resource says that it has. Present:
    /// `{"code":"…","message":"…"}`, Azure's words, scrubbed. Absent: it is not known, or it has not failed. An operation that
    /// has ended is asked about once; of one that failed the reason is kept until another begins.
    pub async fn failure_reason(&self, id: &ResourceId) -> Fact {
        let key = (self.identity.key(), id.clone());
        let Some(operation) = crate::lock(&self.connector.operations.0).operations.get(&key).cloned() else {
            return Fact::Absent;
        };
        let url = match operation.known {
            Known::Error(error) => return Fact::Present(error),
            Known::Url(url) => url,
        };
        let call = Call::get(url, Class::ResourceManager, format!("operation on {id}"));
        let Ok(answer) = self.send(&call).await else { return Fact::Absent };
        let error = match self.outcome(&answer).await {
            Outcome::Running | Outcome::Untold => return Fact::Absent,
            Outcome::Failed(error) => Some(error),
            Outcome::Ended => None,
        };
        crate::lock(&self.connector.operations.0).end(&key, operation.number, error.as_ref());
        error.map_or(Fact::Absent, Fact::Present)
    }

    /// Azure Resource Manager, "Track asynchronous Azure operations".
    async fn outcome(&self, answer: &Answer) -> Outcome {
        let body = answer.json().await.unwrap_or_default();
        let state = body.get("status").and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        match (answer.status, state.as_str()) {
            (202, _) => Outcome::Running,
            (200, "failed" | "canceled") => {
                let error =
                    body.get("error").and_then(|error| Refusal::of_json(error).code_and_message(&self.scrubber));
                error.map_or(Outcome::Ended, |(code, message)| {
                    Outcome::Failed(json!({"code": code, "message": message}))
                })
            }
            (200, "" | "succeeded") => Outcome::Ended,
            (200, _) => Outcome::Running,
            (429 | 500.., _) => Outcome::Untold,
            _ => Outcome::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{id, identity};

    #[test]
    fn the_oldest_is_forgotten_for_a_new_one() {
        let (mut remembered, url) = (Remembered::default(), Url::parse("https://arm.test/op").unwrap());
        let key = |name: usize| (identity().key(), id(&format!("/subscriptions/s/resourceGroups/g{name}")));
        for name in (0..MOST).chain([0, MOST]) {
            remembered.begin(key(name), url.clone(), Instant::now());
        }
        let knows = |name: usize| remembered.operations.contains_key(&key(name));
        assert_eq!((remembered.operations.len(), knows(0), knows(1), knows(MOST)), (MOST, true, false, true));
    }

    #[test]
    fn the_end_of_an_earlier_operation_says_nothing_of_the_last() {
        let (mut remembered, url) = (Remembered::default(), Url::parse("https://arm.test/op").unwrap());
        let key = (identity().key(), id("/subscriptions/s/resourceGroups/g"));
        remembered.begin(key.clone(), url.clone(), Instant::now());
        remembered.begin(key.clone(), url, Instant::now());
        remembered.end(&key, 1, Some(&json!({"code": "Earlier"})));
        assert!(matches!(remembered.operations[&key].known, Known::Url(_)));
        remembered.end(&key, 2, None);
        assert!(remembered.operations.is_empty());
    }
}
