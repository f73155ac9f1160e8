//! The one door for writes to Azure.

use crate::fence::Fence;
use acivnet_api::conditions::reasons;
use acivnet_core::{failure::Failure, retry::Retry};
use std::sync::Arc;

const NOT_LEADING: &str = "NotLeading";

/// Whether a write was not sent, or its answer not waited for, because this process may no longer write. Whoever may will
/// see to it, so nobody needs to hear of it.
pub fn is_not_leading(failure: &Failure) -> bool {
    failure.code == NOT_LEADING
}

pub(crate) fn not_leading() -> Failure {
    let message = "not written: the lease of this operator has ended or soon will";
    Failure::local(NOT_LEADING, message, Retry::Soon, reasons::BUSY)
}

/// Permission to carry out one write. Only a [`Gate`] gives it. It ends with the fence of its gate.
#[must_use]
pub struct WritePermit(Arc<dyn Fence>);

impl WritePermit {
    pub(crate) fn fence(&self) -> &Arc<dyn Fence> {
        &self.0
    }
}

/// Permits writes as long as its fence does.
pub struct Gate(Arc<dyn Fence>);

impl Gate {
    pub(crate) fn new(fence: Arc<dyn Fence>) -> Self {
        Self(fence)
    }

    /// A permit for one write.
    ///
    /// # Errors
    /// [`is_not_leading`]: no write may start.
    pub fn open(&self) -> Result<WritePermit, Failure> {
        if self.0.may_start() { Ok(WritePermit(Arc::clone(&self.0))) } else { Err(not_leading()) }
    }
}
