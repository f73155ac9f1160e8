//! How long a cause counts as work before it counts as stalled.

use crate::{conditions::Conditions, failure::Cause};
use acivnet_api::conditions::{reasons, types};

/// Somebody has to act: these count as stalled at once.
const AT_ONCE: &[&str] = &[
    reasons::INVALID_SPEC,
    reasons::ADOPTION_REFUSED,
    reasons::REFERENCE_DIFFERS,
    reasons::SERVICE_NAME_TAKEN,
    reasons::COMPUTE_NAME_TAKEN,
    reasons::COMPUTE_INSTANCE_FAILED,
    reasons::COMPUTE_INSTANCE_DELETED,
    reasons::COMPUTE_INSTANCE_RETAINED,
    reasons::REPLACEMENT_REFUSED,
    reasons::ADDRESS_OVERLAP,
    reasons::APPROVAL_REQUIRED,
    reasons::SUSPENDED,
    reasons::DRIFTED,
    reasons::REGION_MISMATCH,
    reasons::VIRTUAL_NETWORK_NOT_IN_WORKSPACE_RESOURCE_GROUP,
    reasons::VIRTUAL_NETWORK_DIFFERS,
    reasons::SUBNET_IN_USE_BY_OTHER,
    reasons::CONDA_FILE_INVALID,
    reasons::MODEL_UNREADABLE,
    reasons::FILE_EMPTY,
    reasons::SCORING_SCRIPT_CRASHED,
    reasons::OUT_OF_MEMORY,
    reasons::WORKER_CRASHED,
    reasons::IMAGE_BUILD_FAILED,
    reasons::QUOTA_EXCEEDED,
    reasons::SUBSCRIPTION_DISABLED,
    reasons::ADDRESS_OUTSIDE_SUBNET,
    reasons::ADDRESS_NOT_ALLOWED,
    reasons::ADDRESS_UNKNOWN,
    reasons::CERTIFICATE_INVALID,
    reasons::SECRET_KEY_MISSING,
    reasons::SECRET_VALUE_INVALID,
    reasons::AZURE_REFUSED,
];

/// These pass by themselves, however long it takes: they never count as stalled.
const NEVER: &[&str] = &[
    reasons::PROGRESSING,
    reasons::CREATING,
    reasons::UPDATING,
    reasons::BUILDING,
    reasons::DELETING,
    reasons::BUSY,
    reasons::READING_MODEL,
    reasons::THROTTLED,
    reasons::AZURE_UNREACHABLE,
    reasons::WAITING_FOR_SUBNET,
    reasons::SUBNET_NOT_READY,
    reasons::REGION_CAPACITY,
    reasons::PROBE_FAILED,
    reasons::SUBNET_IN_USE,
    reasons::SERVICE_ASSOCIATION_LINK,
];

/// These may pass by themselves, and count as stalled after `--stalled-after-seconds`: roles take minutes to spread, and a
/// workspace may be created in the same apply. Reasons of True conditions hold no work, and are listed here too.
const AFTER_A_WHILE: &[&str] = &[
    reasons::SETTLED,
    reasons::DELEGATED,
    reasons::SERVING,
    reasons::ABSENT,
    reasons::FORBIDDEN,
    reasons::POLICY_DENIED,
    reasons::AZURE_LOCK,
    reasons::PROVIDER_NOT_REGISTERED,
    reasons::SUBSCRIPTION_NOT_FOUND,
    reasons::RESOURCE_GROUP_NOT_FOUND,
    reasons::VIRTUAL_NETWORK_NOT_FOUND,
    reasons::SUBNET_NOT_FOUND,
    reasons::SECURITY_GROUP_NOT_FOUND,
    reasons::ROUTE_TABLE_NOT_FOUND,
    reasons::WORKSPACE_NOT_FOUND,
    reasons::NO_NAT_GATEWAY,
    reasons::NAT_GATEWAY,
    reasons::EXISTING_ROUTE,
    reasons::NO_EGRESS_WANTED,
    reasons::NAT_GATEWAY_IN_USE,
    reasons::SUBNET_NOT_DELEGATED,
    reasons::SUBNET_FULL,
    reasons::ADDRESSES_FREE,
    reasons::CONFIG_MAP_NOT_FOUND,
    reasons::SECRET_NOT_FOUND,
    reasons::SECRET_FORBIDDEN,
    reasons::SECRET_STORED_READABLE,
    reasons::MODEL_NOT_FOUND,
    reasons::REGISTRATION_FAILED,
    reasons::REGISTERED,
    reasons::BUILT,
    reasons::IMAGE_NOT_PULLED,
    reasons::SERVICE_FAILED,
    reasons::HEALTHY,
    reasons::PASSED,
    reasons::UNREACHABLE,
    reasons::UNAUTHORIZED,
    reasons::UNEXPECTED_STATUS,
    reasons::UNEXPECTED_BODY,
    reasons::NOT_CONFIGURED,
    reasons::IN_SYNC,
    reasons::COMPLETE,
    reasons::SDK_V1_RETIRED,
    reasons::TOKEN_ACCEPTED,
    reasons::SERVICE_ACCOUNT_NOT_FOUND,
    reasons::ANNOTATION_MISSING,
    reasons::FEDERATION_MISSING,
    reasons::SECRET_MISSING,
    reasons::CREDENTIALS_REFUSED,
    reasons::CREDENTIALS_LOST,
];

/// A new reason does not compile until it is in exactly one of the lists.
const _: () = {
    let mut all = reasons::ALL;
    while let [(reason, _), rest @ ..] = all {
        let lists = has(AT_ONCE, reason) as u8 + has(NEVER, reason) as u8 + has(AFTER_A_WHILE, reason) as u8;
        assert!(lists == 1, "say in exactly one of the lists how long the new reason counts as work");
        all = rest;
    }
};

const fn has(mut list: &[&str], reason: &str) -> bool {
    while let [one, rest @ ..] = list {
        if same(one.as_bytes(), reason.as_bytes()) {
            return true;
        }
        list = rest;
    }
    false
}

const fn same(mut one: &[u8], mut other: &[u8]) -> bool {
    while let ([a, ones @ ..], [b, others @ ..]) = (one, other) {
        if *a != *b {
            return false;
        }
        (one, other) = (ones, others);
    }
    one.is_empty() && other.is_empty()
}

/// Sets `Reconciling` (work goes on) or `Stalled` (nothing moves until somebody acts), never both.
pub fn progress(conditions: &mut Conditions<'_>, cause: Option<&Cause>, stalled_after_seconds: i64) {
    let Some(cause) = cause else { return };
    let waited = || lasted(conditions, cause.reason) >= stalled_after_seconds;
    let stalled = has(AT_ONCE, cause.reason) || !has(NEVER, cause.reason) && waited();
    let type_ = if stalled { types::STALLED } else { types::RECONCILING };
    conditions.set(type_, Some(true), cause.reason, cause.message.clone());
}

/// For how many seconds a cause has held work; `i64::MAX` once it counts as stalled.
pub fn lasted(conditions: &Conditions<'_>, reason: &str) -> i64 {
    let stalled = conditions.seconds_as(types::STALLED, reason).map(|_| i64::MAX);
    stalled.or_else(|| conditions.seconds_as(types::RECONCILING, reason)).unwrap_or_default()
}

/// Whether a cause passes by itself while a deletion goes on, so that it does not block the deletion at first.
pub fn passes_while_deleting(reason: &str) -> bool {
    has(NEVER, reason) && reason != reasons::SUBNET_IN_USE
}
