//! One exchange of a secret or an assertion for a token, by `azure_identity` over our own [`Http`].

use crate::{
    cloud::Cloud,
    http::{CLIENT_REQUEST_ID, Http, LARGEST_ANSWER, SendError, USER_AGENT, collect, full},
    sign_in::identity::{Assertion, Identity, Proof, Secret},
};
use async_trait::async_trait;
use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    credentials::TokenCredential,
    error::ErrorKind,
    http::{
        AsyncRawResponse, Body, ClientMethodOptions, ClientOptions, HttpClient, Request, RetryOptions, StatusCode,
        Transport, headers::Headers,
    },
};
use azure_identity::{
    ClientAssertion, ClientAssertionCredential, ClientAssertionCredentialOptions, ClientSecretCredential,
    ClientSecretCredentialOptions,
};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::Value;
use std::{
    fmt,
    sync::{Arc, Mutex},
};

/// Asks for a token. The error is the library's text; what Azure answered is in `exchange`.
pub(crate) async fn exchange(
    cloud: &Cloud,
    identity: &Identity,
    assertion: Option<&Assertion>,
    exchange: &Exchange,
    scope: &str,
) -> Result<Secret, String> {
    let options = options(cloud, exchange);
    let (tenant, client_id) = (identity.tenant.clone(), identity.client_id.clone());
    let credential: azure_core::Result<Arc<dyn TokenCredential>> = match (&identity.proof, assertion) {
        (Proof::Secret(secret), _) => {
            let options = ClientSecretCredentialOptions { client_options: options };
            ClientSecretCredential::new(&tenant, client_id, secret.expose().to_owned().into(), Some(options))
                .map(|it| it as _)
        }
        (Proof::Federated(_), Some(assertion)) => {
            let options = ClientAssertionCredentialOptions { client_options: options };
            ClientAssertionCredential::new(tenant, client_id, Given(assertion.token.clone()), Some(options))
                .map(|it| it as _)
        }
        (Proof::Federated(_), None) => return Err("there is no assertion".into()),
    };
    let credential = credential.map_err(|error| error.to_string())?;
    let token = credential.get_token(&[scope], None).await.map_err(|error| error.to_string())?;
    Ok(Secret::new(token.token.secret()))
}

fn options(cloud: &Cloud, exchange: &Exchange) -> ClientOptions {
    let mut custom = CustomConfiguration::default();
    custom.authority_host = cloud.authority().to_owned();
    ClientOptions {
        retry: RetryOptions::none(),
        transport: Some(Transport::new(Arc::new(exchange.clone()))),
        cloud: Some(Arc::new(CloudConfiguration::Custom(custom))),
        ..ClientOptions::default()
    }
}

struct Given(Secret);

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("assertion")
    }
}

#[async_trait]
impl ClientAssertion for Given {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        Ok(self.0.expose().to_owned())
    }
}

/// What the authority answered.
#[derive(Clone)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

/// The library's transport for one exchange: our [`Http`], with a note of the answer.
#[derive(Clone)]
pub(crate) struct Exchange {
    http: Arc<dyn Http>,
    request_id: String,
    answer: Arc<Mutex<Option<Result<Answer, SendError>>>>,
}

impl Exchange {
    pub(crate) fn new(http: Arc<dyn Http>, request_id: String) -> Self {
        Self { http, request_id, answer: Arc::default() }
    }

    /// What was answered, if anything was sent.
    pub(crate) fn answer(&self) -> Option<Result<Answer, SendError>> {
        crate::lock(&self.answer).clone()
    }

    /// Status of the answer, 0 when there was none; nothing when nothing was sent.
    pub(crate) fn status(&self) -> Option<u16> {
        self.answer().map(|answer| answer.map_or(0, |answer| answer.status))
    }

    /// The answer as JSON.
    pub(crate) fn body(&self) -> Option<Value> {
        serde_json::from_slice(&self.answer()?.ok()?.body).ok()
    }

    async fn send(&self, request: &Request) -> Result<Answer, SendError> {
        let request = self.translate(request).map_err(SendError::NotSent)?;
        let (parts, body) = self.http.send(request).await?.into_parts();
        let body = collect(body, LARGEST_ANSWER).await.map_err(|error| SendError::Unknown(error.to_string()))?;
        Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
    }

    fn translate(&self, request: &Request) -> Result<http::Request<crate::http::Body>, String> {
        let Body::Bytes(body) = request.body() else { return Err("the body is a stream".into()) };
        let mut translated = http::Request::builder().method(request.method().as_str()).uri(request.url().as_str());
        for (name, value) in request.headers().iter() {
            translated = translated.header(name.as_str(), value.as_str());
        }
        let mut translated = translated.body(full(body.clone())).map_err(|error| error.to_string())?;
        // the library's own values are random and name another product
        let id = http::HeaderValue::try_from(&self.request_id).map_err(|error| error.to_string())?;
        translated.headers_mut().insert(CLIENT_REQUEST_ID, id);
        translated.headers_mut().insert(http::header::USER_AGENT, http::HeaderValue::from_static(USER_AGENT));
        Ok(translated)
    }
}

impl fmt::Debug for Exchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

#[async_trait]
impl HttpClient for Exchange {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let answer = self.send(request).await;
        *crate::lock(&self.answer) = Some(answer.clone());
        let answer = answer.map_err(|error| azure_core::Error::with_message(ErrorKind::Other, error.to_string()))?;
        let mut headers = Headers::new();
        for (name, value) in &answer.headers {
            headers.insert(name.as_str().to_owned(), value.to_str().unwrap_or_default().to_owned());
        }
        Ok(AsyncRawResponse::from_bytes(StatusCode::from(answer.status), headers, answer.body))
    }
}
