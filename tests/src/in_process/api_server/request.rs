//! What a request asks for.

use super::{
    problem::Problem,
    resources::ResourceType,
    store::{Key, Part, name},
};
use bytes::Bytes;
use http::{
    header::{ACCEPT, CONTENT_TYPE},
    request::Parts,
};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The part of an object that has a path of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subresource {
    /// `…/status`.
    Status,
    /// `…/token`.
    Token,
}

/// A request, but for its body.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub resource: &'static ResourceType,
    pub namespace: String,
    pub name: Option<String>,
    pub subresource: Option<Subresource>,
    pub query: BTreeMap<String, String>,
    pub watch: bool,
    pub metadata_only: bool,
}

impl Call {
    pub(super) fn parse(parts: &Parts) -> Result<Self, Problem> {
        let query: BTreeMap<String, String> =
            form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
        refuse_unknown(&query)?;
        let accept = parts.headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let path: Vec<&str> = parts.uri.path().trim_matches('/').split('/').collect();
        let (group, version, rest) = match path.as_slice() {
            ["api", version, rest @ ..] => ("", *version, rest),
            ["apis", group, version, rest @ ..] => (*group, *version, rest),
            _ => return Err(Problem::unknown_path()),
        };
        let (namespace, rest) = match rest {
            ["namespaces", namespace, rest @ ..] if !rest.is_empty() => (*namespace, rest),
            rest => ("", rest),
        };
        let (plural, name, subresource) = match rest {
            [plural] => (*plural, None, None),
            [plural, name] => (*plural, Some(*name), None),
            [plural, name, subresource] => (*plural, Some(*name), Some(*subresource)),
            _ => return Err(Problem::unknown_path()),
        };
        let resource = ResourceType::find(group, version, plural).ok_or_else(Problem::unknown_path)?;
        let subresource = subresource.map(|subresource| match (subresource, resource.plural) {
            ("status", _) if resource.custom => Ok(Subresource::Status),
            ("token", "serviceaccounts") => Ok(Subresource::Token),
            _ => Err(Problem::unknown_path()),
        });
        Ok(Self {
            resource,
            namespace: namespace.to_owned(),
            name: name.map(str::to_owned),
            subresource: subresource.transpose()?,
            watch: query.get("watch").is_some_and(|value| value == "true"),
            metadata_only: accept.contains("as=PartialObjectMetadata"),
            query,
        })
    }

    pub(super) fn key(&self) -> Key {
        Key::new(self.resource, &self.namespace, self.name.as_deref().unwrap_or_default())
    }

    pub(super) fn part(&self) -> Part {
        if self.subresource == Some(Subresource::Status) { Part::Status } else { Part::Main }
    }

    /// Whether the field selector, if there is one, selects an object.
    pub(super) fn selects(&self, object: &Value) -> bool {
        let wanted = self.query.get("fieldSelector").and_then(|selector| selector.strip_prefix("metadata.name="));
        wanted.is_none_or(|wanted| wanted == name(object))
    }

    /// The object in the form that was asked for.
    pub(super) fn shown(&self, object: Value) -> Value {
        if self.metadata_only && object["kind"] == self.resource.kind { self.partial(object) } else { object }
    }

    /// The object's metadata alone.
    pub(super) fn partial(&self, mut object: Value) -> Value {
        json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"].take()})
    }
}

/// Unknown parameters that would change the answer are refused.
fn refuse_unknown(query: &BTreeMap<String, String>) -> Result<(), Problem> {
    const HARMLESS: [&str; 7] = [
        "watch",
        "timeoutSeconds",
        "allowWatchBookmarks",
        "resourceVersion",
        "resourceVersionMatch",
        "limit",
        "fieldManager",
    ];
    let known = |(name, value): &(&String, &String)| {
        HARMLESS.contains(&name.as_str()) || name.as_str() == "fieldSelector" && value.starts_with("metadata.name=")
    };
    match query.iter().find(|parameter| !known(parameter)) {
        Some((name, value)) => {
            Err(Problem::bad_request(format!("the simulated API server does not know {name}={value}")))
        }
        None => Ok(()),
    }
}

/// A patch by its media type.
pub(super) enum Patch {
    Merge(Value),
    Json(json_patch::Patch),
}

impl Patch {
    pub(super) fn parse(parts: &Parts, body: &Bytes) -> Result<Self, Problem> {
        let wrong = |error| Problem::bad_request(format!("the patch can't be read: {error}"));
        match parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default() {
            "application/merge-patch+json" => serde_json::from_slice(body).map(Self::Merge).map_err(wrong),
            "application/json-patch+json" => serde_json::from_slice(body).map(Self::Json).map_err(wrong),
            other => Err(Problem::media_type(other)),
        }
    }

    pub(super) fn apply(&self, object: &mut Value) -> Result<(), Problem> {
        match self {
            Self::Merge(patch) => {
                json_patch::merge(object, patch);
                Ok(())
            }
            Self::Json(patch) => {
                json_patch::patch(object, patch).map_err(|error| Problem::bad_request(error.to_string()))
            }
        }
    }
}
