//! Models behind a URI. Every reconcile asks which version is there; its digest is computed once, in the background.

use crate::act::slots::Slots;
use acivnet_api::conditions::reasons;
use acivnet_azure::{Azure, Connector, Identity, IdentityKey, ModelLimits, Version};
use acivnet_core::{failure::Failure, observed::Fact, questions::RemoteFile, retry::Retry};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::task::AbortHandle;

/// How many files are read at once. A read holds a connection and little memory, but may last as long as
/// `--model-time-limit-seconds`.
pub(crate) const READERS: usize = 8;
/// How many of them for one identity, so that the slow files of one team leave readers for others.
pub(crate) const READERS_OF_ONE: usize = 2;

/// Reads that are under way, and what they found. They end with this.
pub(crate) struct RemoteFiles {
    state: Arc<Mutex<Reads>>,
    readers: Arc<Slots>,
    limits: ModelLimits,
}

#[derive(Default)]
struct Reads {
    reads: BTreeMap<FileKey, Read>,
    /// By uid of an object: the read that it wants. One that nobody wants any more ends.
    wanted: BTreeMap<String, FileKey>,
}

/// Who reads what: nobody is told what another's rights read.
type FileKey = (IdentityKey, String);

struct Read {
    etag: String,
    /// None while it is under way.
    end: Option<Result<String, Failure>>,
    task: AbortHandle,
}

impl Drop for Read {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl RemoteFiles {
    /// Nothing is read yet. `limits` tells what models behind a URI may be.
    pub(crate) fn new(limits: ModelLimits) -> Self {
        Self { state: Arc::default(), readers: Arc::new(Slots::new(READERS, READERS_OF_ONE)), limits }
    }

    /// The fact about one file, for the object of this uid, which has one such file at a time.
    pub(crate) async fn fact(
        &self,
        connector: &Connector,
        azure: &Azure,
        identity: &Identity,
        uid: &str,
        file: &RemoteFile,
    ) -> Fact {
        let version = match azure.model_version_at(&file.uri, &self.limits).await {
            Ok(version) => version,
            Err(failure) => return Fact::Unread(failure),
        };
        let known = file.known.as_ref().filter(|(etag, _)| *etag == version.etag);
        if let Some((_, digest)) = known {
            // the status remembers it from now on
            self.forget(uid);
            return present(digest, &version);
        }
        let key = (identity.key(), file.uri.clone());
        match self.end(uid, &key, &version.etag) {
            Some(Ok(digest)) => present(&digest, &version),
            Some(Err(failure)) => Fact::Unread(failure),
            None => {
                self.begin(connector.session(identity), key, version.clone());
                Fact::Unread(reading(&file.uri, &version))
            }
        }
    }

    /// The object wants no read any more: it is gone, or knows what was read.
    pub(crate) fn forget(&self, uid: &str) {
        lock(&self.state).leave(uid);
    }

    /// What the read of these bytes that the object wants found. A failure is told once: then they are read again.
    fn end(&self, uid: &str, key: &FileKey, etag: &str) -> Option<Result<String, Failure>> {
        let mut state = lock(&self.state);
        state.want(uid, key);
        let end = state.reads.get(key).filter(|read| read.etag == etag)?.end.clone()?;
        if end.is_err() {
            state.reads.remove(key);
        }
        Some(end)
    }

    /// Begins to read, unless these bytes are being read. A read of other bytes there ends.
    fn begin(&self, azure: Azure, key: FileKey, version: Version) {
        let reads = &mut lock(&self.state).reads;
        if reads.get(&key).is_some_and(|read| read.etag == version.etag) {
            return;
        }
        let (state, readers) = (Arc::downgrade(&self.state), Arc::clone(&self.readers));
        let limits = self.limits.clone();
        let (etag, read_key) = (version.etag.clone(), key.clone());
        let task = tokio::spawn(async move {
            let Some(_turn) = readers.wait(&key.0).await else { return };
            let end = azure.model_digest(&key.1, &version, &limits).await;
            tracing::info!(uri = key.1, bytes = version.size, read = end.is_ok(), "a model was read for its digest");
            let Some(state) = state.upgrade() else { return };
            if let Some(read) = lock(&state).reads.get_mut(&key).filter(|read| read.etag == version.etag) {
                read.end = Some(end);
            }
        });
        reads.insert(read_key, Read { etag, end: None, task: task.abort_handle() });
    }
}

impl Reads {
    fn want(&mut self, uid: &str, key: &FileKey) {
        if self.wanted.get(uid) != Some(key) {
            self.leave(uid);
            self.wanted.insert(uid.to_owned(), key.clone());
        }
    }

    fn leave(&mut self, uid: &str) {
        let Some(key) = self.wanted.remove(uid) else { return };
        if !self.wanted.values().any(|wanted| *wanted == key) {
            self.reads.remove(&key);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn present(digest: &str, version: &Version) -> Fact {
    Fact::Present(json!({"digest": digest, "size": version.size, "etag": version.etag}))
}

fn reading(uri: &str, version: &Version) -> Failure {
    let message = format!("{uri} is being read for its digest, {} bytes", version.size);
    Failure::local("ReadingModel", acivnet_core::scrub::clean(&message), Retry::Soon, reasons::READING_MODEL)
}

#[cfg(test)]
mod tests;
