//! Asynchronous operations of Azure Resource Manager that a write began, and why they failed.
//!
//! Nothing waits for them: the resource tells how far it is. A failed resource of Microsoft.Network says no more than its
//! state; the reason is told by the operation alone. The URLs of operations are signed, so they stay in memory; what is lost
//! with them is the reason.

use crate::{answer::Answer, connector::Azure, error::Refusal, observe::Class, request::Call, sign_in::IdentityKey};
use acivnet_core::{id::ResourceId, observed::Fact};
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Mutex};
use url::Url;

/// Beyond this many the oldest is forgotten. It is far more than the operations that run at a time, which Azure's limits
/// on writes keep below a few hundred.
pub const MOST: usize = 1000;

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
    fn begin(&mut self, key: Key, url: Url) {
        if self.operations.len() >= MOST && !self.operations.contains_key(&key) {
            let oldest = self.operations.iter().min_by_key(|(_, operation)| operation.number);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.operations.remove(&oldest);
            }
        }
        self.begun += 1;
        self.operations.insert(key, Operation { number: self.begun, known: Known::Url(url) });
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
}

impl Azure {
    /// Keeps the operation that a write on `id` began, if it lies in Resource Manager.
    pub(crate) fn remember_operation(&self, id: &ResourceId, answer: &Answer) {
        let named = ["azure-asyncoperation", "location"].into_iter().find_map(|name| answer.header(name));
        let url =
            named.and_then(|text| Url::parse(text).ok()).filter(|url| self.connector.cloud.is_resource_manager(url));
        let mut known = crate::lock(&self.connector.operations.0);
        let key = (self.identity.key(), id.clone());
        match url {
            Some(url) => known.begin(key, url),
            None => drop(known.operations.remove(&key)),
        }
    }

    /// Why the last operation that this process began on a resource failed. Present: `{"code":"…","message":"…"}`, Azure's
    /// words, scrubbed. Absent: it is not known, or it has not failed. An operation that has ended is asked about once; of
    /// one that failed the reason is kept until another begins.
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
            Outcome::Running => return Fact::Absent,
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
            remembered.begin(key(name), url.clone());
        }
        let knows = |name: usize| remembered.operations.contains_key(&key(name));
        assert_eq!((remembered.operations.len(), knows(0), knows(1), knows(MOST)), (MOST, true, false, true));
    }

    #[test]
    fn the_end_of_an_earlier_operation_says_nothing_of_the_last() {
        let (mut remembered, url) = (Remembered::default(), Url::parse("https://arm.test/op").unwrap());
        let key = (identity().key(), id("/subscriptions/s/resourceGroups/g"));
        remembered.begin(key.clone(), url.clone());
        remembered.begin(key.clone(), url);
        remembered.end(&key, 1, Some(&json!({"code": "Earlier"})));
        assert!(matches!(remembered.operations[&key].known, Known::Url(_)));
        remembered.end(&key, 2, None);
        assert!(remembered.operations.is_empty());
    }
}
