use super::*;
use crate::kubernetes::mock::{Mock, answer, found, refused, refused_because};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

const ACCOUNT: &str = "/api/v1/namespaces/ml/serviceaccounts/acivnet";
const TOKEN: &str = "/api/v1/namespaces/ml/serviceaccounts/acivnet/token";
const SECRET: &str = "/api/v1/namespaces/ml/secrets/acivnet-azure";

fn account(annotations: &serde_json::Value) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "acivnet", "namespace": "ml", "uid": "sa", "annotations": annotations}})
}

fn annotated() -> serde_json::Value {
    account(&json!({CLIENT_ID: "client", TENANT_ID: "tenant"}))
}

fn secret(data: &serde_json::Value) -> serde_json::Value {
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acivnet-azure", "namespace": "ml", "resourceVersion": "5", "finalizers": ["other/one"]}, "data": data})
}

fn token() -> serde_json::Value {
    // header and claims {"iss":"https://k","sub":"system:serviceaccount:ml:acivnet","aud":["api://AzureADTokenExchange"]}
    let claims = "eyJpc3MiOiJodHRwczovL2siLCJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6bWw6YWNpdm5ldCIsImF1ZCI6WyJhcGk6Ly9BenVyZUFEVG9rZW5FeGNoYW5nZSJdfQ";
    json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {},
        "spec": {"audiences": []}, "status": {"token": format!("e30.{claims}.c2ln"), "expirationTimestamp": "2026-11-23T12:00:00Z"}})
}

/// A namespace whose ServiceAccount is annotated and gets tokens.
fn federated() -> Mock {
    Mock::new(|request| match request.path.as_str() {
        ACCOUNT => found(&annotated()),
        _ => answer(201, &token()),
    })
}

#[tokio::test]
async fn says_what_is_missing_and_what_to_do() {
    let full = json!({"tenantID": "dA==", "clientID": "Yw==", "clientSecret": "aHVudGVyMjI="});
    let with_secret = |value: &str| Some(json!({"tenantID": "dA==", "clientID": "Yw==", "clientSecret": value}));
    for (account_found, secret_found, reason, words) in [
        (None, None, reasons::SERVICE_ACCOUNT_NOT_FOUND, "create the ServiceAccount"),
        (Some(json!({})), None, reasons::ANNOTATION_MISSING, "client-id and azure.workload.identity/tenant-id"),
        (
            Some(json!({CLIENT_ID: "c"})),
            Some(full.clone()),
            reasons::ANNOTATION_MISSING,
            "lacks annotation azure.workload.identity/tenant-id",
        ),
        (Some(json!({CLIENT_ID: "c", TENANT_ID: "  "})), None, reasons::ANNOTATION_MISSING, "tenant-id"),
        (
            None,
            Some(json!({"tenantID": "dA==", "clientID": "Yw=="})),
            reasons::SECRET_MISSING,
            "lacks the key clientSecret",
        ),
        // hunter and a NUL; a byte order mark and hunter; two lines
        (
            None,
            with_secret("aHVudGVyAA=="),
            reasons::SECRET_VALUE_INVALID,
            "key clientSecret of Secret acivnet-azure of namespace ml contains a control",
        ),
        (None, with_secret("77u/aHVudGVy"), reasons::SECRET_VALUE_INVALID, "byte order mark"),
        (None, with_secret("YWIKY2Q="), reasons::SECRET_VALUE_INVALID, "several lines"),
        (None, with_secret("Cg=="), reasons::SECRET_MISSING, "lacks the key clientSecret"),
    ] {
        let mock = Mock::new(move |request| match (request.path.as_str(), &account_found, &secret_found) {
            (ACCOUNT, Some(annotations), _) => found(&account(annotations)),
            (SECRET, _, Some(data)) => found(&secret(data)),
            _ => refused(404, "NotFound"),
        });
        let ctx = mock.ctx();
        let failure = ctx.identities.of("ml", None, false).await.err().unwrap();
        assert_eq!(failure.reason, reason);
        assert!(failure.message.contains(words) && failure.message.len() <= 256, "{}", failure.message);
        let going = ctx.identities.of("ml", None, true).await.err().unwrap();
        assert_eq!(
            going.reason,
            reasons::CREDENTIALS_LOST,
            "an object that is going waits for nothing that can't come"
        );
        assert!(going.message.len() <= 256, "{}", going.message);
    }
}

#[tokio::test(start_paused = true)]
async fn an_assertion_outlives_its_namespace() {
    let going = Arc::new(AtomicBool::new(false));
    let terminating = Arc::clone(&going);
    let mock = Mock::new(move |request| match (request.path.as_str(), terminating.load(Ordering::SeqCst)) {
        (ACCOUNT, false) => found(&annotated()),
        (TOKEN, false) => answer(201, &token()),
        (TOKEN, true) => refused_because(403, "Forbidden", "NamespaceTerminating"),
        _ => refused(404, "NotFound"),
    });
    let ctx = mock.ctx();
    let known = ctx.identities.of("ml", None, false).await.unwrap();
    let Form::ServiceAccount(assertions) = &known.form else { panic!("the ServiceAccount is annotated") };
    use acivnet_azure::AssertionSource;
    assert_eq!(assertions.holder(), "system:serviceaccount:ml:acivnet/sa");
    let requests = mock.requests();
    assert_eq!(
        requests.iter().map(crate::kubernetes::mock::Recorded::line).collect::<Vec<_>>(),
        [format!("GET {ACCOUNT}"), format!("POST {TOKEN}")]
    );
    assert_eq!(requests[1].body["spec"]["audiences"], json!([AUDIENCE_OF_ENTRA]));
    assert_eq!(requests[1].body["spec"]["expirationSeconds"], json!(86_400));
    assert_eq!(assertions.assertion().await.unwrap().subject, "system:serviceaccount:ml:acivnet");
    assert!(mock.lines().is_empty(), "the token is kept");

    going.store(true, Ordering::SeqCst);
    tokio::time::advance(Duration::from_secs(7 * 3600)).await;
    let still = ctx.identities.of("ml", None, true).await.unwrap();
    assert_eq!(still.identity.key(), known.identity.key());
    assert!(assertions.assertion().await.is_ok(), "it is asked for anew and the old one serves");
    tokio::time::advance(Duration::from_secs(17 * 3600)).await;
    assert_eq!(assertions.assertion().await.err().unwrap().reason, reasons::CREDENTIALS_LOST);
}

const AUDIENCE_OF_ENTRA: &str = "api://AzureADTokenExchange";

#[tokio::test(start_paused = true)]
async fn an_assertion_is_renewed_while_it_can_be() {
    let mock = federated();
    let ctx = mock.ctx();
    let mut requested = Vec::new();
    for _ in 0..4 {
        ctx.identities.of("ml", None, false).await.unwrap();
        requested.push(mock.lines().contains(&format!("POST {TOKEN}")));
        tokio::time::advance(Duration::from_secs(3 * 3600)).await;
    }
    assert_eq!(requested, [true, false, true, false], "a token is young for a quarter of its life");
}

#[tokio::test(start_paused = true)]
async fn a_sweep_reads_an_identity_once_unless_azure_refused_it() {
    let mock = federated();
    let ctx = mock.ctx();
    let read = || mock.lines().iter().any(|line| *line == format!("GET {ACCOUNT}"));
    let begun = Some(ctx.clock.now());
    let mut reads = Vec::new();
    for oldest in [begun, begun, None, begun] {
        tokio::time::advance(Duration::from_millis(1)).await;
        ctx.identities.of("ml", oldest, false).await.unwrap();
        reads.push(read());
    }
    assert_eq!(reads, [true, false, true, false], "whoever may not share it reads it, and the others profit");
    ctx.identities.refused("ml");
    ctx.identities.of("ml", begun, false).await.unwrap();
    assert!(read(), "it may have been replaced");
    tokio::time::advance(Duration::from_secs(1)).await;
    ctx.identities.of("ml", Some(ctx.clock.now()), false).await.unwrap();
    assert!(read(), "the next sweep reads it anew");
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_an_identity_share_what_is_read_after_they_asked() {
    let mock = federated();
    let ctx = mock.ctx();
    let asks = || ctx.identities.of("ml", None, false);
    let (one, two, three) = futures::join!(asks(), asks(), asks());
    assert!([one, two, three].iter().all(Result::is_ok));
    assert_eq!(mock.lines().iter().filter(|line| **line == format!("GET {ACCOUNT}")).count(), 1);
}

#[tokio::test]
async fn the_secret_carries_our_finalizer_while_it_is_needed() {
    let data = json!({"tenantID": "dA==", "clientID": "Yw==", "clientSecret": "aHVudGVyMjI="});
    let mock = Mock::new(move |request| match (request.method.as_str(), request.path.as_str()) {
        (_, SECRET) => found(&secret(&data)),
        _ => refused(404, "NotFound"),
    });
    let ctx = mock.ctx();
    let known = ctx.identities.of("ml", None, false).await.unwrap();
    mock.lines();
    ctx.identities.hold("ml", &known).await.unwrap();
    let patch = mock.requests().remove(0);
    assert_eq!(patch.line(), format!("PATCH {SECRET}"));
    assert_eq!(
        patch.body,
        json!({"metadata": {"finalizers": ["other/one", CREDENTIALS_FINALIZER], "resourceVersion": "5"}})
    );
    ctx.identities.release("ml").await.unwrap();
    assert_eq!(mock.lines(), [format!("GET {SECRET}")], "it does not carry ours");
}
