//! What was checked so far, and what was found.

use serde::Serialize;
use std::collections::BTreeMap;

/// Most distinct violations that are kept.
const MOST: usize = 1000;

/// A violation of what a document says. It holds no value of any body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Violation {
    /// Azure's name of the operation.
    pub operation: String,
    /// Verb.
    pub method: String,
    /// Path as sent, without query.
    pub path: String,
    /// api-version of the request.
    pub api_version: Option<String>,
    /// Status of the answer.
    pub status: u16,
    /// `query`, `headers`, `request` or `answer`.
    pub part: &'static str,
    /// JSON pointer to where.
    pub pointer: String,
    /// What is wrong.
    pub message: String,
    /// How often the same was found in this operation.
    pub times: u64,
}

/// Counts, and everything that was found.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// Requests checked.
    pub covered: u64,
    /// Requests checked, by operation.
    pub operations: BTreeMap<String, u64>,
    /// Requests that no document describes, by type and version.
    pub not_covered: BTreeMap<String, u64>,
    /// Requests that no document describes for a known reason, by reason.
    pub unpublished: BTreeMap<String, u64>,
    /// Answers that were scripted by a fault: they are not the simulator's.
    pub scripted: u64,
    /// Requests that a document refuses and that were refused.
    pub refused: u64,
    /// Known differences that were met, by reason.
    pub differences: BTreeMap<String, u64>,
    /// Members that no document describes, by operation, part and pointer.
    pub unknown_members: BTreeMap<String, u64>,
    /// Number of violations, including those beyond the first thousand distinct ones.
    pub violation_count: u64,
    /// Distinct violations, in the order of their first occurrence.
    pub violations: Vec<Violation>,
}

impl Ledger {
    /// Increments a count.
    pub fn count(counts: &mut BTreeMap<String, u64>, name: impl Into<String>) {
        *counts.entry(name.into()).or_default() += 1;
    }

    /// Keeps a violation, and logs it the first time.
    pub fn violation(&mut self, violation: Violation) {
        self.violation_count += 1;
        let same = |known: &&mut Violation| {
            (&known.operation, known.part, &known.message) == (&violation.operation, violation.part, &violation.message)
                && general(&known.pointer) == general(&violation.pointer)
        };
        if let Some(known) = self.violations.iter_mut().find(same) {
            known.times += 1;
            return;
        }
        let Violation { operation, method, path, status, part, pointer, message, .. } = &violation;
        let version = violation.api_version.as_deref().unwrap_or("no api-version");
        tracing::error!("{method} {path} ({version}, {operation}, {status}): {part} {pointer}: {message}");
        if self.violations.len() < MOST {
            self.violations.push(violation);
        }
    }
}

/// A pointer with `*` for each index.
fn general(pointer: &str) -> String {
    let parts =
        pointer.split('/').map(|part| match part.bytes().all(|byte| byte.is_ascii_digit()) && !part.is_empty() {
            true => "*",
            false => part,
        });
    parts.collect::<Vec<_>>().join("/")
}
