//! How long a cause counts as work before it counts as stalled.

use crate::{conditions::Conditions, failure::Cause};
use acivnet_api::conditions::{reasons, types};

enum Patience {
    None,
    Some,
    Endless,
}

/// Roles take minutes to spread and a workspace may come in the same apply: such causes count as work for a while.
fn patience(reason: &str) -> Patience {
    use reasons as r;
    match reason {
        r::INVALID_SPEC
        | r::ADOPTION_REFUSED
        | r::REFERENCE_DIFFERS
        | r::SERVICE_NAME_TAKEN
        | r::COMPUTE_NAME_TAKEN
        | r::COMPUTE_INSTANCE_FAILED
        | r::COMPUTE_INSTANCE_DELETED
        | r::COMPUTE_INSTANCE_RETAINED
        | r::REPLACEMENT_REFUSED
        | r::ADDRESS_OVERLAP
        | r::APPROVAL_REQUIRED
        | r::SUSPENDED
        | r::DRIFTED
        | r::REGION_MISMATCH
        | r::VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP
        | r::VIRTUAL_NETWORK_DIFFERS
        | r::SUBNET_IN_USE_BY_OTHER
        | r::CONDA_FILE_INVALID
        | r::MODEL_UNREADABLE
        | r::FILE_EMPTY
        | r::SCORING_SCRIPT_CRASHED
        | r::OUT_OF_MEMORY
        | r::WORKER_CRASHED
        | r::IMAGE_BUILD_FAILED
        | r::QUOTA_EXCEEDED
        | r::SUBSCRIPTION_DISABLED
        | r::ADDRESS_OUTSIDE_SUBNET
        | r::ADDRESS_NOT_ALLOWED
        | r::ADDRESS_UNKNOWN
        | r::CERTIFICATE_INVALID
        | r::SECRET_KEY_MISSING
        | r::SECRET_VALUE_INVALID
        | r::AZURE_REFUSED => Patience::None,
        r::PROGRESSING
        | r::CREATING
        | r::UPDATING
        | r::BUILDING
        | r::DELETING
        | r::BUSY
        | r::READING_MODEL
        | r::THROTTLED
        | r::AZURE_UNREACHABLE
        | r::WAITING_FOR_SUBNET
        | r::SUBNET_NOT_READY
        | r::REGION_CAPACITY
        | r::PROBE_FAILED
        | r::SUBNET_IN_USE
        | r::SERVICE_ASSOCIATION_LINK => Patience::Endless,
        _ => Patience::Some,
    }
}

/// Sets `Reconciling` (work goes on) or `Stalled` (nothing moves without a person), never both.
pub fn progress(conditions: &mut Conditions<'_>, cause: Option<&Cause>, stalled_after_seconds: i64) {
    let Some(cause) = cause else { return };
    let stalled = match patience(cause.reason) {
        Patience::None => true,
        Patience::Some => lasted(conditions, cause.reason) >= stalled_after_seconds,
        Patience::Endless => false,
    };
    let type_ = if stalled { types::STALLED } else { types::RECONCILING };
    conditions.set(type_, Some(true), cause.reason, cause.message.clone());
}

/// How long a cause has held the work, in seconds; for ever, once it counted as stalled.
pub fn lasted(conditions: &Conditions<'_>, reason: &str) -> i64 {
    let stalled = conditions.seconds_as(types::STALLED, reason).map(|_| i64::MAX);
    stalled.or_else(|| conditions.seconds_as(types::RECONCILING, reason)).unwrap_or_default()
}

/// Whether a cause goes by itself as long as deleting goes on, so that at first it holds nothing.
pub fn passes_while_deleting(reason: &str) -> bool {
    matches!(patience(reason), Patience::Endless) && reason != reasons::SUBNET_IN_USE
}
