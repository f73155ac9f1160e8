//! Models behind a URI: which bytes are there is asked in every pass, their digest is made once by a read in the background.

use crate::ctx::Ctx;
use acivnet_api::conditions::reasons;
use acivnet_azure::{Azure, Identity, IdentityKey, ModelLimits, Version};
use acivnet_core::{failure::Failure, observed::Fact, questions::RemoteFile, retry::Retry};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::{sync::Semaphore, task::JoinSet};

/// How many files are read at once: each holds a connection, and little memory.
const READERS: usize = 4;

/// Reads that are under way, and what they found. They end with this.
pub(crate) struct RemoteFiles {
    reads: Arc<Mutex<BTreeMap<Key, Read>>>,
    readers: Arc<Semaphore>,
    tasks: Mutex<JoinSet<()>>,
}

/// Who reads what: nobody is told what another's rights read.
type Key = (IdentityKey, String);

struct Read {
    etag: String,
    /// None while it is under way.
    end: Option<Result<String, Failure>>,
}

impl Default for RemoteFiles {
    fn default() -> Self {
        Self { reads: Arc::default(), readers: Arc::new(Semaphore::new(READERS)), tasks: Mutex::default() }
    }
}

impl RemoteFiles {
    /// The fact about one file.
    pub(crate) async fn fact(&self, ctx: &Ctx, azure: &Azure, identity: &Identity, file: &RemoteFile) -> Fact {
        let version = match azure.model_version_at(&file.uri, &ctx.models).await {
            Ok(version) => version,
            Err(failure) => return Fact::Unread(failure),
        };
        let key = (identity.key(), file.uri.clone());
        let known = file.known.as_ref().filter(|(etag, _)| *etag == version.etag);
        if let Some((_, digest)) = known {
            // the status remembers it from now on
            lock(&self.reads).remove(&key);
            return present(digest, &version);
        }
        match self.read(&key, &version.etag) {
            Some(Ok(digest)) => present(&digest, &version),
            Some(Err(failure)) => Fact::Unread(failure),
            None => {
                self.begin(ctx.azure.pass(identity), key, version.clone(), ctx.models.clone());
                Fact::Unread(reading(&file.uri, &version))
            }
        }
    }

    /// What a read of these bytes found. A failure is told once: then they are read again.
    fn read(&self, key: &Key, etag: &str) -> Option<Result<String, Failure>> {
        let mut reads = lock(&self.reads);
        let end = reads.get(key).filter(|read| read.etag == etag)?.end.clone()?;
        if end.is_err() {
            reads.remove(key);
        }
        Some(end)
    }

    /// Begins to read, unless these bytes are being read.
    fn begin(&self, azure: Azure, key: Key, version: Version, limits: ModelLimits) {
        let under_way = Read { etag: version.etag.clone(), end: None };
        let mut reads = lock(&self.reads);
        if reads.get(&key).is_some_and(|read| read.etag == version.etag) {
            return;
        }
        reads.insert(key.clone(), under_way);
        let (reads, readers) = (Arc::clone(&self.reads), Arc::clone(&self.readers));
        let mut tasks = lock(&self.tasks);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(async move {
            let Ok(_turn) = readers.acquire_owned().await else { return };
            let end = azure.model_digest(&key.1, &version, &limits).await;
            tracing::info!(uri = key.1, bytes = version.size, read = end.is_ok(), "a model was read for its digest");
            if let Some(read) = lock(&reads).get_mut(&key).filter(|read| read.etag == version.etag) {
                read.end = Some(end);
            }
        });
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn present(digest: &str, version: &Version) -> Fact {
    Fact::Present(json!({"digest": digest, "size": version.size, "etag": version.etag}))
}

fn reading(uri: &str, version: &Version) -> Failure {
    Failure {
        status: 0,
        code: "ReadingModel".into(),
        message: acivnet_core::scrub::clean(&format!("{uri} is being read for its digest, {} bytes", version.size)),
        retry: Retry::Soon,
        reason: reasons::READING_MODEL,
    }
}
