//! Until when this process may write: a write that is late is not sent, however long the process was stopped before.

use crate::http::{Body, BoxError};
use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;
use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// Tells whether this process is still the one that writes.
///
/// # Guarantees
/// - What was over once stays over.
/// - A write that starts has enough time left to be handed over, and each piece of it is handed over before the end or
///   not at all.
///
/// # Assumptions
/// - The clock behind it goes on while the process is stopped.
/// - What the kernel was given can't be called back: Azure may get it, and answer, after the end
///   (`docs/decisions/2026-11-25-lease-and-fence.md`, "What is not guaranteed").
///
/// # Errors
/// A write that comes too late fails with what [`crate::is_not_leading`] recognises.
pub trait Fence: Send + Sync {
    /// Whether a write may start: enough time is left to hand it over.
    fn may_start(&self) -> bool;

    /// Whether what has started may still be handed over.
    fn may_send(&self) -> bool;
}

/// No fence: nobody else writes.
impl Fence for () {
    fn may_start(&self) -> bool {
        true
    }

    fn may_send(&self) -> bool {
        true
    }
}

/// Why a body ends before its end.
#[derive(Debug, thiserror::Error)]
#[error("this operator may no longer write")]
struct Over;

/// A body that breaks off once the fence is over, and the request with it.
struct Fenced {
    body: Body,
    fence: Arc<dyn Fence>,
}

/// The body, each piece of which is handed over before the fence is over or not at all.
pub(crate) fn fenced(body: Body, fence: &Arc<dyn Fence>) -> Body {
    Fenced { body, fence: Arc::clone(fence) }.boxed_unsync()
}

/// hyper (1.12, `proto/h1/dispatch.rs`) asks `is_end_stream`, then `size_hint`, when a connection is about to write the
/// head; it sends head and body only after `poll_frame` gave a piece or the end. A body without bytes is never polled:
/// once the fence is over it claims to have one, and is.
impl http_body::Body for Fenced {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.fence.may_send() {
            Pin::new(&mut self.body).poll_frame(context)
        } else {
            Poll::Ready(Some(Err(Over.into())))
        }
    }

    fn is_end_stream(&self) -> bool {
        self.fence.may_send() && self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        if self.fence.may_send() { self.body.size_hint() } else { SizeHint::with_exact(1) }
    }
}

#[cfg(test)]
mod tests;
