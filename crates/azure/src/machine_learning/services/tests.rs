use super::*;
use crate::script::{
    Bytes1000, Reply, Script, WORKSPACE, azure, connector, discovery, id, identity, listed, lost, raw, reply,
};
use acivnet_core::{
    blueprint::{Goal, PayloadSource},
    kinds::{web_service::WEB_SERVICE, workspace::WORKSPACE as WORKSPACE_KIND},
    observed::Fact,
    owner::{Mark, sha256_hex},
    plan::{Request, Successor},
};
use std::{sync::Arc, time::Duration};

const BLOB: &str = "a.blob.test/c/score.py?sig=1";

fn path(rest: &str) -> String {
    format!("models.ml.test/modelmanagement/v1.0{WORKSPACE}/{rest}")
}

fn service() -> ResourceId {
    id(&format!("{WORKSPACE}/services/svc"))
}

async fn carry(script: &Arc<Script>, request: Request) -> Result<Progress, Failure> {
    let azure = azure(script);
    let node = Node::new(&WEB_SERVICE, service(), Goal::Present, Value::Null, Mark::None);
    azure
        .carry_out(azure.connector.gate.open().unwrap(), &node, &request, &Bytes1000(b"def run(): pass".to_vec()))
        .await
}

fn script(lines: impl IntoIterator<Item = (String, Reply)>) -> Arc<Script> {
    Script::new(discovery().into_iter().chain(lines))
}

fn file() -> Payload {
    let digest = format!("sha256:{}", sha256_hex(&[b"def run(): pass"]));
    Payload { source: PayloadSource::Text(""), container: "c2".into(), path: "score.py".into(), digest, size: 15 }
}

fn uploads() -> [(String, Reply); 2] {
    let info = json!({"artifactContentInformation": {"score.py": {"contentUri": format!("https://{BLOB}")}}});
    [
        (
            format!("POST history.ml.test/artifact/v2.0{WORKSPACE}/artifacts/batch/metadata/LocalUpload/c2"),
            reply(200, info),
        ),
        (format!("PUT {BLOB}"), raw(201, "")),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_service_is_created_after_its_files() {
    let accepted =
        raw(202, "").header("operation-location", "https://models.ml.test/x/operations/1").header("retry-after", "5");
    let script = script(uploads().into_iter().chain([(format!("POST {}", path("services")), accepted)]));
    let body = json!({"name": "svc", "computeType": "ACI"});
    let done =
        carry(&script, Request::CreateService { body: body.clone(), payloads: vec![file()], sealed: Vec::new() }).await;
    assert_eq!(done, Ok(Progress::Running(Some(Duration::from_secs(5)))));
    assert_eq!(script.done().last().unwrap().json(), body);
}

#[tokio::test(start_paused = true)]
async fn a_creation_without_an_answer_is_not_repeated_here() {
    for (answer, status, retry) in [
        (lost(), 0, Retry::Backoff),
        (raw(502, ""), 502, Retry::Backoff),
        (reply(409, json!({"code": "Conflict", "statusCode": 409})), 409, Retry::Soon),
    ] {
        let script = script([(format!("POST {}", path("services")), answer)]);
        let failure =
            carry(&script, Request::CreateService { body: json!({}), payloads: Vec::new(), sealed: Vec::new() })
                .await
                .unwrap_err();
        assert_eq!((failure.status, failure.retry), (status, retry));
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn a_patch_is_carried_or_running() {
    for (answer, expected) in [
        (reply(200, json!({})), Progress::Carried),
        (raw(202, "").header("operation-location", "/operations/2"), Progress::Running(None)),
    ] {
        let script = script([(format!("PATCH {}", path("services/svc")), answer)]);
        assert_eq!(
            carry(&script, Request::PatchService { operations: json!([]), payloads: Vec::new(), sealed: Vec::new() })
                .await,
            Ok(expected)
        );
        assert_eq!(script.done()[2].header("content-type"), Some("application/json-patch+json"));
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_that_could_not_be_replaced() {
    let validate = || format!("POST {}", path("services/validate"));
    let delete = || format!("DELETE {}", path("services/svc"));
    let successor = || Successor { body: json!({"name": "svc"}), payloads: Vec::new(), sealed: Vec::new() };
    let request = || Request::Delete { if_match: None, successor: Some(successor()) };
    for (answer, deleted) in [
        (reply(200, json!({})), true),
        (raw(200, ""), true),
        (reply(400, json!({"code": "BadRequest", "statusCode": 400})), true),
        (reply(404, json!({})), true),
        (reply(200, json!({"error": {"message": "quota of cores is used up"}})), false),
        (raw(503, ""), false),
        (reply(403, json!({"code": "AuthorizationFailed"})), false),
        (lost(), false),
    ] {
        let mut lines = vec![(validate(), answer)];
        lines.extend(deleted.then(|| (delete(), raw(202, "").header("operation-location", "/operations/3"))));
        let script = script(lines);
        assert_eq!(carry(&script, request()).await.is_ok(), deleted);
        let asked = script.done()[2].json();
        assert_eq!(
            asked,
            json!({"type": "Create", "serviceName": "svc", "createRequest": {"name": "svc", "overwrite": true}, "updateRequest": null})
        );
    }
    let refused = reply(200, json!({"error": {"message": "quota of cores is used up"}}));
    let failure = carry(&script([(validate(), refused)]), request()).await.unwrap_err();
    assert!(failure.code == "ReplacementRefused" && failure.message.contains("quota of cores"), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_successor_is_validated_once_its_files_are_there() {
    let then = [
        (format!("POST {}", path("services/validate")), reply(200, json!({}))),
        (format!("DELETE {}", path("services/svc")), raw(200, "")),
    ];
    let script = script(uploads().into_iter().chain(then));
    let successor = Successor { body: json!({"name": "svc"}), payloads: vec![file()], sealed: Vec::new() };
    let request = Request::Delete { if_match: None, successor: Some(successor) };
    assert_eq!(carry(&script, request).await, Ok(Progress::Carried));
    script.done();
}

#[tokio::test(start_paused = true)]
async fn a_deletion_of_nothing_is_carried() {
    for (answer, expected) in [
        (raw(204, ""), Progress::Carried),
        (raw(200, ""), Progress::Carried),
        (reply(404, json!({"code": "NotFound", "statusCode": 404})), Progress::Carried),
    ] {
        let script = script([(format!("DELETE {}", path("services/svc")), answer)]);
        assert_eq!(carry(&script, Request::Delete { if_match: None, successor: None }).await, Ok(expected));
        script.done();
    }
    let gone = reply(404, json!({"error": {"code": "ResourceNotFound"}}));
    let script = Script::new([(format!("GET arm.test{WORKSPACE}"), gone)]);
    assert_eq!(carry(&script, Request::Delete { if_match: None, successor: None }).await, Ok(Progress::Carried));
}

#[tokio::test(start_paused = true)]
async fn absence_is_what_model_management_says_itself() {
    for (answer, expected) in [
        (reply(404, json!({"code": "ServiceNotFound", "statusCode": 404, "message": "m"})), true),
        (reply(404, json!({"code": "SubscriptionNotFound", "statusCode": 404})), false),
        (reply(404, json!({"error": {"code": "NotFound"}})), false),
        (raw(404, ""), false),
        (raw(404, "<html>nginx</html>"), false),
        (reply(400, json!({"code": "BadRequest", "statusCode": 404})), false),
    ] {
        let script = script([(format!("GET {}?expand=true", path("services/svc")), answer)]);
        assert_eq!(azure(&script).read(&WEB_SERVICE, &service()).await == Fact::Absent, expected);
        script.done();
    }
    let gone = reply(404, json!({"error": {"code": "ResourceNotFound"}}));
    let script = Script::new([(format!("GET arm.test{WORKSPACE}"), gone)]);
    assert_eq!(azure(&script).read(&WEB_SERVICE, &service()).await, Fact::Absent);
}

#[tokio::test(start_paused = true)]
async fn discovery_leads_to_hosts_of_the_cloud_only() {
    let workspace =
        |url: &str| (format!("GET arm.test{WORKSPACE}"), reply(200, json!({"properties": {"discoveryUrl": url}})));
    let document = |history: &str| {
        (
            "GET d.ml.test/discovery".to_owned(),
            reply(200, json!({"history": history, "modelmanagement": "https://m.ml.test"})),
        )
    };
    for lines in [
        vec![workspace("https://evil.test/discovery")],
        vec![workspace("http://d.ml.test/discovery")],
        vec![workspace("")],
        vec![workspace("https://d.ml.test/discovery"), document("https://evil.test")],
        vec![workspace("https://d.ml.test/discovery"), document("https://a.blob.test")],
    ] {
        let script = Script::new(lines);
        assert!(matches!(azure(&script).read(&WEB_SERVICE, &service()).await, Fact::Unread(_)));
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn discovery_is_remembered_and_the_workspace_looked_at_again_after_a_minute() {
    let get = || (format!("GET {}", path("services/svc")), reply(200, json!({})));
    let workspace =
        |url: &str| (format!("GET arm.test{WORKSPACE}"), reply(200, json!({"properties": {"discoveryUrl": url}})));
    let script = script([get(), get()]);
    let connector = connector(Arc::clone(&script) as _);
    let read = async || connector.session(&identity()).read(&WEB_SERVICE, &service()).await;
    assert_eq!(read().await, Fact::Present(json!({})));
    assert_eq!(read().await, Fact::Present(json!({})));
    tokio::time::advance(Duration::from_secs(61)).await;
    for (line, reply) in [workspace("https://discovery.ml.test/discovery"), get()] {
        script.add(&line, reply);
    }
    read().await;
    // a workspace that was made anew elsewhere
    for (line, reply) in [workspace("https://west.ml.test/discovery"), workspace("https://west.ml.test/discovery")] {
        script.add(&line, reply);
    }
    script.add(
        "GET west.ml.test/discovery",
        reply(200, json!({"history": "https://h.ml.test", "modelmanagement": "https://west.ml.test"})),
    );
    script.add("GET west.ml.test/modelmanagement", reply(200, json!({"west": true})));
    connector.session(&identity()).read(&WORKSPACE_KIND, &id(WORKSPACE)).await;
    assert_eq!(read().await, Fact::Present(json!({"west": true})));
    script.done();
}

#[tokio::test(start_paused = true)]
async fn another_identity_discovers_for_itself() {
    let script = script([
        (format!("GET {}", path("services/svc")), reply(200, json!({}))),
        (format!("GET arm.test{WORKSPACE}"), reply(403, json!({"error": {"code": "AuthorizationFailed"}}))),
    ]);
    let connector = connector(Arc::clone(&script) as _);
    connector.session(&identity()).read(&WEB_SERVICE, &service()).await;
    let other = crate::Identity::client_secret("tenant", "client", crate::Secret::new("another"));
    assert!(
        matches!(connector.session(&other).read(&WEB_SERVICE, &service()).await, Fact::Unread(failure) if failure.reason == reasons::FORBIDDEN)
    );
    script.done();
}

#[tokio::test(start_paused = true)]
async fn services_are_listed_by_their_links() {
    let next = format!("https://models.ml.test/modelmanagement/v1.0{WORKSPACE}/services?expand=true&$skipToken=2");
    let script = script([
        (
            format!("GET {}?expand=true&count=100", path("services")),
            reply(200, json!({"value": [{"name": "a"}], "nextLink": next})),
        ),
        (format!("GET {}?expand=true&$skipToken=2", path("services")), reply(200, json!({"value": [{"name": "b"}]}))),
    ]);
    assert_eq!(
        listed(&azure(&script), &WEB_SERVICE, &id(WORKSPACE)).await.unwrap(),
        [json!({"name": "a"}), json!({"name": "b"})]
    );
    script.done();
    let evil = || script_page("https://other.ml.test/x");
    let script = Script::new(discovery().into_iter().chain([evil()]));
    assert_eq!(listed(&azure(&script), &WEB_SERVICE, &id(WORKSPACE)).await.unwrap_err().code, "HostNotOfCloud");
}

fn script_page(next: &str) -> (String, Reply) {
    (format!("GET {}", path("services")), reply(200, json!({"value": [], "nextLink": next})))
}

#[tokio::test(start_paused = true)]
async fn a_failed_operation_brings_the_tail_of_its_log() {
    let log: String = (0..3000).map(|n| format!("line {n}\n")).collect();
    let failed = json!({"id": "1", "state": "Failed", "operationLog": "https://logs.blob.test/l?sig=c4nary", "error": {"code": "ImageBuildFailed"}});
    let script = script([
        (format!("GET {}", path("operations/1")), reply(200, failed)),
        ("GET logs.blob.test/l?sig=c4nary".into(), raw(200, log)),
    ]);
    let Fact::Present(body) = azure(&script).operation(&id(WORKSPACE), "1").await else { panic!("unread") };
    let tail = body["operationLogTail"].as_str().unwrap();
    assert!(tail.ends_with("line 2999\n") && tail.starts_with("line ") && tail.len() <= 16 << 10);
    assert!(!body.to_string().contains("c4nary"));
    assert_eq!(script.done()[3].header("authorization"), None);
}

#[tokio::test(start_paused = true)]
async fn other_operations_bring_no_log() {
    let running = json!({"state": "Running", "operationLog": "https://logs.blob.test/l?sig=1"});
    let elsewhere = json!({"state": "Failed", "operationLog": "https://evil.test/l?sig=1"});
    for (answer, expected) in [
        (reply(200, running), Fact::Present(json!({"state": "Running"}))),
        (reply(200, elsewhere), Fact::Present(json!({"state": "Failed", "operationLogTail": ""}))),
        (reply(404, json!({"code": "OperationNotFound", "statusCode": 404})), Fact::Absent),
    ] {
        let script = script([(format!("GET {}", path("operations/1%2F..%2F2")), answer)]);
        assert_eq!(azure(&script).operation(&id(WORKSPACE), "1/../2").await, expected);
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_of_a_service_is_text() {
    let script = script([(
        format!("GET {}?tail=500&init=False", path("services/svc/logs")),
        reply(200, json!({"content": "Traceback"})),
    )]);
    assert_eq!(azure(&script).service_log(&service()).await, Fact::Present("Traceback".into()));
    script.done();
}
