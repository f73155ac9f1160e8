//! Retry classes of Azure's errors, and the delay of each class.

use acivnet_api::conditions::reasons;
use std::time::Duration;

/// The longest `Retry-After` that is obeyed. If Azure is asked too early, it says so again; and a wrong value
/// (milliseconds, a time of day, a wrong clock) costs minutes, not hours.
pub const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// When to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Azure said when.
    After(Duration),
    /// Expected to pass within seconds: an operation is running, another one or ours.
    Soon,
    /// Known to pass within minutes: every 20 seconds, at an even pace.
    Steadily,
    /// A fault: exponentially, from one second to three minutes.
    Backoff,
    /// Somebody has to act: exponentially, from five seconds to five minutes.
    Slowly,
    /// Only a change of the spec helps. Tried every hour all the same.
    OnSpecChange,
}

impl Retry {
    /// How long to wait after the `attempt`-th failure in a row, counted from 0. `jitter`, from 0 to 1, spreads the
    /// result by up to a quarter in either direction, but never below what Azure asked for, up to [`LONGEST_WAIT`].
    pub fn delay(self, attempt: u32, jitter: f64) -> Duration {
        let spread = |seconds: f64| Duration::from_secs_f64(seconds * (0.75 + jitter.clamp(0.0, 1.0) / 2.0));
        match self {
            Self::After(wait) => {
                wait.min(LONGEST_WAIT) + Duration::from_millis((jitter.clamp(0.0, 1.0) * 200.0) as u64)
            }
            Self::Soon => spread(f64::from(1 << attempt.min(3)).min(10.0)),
            Self::Steadily => spread(20.0),
            Self::Backoff => spread(f64::from(1 << attempt.min(8)).min(180.0)),
            Self::Slowly => spread((5.0 * f64::from(1 << attempt.min(6))).min(300.0)),
            Self::OnSpecChange => spread(3600.0),
        }
    }
}

/// Class and reason of an Azure error, by its codes, the most specific first, or else by its HTTP status (0: no answer).
///
/// Sources: Azure Resource Manager "Troubleshoot common Azure deployment errors", the error classes of Azure Service
/// Operator, and the pages of the services named in the table. No class is final, since most refusals pass.
pub fn classify(status: u16, codes: &[&str]) -> (Retry, &'static str) {
    codes.iter().find_map(|code| by_code(code)).unwrap_or_else(|| by_status(status))
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn by_code(code: &str) -> Option<(Retry, &'static str)> {
    use {Retry::*, reasons as r};
    Some(match code {
        "RetryableErrorDueToAnotherOperation"
        | "RetryableError"
        | "ReferencedResourceNotProvisioned"
        | "AnotherOperationInProgress" => (Soon, r::BUSY),
        "Canceled"
        | "CanceledAndSupersededDueToAnotherOperation"
        | "ContainerGroupTransitioning"
        | "ContainerLogNotAvailable" => (Soon, r::BUSY),
        "PreconditionFailed" | "PreconditionFailedEtagMismatch" | "ConditionNotMet" => (Soon, r::BUSY),
        "InUseSubnetCannotBeDeleted"
        | "InUseNetworkSecurityGroupCannotBeDeleted"
        | "InUsePrefixCannotBeDeleted"
        | "CannotDeleteNatGatewayAssociatedToSubnet"
        | "PublicIPAddressCannotBeDeleted"
        | "CannotDeleteResource" => (Backoff, r::SUBNET_IN_USE),
        "InvalidResourceReference" | "ServiceExists" => (Backoff, r::BUSY),
        "ResourceGroupBeingDeleted" | "ResourceGroupNotFound" => (Slowly, r::RESOURCE_GROUP_NOT_FOUND),
        "SubscriptionNotFound" | "InvalidSubscriptionId" => (Slowly, r::SUBSCRIPTION_NOT_FOUND),
        // reads and deletions still work, writes don't ("Azure subscription states")
        "ReadOnlyDisabledSubscription" | "SubscriptionDisabled" | "DisabledSubscription" | "SubscriptionNotActive" => {
            (Slowly, r::SUBSCRIPTION_DISABLED)
        }
        "WorkspaceNotFound" | "WorkspaceNotFoundError" => (Slowly, r::WORKSPACE_NOT_FOUND),
        "TooManyRequests" | "429" | "SubscriptionRequestsThrottled" | "ServerBusy" => (Backoff, r::THROTTLED),
        "AuthorizationFailed"
        | "LinkedAuthorizationFailed"
        | "AuthorizationPermissionMismatch"
        | "AuthorizationFailure" => (Slowly, r::FORBIDDEN),
        "InvalidAuthenticationToken"
        | "ExpiredAuthenticationToken"
        | "InvalidAuthenticationTokenTenant"
        | "AuthenticationFailed"
        | "EmptyOrInvalidToken" => (Slowly, r::CREDENTIALS_REFUSED),
        "RequestDisallowedByPolicy" => (Slowly, r::POLICY_DENIED),
        "ScopeLocked" | "CannotDeleteResourceWithLock" => (Slowly, r::AZURE_LOCK),
        "MissingSubscriptionRegistration"
        | "SubscriptionNotRegistered"
        | "MissingRegistrationForLocation"
        | "InvalidSubscriptionRegistrationState" => (Slowly, r::PROVIDER_NOT_REGISTERED),
        "ContainerGroupQuotaReached" | "QuotaExceeded" | "ResourceQuotaExceeded" => (Slowly, r::QUOTA_EXCEEDED),
        code if is_count_limit(code) => (Slowly, r::QUOTA_EXCEEDED),
        "SubnetIsFull" => (Slowly, r::SUBNET_FULL),
        "SubnetMissingRequiredDelegation" => (Slowly, r::SUBNET_NOT_DELEGATED),
        "SubnetDelegationsCannotChangeWhenSubnetUsedByResource" | "InUseSubnetCannotBeUpdated" => {
            (Slowly, r::SUBNET_IN_USE_BY_OTHER)
        }
        "NetcfgSubnetRangesOverlap" | "NetcfgSubnetRangeOutsideVnet" | "NetcfgInvalidSubnet" => {
            (Slowly, r::ADDRESS_OVERLAP)
        }
        "CrashLoopBackOff" => (Slowly, r::SCORING_SCRIPT_CRASHED),
        "InaccessibleImage" | "ImagePullBackOff" => (Slowly, r::IMAGE_NOT_PULLED),
        "ImageBuildFailed" | "EnvironmentBuildFailed" => (Slowly, r::IMAGE_BUILD_FAILED),
        "LocationNotAvailableForResourceType"
        | "NoRegisteredProviderFound"
        | "SubnetAndContainerGroupMustBeInSameRegion"
        | "SubnetRegionMismatch" => (Slowly, r::REGION_MISMATCH),
        "InvalidCIDRNotation"
        | "NetcfgInvalidIPAddressPrefix"
        | "InvalidAddressPrefixFormat"
        | "InvalidRequestFormat"
        | "InvalidRequestContent" => (OnSpecChange, r::INVALID_SPEC),
        code if code.ends_with("RequestsThrottled") => (Backoff, r::THROTTLED),
        code if code.starts_with("SecurityRule") => (OnSpecChange, r::INVALID_SPEC),
        _ => return None,
    })
}

/// Microsoft.Network's limits on the number of resources in a region or subscription: `PublicIPCountLimitReached`,
/// `NetworkSecurityGroupCountLimitReached`, `PublicIpCountExceeded…`.
fn is_count_limit(code: &str) -> bool {
    code.ends_with("CountLimitReached") || code.ends_with("CountLimitExceeded") || code.ends_with("QuotaExceeded")
}

fn by_status(status: u16) -> (Retry, &'static str) {
    use {Retry::*, reasons as r};
    match status {
        0 | 408 | 500..=599 => (Backoff, r::AZURE_UNREACHABLE),
        401 => (Slowly, r::CREDENTIALS_REFUSED),
        403 => (Slowly, r::FORBIDDEN),
        409 | 412 => (Soon, r::BUSY),
        429 => (Backoff, r::THROTTLED),
        400 => (OnSpecChange, r::AZURE_REFUSED),
        _ => (Slowly, r::AZURE_REFUSED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_telling_code_wins() {
        for (status, codes, want) in [
            (429, &["RetryableErrorDueToAnotherOperation", "RetryableError"][..], (Retry::Soon, reasons::BUSY)),
            (400, &["SubnetIsFull", "BadRequest"], (Retry::Slowly, reasons::SUBNET_FULL)),
            (429, &["ReadRequestsThrottled"], (Retry::Backoff, reasons::THROTTLED)),
            (400, &["Surprise"], (Retry::OnSpecChange, reasons::AZURE_REFUSED)),
            (404, &["Surprise"], (Retry::Slowly, reasons::AZURE_REFUSED)),
            (502, &[], (Retry::Backoff, reasons::AZURE_UNREACHABLE)),
            (409, &["ReadOnlyDisabledSubscription"], (Retry::Slowly, reasons::SUBSCRIPTION_DISABLED)),
            (400, &["PublicIPCountLimitReached"], (Retry::Slowly, reasons::QUOTA_EXCEEDED)),
            (403, &["RequestDisallowedByPolicy"], (Retry::Slowly, reasons::POLICY_DENIED)),
        ] {
            assert_eq!(classify(status, codes), want, "{status} {codes:?}");
        }
    }

    #[test]
    fn delays_grow_and_end() {
        let seconds = |retry: Retry, attempt| retry.delay(attempt, 0.5).as_secs();
        assert_eq!(
            (0..10).map(|n| seconds(Retry::Backoff, n)).collect::<Vec<_>>(),
            [1, 2, 4, 8, 16, 32, 64, 128, 180, 180]
        );
        assert_eq!((seconds(Retry::Soon, 0), seconds(Retry::Soon, 9)), (1, 8));
        assert_eq!((seconds(Retry::Slowly, 0), seconds(Retry::Slowly, 99)), (5, 300));
        assert_eq!((seconds(Retry::Steadily, 0), seconds(Retry::Steadily, 99)), (20, 20));
        assert_eq!(seconds(Retry::OnSpecChange, 0), 3600);
        let asked = Duration::from_secs(11);
        assert!(Retry::After(asked).delay(0, 0.0) >= asked);
        assert_eq!(Retry::After(Duration::from_secs(1 << 40)).delay(0, 0.0), LONGEST_WAIT);
    }
}
