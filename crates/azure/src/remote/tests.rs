use super::*;
use crate::script::{Reply, Script, azure, lost, raw};
use std::sync::Arc;

const BLOB: &str = "https://stml.blob.test/models/model.pkl";
const OTHER: &str = "https://models.example.org/a/model.pkl";
const BYTES: &[u8] = b"a model";

fn limits() -> ModelLimits {
    ModelLimits {
        hosts: vec!["models.example.org".into(), "*.example.net".into()],
        most_bytes: 100,
        ..ModelLimits::default()
    }
}

fn head(etag: &str, size: usize) -> Reply {
    raw(200, "").header("etag", etag).header("content-length", &size.to_string())
}

fn get(etag: &str) -> Reply {
    raw(200, BYTES).header("etag", etag)
}

fn version(size: u64) -> Version {
    Version { etag: "\"1\"".into(), size }
}

#[tokio::test(start_paused = true)]
async fn a_blob_is_read_with_a_token_for_storage_and_other_hosts_without() {
    for (uri, host, token) in
        [(BLOB, "stml.blob.test/models", Some("Bearer token-1")), (OTHER, "models.example.org/a", None)]
    {
        let script = Script::new([
            (format!("HEAD {host}/model.pkl"), head("\"1\"", 7)),
            (format!("GET {host}/model.pkl"), get("\"1\"")),
        ]);
        let azure = azure(&script);
        let found = azure.model_version_at(uri, &limits()).await;
        assert_eq!(found, Ok(version(7)));
        let digest = azure.model_digest(uri, &version(7), &limits()).await;
        assert_eq!(digest, Ok(format!("sha256:{}", acivnet_core::owner::sha256_hex(&[BYTES]))));
        let seen = script.done();
        assert!(seen.iter().all(|one| one.header("authorization") == token), "{uri}");
        assert_eq!((seen[0].header("if-match"), seen[1].header("if-match")), (None, Some("\"1\"")));
        assert_eq!(seen[0].header("x-ms-version").is_some(), token.is_some());
        let scopes: Vec<_> =
            script.sign_ins().iter().map(|one| String::from_utf8_lossy(&one.body).into_owned()).collect();
        assert!(
            scopes.iter().all(|form| form.contains("storage.azure.com"))
                && scopes.len() == usize::from(token.is_some())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_read_is_told_with_its_cause() {
    for (uri, reply, reason, words) in [
        (
            BLOB,
            raw(403, "").header("x-ms-error-code", "AuthorizationPermissionMismatch"),
            reasons::FORBIDDEN,
            "403 AuthorizationPermissionMismatch: give the namespace's identity the role Storage Blob Data Reader on the storage account",
        ),
        (
            BLOB,
            raw(403, "").header("x-ms-error-code", "AuthorizationFailure"),
            reasons::FORBIDDEN,
            "403 AuthorizationFailure: let the cluster's network through the storage account's firewall, or give",
        ),
        (
            BLOB,
            raw(401, "").header("x-ms-error-code", "InvalidAuthenticationInfo"),
            reasons::FORBIDDEN,
            "Storage Blob Data Reader on the storage account, and see whether the account's firewall",
        ),
        (BLOB, raw(404, ""), reasons::MODEL_UNREADABLE, "does not exist"),
        (BLOB, head("\"1\"", 101), reasons::MODEL_UNREADABLE, "101 bytes, and the administrator allows 100"),
        (BLOB, head("W/\"1\"", 7), reasons::MODEL_UNREADABLE, "no strong ETag"),
        (BLOB, raw(200, "").header("etag", "\"1\""), reasons::MODEL_UNREADABLE, "how long it is"),
        (BLOB, raw(503, ""), reasons::AZURE_UNREACHABLE, "503"),
        (BLOB, lost(), reasons::AZURE_UNREACHABLE, "connection closed"),
        (
            OTHER,
            raw(302, "").header("location", "https://10.0.0.1/"),
            reasons::MODEL_UNREADABLE,
            "redirects are not followed",
        ),
        (OTHER, raw(403, ""), reasons::MODEL_UNREADABLE, "answered 403"),
    ] {
        let script = Script::new([("HEAD ", reply)]);
        let failure = azure(&script).model_version_at(uri, &limits()).await.unwrap_err();
        assert!(failure.reason == reason && failure.message.contains(words), "{words}: {failure:?}");
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn hosts_that_nobody_allowed_are_not_asked() {
    for uri in [
        "https://example.org/m",
        "https://x.models.example.org/m",
        "https://example.net/m",
        "https://models.example.org:444/m",
        "https://evil-models.example.org/m",
        "https://10.0.0.1/m",
        "https://u@models.example.org/m",
        "http://models.example.org/m",
    ] {
        let script = Script::new([] as [(&str, Reply); 0]);
        let failure = azure(&script).model_version_at(uri, &limits()).await.unwrap_err();
        assert!(failure.message.contains("--model-hosts"), "{uri}: {failure:?}");
        assert_eq!((script.done().len(), script.sign_ins().len()), (0, 0));
    }
    assert!(limits().allow(&Url::parse("https://a.b.example.net/m").unwrap()));
    let script = Script::new([] as [(&str, Reply); 0]);
    let failure = azure(&script).model_version_at("https://models.example.org:444/m", &limits()).await.unwrap_err();
    assert!(failure.message.contains("on host models.example.org:444,"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_reading_that_breaks_off_says_why_and_whose_limit_it_was() {
    for (timed_out, limit) in [(true, true), (false, false)] {
        let script = Script::new([("GET stml.blob.test/", get("\"1\"").breaking("the cause", timed_out))]);
        let failure = azure(&script).model_digest(BLOB, &version(7), &limits()).await.unwrap_err();
        assert!(failure.retry == Retry::Backoff && failure.message.contains("broke off: the cause"), "{failure:?}");
        assert_eq!(failure.message.contains("--model-time-limit-seconds"), limit, "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn other_bytes_are_never_taken_for_the_ones_that_were_meant() {
    for (reply, code) in [
        (raw(412, ""), "PayloadChanged"),
        (get("\"2\""), "PayloadChanged"),
        (raw(200, "a longer model").header("etag", "\"1\""), "PayloadChanged"),
        (raw(200, "short").header("etag", "\"1\""), "NoAnswer"),
    ] {
        let script: Arc<Script> = Script::new([("GET stml.blob.test/", reply)]);
        let failure = azure(&script).model_digest(BLOB, &version(7), &limits()).await.unwrap_err();
        assert_eq!(failure.code, code, "{failure:?}");
    }
}
