//! Digests of files that others uploaded to a workspace. What is behind a URL never changes, so that it is read once.

use acivnet_azure::{Azure, IdentityKey};
use acivnet_core::{id::ResourceId, observed::Fact};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// How many are kept, at some 300 bytes each, 1.2 MiB in all; then all are dropped, and read again when needed.
pub(crate) const MOST: usize = 4096;

/// What was read, by identity, so that nobody sees what another's rights read.
#[derive(Default)]
pub(crate) struct Digests(Mutex<BTreeMap<DigestKey, Value>>);

/// Identity, workspace in lower case, URL.
type DigestKey = (IdentityKey, String, String);

impl Digests {
    /// The fact for the file behind a URL.
    pub(crate) async fn fact(&self, azure: &Azure, identity: &IdentityKey, workspace: &ResourceId, url: &str) -> Fact {
        let key = (identity.clone(), workspace.folded(), url.to_owned());
        if let Some(known) = self.lock().get(&key) {
            return Fact::Present(known.clone());
        }
        let fact = azure.file_digest(workspace, url).await;
        if let Fact::Present(body) = &fact {
            let mut known = self.lock();
            if known.len() >= MOST {
                known.clear();
            }
            known.insert(key, body.clone());
        }
        fact
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<DigestKey, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
