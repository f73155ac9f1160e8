//! What was read: facts by question. `Unread` is not `Absent`.

use crate::{
    failure::{Cause, Failure},
    id::ResourceId,
    kind::{Kind, Write},
    kinds::model_version,
    questions::{AzureQuestion, Question},
    retry::{Retry, classify},
};
use acivnet_api::conditions::reasons;
use ipnet::Ipv4Net;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// The answer to one question.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact {
    /// It exists, with this content.
    Present(Value),
    /// It is proven not to exist.
    Absent,
    /// Nothing is known, for this reason.
    Unread(Failure),
}

/// Whether the namespace's Azure identity worked in this reconcile.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum SignIn {
    /// Nothing needed it.
    #[default]
    Unasked,
    /// There is a token, and Azure accepted it.
    Valid,
    /// There is no token, or Azure refused it.
    Refused(Failure),
}

/// The administrator's settings that decisions need.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub struct Settings {
    /// Uid of the cluster (of its namespace `kube-system`): the first part of the owner mark.
    pub cluster: String,
    /// Networks in which a scoring endpoint may be.
    pub scoring_networks: Vec<Ipv4Net>,
    /// Networks in which it may not be: the cluster's services, API server, nodes and Pods.
    pub refused_networks: Arc<[Ipv4Net]>,
    /// The networks of the cluster's Pods are unknown, so they may be missing from the refused ones.
    pub pods_unknown: bool,
    /// For how long a cause that may pass by itself counts as work before the object counts as stalled, in seconds.
    pub stalled_after_seconds: i64,
}

/// All that was read for one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    /// The administrator's settings.
    pub settings: Settings,
    /// The Azure identity.
    pub identity: SignIn,
    /// Facts by question.
    pub facts: BTreeMap<Question, Fact>,
    /// Writes that Azure refused in earlier reconciles and that are not due again.
    pub refusals: Vec<Refusal>,
}

/// A write that Azure refused for a cause that somebody has to remove.
#[derive(Clone, Debug, PartialEq)]
pub struct Refusal {
    /// Identifies the write: [`crate::plan::digest_with_keys`].
    pub write: String,
    /// Why.
    pub cause: Cause,
}

/// Above this weight of all facts (text, and `VALUE` per value), in bytes, decisions run on another thread: one that
/// is shared by all objects must not be held up.
pub const LARGE: usize = 64 << 10;
/// What a value weighs besides its text, in bytes: about the size of a `serde_json::Value` with its place in a map.
const VALUE: usize = 64;

/// Subtracts the weight of a value and all its members from `left`; none if `left` is too small.
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
    /// Whether deciding on the facts and reporting may take too long for the thread that all objects share. The check
    /// stops at the bound, so that it is cheap itself.
    pub fn is_large(&self) -> bool {
        let fold = |left, fact: &Fact| match fact {
            Fact::Present(body) => weigh(body, left),
            Fact::Absent | Fact::Unread(_) => Some(left),
        };
        self.facts.values().try_fold(LARGE, fold).is_none()
    }

    /// The answer to a question; unread if it was not asked.
    pub fn fact(&self, question: &Question) -> Fact {
        self.facts.get(question).cloned().unwrap_or_else(|| Fact::Unread(not_asked()))
    }

    /// The content of the answer, if present.
    pub fn body(&self, question: &Question) -> Option<&Value> {
        match self.facts.get(question) {
            Some(Fact::Present(body)) => Some(body),
            _ => None,
        }
    }

    /// The fact about an Azure resource. Model versions are looked up in their workspace's list.
    pub fn azure(&self, kind: &'static Kind, id: &ResourceId) -> Fact {
        match (self.listed_models(kind, id), self.azure_body(kind, id)) {
            (Some(_), Some(body)) => Fact::Present(body.clone()),
            (Some(question), None) => match self.fact(&question) {
                Fact::Present(_) => Fact::Absent,
                other => other,
            },
            (None, _) => self.fact(&Question::resource(kind, id.clone())),
        }
    }

    /// The body of an Azure resource, if present.
    pub fn azure_body(&self, kind: &'static Kind, id: &ResourceId) -> Option<&Value> {
        let Some(question) = self.listed_models(kind, id) else {
            return self.body(&Question::resource(kind, id.clone()));
        };
        let list = self.body(&question)?.as_array()?;
        list.iter().find(|body| model_version::label(body).eq_ignore_ascii_case(id.name()))
    }

    /// Why the last operation on a resource failed, in Azure's words; none where they are not known.
    pub fn failure_reason(&self, id: &ResourceId) -> Option<Cause> {
        let error = self.body(&Question::Azure(AzureQuestion::FailureReason(id.clone())))?;
        let text = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default();
        let said = [text("code"), text("message")].into_iter().filter(|text| !text.is_empty());
        let message = said.collect::<Vec<_>>().join(": ");
        // Azure answers 200 to a question about a failed operation, so that the code alone tells the class
        let (retry, reason) = classify(200, &[text("code")]);
        (!message.is_empty()).then_some(Cause { reason, message, retry })
    }

    fn listed_models(&self, kind: &'static Kind, id: &ResourceId) -> Option<Question> {
        let above = (kind.write == Write::Model).then(|| id.parent()).flatten()?;
        let lists = |question: &&Question| matches!(question, Question::Azure(AzureQuestion::Models { workspace, .. }) if *workspace == above);
        self.facts.keys().find(lists).cloned()
    }
}

fn not_asked() -> Failure {
    Failure::local("NotAsked", "not read in this reconcile", Retry::Soon, reasons::PROGRESSING)
}
