//! The sample request of `spec.probe`: when it may be sent, and what its answer says about keys.

use super::{
    expectation, secrets,
    serving::{Serving, State},
};
use crate::{
    observed::{Fact, Observed},
    owner::content_digest,
    questions::{ClusterQuestion, ProbeRequest, ProbeTls, Question},
};
use acivnet_api::{AciVnetDeployment, Probe, conditions::reasons};
use serde_json::Value;

/// Default of `spec.probe.intervalSeconds` (see its description in the API).
const INTERVAL: i32 = 300;

pub(super) fn interval_seconds(probe: &Probe) -> u32 {
    probe.interval_seconds.unwrap_or(INTERVAL).unsigned_abs()
}

/// The question, once there is an address that may be called.
pub(super) fn question(cr: &AciVnetDeployment, observed: &Observed, serving: &Serving<'_>) -> Option<Question> {
    let probe = cr.spec.probe.as_ref()?;
    if serving.state != State::Healthy {
        return None;
    }
    let address = serving.address.as_ref().ok()?.as_ref()?;
    let key = serving.key.as_ref();
    // where TLS is wanted, the key is never sent without it
    if secrets::needs_key(cr) && (key.is_none() || cr.spec.tls.is_some() && !address.tls) {
        return None;
    }
    let expect = expectation::of(cr, observed).ok()?;
    let content = serving.content.map(content_digest);
    let version = key.map(|(_, version)| version.as_str());
    let revision: Vec<&str> = [content, serving.certificate, version].into_iter().flatten().collect();
    let secret = || cr.spec.tls.as_ref().map(|tls| tls.secret_ref.name.clone());
    Some(Question::Cluster(ClusterQuestion::Probe(ProbeRequest {
        url: address.scoring_uri.clone(),
        tls: address.tls.then(|| ProbeTls { address: address.ip, secret: secret() }),
        body: probe.request.config_map.clone(),
        expect,
        timeout_seconds: probe.timeout_seconds.unwrap_or(10).unsigned_abs(),
        interval_seconds: interval_seconds(probe),
        revision: revision.join(" "),
        key: key.map(|(key, _)| key.clone()),
    })))
}

/// Whether the sample request got an error or no answer, so that the container's log may say why.
pub(super) fn is_broken(observed: &Observed, question: &Question) -> bool {
    match observed.facts.get(question) {
        Some(Fact::Present(answer)) => answer.get("status").and_then(Value::as_u64).is_some_and(|status| status >= 500),
        Some(Fact::Unread(failure)) => failure.reason == reasons::UNREACHABLE,
        Some(Fact::Absent) | None => false,
    }
}

/// Whether this reconcile's probe was answered 401.
pub(super) fn refused(observed: &Observed) -> bool {
    let answers =
        observed.facts.iter().filter(|(question, _)| matches!(question, Question::Cluster(ClusterQuestion::Probe(_))));
    answers.into_iter().any(|(_, fact)| match fact {
        Fact::Present(answer) => answer.get("status").and_then(Value::as_u64) == Some(401),
        Fact::Absent | Fact::Unread(_) => false,
    })
}
