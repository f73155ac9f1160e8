//! Lets a refusal arrive as an answer: a client that has sent the head of a large request goes on to send its body, and
//! would find a closed connection instead of the answer if nobody read the body.

use bytes::{Buf, Bytes};
use http::{HeaderMap, header};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Most bytes of a body that are read and discarded: the largest blob that one request may carry (Azure Storage, "Put
/// Blob").
const MOST_BYTES: usize = 5_000 * 1024 * 1024;
/// Longest time for that.
const PATIENCE: Duration = Duration::from_secs(60);

/// The body of a request; its unread rest is read and discarded when it is dropped.
pub(crate) struct Drain {
    inner: Option<Incoming>,
    /// The client still waits for `100 Continue`, so it sends no body.
    is_waiting: bool,
}

impl Drain {
    /// The body that belongs to these headers.
    pub(crate) fn of(headers: &HeaderMap, body: Incoming) -> Self {
        let expect = headers.get(header::EXPECT).and_then(|value| value.to_str().ok());
        let is_waiting = expect.is_some_and(|expect| expect.eq_ignore_ascii_case("100-continue"));
        Self { inner: Some(body), is_waiting }
    }
}

impl Body for Drain {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.is_waiting = false;
        match self.inner.as_mut() {
            Some(inner) => Pin::new(inner).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.as_ref().map(Body::size_hint).unwrap_or_default()
    }
}

impl Drop for Drain {
    fn drop(&mut self) {
        let Some(inner) = self.inner.take().filter(|inner| !self.is_waiting && !inner.is_end_stream()) else { return };
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(tokio::time::timeout(PATIENCE, read_away(inner)));
        }
    }
}

async fn read_away(mut body: Incoming) {
    let mut left = MOST_BYTES;
    while let Some(Ok(frame)) = http_body_util::BodyExt::frame(&mut body).await {
        let length = frame.data_ref().map_or(0, Buf::remaining);
        match left.checked_sub(length) {
            Some(rest) => left = rest,
            None => return,
        }
    }
}
