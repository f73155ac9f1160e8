//! One request to Resource Manager or to the Azure ML data plane, after its caller is known.

use crate::arm::names;
use crate::error::Refusal;
use crate::faults::ScriptedEnding;
use crate::identity::Caller;
use crate::world::World;
use axum::body::Body;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;

/// A request with its body read (Resource Manager).
#[derive(Debug)]
pub struct Call {
    /// Verb.
    pub method: Method,
    /// Decoded path.
    pub path: Path,
    /// Decoded query.
    pub query: Query,
    /// Headers as sent.
    pub headers: HeaderMap,
    /// Whole body.
    pub body: Bytes,
    /// Who asks.
    pub caller: Caller,
    /// How the operation begun by this call is to end, by script.
    pub scripted: Option<ScriptedEnding>,
}

/// A request to the Azure ML data plane, whose body may be a stream.
#[derive(Debug)]
pub struct DataCall {
    /// Method, URI and headers.
    pub parts: Parts,
    /// Decoded query.
    pub query: Query,
    /// Body, not read yet.
    pub body: Body,
    /// The caller, or why the request is refused: no token, a wrong one, one of another tenant, unknown subscription.
    pub caller: Result<Caller, Refusal>,
    /// How the operation begun by this call is to end, by script.
    pub scripted: Option<ScriptedEnding>,
}

/// The segments of a path. Those that are words of the API are lower case; names keep their case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    segments: Vec<String>,
}

impl Path {
    /// Splits and decodes. Only Resource Manager's form is known: pairs of word and name, `providers/{namespace}`
    /// between.
    pub fn parse(path: &str) -> Self {
        let mut segments = Vec::new();
        let (mut is_word, mut is_namespace) = (true, false);
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            let segment = percent_decode_str(segment).decode_utf8_lossy().into_owned();
            let segment = if is_word || is_namespace { segment.to_ascii_lowercase() } else { segment };
            (is_word, is_namespace) = (is_namespace || !is_word, is_word && segment == "providers");
            segments.push(segment);
        }
        Self { segments }
    }

    /// The segments, to be matched by a slice pattern.
    pub fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// The subscription GUID, where the path begins with one.
    pub fn subscription(&self) -> Option<&str> {
        match self.segments.as_slice() {
            [word, id, ..] if word == "subscriptions" => Some(id),
            _ => None,
        }
    }
}

/// Decoded query parameters in their order; names are compared without case.
#[derive(Debug, Clone, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Decodes a query string.
    pub fn parse(query: Option<&str>) -> Self {
        Self(form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    /// The first value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// All parameters in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Call {
    /// The api-version; it was checked before.
    pub fn api_version(&self) -> &str {
        self.query.get("api-version").unwrap_or_default()
    }

    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as a JSON object.
    ///
    /// # Errors
    /// `400 InvalidRequestContent`, as Resource Manager words it.
    pub fn json(&self) -> Result<Value, Refusal> {
        let refused = |why: String| {
            let message = format!("The request content was invalid and could not be deserialized: '{why}'.");
            Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidRequestContent", message)
        };
        let value: Value = serde_json::from_slice(&self.body).map_err(|error| refused(error.to_string()))?;
        if value.is_object() { Ok(value) } else { Err(refused("a JSON object was expected".to_owned())) }
    }

    /// The action of Resource Manager's roles for this verb on `kind`.
    pub fn action(&self, kind: &str) -> String {
        let verb = match self.method {
            Method::GET | Method::HEAD => "read",
            Method::DELETE => "delete",
            Method::POST => "action",
            _ => "write",
        };
        format!("{kind}/{verb}")
    }

    /// Whether this verb changes something.
    pub fn is_write(&self) -> bool {
        !matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Checks role and locks for this verb on the resource `id` of type `kind`, and the name of what is put.
    ///
    /// # Errors
    /// `403 AuthorizationFailed`, `409 ScopeLocked`, `400` of [`names::check`].
    pub fn enter(&self, world: &World, kind: &str, id: &str) -> Result<(), Refusal> {
        world.authorize(&self.caller, &self.action(kind), id)?;
        if self.is_write() {
            world.locks.check(&self.method, id)?;
        }
        if self.method == Method::PUT { names::check(kind, id.rsplit('/').next().unwrap_or_default()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_fold_and_names_keep_their_case() {
        let path = Path::parse(
            "/Subscriptions/S/ResourceGroups/Gr/Providers/Microsoft.Network/virtualNetworks/V%201/Subnets/S1",
        );
        assert_eq!(
            path.segments(),
            [
                "subscriptions",
                "S",
                "resourcegroups",
                "Gr",
                "providers",
                "microsoft.network",
                "virtualnetworks",
                "V 1",
                "subnets",
                "S1"
            ]
        );
        let path = Path::parse("/subscriptions/S/providers/Microsoft.Network/virtualNetworks");
        assert_eq!(path.segments(), ["subscriptions", "S", "providers", "microsoft.network", "virtualnetworks"]);
        let path = Path::parse("/subscriptions/S/providers/Microsoft.Network/locations/West/operations/ID");
        assert_eq!(path.segments().last(), Some(&"ID"));
    }
}
