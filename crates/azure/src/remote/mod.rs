//! A model's file behind `https`: a blob of the cloud's own storage, read with the identity's token for storage, or a file
//! of a host that the administrator allows, read without one.
//!
//! Redirects are not followed. A host outside the cloud is dialled directly, and only at public addresses, which is checked
//! on what its name resolves to when it is dialled. A blob may lie behind a private endpoint: its name is Azure's.

use crate::{
    carry_out::PayloadStream,
    connector::Azure,
    error::unreachable,
    http::{BodyError, BoxError, PublicOnly},
    observe::{Class, Sent},
    request::{Call, STORAGE_VERSION},
};
use acivnet_api::conditions::reasons;
use acivnet_core::{failure::Failure, retry::Retry};
use futures::{StreamExt as _, future::ready};
use http::{HeaderMap, Method, Response};
use http_body_util::BodyStream;
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Longest ETag, in bytes: it is remembered in a status.
const LONGEST_ETAG: usize = 1024;

/// What the administrator allows of models that are read from a URI.
#[derive(Clone, Debug, PartialEq)]
pub struct ModelLimits {
    /// Hosts beside the cloud's blob storage: `models.example.org`, or `*.example.org` for all below it. Ports other than
    /// 443 are named with the host.
    pub hosts: Vec<String>,
    /// Largest file, in bytes.
    pub most_bytes: u64,
    /// How long one reading may take.
    pub time: Duration,
}

impl Default for ModelLimits {
    fn default() -> Self {
        Self { hosts: Vec::new(), most_bytes: 1 << 30, time: Duration::from_secs(1800) }
    }
}

impl ModelLimits {
    fn allow(&self, url: &Url) -> bool {
        let Some(url::Host::Domain(host)) = url.host() else { return false };
        let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        self.hosts.iter().any(|allowed| match allowed.strip_prefix('*') {
            Some(suffix) => suffix.starts_with('.') && host.len() > suffix.len() && host.ends_with(suffix),
            None => *allowed == host,
        })
    }
}

/// Which bytes are behind a URI.
#[derive(Clone, Debug, PartialEq)]
pub struct Version {
    /// A strong ETag, quoted.
    pub etag: String,
    /// Bytes.
    pub size: u64,
}

impl Azure {
    /// Which bytes are behind a URI now, without reading them.
    ///
    /// # Errors
    /// Reason `ModelUnreadable` with the cause: not allowed, not there, too large, no ETag; `Forbidden` where a role lacks.
    pub async fn model_version_at(&self, uri: &str, limits: &ModelLimits) -> Result<Version, Failure> {
        let answer = self.remote(Method::HEAD, uri, None, limits, Duration::from_secs(30)).await?;
        let header = |name: &str| text(answer.headers(), name);
        let etag = header("etag").filter(|etag| etag.starts_with('"') && etag.len() <= LONGEST_ETAG);
        let etag = etag.ok_or_else(|| {
            unreadable(uri, "has no strong ETag of a usable length, so that a change could not be told")
        })?;
        let size = header("content-length").and_then(|length| length.parse().ok());
        let size = size.ok_or_else(|| unreadable(uri, "does not say how long it is"))?;
        if size > limits.most_bytes {
            let most = limits.most_bytes;
            let what = format!("has {size} bytes, and the administrator allows {most} (--model-max-bytes)");
            return Err(unreadable(uri, &what));
        }
        Ok(Version { etag: etag.to_owned(), size })
    }

    /// The bytes behind a URI, if they are those of this ETag still.
    ///
    /// # Errors
    /// As [`Azure::model_version_at`]; code `PayloadChanged` when there are others.
    pub async fn model_bytes(&self, uri: &str, etag: &str, limits: &ModelLimits) -> Result<PayloadStream, Failure> {
        let answer = self.remote(Method::GET, uri, Some(etag), limits, limits.time).await?;
        if text(answer.headers(), "etag") != Some(etag) {
            return Err(changed(uri));
        }
        let frames = BodyStream::new(answer.into_body()).filter_map(|frame| {
            ready(match frame {
                Ok(frame) => frame.into_data().ok().map(Ok),
                Err(error) => Some(Err(advised(error))),
            })
        });
        Ok(frames.boxed())
    }

    /// `sha256:` and the hex digest of the bytes behind a URI, read as a stream.
    ///
    /// # Errors
    /// As [`Azure::model_bytes`], or the bytes broke off or are not as many as was said.
    pub async fn model_digest(&self, uri: &str, version: &Version, limits: &ModelLimits) -> Result<String, Failure> {
        let mut stream = self.model_bytes(uri, &version.etag, limits).await?;
        let (mut hasher, mut size) = (Sha256::new(), 0u64);
        while let Some(bytes) = stream.next().await {
            let bytes = bytes.map_err(|error: BoxError| unreachable(&name(uri), &format!("broke off: {error}")))?;
            size = size.saturating_add(bytes.len() as u64);
            if size > version.size {
                return Err(changed(uri));
            }
            hasher.update(&bytes);
        }
        if size < version.size {
            return Err(unreachable(&name(uri), &format!("ended after {size} of {} bytes", version.size)));
        }
        let hex: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(format!("sha256:{hex}"))
    }

    async fn remote(
        &self,
        method: Method,
        uri: &str,
        etag: Option<&str>,
        limits: &ModelLimits,
        time: Duration,
    ) -> Result<Response<crate::http::Body>, Failure> {
        let url = Url::parse(uri).map_err(|_| unreadable(uri, "is not a URL"))?;
        let blob = self.connector.cloud.is_blob(&url);
        let allowed = url.scheme() == "https" && url.username().is_empty() && limits.allow(&url);
        if !blob && !allowed {
            let host = url.port().map_or_else(String::new, |port| format!(":{port}"));
            let host = format!("{}{host}", url.host_str().unwrap_or_default());
            let what = format!("lies on host {host}, which the administrator does not allow (--model-hosts)");
            return Err(unreadable(uri, &what));
        }
        let mut call = Call::blob(method, url, name(uri)).limit(time);
        if let Some(etag) = etag {
            call = call.header("if-match", etag);
        }
        if blob {
            call = call.header("x-ms-version", STORAGE_VERSION);
        }
        let answer = self.dial(&call, blob).await?;
        self.readable(uri, blob, &answer)?;
        Ok(answer)
    }

    /// Sends, to blob storage with a token for storage and to no other host with any.
    async fn dial(&self, call: &Call, blob: bool) -> Result<Response<crate::http::Body>, Failure> {
        let token = match blob {
            true => Some(self.connector.storage_tokens.get(&self.identity).await?),
            false => None,
        };
        let _permit = self.acquire(call).await?;
        let request = self.request(call, token.as_deref(), &self.connector.random.uuid());
        let mut request = request.map_err(|error| unreachable(&call.about, &error.to_string()))?;
        if !blob {
            request.extensions_mut().insert(PublicOnly);
        }
        let begin = Instant::now();
        let answer = self.connector.http.send(request).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        self.connector.observer.answered(&Sent {
            verb: call.method.as_str(),
            class: Class::Blob,
            status,
            remaining: None,
            time: begin.elapsed(),
        });
        if let (401, Some(token)) = (status, &token) {
            self.connector.storage_tokens.discard(&self.identity, token).await;
        }
        answer.map_err(|error| unreachable(&call.about, &self.scrubber.clean(&error.to_string())))
    }

    fn readable(&self, uri: &str, blob: bool, answer: &Response<crate::http::Body>) -> Result<(), Failure> {
        let status = answer.status().as_u16();
        let code = self.scrubber.clean(text(answer.headers(), "x-ms-error-code").unwrap_or_default());
        let answered = format!("{status} {code}");
        let said = |what: &str| Failure { status, code: code.clone(), ..unreadable(uri, what) };
        Err(match status {
            200 => return Ok(()),
            300..=399 => said("leads elsewhere, and redirects are not followed: name the place that it leads to"),
            401 | 403 if blob => Failure {
                reason: reasons::FORBIDDEN,
                ..said(&format!("may not be read, answered {}: {}", answered.trim_end(), advice(&code)))
            },
            404 | 410 => said("does not exist"),
            412 => changed(uri),
            408 | 429 | 500.. => Failure { status, ..unreachable(&name(uri), &format!("answered {answered}")) },
            _ => said(&format!("answered {answered}")),
        })
    }
}

/// The cause, and whose limit it was.
fn advised(error: BoxError) -> BoxError {
    match error.downcast_ref::<BodyError>() {
        Some(BodyError { timed_out: true, .. }) => {
            format!("{error}; the administrator sets how long it may take (--model-time-limit-seconds)").into()
        }
        _ => error,
    }
}

/// What to do about a blob that may not be read, by Azure Storage's code ("Status and error codes" and "Configure Azure
/// Storage firewalls"): `AuthorizationFailure` is said of the network as well as of rights.
fn advice(code: &str) -> &'static str {
    match code {
        "AuthorizationPermissionMismatch" => {
            "give the namespace's identity the role Storage Blob Data Reader on the storage account"
        }
        "AuthorizationFailure" => {
            "let the cluster's network through the storage account's firewall, or give the namespace's identity the role \
             Storage Blob Data Reader there"
        }
        _ => {
            "give the namespace's identity the role Storage Blob Data Reader on the storage account, and see whether the \
             account's firewall lets the cluster through"
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

fn name(uri: &str) -> String {
    uri.rsplit('/').next().unwrap_or_default().to_owned()
}

fn unreadable(uri: &str, what: &str) -> Failure {
    let message = acivnet_core::scrub::clean(&format!("model {uri} {what}"));
    Failure::local("ModelUnreadable", message, Retry::Slowly, reasons::MODEL_UNREADABLE)
}

/// It is read again from its beginning.
fn changed(uri: &str) -> Failure {
    let message = acivnet_core::scrub::clean(&format!("model {uri} changed while it was read; it is read again"));
    Failure::local("PayloadChanged", message, Retry::Soon, reasons::READING_MODEL)
}

#[cfg(test)]
mod tests;
