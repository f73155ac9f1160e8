//! Somebody who comes between what the operator has read and what it writes.

use super::{api_server::store::Key, azure::admin, outward::Outward, wire::Sent};
use http::Method;
use serde_json::Value;
use std::sync::{Arc, Mutex};

/// One of them. `before` tells right before the carrying out of which request.
pub enum Intruder {
    /// Puts a resource into Azure.
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
}

impl Intruder {
    fn comes(&self, sent: &Sent) -> bool {
        match self {
            Self::InAzure { before, .. } | Self::InKubernetes { before, .. } => before(sent),
        }
    }
}

/// Those who wait for their requests. Clones are the same ones.
#[derive(Clone, Default)]
pub struct Intruders(Arc<Mutex<Vec<Intruder>>>);

impl Intruders {
    /// One more.
    pub fn add(&self, intruder: Intruder) {
        self.0.lock().unwrap().push(intruder);
    }

    /// Those who wait for this request come, each once.
    pub async fn come_before(&self, sent: &Sent, outward: &Outward) {
        let come: Vec<Intruder> = self.0.lock().unwrap().extract_if(.., |one| one.comes(sent)).collect();
        for intruder in come {
            match intruder {
                Intruder::InAzure { id, body, .. } => {
                    admin(&outward.azure, Method::PUT, &format!("resources?id={id}"), body).await;
                }
                Intruder::InKubernetes { key, patch, .. } => outward.cluster.merge(&key, &patch),
            }
        }
    }
}
