//! The answer to one request.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use tokio::{sync::OwnedSemaphorePermit, task::spawn_blocking};

/// Longest JSON that is taken apart in one go on the thread that all objects share, in bytes.
pub const LONGEST_AT_ONCE: usize = 256 << 10;

/// An answer, read as a whole.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Of a large page of a list: held while it is in memory.
    pub(crate) _room: Option<OwnedSemaphorePermit>,
}

impl Answer {
    pub(crate) fn success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body. A long one is taken apart on another thread: all objects share the one that asks.
    pub(crate) async fn json(&self) -> Option<Value> {
        if self.body.len() <= LONGEST_AT_ONCE {
            return serde_json::from_slice(&self.body).ok();
        }
        let body = self.body.clone();
        spawn_blocking(move || serde_json::from_slice(&body).ok()).await.ok().flatten()
    }
}
