//! Whether a candidate may take the lease.

use k8s_openapi::api::coordination::v1::LeaseSpec;
use std::time::Duration;

/// What a candidate does after a look at the lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Decision {
    /// It is free, ours, or was not renewed: write our name into it.
    Take,
    /// Another holds it.
    Wait,
}

/// `seen` is the lease as it was seen last, even if it was deleted since: who held it may not know yet. `unchanged` is
/// how long it has been seen so. `own` stands for a duration that is not there or makes no sense.
pub(super) fn decide(me: &str, seen: Option<&LeaseSpec>, unchanged: Duration, own: Duration) -> Decision {
    let Some(seen) = seen else { return Decision::Take };
    let holder = seen.holder_identity.as_deref().unwrap_or_default();
    let seconds = seen.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    let lasts = seconds.filter(|seconds| *seconds > 0).map_or(own, Duration::from_secs);
    if holder.is_empty() || holder == me || unchanged >= lasts { Decision::Take } else { Decision::Wait }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_taken_from_nobody_or_from_who_let_it_lapse() {
        let lease = |holder: Option<&str>, seconds| {
            let holder_identity = holder.map(str::to_owned);
            Some(LeaseSpec { holder_identity, lease_duration_seconds: seconds, ..LeaseSpec::default() })
        };
        let seconds = |seconds: f64| Duration::from_secs_f64(seconds);
        for (seen, unchanged, expected) in [
            (None, 0.0, Decision::Take),
            (lease(None, None), 0.0, Decision::Take),
            (lease(Some(""), Some(15)), 0.0, Decision::Take),
            (lease(Some("me"), Some(15)), 0.0, Decision::Take),
            (lease(Some("other"), Some(15)), 0.0, Decision::Wait),
            (lease(Some("other"), Some(15)), 14.9, Decision::Wait),
            (lease(Some("other"), Some(15)), 15.0, Decision::Take),
            (lease(Some("other"), Some(60)), 15.0, Decision::Wait),
            (lease(Some("other"), Some(3)), 3.0, Decision::Take),
            // a duration that makes no sense: our own, 20 s
            (lease(Some("other"), None), 19.9, Decision::Wait),
            (lease(Some("other"), Some(0)), 19.9, Decision::Wait),
            (lease(Some("other"), Some(-5)), 20.0, Decision::Take),
        ] {
            let got = decide("me", seen.as_ref(), seconds(unchanged), seconds(20.0));
            assert_eq!(got, expected, "{seen:?} for {unchanged} s");
        }
    }
}
