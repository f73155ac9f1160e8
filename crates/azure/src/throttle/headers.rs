//! What Azure's answers say about the pace: `Retry-After` and the budgets that are left.

use http::HeaderMap;
use jiff::{Timestamp, fmt::rfc2822};
use std::time::Duration;

/// Longest wait that is believed.
const LONGEST: Duration = Duration::from_secs(3600);

/// `Retry-After` in seconds or as an HTTP date (RFC 9110, section 10.2.3), at most one hour. What can't be read, and a
/// negative number, is no wait.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(text.parse().map_or(LONGEST, Duration::from_secs).min(LONGEST));
    }
    let at = rfc2822::parse(text).ok()?.timestamp();
    Some(Duration::try_from(at.duration_since(now)).unwrap_or_default().min(LONGEST))
}

/// The smallest of the budgets named by `x-ms-ratelimit-remaining-*` (Azure Resource Manager, "Understand how Azure
/// Resource Manager throttles requests").
pub fn remaining(headers: &HeaderMap) -> Option<u64> {
    let budgets = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-ms-ratelimit-remaining-"));
    budgets.filter_map(|(_, value)| value.to_str().ok()?.trim().parse().ok()).min()
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
            ("99999999999999999999999", Some(3600)),
            ("7200", Some(3600)),
            ("-5", None),
            ("1.5", None),
            ("", None),
            ("soon", None),
            ("Sun, 22 Nov 2026 12:00:30 GMT", Some(30)),
            ("Sun, 22 Nov 2026 11:00:00 GMT", Some(0)),
            ("Tue, 22 Nov 2050 12:00:00 GMT", Some(3600)),
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
}
