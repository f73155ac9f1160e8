use super::*;
use crate::script::{Reply, Script, WORKSPACE, azure, discovery, id, lost, raw, reply};
use acivnet_core::owner::sha256_hex;
use std::sync::Arc;

const BLOB: &str = "https://a.blob.test/azureml/c/score.py?sig=x";

fn info(answer: Reply) -> (String, Reply) {
    (format!("GET history.ml.test/artifact/v2.0{WORKSPACE}/artifacts/contentinfo/LocalUpload/c/score.py"), answer)
}

fn asset(artifacts: Value) -> (String, Reply) {
    let path = format!("GET models.ml.test/modelmanagement/v1.0{WORKSPACE}/assets/a1");
    (path, reply(200, json!({"id": "a1", "artifacts": artifacts})))
}

fn blob(answer: Reply) -> (String, Reply) {
    ("GET a.blob.test/azureml/c/score.py?sig=x".into(), answer)
}

fn at(uri: &str) -> Reply {
    reply(200, json!({"contentUri": uri}))
}

async fn read(url: &str, lines: Vec<(String, Reply)>) -> Fact {
    let script = Script::new(discovery().into_iter().chain(lines));
    let fact = azure(&script).file_digest(&id(WORKSPACE), url).await;
    for seen in Arc::clone(&script).done() {
        assert!(!seen.line.contains("blob.test") || seen.header("authorization").is_none(), "storage sees no token");
    }
    fact
}

fn content() -> Fact {
    Fact::Present(json!({"digest": format!("sha256:{}", sha256_hex(&[b"text"])), "size": 4}))
}

#[tokio::test(start_paused = true)]
async fn a_file_is_read_through_artifact_or_asset() {
    let artifact = vec![info(at(BLOB)), blob(raw(200, "text"))];
    assert_eq!(read("aml://artifact/LocalUpload/c/score.py", artifact.clone()).await, content());
    for name in ["id", "prefix"] {
        let mut lines = vec![asset(json!([{name: "LocalUpload/c/score.py"}]))];
        lines.extend(artifact.clone());
        assert_eq!(read("aml://asset/a1", lines).await, content());
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_not_one_file_is_absent() {
    let gone = || reply(404, json!({"error": {"code": "UserError", "message": "ArtifactId was not found."}}));
    for (url, lines) in [
        ("https://elsewhere.test/x", vec![]),
        ("aml://asset/a1", vec![asset(json!([]))]),
        ("aml://asset/a1", vec![asset(json!([{"prefix": "a"}, {"prefix": "b"}]))]),
        ("aml://artifact/LocalUpload/c/score.py", vec![info(gone())]),
        ("aml://artifact/LocalUpload/c/score.py", vec![info(at(BLOB)), blob(raw(404, ""))]),
    ] {
        let script = Script::new(discovery().into_iter().chain(lines));
        assert_eq!(azure(&script).file_digest(&id(WORKSPACE), url).await, Fact::Absent, "{url}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_can_not_be_read_is_not_absent() {
    let elsewhere = at("https://elsewhere.test/azureml/c/score.py");
    for lines in [
        vec![info(reply(404, json!({"note": "a gateway's"})))],
        vec![info(elsewhere)],
        vec![info(at(BLOB)), blob(raw(403, ""))],
        vec![info(at(BLOB)), blob(lost())],
    ] {
        let fact = read("aml://artifact/LocalUpload/c/score.py", lines).await;
        assert!(matches!(fact, Fact::Unread(_)), "{fact:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_long_file_has_minutes_and_what_breaks_off_says_why() {
    for (answer, why) in
        [(raw(200, "te").breaking("operation timed out", true), "operation timed out"), (lost(), "connection closed")]
    {
        let script = Script::new(discovery().into_iter().chain([info(at(BLOB)), blob(answer)]));
        let fact = azure(&script).file_digest(&id(WORKSPACE), "aml://artifact/LocalUpload/c/score.py").await;
        assert!(matches!(&fact, Fact::Unread(failure) if failure.message.contains(why)), "{fact:?}");
        assert_eq!(script.done().last().unwrap().limit, Some(TIME));
    }
}
