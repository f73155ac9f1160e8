//! One request and its answer, the same way for every service.

use crate::{
    answer::{Answer, LONGEST_AT_ONCE},
    connector::Azure,
    error::{Refusal, refused, unreachable},
    fence::{Fence, fenced},
    gate::{WritePermit, not_leading},
    http::{CLIENT_REQUEST_ID, LARGEST_ANSWER, SendError, TimeLimit, USER_AGENT, collect_in, full},
    observe::{Class, RequestKind, Sent, Waited},
    request_limits::limits,
    sign_in::token::Token,
    throttle::{self, Permit, Throttled, TooManyRequests},
};
use acivnet_api::conditions::reasons;
use acivnet_core::{failure::Failure, retry::Retry};
use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{ACCEPT, AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE},
};
use serde_json::Value;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use url::Url;

/// Names the reconcile that all its requests belong to.
const CORRELATION_ID: HeaderName = HeaderName::from_static("x-ms-correlation-request-id");

pub(crate) const JSON: &str = "application/json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";

/// `x-ms-version` of every request to blob storage (Azure Storage, "Versioning for Azure Storage"). Tokens are taken since
/// 2017-11-09.
pub(crate) const STORAGE_VERSION: &str = "2021-08-06";

/// A request to be sent, perhaps twice.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) url: Url,
    pub(crate) class: Class,
    /// What it is about, for logs and messages: a resource id, never a URL with a query.
    pub(crate) about: String,
    content_type: &'static str,
    body: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
    limit: Option<Duration>,
    /// The answer is a page of a list, and goes before the pass does.
    page: bool,
    /// Of a write: until when it may be sent.
    fence: Option<Arc<dyn Fence>>,
}

impl Call {
    /// A read.
    pub(crate) fn get(url: Url, class: Class, about: impl Into<String>) -> Self {
        Self::new(Method::GET, url, class, about.into())
    }

    /// A question that takes another verb than GET and changes nothing.
    pub(crate) fn ask(method: Method, url: Url, class: Class, about: impl Into<String>) -> Self {
        Self::new(method, url, class, about.into())
    }

    /// A write. It ends with its permit.
    pub(crate) fn write(
        permit: &WritePermit,
        method: Method,
        url: Url,
        class: Class,
        about: impl Into<String>,
    ) -> Self {
        Self { fence: Some(Arc::clone(permit.fence())), ..Self::new(method, url, class, about.into()) }
    }

    /// A request to blob storage. Blobs are named by their content, so that a late one changes nothing.
    pub(crate) fn blob(method: Method, url: Url, about: impl Into<String>) -> Self {
        Self::new(method, url, Class::Blob, about.into())
    }

    fn new(method: Method, url: Url, class: Class, about: String) -> Self {
        Self {
            method,
            url,
            class,
            about,
            content_type: "",
            body: Bytes::new(),
            headers: Vec::new(),
            limit: None,
            page: false,
            fence: None,
        }
    }

    /// What is asked for is a page of a list.
    pub(crate) fn page(self) -> Self {
        Self { page: true, ..self }
    }

    pub(crate) fn body(mut self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        (self.content_type, self.body) = (content_type, body.into());
        self
    }

    pub(crate) fn json(self, content_type: &'static str, body: &Value) -> Self {
        self.body(content_type, body.to_string())
    }

    /// Adds a header. A value that no header can hold is left out.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.extend(HeaderValue::from_str(value).ok().map(|value| (HeaderName::from_static(name), value)));
        self
    }

    pub(crate) fn limit(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Whether a write is too late: `allows` is asked of its fence.
    fn is_late(&self, allows: impl Fn(&dyn Fence) -> bool) -> bool {
        self.fence.as_ref().is_some_and(|fence| !allows(fence.as_ref()))
    }

    /// Verb and resource, for people.
    pub(crate) fn what(&self) -> String {
        format!("{} {}", self.method, self.about.rsplit('/').next().unwrap_or_default())
    }
}

impl Azure {
    /// Sends with a token. A token that Azure refuses is dropped and the request sent once more with a new one.
    pub(crate) async fn send(&self, call: &Call) -> Result<Answer, Failure> {
        let request_id = self.connector.random.uuid();
        let token = self.connector.tokens.get(&self.identity).await?;
        let answer = self.once(call, Some(&token), &request_id).await?;
        if answer.status != 401 {
            return Ok(answer);
        }
        self.connector.tokens.discard(&self.identity, &token).await;
        let token = self.connector.tokens.get(&self.identity).await?;
        self.once(call, Some(&token), &request_id).await
    }

    /// Sends without a token: discovery, and blobs by their signature.
    pub(crate) async fn send_plain(&self, call: &Call) -> Result<Answer, Failure> {
        self.once(call, None, &self.connector.random.uuid()).await
    }

    async fn once(&self, call: &Call, token: Option<&Token>, request_id: &str) -> Result<Answer, Failure> {
        if token.is_some() && !self.connector.cloud.may_see_token(&call.url) {
            return Err(self.foreign_host(&call.url, &call.what()));
        }
        let permit = self.acquire(call).await?;
        let request = self
            .request(call, token, request_id)
            .map_err(|error| unreachable(&call.what(), &self.scrubber.clean(&error.to_string())))?;
        // as late as possible: all waiting was before
        if call.is_late(|fence| fence.may_start()) {
            return Err(not_leading());
        }
        let begin = Instant::now();
        let answered = self.exchange(request, call.page).await;
        let status = answered.as_ref().map_or(0, |answer| answer.status);
        let remaining = answered.as_ref().ok().and_then(|answer| throttle::remaining(&answer.headers));
        let (verb, class, time) = (call.method.as_str(), call.class, begin.elapsed());
        self.connector.observer.answered(&Sent { verb, class, status, remaining, time });
        match answered {
            Ok(answer) => {
                self.log(call, request_id, &answer);
                self.learn_from(call, permit, &answer);
                Ok(answer)
            }
            Err(_) if call.is_late(|fence| fence.may_send()) => Err(not_leading()),
            Err(error) => {
                let text = self.scrubber.clean(&format!("{}: {error}", call.url.host_str().unwrap_or_default()));
                tracing::debug!(verb = %call.method, id = %call.about, request_id, correlation_id = %self.correlation, error = text, "azure did not answer");
                let code = if matches!(error, SendError::NotSent(_)) { "NotSent" } else { "NoAnswer" };
                Err(Failure { code: code.into(), ..unreachable(&call.what(), &text) })
            }
        }
    }

    /// Waits until a request may be sent.
    pub(crate) async fn acquire(&self, call: &Call) -> Result<Permit, Failure> {
        let shared = &self.connector;
        let (begin, limits) = (Instant::now(), limits(&shared.cloud, call, &self.context.region));
        let acquired = shared.throttle.acquire(limits, self.identity.caller(), &self.context).await;
        let time = begin.elapsed();
        if !time.is_zero() {
            shared.observer.waited(&Waited { class: call.class, kind: RequestKind::of(&call.method), time });
        }
        acquired.map_err(|Throttled { scope, after }| {
            let message = format!(
                "{}: not sent, because this identity's limit is used up ({scope}); it is tried again by itself",
                call.what()
            );
            Failure::local("NoTurn", self.scrubber.clean(&message), Retry::After(after), reasons::THROTTLED)
        })
    }

    /// Lets the throttle learn from an answer.
    fn learn_from(&self, call: &Call, permit: Permit, answer: &Answer) {
        let throttled = matches!(answer.status, 429 | 503) && self.refused(call, answer).reason == reasons::THROTTLED;
        let refusal = if throttled { Refusal::read(answer) } else { Refusal::default() };
        let codes = refusal.codes();
        let refused = throttled.then(|| TooManyRequests {
            codes: &codes,
            wait: throttle::retry_after(&answer.headers, self.connector.clock.now()).filter(|wait| !wait.is_zero()),
            jitter: self.connector.random.unit(),
        });
        if let Some(closed) = permit.learn_from(&answer.headers, refused.as_ref()) {
            self.connector.observer.closed(closed.scope, closed.kind);
        }
    }

    pub(crate) fn request(
        &self,
        call: &Call,
        token: Option<&Token>,
        request_id: &str,
    ) -> Result<Request<crate::http::Body>, http::Error> {
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(call.url.as_str())
            .header(http::header::USER_AGENT, USER_AGENT)
            .header(ACCEPT, if call.class == Class::Blob { "*/*" } else { JSON })
            .header(CLIENT_REQUEST_ID, request_id);
        if call.class != Class::Blob {
            request = request.header(CORRELATION_ID, &self.correlation);
        }
        if !call.content_type.is_empty() {
            request = request.header(CONTENT_TYPE, call.content_type);
        }
        for (name, value) in &call.headers {
            request = request.header(name, value);
        }
        if let Some(token) = token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.secret.expose()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        if let Some(limit) = call.limit {
            request = request.extension(TimeLimit(limit));
        }
        if call.body.is_empty() && [Method::PUT, Method::POST, Method::PATCH].contains(&call.method) {
            // hyper says nothing of a body that has ended; Azure answers 411 (Azure Storage, "Put Blob": Content-Length
            // is required; so do its other front ends for POST)
            request = request.header(CONTENT_LENGTH, 0);
        }
        let body = full(call.body.clone());
        request.body(match &call.fence {
            Some(fence) => fenced(body, fence),
            None => body,
        })
    }

    async fn exchange(&self, request: Request<crate::http::Body>, page: bool) -> Result<Answer, SendError> {
        let (parts, body) = self.connector.http.send(request).await?.into_parts();
        let (rooms, mut of_page) = (&self.connector.rooms, None);
        let room = async {
            match page {
                true => of_page = rooms.page().await,
                false => self.room.take(rooms).await,
            }
        };
        let body = collect_in(body, LARGEST_ANSWER, LONGEST_AT_ONCE, room).await;
        let body = body.map_err(|error| SendError::Unknown(error.to_string()))?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body, _room: of_page })
    }

    fn log(&self, call: &Call, request_id: &str, answer: &Answer) {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return;
        }
        let refusal = if answer.success() { Refusal::default() } else { Refusal::read(answer) };
        let code = self.scrubber.clean(refusal.codes().first().copied().unwrap_or_default());
        let of = |name: &str| answer.header(name).unwrap_or_default();
        tracing::debug!(
            verb = %call.method,
            id = %call.about,
            status = answer.status,
            code,
            request_id,
            correlation_id = %self.correlation,
            azure_request_id = of("x-ms-request-id"),
            failure_cause = of("x-ms-failure-cause"),
            "azure answered"
        );
    }

    /// The failure of an answer that is not a success.
    pub(crate) fn refused(&self, call: &Call, answer: &Answer) -> Failure {
        refused(answer, &call.what(), call.class, self.connector.clock.now(), &self.scrubber)
    }

    /// The answer if it is a success, else the failure.
    pub(crate) fn accepted(&self, call: &Call, answer: Answer) -> Result<Answer, Failure> {
        if answer.success() { Ok(answer) } else { Err(self.refused(call, &answer)) }
    }

    /// The body of a success as a JSON object.
    pub(crate) async fn object(&self, call: &Call, answer: Answer) -> Result<Value, Failure> {
        let answer = self.accepted(call, answer)?;
        let not_json = || unreachable(&call.what(), &format!("status {} without a JSON object", answer.status));
        answer.json().await.filter(Value::is_object).ok_or_else(not_json)
    }

    /// A URL that Azure gave leads elsewhere.
    pub(crate) fn foreign_host(&self, url: &Url, what: &str) -> Failure {
        let host = url.host_str().unwrap_or("no host");
        let message = format!(
            "{what}: {host} is not a host of {}, so nothing was sent there; check --cloud and the suffixes that belong to it",
            self.connector.cloud.name()
        );
        Failure::local("HostNotOfCloud", self.scrubber.clean(&message), Retry::Slowly, reasons::AZURE_REFUSED)
    }
}
