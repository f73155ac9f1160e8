//! The rights that callers used, the roles that granted them, and where they were refused. It shows what a role lacks,
//! and what it does not need.

use super::{Right, Role};
use crate::identity::Caller;
use crate::store::key;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Most distinct refusals of one caller that are kept: a client chooses their scopes, so they need a bound.
const MOST_REFUSALS: usize = 1_000;

/// By object id of the caller. What is granted is bounded by the roles.
#[derive(Debug, Default)]
pub struct Asked(Mutex<BTreeMap<String, Rights>>);

/// The rights of one caller.
#[derive(Debug, Default)]
struct Rights {
    /// By name of the role that gave it: whether it is about data, action.
    given: BTreeMap<String, BTreeSet<(bool, String)>>,
    /// Whether it is about data, action, scope.
    refused: BTreeSet<(bool, String, String)>,
}

impl Asked {
    /// Records a right that these roles granted.
    pub(super) fn given(&self, caller: &Caller, right: Right<'_>, roles: &[&Role]) {
        let mut all = self.all();
        let rights = all.entry(key(&caller.object_id)).or_default();
        for role in roles {
            rights.given.entry(role.name.clone()).or_default().insert(parts(right));
        }
    }

    /// Records a right that none of the caller's roles grants at a scope.
    pub(super) fn refused(&self, caller: &Caller, right: Right<'_>, scope: &str) {
        let mut all = self.all();
        let refused = &mut all.entry(key(&caller.object_id)).or_default().refused;
        if refused.len() < MOST_REFUSALS {
            let (data, action) = parts(right);
            refused.insert((data, action, scope.to_owned()));
        }
    }

    /// `{"given": {ROLE: {"actions", "dataActions"}}, "refused": [{"action" or "dataAction", "scope"}]}` of a principal.
    pub fn of(&self, principal: &str) -> Value {
        let all = self.all();
        let Some(rights) = all.get(&key(principal)) else { return json!({"given": {}, "refused": []}) };
        let those = |of: &BTreeSet<(bool, String)>, data: bool| -> Vec<String> {
            of.iter().filter(|(about, _)| *about == data).map(|(_, action)| action.clone()).collect()
        };
        let given = rights.given.iter().map(|(role, actions)| {
            (role.clone(), json!({"actions": those(actions, false), "dataActions": those(actions, true)}))
        });
        let refused = rights.refused.iter().map(|(data, action, scope)| {
            let member = if *data { "dataAction" } else { "action" };
            json!({member: action, "scope": scope})
        });
        json!({"given": given.collect::<serde_json::Map<_, _>>(), "refused": refused.collect::<Vec<_>>()})
    }

    fn all(&self) -> MutexGuard<'_, BTreeMap<String, Rights>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn parts(right: Right<'_>) -> (bool, String) {
    match right {
        Right::Action(action) => (false, action.to_owned()),
        Right::Data(action) => (true, action.to_owned()),
    }
}
