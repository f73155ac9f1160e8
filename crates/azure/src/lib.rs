//! Speaks to Azure: Resource Manager, the Azure ML data plane of version 1, blob uploads, sign-in.
//!
//! One [`Connector`] stands for the process, and one [`Azure`] for one reconcile of one object under one [`Identity`]. Reads
//! answer with facts, writes say how far they got, and nothing waits for Azure: an operation that goes on is for the next
//! reconcile to look at.
//!
//! What holds:
//!
//! - Everything leaves through one [`Http`], once the [`throttle`] permits it.
//! - A token goes only to hosts of the configured cloud; that of Resource Manager never to blob storage, which has its own.
//! - A failed read is never absence.
//! - Every write takes a [`WritePermit`] and ends with it.
//! - No secret is in any text.
//!
//! Where to begin: `arm/mod.rs` for Resource Manager, `machine_learning/mod.rs` for the data plane, `request.rs` for the way of
//! one request, `carry_out.rs` for a write of a plan.

mod answer;
mod arm;
mod carry_out;
mod clock;
mod cloud;
mod connector;
mod error;
mod fence;
mod gate;
pub mod http;
pub mod limits;
mod machine_learning;
mod observe;
mod random;
mod remote;
mod request;
mod request_limits;
mod room;
mod sign_in;
pub mod throttle;

#[cfg(test)]
mod script;

pub use crate::http::{
    Body, BoxError, CollectError, DialAt, Http, ReqwestHttp, SendError, TimeLimit, ToEndpoint, collect, empty, full,
};
pub use arm::{Each, operation::Glance};
pub use carry_out::{PayloadStream, Payloads};
pub use clock::{Clock, SystemClock, TokioClock};
pub use cloud::{Cloud, NetworkLimits};
pub use connector::{Azure, Connector, ConnectorConfig};
pub use fence::Fence;
pub use gate::{Gate, WritePermit, is_not_leading};
pub use machine_learning::service_keys::Keys;
pub use observe::{Class, Observer, RequestKind, Sent, Waited};
pub use random::{Random, SplitMix};
pub use remote::{ModelLimits, Version};
pub use sign_in::{Assertion, AssertionSource, Identity, IdentityKey, Secret};
pub use throttle::{CallContext, Priority};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks what is never held over a panic or a wait.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
