//! What was read: facts by question. `Unread` is not `Absent`.

use crate::{
    failure::{Cause, Failure},
    id::ResourceId,
    kind::{Kind, Write},
    kinds::model_version,
    plan::{Action, Held, Step},
    questions::Question,
    retry::Retry,
};
use acivnet_api::conditions::reasons;
use ipnet::Ipv4Net;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// It is there, and this is what it says.
    Present(Value),
    /// It is proven that it is not there.
    Absent,
    /// Nothing is known.
    Unread(Failure),
}

/// What became of the namespace's Azure identity in this pass.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Identity {
    /// Nothing needed it.
    #[default]
    Unasked,
    /// A token was got and Azure accepted it.
    Valid,
    /// No token, or Azure refused it.
    Refused(Failure),
}

/// What the administrator set, as far as decisions need it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    /// Uid of the cluster (of its namespace `kube-system`): the first part of the owner mark.
    pub cluster: String,
    /// Networks in which a scoring endpoint may lie.
    pub scoring_networks: Vec<Ipv4Net>,
    /// Networks in which it may not: the cluster's services, the API server, nodes and Pods.
    pub refused_networks: Arc<[Ipv4Net]>,
    /// Nobody told where the cluster's Pods are, so that their addresses may not be among the refused ones.
    pub pods_unknown: bool,
    /// How long a cause that a person has to remove must last before the object counts as stalled, in seconds.
    pub stalled_after_seconds: i64,
}

/// All that was read for one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The administrator's settings.
    pub settings: Settings,
    /// The Azure identity.
    pub identity: Identity,
    /// Facts by question.
    pub facts: BTreeMap<Question, Fact>,
    /// Writes that Azure refused in earlier passes and that are not due again.
    pub refusals: Vec<Refusal>,
}

/// A write that Azure refused, for a cause that somebody has to remove.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Which: [`crate::plan::digest_with_keys`].
    pub write: String,
    /// Why.
    pub cause: Cause,
}

/// Facts that weigh more are decided about on another thread, in bytes: text, and [`VALUE`] for each value.
pub const LARGE: usize = 64 << 10;
/// What a value weighs beside its text, in bytes.
const VALUE: usize = 64;

/// Takes what a value weighs, members and all, from `left`; none where that is not enough.
fn weigh(value: &Value, left: usize) -> Option<usize> {
    let left = left.checked_sub(VALUE)?;
    match value {
        Value::String(text) => left.checked_sub(text.len()),
        Value::Array(items) => items.iter().try_fold(left, |left, item| weigh(item, left)),
        Value::Object(members) => {
            members.iter().try_fold(left, |left, (name, member)| weigh(member, left.checked_sub(name.len())?))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Some(left),
    }
}

impl Observed {
    /// Whether deciding about all that was read, and reporting it, may take longer than one thread for all objects can
    /// spare. Found out in the time that what is not large takes.
    pub fn is_large(&self) -> bool {
        let fold = |left, fact: &Fact| match fact {
            Fact::Present(body) => weigh(body, left),
            Fact::Absent | Fact::Unread(_) => Some(left),
        };
        self.facts.values().try_fold(LARGE, fold).is_none()
    }

    /// Whether a step is left undone because Azure refused it in an earlier pass.
    pub fn was_refused(&self, step: &Step) -> bool {
        let refused = |cause: &Cause| self.refusals.iter().any(|one| one.cause == *cause);
        matches!(&step.action, Action::Hold(Held::Refused(cause)) if refused(cause))
    }

    /// The fact for a question; unread when it was not asked.
    pub fn fact(&self, question: &Question) -> Fact {
        self.facts.get(question).cloned().unwrap_or_else(|| Fact::Unread(not_asked()))
    }

    /// The body behind a question, if it is there.
    pub fn body(&self, question: &Question) -> Option<&Value> {
        match self.facts.get(question) {
            Some(Fact::Present(body)) => Some(body),
            _ => None,
        }
    }

    /// The fact for an Azure resource. Model versions are found in the list of their workspace.
    pub fn azure(&self, kind: &'static Kind, id: &ResourceId) -> Fact {
        match (self.listed_models(kind, id), self.azure_body(kind, id)) {
            (Some(_), Some(body)) => Fact::Present(body.clone()),
            (Some(question), None) => match self.fact(&question) {
                Fact::Present(_) => Fact::Absent,
                other => other,
            },
            (None, _) => self.fact(&Question::Azure(kind, id.clone())),
        }
    }

    /// The body of an Azure resource, if it is there.
    pub fn azure_body(&self, kind: &'static Kind, id: &ResourceId) -> Option<&Value> {
        let Some(question) = self.listed_models(kind, id) else { return self.body(&Question::Azure(kind, id.clone())) };
        let list = self.body(&question)?.as_array()?;
        list.iter().find(|body| model_version::label(body).eq_ignore_ascii_case(id.name()))
    }

    fn listed_models(&self, kind: &'static Kind, id: &ResourceId) -> Option<Question> {
        let above = (kind.write == Write::Model).then(|| id.parent()).flatten()?;
        let lists =
            |question: &&Question| matches!(question, Question::Models { workspace, .. } if *workspace == above);
        self.facts.keys().find(lists).cloned()
    }
}

fn not_asked() -> Failure {
    Failure {
        status: 0,
        code: "NotAsked".into(),
        message: "not read in this reconcile".into(),
        retry: Retry::Soon,
        reason: reasons::PROGRESSING,
    }
}
