//! Changes by others between a read of the operator and its write, or right after a write.

use super::{
    api_server::store::Key,
    azure::admin,
    bed::{Action, Bed},
    transport::Transport,
    wire::Sent,
};
use http::Method;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// A change. `before` and `after` choose the request right before or after which it is made.
pub enum ConcurrentChange {
    /// Puts a resource in Azure.
    InAzure {
        /// Before which request.
        before: fn(&Sent) -> bool,
        /// Id of the resource.
        id: String,
        /// Its body.
        body: Value,
    },
    /// Patches an object of Kubernetes.
    InKubernetes {
        /// Before which request.
        before: fn(&Sent) -> bool,
        /// The object.
        key: Key,
        /// Merge patch (RFC 7396).
        patch: Value,
    },
    /// A person does something.
    Person {
        /// After which request.
        after: fn(&Sent) -> bool,
        /// What.
        act: Action,
        /// Where.
        bed: Bed,
    },
}

impl ConcurrentChange {
    fn comes_before(&self, sent: &Sent) -> bool {
        match self {
            Self::InAzure { before, .. } | Self::InKubernetes { before, .. } => before(sent),
            Self::Person { .. } => false,
        }
    }

    fn comes_after(&self, sent: &Sent) -> bool {
        matches!(self, Self::Person { after, .. } if after(sent))
    }

    async fn come(self, transport: &Transport) {
        match self {
            Self::InAzure { id, body, .. } => {
                admin(&transport.azure, Method::PUT, &format!("resources?id={id}"), body).await;
            }
            Self::InKubernetes { key, patch, .. } => transport.cluster.merge(&key, &patch),
            Self::Person { act, bed, .. } => act(&bed).await,
        }
    }
}

/// The changes that wait for their requests. Clones share them.
#[derive(Clone, Default)]
pub struct ConcurrentChanges(Arc<Mutex<Vec<ConcurrentChange>>>);

impl ConcurrentChanges {
    /// Adds a change.
    pub fn add(&self, change: ConcurrentChange) {
        self.0.lock().unwrap().push(change);
    }

    /// Makes the changes that wait for this request, each once.
    pub async fn come_before(&self, sent: &Sent, transport: &Transport) {
        for change in self.take(|one| one.comes_before(sent)) {
            change.come(transport).await;
        }
    }

    /// The same for changes after the request was carried out.
    pub async fn come_after(&self, sent: &Sent, transport: &Transport) {
        for change in self.take(|one| one.comes_after(sent)) {
            change.come(transport).await;
        }
    }

    fn take(&self, who: impl Fn(&ConcurrentChange) -> bool) -> Vec<ConcurrentChange> {
        self.0.lock().unwrap().extract_if(.., |one| who(one)).collect()
    }
}
