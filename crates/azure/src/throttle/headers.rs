//! What Azure's answers say about the pace: `Retry-After` and the budgets that are left.

use crate::observe::RequestKind;
use acivnet_core::retry::LONGEST_WAIT;
use http::HeaderMap;
use jiff::{Timestamp, fmt::rfc2822};
use std::time::Duration;

/// `Retry-After` in seconds or as an HTTP date (RFC 9110, section 10.2.3), at most [`LONGEST_WAIT`]: more is not believed.
/// What can't be read, and a negative number, is no wait; a date that is over is one of no length.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(LONGEST_WAIT, Duration::from_secs).min(LONGEST_WAIT));
    }
    let at = rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default().min(LONGEST_WAIT))
}

/// The smallest of the budgets named by `x-ms-ratelimit-remaining-*` (Azure Resource Manager, "Understand how Azure
/// Resource Manager throttles requests").
pub fn remaining(headers: &HeaderMap) -> Option<u64> {
    let budgets = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-ms-ratelimit-remaining-"));
    budgets.filter_map(|(_, value)| value.to_str().ok()?.trim().parse().ok()).min()
}

/// How many requests of a kind are left of the subscription's bucket.
pub(super) fn left(headers: &HeaderMap, kind: RequestKind) -> Option<u64> {
    let name = match kind {
        RequestKind::Read => "x-ms-ratelimit-remaining-subscription-reads",
        RequestKind::Write => "x-ms-ratelimit-remaining-subscription-writes",
        RequestKind::Delete => "x-ms-ratelimit-remaining-subscription-deletes",
    };
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// How many requests are left of a provider's window, the least of those that are told: `x-ms-ratelimit-remaining-resource:
/// Microsoft.Network/Writes5Min;17`, as Microsoft.Compute documents it ("Troubleshooting API throttling errors").
pub(super) fn left_of_provider(headers: &HeaderMap, namespace: &str) -> Option<u64> {
    let told = headers.get_all("x-ms-ratelimit-remaining-resource").iter().filter_map(|value| value.to_str().ok());
    let policies = told.flat_map(|text| text.split(',')).filter_map(|policy| policy.trim().rsplit_once(';'));
    let own = policies.filter(|(name, _)| name.split('/').next().is_some_and(|of| of.eq_ignore_ascii_case(namespace)));
    own.filter_map(|(_, left)| left.trim().parse().ok()).min()
}

/// Whether it was Resource Manager itself that refused for being asked too often, and not the provider behind it.
///
/// Resource Manager says `x-ms-failure-cause: gateway`. Of a provider's own refusals the recorded ones have no such header
/// (tests recorded for Microsoft's SDKs: none of 403 refusals with 4xx), others have `service`. Without it the limits tell:
/// a budget of Resource Manager that is used up ("Understand how Azure Resource Manager throttles requests"), or a code
/// that names one.
pub(super) fn is_of_resource_manager(headers: &HeaderMap, codes: &[&str]) -> bool {
    match headers.get("x-ms-failure-cause").and_then(|cause| cause.to_str().ok()).map(str::trim) {
        Some(cause) if cause.eq_ignore_ascii_case("gateway") => true,
        Some(cause) if cause.eq_ignore_ascii_case("service") => false,
        _ => is_used_up(headers) || codes.iter().any(|code| names_budget(code)),
    }
}

/// Whether a budget of the subscription or the tenant has nothing left. Those of resources are the providers'.
fn is_used_up(headers: &HeaderMap) -> bool {
    let budget = |name: &str| {
        let of = name.strip_prefix("x-ms-ratelimit-remaining-");
        of.is_some_and(|of| {
            (of.starts_with("subscription-") || of.starts_with("tenant-")) && !of.contains("-resource-")
        })
    };
    let budgets = headers.iter().filter(|(name, _)| budget(name.as_str()));
    budgets.filter_map(|(_, value)| value.to_str().ok()?.trim().parse::<i64>().ok()).any(|left| left <= 0)
}

fn names_budget(code: &str) -> bool {
    ["SubscriptionRequestsThrottled", "TenantRequestsThrottled"].iter().any(|one| one.eq_ignore_ascii_case(code))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn waits_are_read_and_bounded() {
        let now: Timestamp = "2026-11-22T12:00:00Z".parse().unwrap();
        for (text, expected) in [
            ("11", Some(11)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(300)),
            ("7200", Some(300)),
            ("-5", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("Sun, 22 Nov 2026 12:00:30 GMT", Some(30)),
            ("Sun, 22 Nov 2026 11:00:00 GMT", Some(0)),
            ("-99999999999999999999999", None),
            ("1e9", None),
            ("Sun, 22 Nov 2026 12:00:30", None),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
            ("Sat, 22 Nov 9000 12:00:00 GMT", Some(300)),
            ("Tue, 22 Nov 2050 12:00:00 GMT", Some(300)),
        ] {
            assert_eq!(
                retry_after(&headers(&[("retry-after", text)]), now),
                expected.map(Duration::from_secs),
                "{text:?}"
            );
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn the_narrowest_budget_counts() {
        let found = remaining(&headers(&[
            ("x-ms-ratelimit-remaining-subscription-reads", "249"),
            ("x-ms-ratelimit-remaining-subscription-resource-requests-pt5m", "99"),
            ("x-ms-ratelimit-remaining-resource", "Microsoft.Compute/x;7"),
            ("x-other", "1"),
        ]));
        assert_eq!(found, Some(99));
        assert_eq!(remaining(&HeaderMap::new()), None);
    }

    #[test]
    fn a_providers_window_is_told_with_its_name() {
        for (text, expected) in [
            ("Microsoft.Network/Writes5Min;17", Some(17)),
            ("Microsoft.Network/a;17, microsoft.network/b;9", Some(9)),
            ("Microsoft.Compute/LowCostGet3Min;107", None),
            ("Microsoft.Network/a", None),
            ("Microsoft.Network/a;-1", None),
        ] {
            let headers = headers(&[("x-ms-ratelimit-remaining-resource", text)]);
            assert_eq!(left_of_provider(&headers, "microsoft.network"), expected, "{text}");
        }
        assert_eq!(left_of_provider(&HeaderMap::new(), "microsoft.network"), None);
    }

    #[test]
    fn a_refusal_is_told_from_resource_managers() {
        let reads = "x-ms-ratelimit-remaining-subscription-reads";
        for (pairs, code, expected) in [
            (&[("x-ms-failure-cause", "gateway")][..], "TooManyRequests", true),
            (&[("x-ms-failure-cause", "service")], "TooManyRequests", false),
            (&[("x-ms-failure-cause", "service"), (reads, "0")], "TooManyRequests", false),
            (&[], "TooManyRequests", false),
            (&[(reads, "248")], "TooManyRequests", false),
            (&[(reads, "0")], "TooManyRequests", true),
            (&[("x-ms-ratelimit-remaining-subscription-global-writes", "-1")], "429", true),
            (&[("x-ms-ratelimit-remaining-tenant-reads", "0")], "429", true),
            (&[("x-ms-ratelimit-remaining-subscription-resource-requests-pt5m", "0")], "429", false),
            (&[("x-ms-ratelimit-remaining-resource", "Microsoft.Network/x;0")], "429", false),
            (&[], "SubscriptionRequestsThrottled", true),
        ] {
            assert_eq!(is_of_resource_manager(&headers(pairs), &[code]), expected, "{pairs:?} {code}");
        }
    }
}
