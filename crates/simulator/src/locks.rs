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
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lock {
    /// Subscription, group or resource.
    pub scope: String,
    /// Name, unique at its scope.
    #[serde(default = "usual_name")]
    pub name: String,
    /// What it forbids.
    pub level: Level,
    /// What people wrote about it.
    #[serde(default)]
    pub notes: Option<String>,
}

fn usual_name() -> String {
    "lock".to_owned()
}

impl Lock {
    fn is(&self, scope: &str, name: &str) -> bool {
        same_id(&self.scope, scope) && self.name.eq_ignore_ascii_case(name)
    }
}

/// All locks.
#[derive(Debug, Default)]
pub struct Locks(Vec<Lock>);

impl Locks {
    /// Sets a lock, and returns the one with the same scope and name that it replaces.
    pub fn set(&mut self, lock: Lock) -> Option<Lock> {
        let before = self.remove(&lock.scope, &lock.name);
        self.0.push(lock);
        before
    }

    /// Removes the locks at this scope, and returns whether there was one.
    pub fn lift(&mut self, scope: &str) -> bool {
        let before = self.0.len();
        self.0.retain(|lock| !same_id(&lock.scope, scope));
        self.0.len() < before
    }

    /// Removes one lock.
    pub fn remove(&mut self, scope: &str, name: &str) -> Option<Lock> {
        let at = self.0.iter().position(|lock| lock.is(scope, name))?;
        Some(self.0.remove(at))
    }

    /// One lock.
    pub fn get(&self, scope: &str, name: &str) -> Option<&Lock> {
        self.0.iter().find(|lock| lock.is(scope, name))
    }

    /// The locks at a scope, above it and below it.
    pub fn about<'a>(&'a self, scope: &'a str) -> impl Iterator<Item = &'a Lock> {
        self.0.iter().filter(move |lock| is_within(scope, &lock.scope) || is_within(&lock.scope, scope))
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
