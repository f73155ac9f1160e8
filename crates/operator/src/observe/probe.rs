//! The sample request to a scoring endpoint.

use crate::{
    cache::config_maps,
    kubernetes::networks::Networks,
    monitoring::metrics::Metrics,
    per_object::{PerObject, passed_probe::PassedProbe},
    reconcile::pace::Pace,
};
use acivnet_api::{ConfigMapKey, conditions::reasons};
use acivnet_azure::{Body, Clock, CollectError, DialAt, Http, Secret, SendError, TimeLimit, ToEndpoint, collect, full};
use acivnet_core::{
    expectation::{Expectation, LONGEST_ANSWER},
    failure::Failure,
    observed::Fact,
    retry::Retry,
    scrub::{self, Scrubber},
};
use http::{
    HeaderValue, Method, Request, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
    uri::Scheme,
};
use serde_json::json;
use std::{net::Ipv4Addr, time::Duration};
use tokio::time::Instant;

/// So much of an answer is read, and dropped once it is compared with what is expected.
pub(crate) const ANSWER: usize = LONGEST_ANSWER;

/// Makes sample requests, and remembers those that passed.
pub(crate) struct Prober<'a> {
    pub(crate) kube: &'a kube::Client,
    pub(crate) http: &'a dyn Http,
    pub(crate) networks: &'a Networks,
    pub(crate) clock: &'a dyn Clock,
    pub(crate) pace: Pace,
    pub(crate) metrics: &'a Metrics,
    pub(crate) per_object: &'a PerObject,
}

/// One probe to make.
pub(crate) struct Probe<'a> {
    /// Uid of the object.
    pub uid: &'a str,
    pub namespace: &'a str,
    pub url: &'a str,
    /// With TLS: what is dialled.
    pub tls: Option<DialAt>,
    pub body: &'a ConfigMapKey,
    /// What the web service knows the caller by.
    pub key: Option<Secret>,
    pub expect: &'a Expectation,
    /// Knows what the container was given and may answer.
    pub scrubber: Scrubber,
    pub timeout_seconds: u32,
    pub interval_seconds: u32,
    pub revision: &'a str,
}

impl Probe<'_> {
    pub(crate) fn address(&self) -> Option<Ipv4Addr> {
        self.tls.as_ref().map(|tls| tls.address)
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(u64::from(self.timeout_seconds))
    }
}

impl Prober<'_> {
    /// The fact for a probe: from memory while the last one vouches, else by a request.
    pub(crate) async fn fact(&self, probe: &Probe<'_>) -> Fact {
        if let Some(status) = self.vouched(probe) {
            return Fact::Present(json!({"status": status}));
        }
        let begin = Instant::now();
        let answer = self.send(probe).await;
        let took = begin.elapsed();
        if let Some(result) = result(&answer) {
            self.metrics.probe(result, took);
        }
        match answer {
            Ok((status, None)) => {
                // only what passed is remembered: anything else is tried again
                let passed = is_success(status).then(|| PassedProbe::new(probe, self.clock.now(), status, took));
                self.remember(probe.uid, passed);
                Fact::Present(json!({"status": status}))
            }
            Ok((status, Some(unlike))) => {
                self.remember(probe.uid, None);
                Fact::Present(json!({"status": status, "unlike": unlike}))
            }
            Err(failure) => Fact::Unread(failure),
        }
    }

    /// A sweep comes up to a tenth early: what is nearly too old is too old.
    fn vouched(&self, probe: &Probe<'_>) -> Option<u16> {
        let lasts = self.pace.of(Duration::from_secs(u64::from(probe.interval_seconds))).mul_f64(0.85);
        let now = self.clock.now();
        self.per_object.read(probe.uid, |entry| {
            let last = entry.passed_probe.as_ref().filter(|last| last.vouches_for(probe, now, lasts));
            last.map(|last| last.status)
        })
    }

    fn remember(&self, uid: &str, passed: Option<PassedProbe>) {
        self.per_object.update(uid, |entry| entry.passed_probe = passed);
    }

    /// The status that came back, and how the content differs from what is expected.
    async fn send(&self, probe: &Probe<'_>) -> Result<(u16, Option<String>), Failure> {
        let request = self.request(probe).await?;
        let limit = probe.limit();
        let answer = tokio::time::timeout(limit, async {
            let (parts, body) = self.http.send(request).await?.into_parts();
            let unlike = match collect(body, ANSWER).await {
                Ok(body) => probe.expect.unlike(Some(&body), &probe.scrubber),
                Err(CollectError::TooLong(_)) => probe.expect.unlike(None, &probe.scrubber),
                Err(error) if probe.expect.is_some() => Some(format!("the answer broke off: {error}")),
                Err(_) => None,
            };
            Ok::<_, SendError>((parts.status.as_u16(), unlike))
        });
        match answer.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error @ SendError::Certificate(_))) => Err(Failure {
                reason: reasons::CERTIFICATE_INVALID,
                ..unreachable(&format!("{error}; renew the Secret of spec.tls, or add the authority to it as ca.crt"))
            }),
            Ok(Err(error)) => Err(unreachable(&format!("{} gave no answer: {error}", probe.url))),
            Err(_) => Err(unreachable(&format!("{} gave no answer within {} s", probe.url, probe.timeout_seconds))),
        }
    }

    async fn request(&self, probe: &Probe<'_>) -> Result<Request<Body>, Failure> {
        let uri = dialable(probe.url, probe.tls.as_ref(), self.networks)?;
        let mut request = Request::new(full(config_maps::content(self.kube, probe.namespace, probe.body).await?));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = &probe.key {
            request.headers_mut().insert(AUTHORIZATION, bearer(key)?);
        }
        request.extensions_mut().insert(TimeLimit(probe.limit()));
        request.extensions_mut().insert(ToEndpoint);
        if let Some(tls) = &probe.tls {
            request.extensions_mut().insert(tls.clone());
        }
        Ok(request)
    }
}

fn is_success(status: u16) -> bool {
    (200..300).contains(&status)
}

/// The word for metrics; none when nothing was asked of the endpoint.
fn result(answer: &Result<(u16, Option<String>), Failure>) -> Option<&'static str> {
    match answer {
        Ok((status, None)) if is_success(*status) => Some("passed"),
        Ok(_) => Some("unexpected"),
        Err(failure) if matches!(failure.reason, reasons::UNREACHABLE | reasons::CERTIFICATE_INVALID) => {
            Some("unanswered")
        }
        Err(_) => None,
    }
}

fn bearer(key: &Secret) -> Result<HeaderValue, Failure> {
    let value = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
    let mut value = value.map_err(|_| unreachable("the key in the Secret holds what no HTTP header can hold"))?;
    value.set_sensitive(true);
    Ok(value)
}

fn unreachable(message: &str) -> Failure {
    Failure::local("ProbeUnanswered", scrub::clean(message), Retry::Backoff, reasons::UNREACHABLE)
}

/// The URL, if the probe may dial it: port 80 or 443 of an IPv4 address in an allowed network; with TLS the address is
/// said beside it.
fn dialable(url: &str, tls: Option<&DialAt>, networks: &Networks) -> Result<Uri, Failure> {
    let refused = |why: &str| {
        let message = scrub::clean(&format!("{url} is not probed: {why}"));
        Failure::local("ProbeNotAllowed", message, Retry::Slowly, reasons::ADDRESS_NOT_ALLOWED)
    };
    let uri: Uri = url.parse().map_err(|_| refused("it is not a URL"))?;
    let port = match (uri.scheme(), uri.port_u16()) {
        (Some(scheme), None) if *scheme == Scheme::HTTP => 80,
        (Some(scheme), None) if *scheme == Scheme::HTTPS => 443,
        (Some(scheme), Some(port)) if *scheme == Scheme::HTTP || *scheme == Scheme::HTTPS => port,
        _ => return Err(refused("it is neither http nor https")),
    };
    if !matches!(port, 80 | 443) {
        return Err(refused("only the ports 80 and 443 are dialed"));
    }
    if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(refused("it carries user info"));
    }
    let host = uri.host().unwrap_or_default();
    let address: Ipv4Addr = match tls {
        Some(tls) if uri.scheme() == Some(&Scheme::HTTPS) => tls.address,
        Some(_) => return Err(refused("it is not https")),
        None => host.parse().map_err(|_| refused("its host is not an IPv4 address"))?,
    };
    if !networks.allows(address) {
        return Err(refused("the address is outside --scoring-networks, or inside a network of the cluster"));
    }
    Ok(uri)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::{Mock, found};
    use std::sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    };

    #[test]
    fn dials_nothing_else() {
        let networks = Networks::new(
            vec!["10.0.0.0/8".parse().unwrap(), "0.0.0.0/0".parse().unwrap()],
            &["10.244.0.0/16".parse().unwrap()],
            String::new(),
        );
        for (url, allowed) in [
            ("http://10.0.1.4/score", true),
            ("http://10.0.1.4:80/score", true),
            ("https://10.0.1.4/score", true),
            ("http://10.0.1.4:443/score", true),
            ("http://10.0.1.4:8080/score", false),
            ("http://10.0.1.4:6443/score", false),
            ("ftp://10.0.1.4/score", false),
            ("http://user@10.0.1.4/score", false),
            ("http://10.244.0.9/score", false),
            ("http://169.254.169.254/metadata", false),
            ("http://127.0.0.1/score", false),
            ("http://127.1/score", false),
            ("http://localhost/score", false),
            ("http://[::1]/score", false),
            ("http://kubernetes.default.svc/score", false),
            ("/score", false),
            ("", false),
        ] {
            let answer = dialable(url, None, &networks);
            assert_eq!(answer.is_ok(), allowed, "{url}: {answer:?}");
            assert!(answer.is_ok() || answer.unwrap_err().reason == reasons::ADDRESS_NOT_ALLOWED);
        }
    }

    #[test]
    fn with_tls_the_address_is_checked_and_not_the_name() {
        let networks = Networks::new(vec!["10.0.0.0/8".parse().unwrap()], &[], String::new());
        for (url, address, allowed) in [
            ("https://churn.ml.corp/score", [10, 0, 1, 4], true),
            ("https://churn.ml.corp:443/score", [10, 0, 1, 4], true),
            ("http://churn.ml.corp/score", [10, 0, 1, 4], false),
            ("https://churn.ml.corp:6443/score", [10, 0, 1, 4], false),
            ("https://churn.ml.corp/score", [192, 168, 0, 1], false),
            ("https://churn.ml.corp/score", [127, 0, 0, 1], false),
        ] {
            let tls = DialAt { address: address.into(), authorities: None };
            assert_eq!(dialable(url, Some(&tls), &networks).is_ok(), allowed, "{url} {address:?}");
        }
    }

    struct Endpoint {
        status: Arc<AtomicU16>,
        requests: Arc<AtomicUsize>,
    }

    #[async_trait::async_trait]
    impl Http for Endpoint {
        async fn send(&self, request: Request<Body>) -> Result<http::Response<Body>, SendError> {
            self.requests.fetch_add(1, Ordering::SeqCst);
            assert_eq!((request.method(), request.uri().path()), (&Method::POST, "/score"));
            assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
            assert!(request.extensions().get::<ToEndpoint>().is_some());
            let TimeLimit(limit) = request.extensions().get().unwrap();
            assert_eq!(*limit, Duration::from_secs(10));
            assert_eq!(collect(request.into_body(), 100).await.unwrap(), "[1]");
            match self.status.load(Ordering::SeqCst) {
                0 => Err(SendError::NotSent("refused".into())),
                1 => std::future::pending().await,
                2 => Err(SendError::Certificate("it has expired".into())),
                status => Ok(http::Response::builder().status(status).body(full(vec![b'x'; ANSWER * 2])).unwrap()),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_passed_probe_vouches_for_its_interval() {
        let (status, requests) = (Arc::new(AtomicU16::new(200)), Arc::new(AtomicUsize::new(0)));
        let mock = Mock::new(|_| {
            found(
                &json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "churn"}, "data": {"sample.json": "[1]"}}),
            )
        });
        let ctx = mock.ctx_with(Endpoint { status: Arc::clone(&status), requests: Arc::clone(&requests) });
        let body = ConfigMapKey { name: "churn".into(), key: "sample.json".into() };
        let expect = Expectation::default();
        let probe = async |revision: &str| {
            let probe = Probe {
                uid: "u",
                namespace: "ml",
                url: "http://10.0.1.4/score",
                tls: None,
                body: &body,
                key: None,
                expect: &expect,
                scrubber: Scrubber::default(),
                timeout_seconds: 10,
                interval_seconds: 300,
                revision,
            };
            ctx.prober().fact(&probe).await
        };
        let count = || requests.load(Ordering::SeqCst);
        assert_eq!(
            (probe("1").await, probe("1").await, count()),
            (Fact::Present(json!({"status": 200})), Fact::Present(json!({"status": 200})), 1)
        );
        probe("2").await;
        assert_eq!(count(), 2, "another revision is probed anew");
        tokio::time::advance(Duration::from_secs(270)).await;
        status.store(500, Ordering::SeqCst);
        assert_eq!(
            (probe("2").await, probe("2").await, count()),
            (Fact::Present(json!({"status": 500})), Fact::Present(json!({"status": 500})), 4)
        );
        for (silent, reason) in
            [(0, reasons::UNREACHABLE), (1, reasons::UNREACHABLE), (2, reasons::CERTIFICATE_INVALID)]
        {
            status.store(silent, Ordering::SeqCst);
            assert!(matches!(probe("2").await, Fact::Unread(failure) if failure.reason == reason), "{silent}");
        }
    }
}
