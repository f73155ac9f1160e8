//! Turns a decision into the write that carries it out.

use crate::{
    blueprint::{Node, Payload, Sealed},
    drift::{Difference, merged},
    kind::{Change, Write},
    kinds::{
        model_version,
        web_service::{
            self,
            keys::{self, WhichKey},
        },
    },
    observed::Observed,
    owner::sha256_hex,
    questions::{ClusterQuestion, Question},
    seen::{Seen, recorded_keys},
};
use acivnet_api::{ResourceStatus, SecretKeyRef};
use serde_json::Value;

/// One complete write, to which act adds nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// PUT of the whole body.
    Put {
        /// The body.
        body: Value,
        /// Etag of the existing resource that the body is based on; none if there is none.
        if_match: Option<String>,
    },
    /// Delete it, and with a successor, have Azure validate that first.
    Delete {
        /// Etag, if the provider honours it.
        if_match: Option<String>,
        /// What replaces it, if it is a web service that is replaced.
        successor: Option<Successor>,
    },
    /// Upload the payloads, then register them as a model version with this body.
    RegisterModel {
        /// Body of the registration, without `url`.
        body: Value,
        /// The model's file, or the files of its directory.
        payloads: Vec<Payload>,
    },
    /// JSON patch of a model version.
    PatchModel {
        /// The operations.
        operations: Value,
    },
    /// Upload the payloads, then create the web service.
    CreateService {
        /// The body.
        body: Value,
        /// Script and driver.
        payloads: Vec<Payload>,
        /// Places in the body to fill in.
        sealed: Vec<Sealed>,
    },
    /// Upload the payloads, then patch the web service.
    PatchService {
        /// The operations.
        operations: Value,
        /// Script and driver, when the content changes.
        payloads: Vec<Payload>,
        /// Places in the operations to fill in.
        sealed: Vec<Sealed>,
    },
    /// Set one key of a web service to a value from a Secret.
    ChangeKey {
        /// Which.
        which: WhichKey,
        /// The value.
        value: SecretKeyRef,
    },
    /// Create a Secret with the keys that Azure generated.
    KeepKeys {
        /// Its name.
        secret: String,
    },
}

/// The web service that replaces a deleted one. Azure validates it before the deletion; its files are uploaded first,
/// since Azure refuses one whose files are missing.
#[derive(Clone, Debug, PartialEq)]
pub struct Successor {
    /// The body.
    pub body: Value,
    /// Script and driver.
    pub payloads: Vec<Payload>,
    /// Places in the body to fill in.
    pub sealed: Vec<Sealed>,
}

/// The write that brings a node to its goal; none if there is no such write.
pub(crate) fn write(
    node: &Node,
    seen: &Seen,
    change: Option<Change>,
    observed: &Observed,
    recorded: &[ResourceStatus],
) -> Option<Request> {
    let actual = observed.azure_body(node.kind, &node.id);
    match node.kind.write {
        Write::Never => None,
        Write::Merge => Some(put(node, actual, recorded_keys(node, recorded))),
        Write::Once if *seen == Seen::Absent => Some(put(node, None, &[])),
        Write::Once => Some(Request::Delete { if_match: None, successor: None }),
        Write::Model => model(node, seen, actual, recorded_keys(node, recorded)),
        Write::Keys => Some(keys(node, seen)),
        Write::Service => service(node, seen, change, actual, recorded_keys(node, recorded)),
    }
}

fn put(node: &Node, actual: Option<&Value>, written: &[String]) -> Request {
    let base = actual.map(node.kind.normalise).unwrap_or(Value::Null);
    Request::Put { body: merged(&base, &node.body, &node.rules(), written), if_match: actual.and_then(etag) }
}

fn model(node: &Node, seen: &Seen, actual: Option<&Value>, written: &[String]) -> Option<Request> {
    let Some(actual) = actual else {
        let body = model_version::registration(&node.body);
        return Some(Request::RegisterModel { body, payloads: node.payloads.clone() });
    };
    Some(Request::PatchModel { operations: model_version::patch(&node.body, actual, seen.differences(), written) })
}

fn service(
    node: &Node,
    seen: &Seen,
    change: Option<Change>,
    actual: Option<&Value>,
    written: &[String],
) -> Option<Request> {
    let body = web_service::creation(&node.body);
    match (seen, change) {
        (Seen::Absent, _) => {
            Some(Request::CreateService { body, payloads: node.payloads.clone(), sealed: node.sealed.clone() })
        }
        (Seen::Failed { .. }, _) => Some(Request::Delete { if_match: None, successor: None }),
        (_, Some(Change::Replace)) => {
            let successor = Successor { body, payloads: node.payloads.clone(), sealed: node.sealed.clone() };
            Some(Request::Delete { if_match: None, successor: Some(successor) })
        }
        _ => {
            let counts = |one: &&Difference| !node.live.contains(&one.path);
            let new_content = web_service::changes_content(seen.differences().iter().filter(counts));
            let operations = web_service::patch(&node.body, actual?, seen.differences(), new_content, written);
            let payloads = if new_content { node.payloads.clone() } else { Vec::new() };
            let sealed = web_service::sealed(&operations, &node.sealed);
            Some(Request::PatchService { operations, payloads, sealed })
        }
    }
}

fn keys(node: &Node, seen: &Seen) -> Request {
    let secret = node.id.name().to_owned();
    match keys::first(seen.differences()) {
        Some(which) => {
            Request::ChangeKey { which, value: SecretKeyRef { name: secret, key: which.in_secret().into() } }
        }
        None => Request::KeepKeys { secret },
    }
}

/// Identifies a write by what is written where. Etags are left out.
pub fn digest(node: &Node, request: &Request) -> String {
    let body = match request {
        Request::Delete { .. } => "delete".to_owned(),
        Request::Put { body, .. } | Request::RegisterModel { body, .. } | Request::CreateService { body, .. } => {
            body.to_string()
        }
        Request::ChangeKey { which, .. } => which.in_azure().to_owned(),
        Request::KeepKeys { secret } => secret.clone(),
        Request::PatchModel { operations } | Request::PatchService { operations, .. } => operations.to_string(),
    };
    sha256_hex(&[node.id.folded().as_bytes(), body.as_bytes()])
}

/// The same for a write that may be refused because of keys from a Secret: other keys make it another write.
pub fn digest_with_keys(node: &Node, request: &Request, observed: &Observed) -> String {
    let value = match request {
        Request::ChangeKey { value, .. } => Some(value),
        Request::CreateService { sealed, .. } => {
            sealed.iter().find(|one| one.at.starts_with("/keys/")).map(|one| &one.value)
        }
        _ => None,
    };
    let secret = value.and_then(|value| observed.body(&Question::Cluster(ClusterQuestion::Secret(value.name.clone()))));
    let version = secret.and_then(|secret| secret.get("resourceVersion")?.as_str());
    sha256_hex(&[digest(node, request).as_bytes(), version.unwrap_or_default().as_bytes()])
}

pub(crate) fn etag(body: &Value) -> Option<String> {
    body.get("etag").and_then(Value::as_str).map(str::to_owned)
}
