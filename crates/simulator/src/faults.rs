//! Scripted faults of the next matching requests.

use crate::clock::after;
use crate::error::{Response, empty_response, json_response};
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode};
use jiff::Timestamp;
use regex::Regex;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How an asynchronous operation is to end by script. The value is the operation's `error`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScriptedEnding {
    /// It fails, and its change is not made or ends as `Failed`.
    Failed(Value),
    /// It is canceled.
    Canceled(Value),
    /// It succeeds, but its URL is forgotten: polls get 404.
    Lost,
}

/// When the fault takes effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum When {
    /// Instead of the request.
    #[default]
    Before,
    /// After it was carried out: only the answer is different, or missing.
    After,
}

/// A fault as the admin interface takes and shows it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// Verb; any if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// Regular expression over the decoded-as-sent path (without query); any if absent.
    #[serde(with = "pattern", default, skip_serializing_if = "Option::is_none")]
    pub path: Option<Regex>,
    /// For how many seconds of the simulator's clock it waits for requests, not scaled; for ever if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// A fault that starts to wait once this one has taken effect and the request was carried out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub then: Option<Box<Fault>>,
    /// How many more requests it affects.
    #[serde(default = "once")]
    pub times: u32,
    /// Status of the answer; without it (and without `drop`) the request is answered as usual.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// Headers of the answer.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub headers: Map<String, Value>,
    /// Body of the answer: JSON, or a string that is sent as it is.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub body: Value,
    /// Pause before the answer, in seconds of tokio's clock, not scaled.
    #[serde(default)]
    pub delay_seconds: f64,
    /// Before or after the request is carried out.
    #[serde(default)]
    pub when: When,
    /// Close the connection without an answer.
    #[serde(default)]
    pub drop: bool,
    /// How the operation of a matching request ends: `Failed`, `Canceled`, `Lost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationFault>,
    /// `error.code` of that operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// `error.message` of that operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// `error.details` of that operation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// Name of a [`ScriptedEnding`] in a [`Fault`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum OperationFault {
    /// See [`ScriptedEnding::Failed`].
    Failed,
    /// See [`ScriptedEnding::Canceled`].
    Canceled,
    /// See [`ScriptedEnding::Lost`].
    Lost,
}

impl Fault {
    fn strikes(&self, method: &Method, path: &str) -> bool {
        self.times > 0
            && self.method.as_ref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
            && self.path.as_ref().is_none_or(|pattern| pattern.is_match(path))
    }

    /// The scripted ending of the operation that the request begins.
    pub fn ending(&self) -> Option<ScriptedEnding> {
        let error = |code: &str, message: &str| {
            json!({
                "code": self.code.as_deref().unwrap_or(code),
                "message": self.message.as_deref().unwrap_or(message),
                "details": self.details.clone().unwrap_or_else(|| json!([])),
            })
        };
        match self.operation? {
            OperationFault::Failed => Some(ScriptedEnding::Failed(error("InternalServerError", "An error occurred."))),
            OperationFault::Canceled => Some(ScriptedEnding::Canceled(error("Canceled", "Operation was canceled."))),
            OperationFault::Lost => Some(ScriptedEnding::Lost),
        }
    }

    /// The scripted answer, if the fault has one.
    pub fn answer(&self) -> Option<Response> {
        let status = StatusCode::from_u16(self.status?).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut response = match &self.body {
            Value::Null => empty_response(status),
            Value::String(text) => {
                let mut response = empty_response(status);
                *response.body_mut() = axum::body::Body::from(text.clone());
                response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html"));
                response
            }
            body => json_response(status, body),
        };
        for (name, value) in &self.headers {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name.as_str()), HeaderValue::try_from(text)) {
                response.headers_mut().insert(name, value);
            }
        }
        Some(response)
    }
}

/// The faults that wait for their requests, each with its end.
#[derive(Debug, Default)]
pub struct Faults(Vec<(Fault, Option<Timestamp>)>);

impl Faults {
    /// Adds a fault after the others.
    pub fn add(&mut self, fault: Fault, now: Timestamp) {
        let until = fault.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        let until = until.map(|wait| after(now, wait));
        self.0.push((fault, until));
    }

    /// The faults that still wait.
    pub fn list(&self) -> Vec<&Fault> {
        self.0.iter().map(|(fault, _)| fault).collect()
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// The first fault that matches this request; its count goes down by one.
    pub fn take(&mut self, method: &Method, path: &str, now: Timestamp) -> Option<Fault> {
        self.0.retain(|(_, until)| until.is_none_or(|until| now < until));
        let position = self.0.iter().position(|(fault, _)| fault.strikes(method, path))?;
        let (fault, _) = self.0.get_mut(position)?;
        fault.times -= 1;
        let struck = fault.clone();
        self.0.retain(|(fault, _)| fault.times > 0);
        Some(struck)
    }
}

const fn once() -> u32 {
    1
}

mod pattern {
    use regex::Regex;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(pattern: &Option<Regex>, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(pattern.as_ref().map_or("", Regex::as_str))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Regex>, D::Error> {
        let text = String::deserialize(from)?;
        Regex::new(&text).map(Some).map_err(D::Error::custom)
    }
}
