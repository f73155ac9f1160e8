//! The request log: one entry per request, and counts by verb. Query strings are not kept, since they hold signatures.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// One request to the simulated Azure.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Entry {
    /// Number from 1, without gaps.
    pub seq: u64,
    /// When it came.
    pub time: Timestamp,
    /// Client id of the caller, if known.
    pub caller: Option<String>,
    /// Verb.
    pub verb: String,
    /// Path as sent, without query; for blobs with `//account` in front.
    pub path: String,
    /// Resource id in the path, if there is one.
    pub id: Option<String>,
    /// Status of the answer; 0 when the connection was closed instead.
    pub status: u16,
    /// Time on the simulator's clock that the answer took.
    pub duration_ms: u64,
    /// `x-ms-client-request-id` of the request.
    pub client_request_id: Option<String>,
    /// `api-version` of the request.
    pub api_version: Option<String>,
}

/// Whether a request is a sign-in, which is counted separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// Resource Manager, data plane, blob.
    Azure,
    /// Sign-in authority.
    SignIn,
}

/// All entries, and counts since the last reset.
#[derive(Debug, Default)]
pub struct RequestLog {
    entries: Vec<Entry>,
    by_verb: BTreeMap<String, u64>,
    sign_in: u64,
}

impl RequestLog {
    /// Adds an entry and sets its number.
    pub fn add(&mut self, mut entry: Entry, sort: Sort) {
        match sort {
            Sort::SignIn => self.sign_in += 1,
            Sort::Azure => *self.by_verb.entry(entry.verb.clone()).or_default() += 1,
        }
        entry.seq = self.entries.len() as u64 + 1;
        self.entries.push(entry);
    }

    /// Entries with a number above `seq`.
    pub fn since(&self, seq: u64) -> impl Iterator<Item = &Entry> {
        self.entries.iter().skip(usize::try_from(seq).unwrap_or(usize::MAX))
    }

    /// `{"total","byVerb","writes","token"}` since the last reset.
    pub fn counts(&self) -> Value {
        let writes = |(verb, _): &(&String, &u64)| !matches!(verb.as_str(), "GET" | "HEAD");
        json!({
            "total": self.by_verb.values().sum::<u64>(),
            "byVerb": self.by_verb,
            "writes": self.by_verb.iter().filter(writes).map(|(_, count)| count).sum::<u64>(),
            "token": self.sign_in,
        })
    }

    /// Sets the counts to zero; the entries stay.
    pub fn reset_counts(&mut self) {
        self.by_verb.clear();
        self.sign_in = 0;
    }
}
