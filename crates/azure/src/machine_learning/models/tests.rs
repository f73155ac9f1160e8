use super::*;
use crate::script::{Bytes1000, Reply, Script, WORKSPACE, azure, discovery, id, lost, raw, reply};
use acivnet_core::{
    blueprint::{Goal, PayloadSource},
    kinds::model_version::MODEL_VERSION,
    owner::{Mark, sha256_hex},
    plan::Request,
    retry::Retry,
};
use std::sync::Arc;

const CONTENT: &[u8] = b"a model";
const BLOB: &str = "a.blob.test/c/model.pkl?sig=1";

fn path(rest: &str) -> String {
    format!("models.ml.test/modelmanagement/v1.0{WORKSPACE}/{rest}")
}

fn payload() -> Payload {
    Payload {
        source: PayloadSource::Text(""),
        container: "c1".into(),
        path: "model.pkl".into(),
        digest: format!("sha256:{}", sha256_hex(&[CONTENT])),
        size: 7,
    }
}

fn body() -> Value {
    json!({"name": "m", "datasets": [], "properties": {OWNER_TAG: "u/ns/d", KEY_PROPERTY: "k1", DIGEST_PROPERTY: payload().digest}})
}

fn version(number: u64, key: &str) -> Value {
    json!({"id": format!("m:{number}"), "name": "m", "version": number, "properties": {OWNER_TAG: "u/ns/d", KEY_PROPERTY: key}})
}

fn items(items: Value) -> Reply {
    reply(200, json!({"value": items, "nextLink": null}))
}

fn uploaded() -> Vec<(String, Reply)> {
    let info =
        json!({"artifactContentInformation": {"model.pkl": {"contentUri": format!("https://{BLOB}")}}, "errors": {}});
    let mut lines = discovery().to_vec();
    lines.push((format!("POST history.ml.test/artifact/v2.0{WORKSPACE}/artifacts/batch/metadata/"), reply(200, info)));
    lines.push((format!("PUT {BLOB}"), raw(201, "")));
    lines
}

async fn carry(script: &Arc<Script>, name: &str, request: Request) -> Result<Progress, Failure> {
    let azure = azure(script);
    let node =
        Node::new(&MODEL_VERSION, id(&format!("{WORKSPACE}/models/{name}")), Goal::Present, Value::Null, Mark::None);
    azure.carry_out(azure.connector.gate.open().unwrap(), &node, &request, &Bytes1000(CONTENT.to_vec())).await
}

async fn register(lines: impl IntoIterator<Item = (String, Reply)>) -> (Result<Progress, Failure>, Arc<Script>) {
    let script = Script::new(uploaded().into_iter().chain(lines));
    let done = carry(&script, "m@k1", Request::RegisterModel { body: body(), payloads: vec![payload()] }).await;
    (done, script)
}

#[tokio::test(start_paused = true)]
async fn registration_makes_artifact_asset_and_version() {
    let (done, script) = register([
        (format!("GET {}?properties=acivnet-digest%3Dsha256%3A", path("assets")), items(json!([]))),
        (format!("POST {}", path("assets")), reply(200, json!({"id": "a1"}))),
        (
            format!("GET {}?name=m&properties=acivnet-key%3Dk1&count=100", path("models")),
            items(json!([version(1, "other")])),
        ),
        (format!("POST {}", path("models")), reply(200, json!({"id": "m:2"}))),
    ])
    .await;
    assert_eq!(done, Ok(Progress::Carried));
    let seen = script.done();
    let asset = seen[5].json();
    assert_eq!(asset["artifacts"], json!([{"prefix": "LocalUpload/c1/model.pkl"}]));
    assert_eq!(asset["properties"], json!({DIGEST_PROPERTY: payload().digest, OWNER_TAG: "u/ns/d"}));
    let mut expected = body();
    expected["url"] = "aml://asset/a1".into();
    assert_eq!(seen[7].json(), expected);
    assert!(seen[4..].iter().all(|one| one.header("authorization") == Some("Bearer token-1")));
}

#[tokio::test(start_paused = true)]
async fn what_an_earlier_try_left_is_used() {
    let foreign = json!({"id": "a0", "artifacts": [{"prefix": "LocalUpload/other/model.pkl"}], "properties": {DIGEST_PROPERTY: payload().digest}});
    let ours = json!({"id": "a1", "artifacts": [{"id": "LocalUpload/c1/model.pkl"}], "properties": {DIGEST_PROPERTY: payload().digest}});
    let (done, script) = register([
        (format!("GET {}", path("assets")), items(json!([foreign, ours]))),
        (format!("GET {}", path("models")), items(json!([version(4, "k1")]))),
    ])
    .await;
    assert_eq!(done, Ok(Progress::Carried));
    script.done();
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_for_the_next_pass() {
    let (done, script) = register([
        (format!("GET {}", path("assets")), items(json!([]))),
        (format!("POST {}", path("assets")), reply(200, json!({"id": "a1"}))),
        (format!("GET {}", path("models")), items(json!([]))),
        (format!("POST {}", path("models")), lost()),
    ])
    .await;
    assert_eq!(done.unwrap_err().retry, Retry::Backoff);
    script.done();
}

#[tokio::test(start_paused = true)]
async fn the_models_of_an_owner_are_listed_page_by_page() {
    let next = json!(format!("https://elsewhere.test/models?$skipToken=t%2B1&count=1"));
    let owned = json!({"name": "m", "properties": {OWNER_TAG: "x"}});
    let script = Script::new(discovery().into_iter().chain([
        (
            format!("GET {}?properties=acivnet-owner%3Dx&count=100", path("models")),
            reply(200, json!({"value": [owned, {"name": "n"}], "nextLink": next})),
        ),
        (
            format!("GET {}?properties=acivnet-owner%3Dx&count=100&%24skipToken=t%2B1", path("models")),
            items(json!([owned])),
        ),
    ]));
    assert_eq!(azure(&script).models(&id(WORKSPACE), "x").await, Fact::Present(json!([owned, owned])));
    script.done();
}

#[tokio::test(start_paused = true)]
async fn a_list_with_a_repeated_token_is_a_failure() {
    let page = || reply(200, json!({"value": [], "nextLink": "https://x.test/?$skipToken=1"}));
    let line = || format!("GET {}", path("models"));
    let script = Script::new(discovery().into_iter().chain([(line(), page()), (line(), page())]));
    assert!(matches!(azure(&script).models(&id(WORKSPACE), "x").await, Fact::Unread(_)));
    script.done();
}

#[tokio::test(start_paused = true)]
async fn a_version_is_read_by_number_or_by_key() {
    let script = Script::new(discovery().into_iter().chain([
        (format!("GET {}", path("models/m%3A3")), reply(200, version(3, "k1"))),
        (
            format!("GET {}?name=m&properties=acivnet-key&count=100", path("models")),
            items(json!([version(5, "k1x"), version(4, "k1y"), version(2, "other")])),
        ),
        (format!("GET {}?name=m", path("models")), items(json!([]))),
    ]));
    let azure = azure(&script);
    let read = async |name: &str| azure.read(&MODEL_VERSION, &id(&format!("{WORKSPACE}/models/{name}"))).await;
    assert_eq!(read("m:3").await, Fact::Present(version(3, "k1")));
    assert_eq!(read("m@k1").await, Fact::Present(version(4, "k1y")));
    assert_eq!(read("m@k1").await, Fact::Absent);
    script.done();
}

#[tokio::test(start_paused = true)]
async fn patches_and_deletions() {
    let operations = json!([{"op": "replace", "path": "/kvTags", "value": {}}]);
    let script = Script::new(
        discovery().into_iter().chain([(format!("PATCH {}", path("models/m%3A3")), reply(200, json!({})))]),
    );
    assert_eq!(
        carry(&script, "m:3", Request::PatchModel { operations: operations.clone() }).await,
        Ok(Progress::Carried)
    );
    let seen = script.done();
    assert_eq!((seen[2].json(), seen[2].header("content-type")), (operations, Some("application/json-patch+json")));
    for (answer, carried) in [
        (raw(200, ""), true),
        (raw(204, ""), true),
        (reply(404, json!({"code": "ModelNotFound", "statusCode": 404})), true),
        (reply(404, json!({"code": "SubscriptionNotFound", "statusCode": 404})), false),
        (raw(404, "<html>"), false),
        (reply(412, json!({"code": "PreconditionFailed", "statusCode": 412, "message": "DeletionRequired"})), false),
    ] {
        let script = Script::new(discovery().into_iter().chain([(format!("DELETE {}", path("models/m%3A3")), answer)]));
        assert_eq!(carry(&script, "m:3", Request::Delete { if_match: None, successor: None }).await.is_ok(), carried);
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn a_directory_is_uploaded_in_batches_and_is_one_asset() {
    let file = |number: usize| Payload { path: format!("m/{number:02}"), ..payload() };
    let files: Vec<Payload> = (0..51).map(file).collect();
    let info = |range: std::ops::Range<usize>| {
        let one = |number| {
            (format!("m/{number:02}"), json!({"contentUri": format!("https://a.blob.test/c/{number:02}?sig=1")}))
        };
        let all: serde_json::Map<String, Value> = range.map(one).collect();
        reply(200, json!({"artifactContentInformation": all, "errors": {}}))
    };
    let metadata = || format!("POST history.ml.test/artifact/v2.0{WORKSPACE}/artifacts/batch/metadata/LocalUpload/c1");
    let put = |number| (format!("PUT a.blob.test/c/{number:02}?sig=1"), raw(201, ""));
    let mut lines = discovery().to_vec();
    lines.push((metadata(), info(0..50)));
    lines.extend((0..50).map(put));
    lines.push((metadata(), info(50..51)));
    lines.push(put(50));
    lines.push((format!("GET {}", path("assets")), items(json!([]))));
    lines.push((format!("POST {}", path("assets")), reply(200, json!({"id": "a1"}))));
    lines.push((format!("GET {}", path("models")), items(json!([]))));
    lines.push((format!("POST {}", path("models")), reply(200, json!({"id": "m:1"}))));
    let script = Script::new(lines);
    let done = carry(&script, "m@k1", Request::RegisterModel { body: body(), payloads: files }).await;
    assert_eq!(done, Ok(Progress::Carried));
    let seen = script.done();
    let asset = &seen[seen.len() - 3];
    assert_eq!(asset.json()["artifacts"], json!([{"prefix": "LocalUpload/c1/m"}]));
}

#[tokio::test(start_paused = true)]
async fn of_a_batch_that_is_refused_as_a_whole_each_is_asked_for() {
    let files = ["m/a", "m/b"].map(|path| Payload { path: path.into(), ..payload() });
    let conflict = || {
        reply(
            409,
            json!({"error": {"code": "UserError", "message": "Resource Conflict: ArtifactId x already exists."}}),
        )
    };
    let metadata = || format!("POST history.ml.test/artifact/v2.0{WORKSPACE}/artifacts/batch/metadata/LocalUpload/c1");
    let link = |path: &str| reply(200, json!({"contentUri": format!("https://a.blob.test/c/{path}?sig=1")}));
    let new =
        json!({"artifactContentInformation": {"m/b": {"contentUri": "https://a.blob.test/c/b?sig=1"}}, "errors": {}});
    let mut lines = discovery().to_vec();
    lines.extend([
        (metadata(), conflict()),
        (metadata(), conflict()),
        (metadata(), reply(200, new)),
        (format!("GET history.ml.test/artifact/v2.0{WORKSPACE}/artifacts/contentinfo/LocalUpload/c1/m/a"), link("a")),
        ("HEAD a.blob.test/c/a?sig=1".to_owned(), raw(200, "").header("content-length", "7")),
        ("PUT a.blob.test/c/b?sig=1".to_owned(), raw(201, "")),
        (format!("GET {}", path("assets")), items(json!([]))),
        (format!("POST {}", path("assets")), reply(200, json!({"id": "a1"}))),
        (format!("GET {}", path("models")), items(json!([version(1, "k1")]))),
    ]);
    let script = Script::new(lines);
    let done = carry(&script, "m@k1", Request::RegisterModel { body: body(), payloads: files.to_vec() }).await;
    assert_eq!(done, Ok(Progress::Carried));
    script.done();
}

#[tokio::test(start_paused = true)]
async fn the_newest_version_is_the_first_of_the_list() {
    for (list, expected) in [
        (json!([version(7, "k")]), Fact::Present(version(7, "k"))),
        (json!([]), Fact::Absent),
        (json!([{"name": "m2", "version": 1}]), Fact::Absent),
    ] {
        let mut lines = discovery().to_vec();
        lines.push((format!("GET {}?name=m&count=1", path("models")), items(list)));
        let script = Script::new(lines);
        assert_eq!(azure(&script).newest_model(&id(WORKSPACE), "m").await, expected);
        script.done();
    }
}
