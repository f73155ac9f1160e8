//! The Azure ML data plane, version 1: what its models, services and operations have in common.
//!
//! Sources: azure-rest-api-specs, `machinelearningservices/data-plane` (`modelManagement.json`, `artifact.json`), and
//! the requests of the Python package `azureml-core` 1.61.

mod artifacts;
mod digests;
pub(crate) mod discovery;
mod models;
pub(crate) mod service_keys;
mod services;

use crate::{
    answer::Answer,
    arm::Each,
    connector::Azure,
    error::Refusal,
    http::LARGEST_ANSWER,
    observe::{Class, Sent},
    request::Call,
};
use acivnet_core::{
    failure::Failure,
    id::ResourceId,
    kind::{Kind, Write},
    kinds::model_version::MODEL_VERSION,
    observed::Fact,
};
use discovery::Endpoints;
use http::Method;
use http_body_util::BodyExt as _;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

/// What a path segment may hold as it is.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Items of a page, which is held as a whole while it is read; `azureml-core` 1.61 asks for up to 255. The service may give
/// fewer.
pub(crate) const PAGE: &str = "100";
/// Tail of an operation's log, in bytes: what failed stands at its end.
pub const LOG_TAIL: usize = 16 << 10;
/// Longest log that is read through for its tail, in bytes. Never more than the tail of it is in memory.
const LOG_LONGEST: usize = 4 * LARGEST_ANSWER;
/// Tail of a container's log, in bytes: its lines may be long, as a traceback's are that quotes data.
pub const SERVICE_LOG: usize = 128 << 10;
/// Lines of a container's log that are asked for.
pub const LOG_LINES: u32 = 500;

/// Codes of a 404 that speak of something above the resource, so that it proves nothing.
pub(crate) const ABOVE: &[&str] =
    &["SubscriptionNotFound", "ResourceGroupNotFound", "InvalidAuthenticationTokenTenant", "InvalidSubscriptionId"];

/// A name as one segment of a path: `model:1` is `model%3A1`.
pub(crate) fn segment(name: &str) -> String {
    utf8_percent_encode(name, SEGMENT).to_string()
}

impl Azure {
    pub(crate) async fn machine_learning_get(
        &self,
        kind: &'static Kind,
        id: &ResourceId,
    ) -> Result<Option<Value>, Failure> {
        let Some((workspace, endpoints)) = self.workspace_of(id).await? else { return Ok(None) };
        match (kind.write, id.name().split_once('@')) {
            (Write::Model, Some((name, key))) => self.model_by_key(&endpoints, &workspace, name, key).await,
            _ if kind.arm_type == MODEL_VERSION.arm_type => {
                self.found(id, endpoints.model_management(&workspace, &format!("models/{}", segment(id.name())))).await
            }
            _ => {
                let mut url = endpoints.model_management(&workspace, &format!("services/{}", segment(id.name())));
                url.set_query(Some("expand=true"));
                self.found(id, url).await
            }
        }
    }

    pub(crate) async fn machine_learning_list(
        &self,
        kind: &'static Kind,
        workspace: &ResourceId,
        each: Each<'_>,
    ) -> Result<(), Failure> {
        let Some(endpoints) = self.endpoints(workspace).await? else { return Ok(()) };
        if kind.write == Write::Model {
            return self.owned_models(&endpoints, workspace, each).await;
        }
        let mut url = endpoints.model_management(workspace, "services");
        url.set_query(Some(&format!("expand=true&count={PAGE}")));
        self.pages(url, Class::MachineLearning, &format!("{workspace}/services"), each).await
    }

    /// The workspace that a model or service lies in, and its endpoints; `None` when it is proven absent.
    pub(crate) async fn workspace_of(&self, id: &ResourceId) -> Result<Option<(ResourceId, Endpoints)>, Failure> {
        let Some(workspace) = id.parent() else { return Ok(None) };
        Ok(self.endpoints(&workspace).await?.map(|endpoints| (workspace, endpoints)))
    }

    /// The body behind a URL of the data plane; `None` when the data plane says that it is not there.
    async fn found(&self, id: &ResourceId, url: Url) -> Result<Option<Value>, Failure> {
        let call = Call::get(url, Class::MachineLearning, id.as_str());
        let answer = self.send(&call).await?;
        if is_absent(&answer) {
            return Ok(None);
        }
        self.object(&call, answer).await.map(Some)
    }

    /// An operation of the data plane. Of one that failed the fact holds `operationLogTail`, the end of its log; the
    /// signed URL of the log is left out.
    pub async fn operation(&self, workspace: &ResourceId, id: &str) -> Fact {
        fact(self.operation_body(workspace, id).await)
    }

    async fn operation_body(&self, workspace: &ResourceId, id: &str) -> Result<Option<Value>, Failure> {
        let Some(endpoints) = self.endpoints(workspace).await? else { return Ok(None) };
        let url = endpoints.model_management(workspace, &format!("operations/{}", segment(id)));
        let call = Call::get(url, Class::MachineLearning, format!("{workspace}/operations/{id}"));
        let answer = self.send(&call).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let mut body = self.object(&call, answer).await?;
        let state = body.get("state").and_then(Value::as_str).unwrap_or_default().to_owned();
        let Some(members) = body.as_object_mut() else { return Ok(Some(body)) };
        let log = members.remove("operationLog");
        if let (true, Some(log)) =
            (matches!(state.as_str(), "Failed" | "TimedOut" | "Cancelled"), log.as_ref().and_then(Value::as_str))
        {
            let tail = self.log_tail(log).await.unwrap_or_default();
            members.insert("operationLogTail".into(), tail.into());
        }
        Ok(Some(body))
    }

    /// The last 16 KiB of a log in blob storage, whole lines. A log that can't be read costs a worse message only.
    async fn log_tail(&self, log: &str) -> Option<String> {
        let url = Url::parse(log).ok().filter(|url| self.connector.cloud.is_blob(url))?;
        let call = Call::blob(Method::GET, url, "log of an operation");
        let request = self.request(&call, None, &self.connector.random.uuid()).ok()?;
        let begin = Instant::now();
        let answer = self.connector.http.send(request).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        let time = begin.elapsed();
        self.connector.observer.answered(&Sent { verb: "GET", class: Class::Blob, status, remaining: None, time });
        tracing::debug!(verb = "GET", id = %call.about, status, correlation_id = %self.correlation, "azure answered");
        let mut body = answer.ok().filter(|answer| answer.status().is_success())?.into_body();
        let (mut tail, mut read) = (Vec::new(), 0usize);
        while let Some(Ok(frame)) = body.frame().await {
            let Ok(data) = frame.into_data() else { continue };
            read = read.saturating_add(data.len());
            tail.extend_from_slice(&data);
            if tail.len() > LOG_TAIL {
                tail.drain(..tail.len() - LOG_TAIL);
            }
            if read > LOG_LONGEST {
                break;
            }
        }
        let text = String::from_utf8_lossy(&tail).into_owned();
        Some(if read > LOG_TAIL {
            text.split_once('\n').map(|(_, rest)| rest.to_owned()).unwrap_or(text)
        } else {
            text
        })
    }

    /// The last lines that the container of a web service wrote.
    pub async fn service_log(&self, service: &ResourceId) -> Fact {
        fact(self.log_of(service).await.map(|log| log.map(Value::String)))
    }

    async fn log_of(&self, service: &ResourceId) -> Result<Option<String>, Failure> {
        let Some((workspace, endpoints)) = self.workspace_of(service).await? else { return Ok(None) };
        let mut url = endpoints.model_management(&workspace, &format!("services/{}/logs", segment(service.name())));
        url.set_query(Some(&format!("tail={LOG_LINES}&init=False")));
        let body = self.found(service, url).await?;
        Ok(body.map(|body| tail(body.get("content").and_then(Value::as_str).unwrap_or_default()).to_owned()))
    }
}

/// The last whole lines of a log.
fn tail(log: &str) -> &str {
    let from = log.ceil_char_boundary(log.len().saturating_sub(SERVICE_LOG));
    let tail = log.get(from..).unwrap_or_default();
    if from == 0 { tail } else { tail.split_once('\n').map_or(tail, |(_, rest)| rest) }
}

/// Whether a 404 says that the resource itself is not there: the flat form with `statusCode` 404, as model management
/// answers it. What a gateway or a proxy answers has another form.
pub(crate) fn is_absent(answer: &Answer) -> bool {
    let refusal = || Refusal::read(answer);
    answer.status == 404 && refusal().status_code == Some(404) && !refusal().says(ABOVE)
}

pub(crate) fn fact(read: Result<Option<Value>, Failure>) -> Fact {
    match read {
        Ok(Some(body)) => Fact::Present(body),
        Ok(None) => Fact::Absent,
        Err(failure) => Fact::Unread(failure),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_long_log_the_last_whole_lines_are_taken() {
        assert_eq!(tail("one\ntwo"), "one\ntwo");
        let line = format!("{}\n", "ä".repeat(1000));
        let log = line.repeat(100);
        let found = tail(&log);
        assert!(found.len() <= SERVICE_LOG && found.len() > SERVICE_LOG - 2 * line.len() && log.ends_with(found));
        assert!(found.lines().all(|one| one.len() == line.len() - 1));
    }
}
