//! Management locks ("Lock your resources to protect your infrastructure", Resource Manager documentation).

use crate::error::Refusal;
use crate::store::{is_within, same_id};
use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

/// What a lock forbids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Level {
    /// Deletes.
    CanNotDelete,
    /// Deletes, writes and POST actions.
    ReadOnly,
}

/// A lock; it holds for everything below its scope.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Lock {
    /// Subscription, group or resource.
    pub scope: String,
    /// What it forbids.
    pub level: Level,
}

/// All locks.
#[derive(Debug, Default)]
pub struct Locks(Vec<Lock>);

impl Locks {
    /// Sets a lock, in place of one with the same scope.
    pub fn set(&mut self, lock: Lock) {
        self.lift(&lock.scope);
        self.0.push(lock);
    }

    /// Takes the lock of this scope away; whether there was one.
    pub fn lift(&mut self, scope: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|lock| !same_id(&lock.scope, scope));
        self.0.len() < before
    }

    /// Whether `method` may be carried out on `id`.
    ///
    /// # Errors
    /// `409 ScopeLocked`.
    pub fn check(&self, method: &Method, id: &str) -> Result<(), Refusal> {
        let (verb, forbids): (_, fn(Level) -> bool) = match *method {
            Method::GET | Method::HEAD => return Ok(()),
            Method::DELETE => ("delete", |_| true),
            _ => ("write", |level| level == Level::ReadOnly),
        };
        let hit = |lock: &&Lock| {
            let covers = is_within(id, &lock.scope) || (*method == Method::DELETE && is_within(&lock.scope, id));
            covers && forbids(lock.level)
        };
        let scopes: Vec<&str> = self.0.iter().filter(hit).map(|lock| lock.scope.as_str()).collect();
        if scopes.is_empty() {
            return Ok(());
        }
        let message = format!(
            "The scope '{id}' cannot perform {verb} operation because following scope(s) are locked: '{}'. Please \
             remove the lock and try again.",
            scopes.join(",")
        );
        Err(Refusal::gateway(StatusCode::CONFLICT, "ScopeLocked", message))
    }
}
