//! TLS: a certificate and its key in a Secret. Core knows only the certificate's names, times and digest.

use crate::{
    failure::Cause,
    observed::{Fact, Observed},
    questions::{ClusterQuestion, Question},
};
use acivnet_api::{AciVnetDeployment, conditions::reasons};
use jiff::Timestamp;
use serde_json::Value;

/// Key of the certificate in the Secret.
pub(super) const CERTIFICATE: &str = "tls.crt";
/// Key of the private key in the Secret.
pub(super) const KEY: &str = "tls.key";
/// Key of the CA certificates that a probe trusts.
pub(super) const AUTHORITIES: &str = "ca.crt";
/// How long before its end a certificate is reported, in seconds: 14 days. Renewers such as cert-manager act earlier (a
/// third of the lifetime), so whoever sees the message has to act.
const SOON: i64 = 14 * 24 * 3600;

/// The shell's facts about the certificate in the Secret.
fn certificate(cr: &AciVnetDeployment, observed: &Observed) -> Option<Value> {
    let secret = cr.spec.tls.as_ref()?.secret_ref.name.clone();
    let Fact::Present(body) = observed.fact(&Question::Cluster(ClusterQuestion::Secret(secret))) else { return None };
    body.get("certificate").cloned()
}

fn text<'a>(certificate: &'a Value, member: &str) -> &'a str {
    certificate.get(member).and_then(Value::as_str).unwrap_or_default()
}

/// Refuses a certificate that can't be used, before the first write.
pub(super) fn check(cr: &AciVnetDeployment, observed: &Observed, now: Timestamp) -> Result<(), Cause> {
    let (Some(tls), Some(certificate)) = (&cr.spec.tls, certificate(cr, observed)) else { return Ok(()) };
    let wrong = wrong(&certificate, &tls.hostname, now);
    let message = |wrong| format!("Secret {}: {wrong}", tls.secret_ref.name);
    wrong.map_or(Ok(()), |wrong| Err(Cause::person(reasons::CERTIFICATE_INVALID, message(wrong))))
}

/// What is wrong with a certificate, and what to do.
fn wrong(certificate: &Value, hostname: &str, now: Timestamp) -> Option<String> {
    if let Some(wrong) = certificate.get("wrong").and_then(Value::as_str) {
        return Some(wrong.to_owned());
    }
    let names: Vec<&str> = certificate.get("names")?.as_array()?.iter().filter_map(Value::as_str).collect();
    let time = |member: &str| text(certificate, member).parse::<Timestamp>().ok();
    if !names.iter().any(|name| matches(name, hostname)) {
        if names.is_empty() {
            return Some(format!(
                "tls.crt names no host (a common name no longer counts); issue one for DNS:{hostname}"
            ));
        }
        let names: String = crate::scrub::clean(&names.join(", ")).chars().take(100).collect();
        return Some(format!(
            "tls.crt is for [{names}] and not for {hostname}; correct spec.tls.hostname, or renew it"
        ));
    }
    match (time("notBefore"), time("notAfter")) {
        (_, Some(end)) if end <= now => Some(format!("tls.crt expired at {end}; renew it")),
        (Some(begin), _) if begin > now => {
            Some(format!("tls.crt is not valid before {begin}; use one that is valid now"))
        }
        _ => None,
    }
}

/// Whether a certificate's name matches a host (RFC 6125, section 6.4): a wildcard stands for one label.
fn matches(name: &str, hostname: &str) -> bool {
    let rest = name.strip_prefix("*.").zip(hostname.split_once('.'));
    name.eq_ignore_ascii_case(hostname) || rest.is_some_and(|(name, (_, rest))| name.eq_ignore_ascii_case(rest))
}

/// When the certificate expires.
pub(super) fn end(cr: &AciVnetDeployment, observed: &Observed) -> Option<Timestamp> {
    text(&certificate(cr, observed)?, "notAfter").parse().ok()
}

/// A remark if the certificate expires within 14 days.
pub(super) fn ends_soon(cr: &AciVnetDeployment, observed: &Observed, now: Timestamp) -> Option<String> {
    let end = end(cr, observed)?;
    let secret = &cr.spec.tls.as_ref()?.secret_ref.name;
    let soon = end.as_second() - now.as_second() < SOON;
    soon.then(|| format!("its certificate expires at {end}; renew Secret {secret}"))
}

/// Digest of the certificate; empty while it is unread.
pub(super) fn digest(cr: &AciVnetDeployment, observed: &Observed) -> String {
    let certificate = certificate(cr, observed).unwrap_or_default();
    let digest = text(&certificate, "digest").trim_start_matches("sha256:");
    digest.get(..32).unwrap_or(digest).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_wrong_with_a_certificate() {
        let certificate =
            |names: Value, begin: &str, end: &str| json!({"names": names, "notBefore": begin, "notAfter": end});
        let (past, now, later) = ("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2027-01-01T00:00:00Z");
        for (certificate, expected) in [
            (certificate(json!(["a.corp"]), past, later), None),
            (certificate(json!(["b.corp", "A.Corp"]), past, later), None),
            (certificate(json!(["*.corp"]), past, later), None),
            (certificate(json!(["*.a.corp"]), past, later), Some("not for a.corp")),
            (certificate(json!([]), past, later), Some("names no host")),
            (certificate(json!(["a.corp"]), past, now), Some("expired at")),
            (certificate(json!(["a.corp"]), later, later), Some("not valid before")),
            (json!({"wrong": "is no PEM"}), Some("is no PEM")),
        ] {
            let found = wrong(&certificate, "a.corp", now.parse().unwrap());
            let as_expected = match (&found, expected) {
                (Some(found), Some(expected)) => found.contains(expected),
                (found, expected) => found.is_none() && expected.is_none(),
            };
            assert!(as_expected, "{certificate}: {found:?}");
        }
    }
}
