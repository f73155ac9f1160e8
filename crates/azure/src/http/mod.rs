//! The one way out of the process: Azure Resource Manager, the Azure ML data plane, blob storage, sign-in and the probe.
//!
//! A request says by its extensions how it is dialled: [`TimeLimit`], [`PublicOnly`], [`DialAt`], [`ToEndpoint`].

mod client;
mod public;
mod resolve;

pub use client::ReqwestHttp;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use http::{HeaderName, Request, Response};
use http_body_util::{BodyExt as _, Empty, Full, combinators::UnsyncBoxBody};
use std::{net::Ipv4Addr, time::Duration};

/// Name and version, as support asks for them.
pub(crate) const USER_AGENT: &str = concat!("acivnet/", env!("CARGO_PKG_VERSION"));
/// Names a request in the logs of both sides.
pub(crate) const CLIENT_REQUEST_ID: HeaderName = HeaderName::from_static("x-ms-client-request-id");

/// Any error of a body.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A streaming body.
pub type Body = UnsyncBoxBody<Bytes, BoxError>;

/// Largest answer that is read as a whole, in bytes.
pub const LARGEST_ANSWER: usize = 4 << 20;

/// A body without bytes.
pub fn empty() -> Body {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// A body that is at hand.
pub fn full(bytes: impl Into<Bytes>) -> Body {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// Request extension: how long the whole request may take, instead of 60 seconds.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit(pub Duration);

/// Request extension: the host is dialled directly and at public addresses only.
#[derive(Clone, Copy, Debug)]
pub struct PublicOnly;

/// Request extension: the host of an `https` URL is dialled at this address, directly, and still verified by its name.
#[derive(Clone, Debug)]
pub struct DialAt {
    /// Where.
    pub address: Ipv4Addr,
    /// The only authorities that are trusted, in PEM; the client's own when absent.
    pub authorities: Option<String>,
}

/// Request extension: it goes to a scoring endpoint, through the proxy for those where there is one.
#[derive(Clone, Copy, Debug)]
pub struct ToEndpoint;

/// Why there is no answer. The texts hold no query of a URL, where signatures are.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SendError {
    /// Nothing left the process: the request can be repeated.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Nothing left the process: the certificate of the other side is not accepted.
    #[error("the certificate is not accepted: {0}")]
    Certificate(String),
    /// It may or may not have been carried out.
    #[error("no answer: {0}")]
    Unknown(String),
}

/// Why the body of an answer broke off. The text holds no query of a URL.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{text}")]
pub struct BodyError {
    pub(crate) text: String,
    /// Whether the request's [`TimeLimit`] was over.
    pub timed_out: bool,
}

/// Sends a request. Redirects are not followed; the answer's body may still be on its way.
#[async_trait]
pub trait Http: Send + Sync {
    /// Sends one request, within 60 seconds or the request's [`TimeLimit`], body of the answer included.
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError>;
}

/// Why a body could not be read.
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// It is longer than allowed.
    #[error("longer than {0} bytes")]
    TooLong(usize),
    /// It broke off.
    #[error("broke off: {0}")]
    Broken(BoxError),
}

/// Reads a body of at most `limit` bytes.
///
/// # Errors
/// A longer body, or one that broke off.
pub async fn collect(body: Body, limit: usize) -> Result<Bytes, CollectError> {
    collect_in(body, limit, limit, std::future::ready(())).await
}

/// The same, but of a body of more than `small` bytes the rest is read only once there is room for it.
pub(crate) async fn collect_in(
    mut body: Body,
    limit: usize,
    small: usize,
    room: impl Future<Output = ()>,
) -> Result<Bytes, CollectError> {
    let (mut bytes, mut room) = (BytesMut::new(), Some(room));
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(CollectError::Broken)?.into_data() else { continue };
        let length = bytes.len().saturating_add(data.len());
        if length > limit {
            return Err(CollectError::TooLong(limit));
        }
        if let Some(room) = room.take_if(|_| length > small) {
            room.await;
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_long_answer_is_not_read_to_its_end() {
        assert_eq!(collect(full("1234"), 4).await.unwrap(), "1234");
        assert!(matches!(collect(full("12345"), 4).await, Err(CollectError::TooLong(4))));
        assert_eq!(collect(empty(), 0).await.unwrap(), "");
    }
}
