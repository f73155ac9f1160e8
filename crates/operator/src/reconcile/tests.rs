use super::*;
use crate::kubernetes::mock::{FakeAzure, Mock, Recorded, answer, found, list, refused};
use acivnet_api::{DelegatedSubnet, FINALIZER, conditions::reasons};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::time::Instant;

const OBJECT: &str = "/apis/acivnet.dev/v1alpha1/namespaces/ml/delegatedsubnets/amlsubnet1";
const STATUS: &str = "/apis/acivnet.dev/v1alpha1/namespaces/ml/delegatedsubnets/amlsubnet1/status";

fn subnet() -> Value {
    json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
        "metadata": {"name": "amlsubnet1", "namespace": "ml", "uid": "u", "resourceVersion": "1", "generation": 1},
        "spec": {"azure": {"subscriptionID": "00000000-0000-0000-0000-000000000001", "resourceGroup": "amlrg", "location": "japaneast"},
            "virtualNetwork": {"name": "amlvnet1", "addressPrefixes": ["10.0.0.0/16"]}, "subnet": {"name": "amlsubnet1", "addressPrefix": "10.0.1.0/24"}}})
}

/// A Kubernetes API with one object that can be written, and a namespace with or without credentials.
fn cluster(object: Value, credentials: bool) -> (Mock, Arc<Mutex<Value>>) {
    let stored = Arc::new(Mutex::new(object));
    let state = Arc::clone(&stored);
    let mock = Mock::new(move |request| match request.path.as_str() {
        "/api/v1/namespaces/ml/secrets/acivnet-azure" if credentials && request.method == "GET" => {
            found(&json!({"apiVersion": "v1", "kind": "Secret",
            "metadata": {"name": "acivnet-azure", "resourceVersion": "1"}, "data": {"tenantID": "dGVuYW50", "clientID": "Yw==", "clientSecret": "aHVudGVyMjI="}}))
        }
        "/api/v1/namespaces/ml/secrets/acivnet-azure" if credentials => {
            found(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acivnet-azure"}}))
        }
        "/apis/acivnet.dev/v1alpha1/delegatedsubnets"
        | "/apis/acivnet.dev/v1alpha1/namespaces/ml/acivnetdeployments" => list(json!([])),
        "/apis/events.k8s.io/v1/namespaces/ml/events" => answer(201, &request.body),
        OBJECT | STATUS => found(&store(&mut state.lock().unwrap(), request)),
        _ => refused(404, "NotFound"),
    });
    (mock, stored)
}

fn store(object: &mut Value, request: &Recorded) -> Value {
    let version = object["metadata"]["resourceVersion"].as_str().unwrap().parse::<u32>().unwrap();
    assert_eq!(request.body["metadata"]["resourceVersion"], json!(version.to_string()), "{}", request.line());
    match request.path.as_str() {
        STATUS => object["status"] = request.body["status"].clone(),
        _ => object["metadata"]["finalizers"] = request.body["metadata"]["finalizers"].clone(),
    }
    object["metadata"]["resourceVersion"] = json!((version + 1).to_string());
    object.clone()
}

fn read(object: &Mutex<Value>) -> DelegatedSubnet {
    serde_json::from_value(object.lock().unwrap().clone()).unwrap()
}

fn condition(object: &Mutex<Value>, type_: &str) -> Value {
    let object = object.lock().unwrap();
    object["status"]["conditions"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["type"] == type_)
        .cloned()
        .unwrap_or_default()
}

fn nothing_there() -> FakeAzure {
    FakeAzure::new(|line| match line.split_once(' ').unwrap() {
        ("GET", _) => (404, json!({"error": {"code": "ResourceNotFound", "message": "no"}})),
        _ => (403, json!({"error": {"code": "AuthorizationFailed", "message": "no"}})),
    })
}

#[tokio::test(start_paused = true)]
async fn says_what_is_missing_and_writes_it_once() {
    let (mock, object) = cluster(subnet(), false);
    let ctx = mock.ctx();
    assert!(reconcile(&ctx, &read(&object)).await.again.is_some());
    assert_eq!(condition(&object, "CredentialsValid")["reason"], reasons::SERVICE_ACCOUNT_NOT_FOUND);
    assert!(object.lock().unwrap()["metadata"].get("finalizers").is_none(), "nothing was written to Azure");
    mock.lines();
    assert!(reconcile(&ctx, &read(&object)).await.again.is_some());
    assert!(mock.lines().iter().all(|line| line.starts_with("GET ")), "nothing changed, so nothing is written");
}

#[tokio::test(start_paused = true)]
async fn holds_and_records_before_it_writes() {
    let (mock, object) = cluster(subnet(), true);
    let azure = nothing_there();
    let ctx = mock.ctx_with(azure.clone());
    assert!(reconcile(&ctx, &read(&object)).await.again.is_some());
    let writes: Vec<String> = mock.lines().into_iter().filter(|line| !line.starts_with("GET ")).collect();
    assert_eq!(writes.first().unwrap(), "PATCH /api/v1/namespaces/ml/secrets/acivnet-azure");
    assert_eq!(writes[1..3], [format!("PATCH {OBJECT}"), format!("PUT {STATUS}")]);
    let stored = object.lock().unwrap().clone();
    assert_eq!(stored["metadata"]["finalizers"], json!([FINALIZER]));
    assert!(stored["status"]["resources"].as_array().is_some_and(|all| !all.is_empty()), "{stored}");
    let puts = azure.lines().into_iter().filter(|line| line.starts_with("PUT ")).count();
    assert_eq!(puts, 1, "the virtual network comes first");
    assert_eq!(condition(&object, "Ready")["reason"], reasons::FORBIDDEN);
}

#[tokio::test]
async fn an_object_that_is_going_and_not_held_is_left_alone() {
    let mut going = subnet();
    going["metadata"]["deletionTimestamp"] = json!("2026-11-22T12:00:00Z");
    let (mock, object) = cluster(going, true);
    assert_eq!(reconcile(&mock.ctx(), &read(&object)).await.again, None);
    assert!(mock.lines().is_empty());
}

#[tokio::test]
async fn who_wrote_first_wins() {
    for (status, word, looks) in [(409, "conflict", true), (404, "gone", false), (500, "failed", true)] {
        let mock = Mock::new(move |request| match request.path.as_str() {
            STATUS => refused(status, "Conflict"),
            path if path.ends_with("delegatedsubnets") || path.ends_with("acivnetdeployments") => list(json!([])),
            _ => refused(404, "NotFound"),
        });
        let (cr, ctx) = (serde_json::from_value::<DelegatedSubnet>(subnet()).unwrap(), mock.ctx());
        let again = reconcile(&ctx, &cr).await.again;
        assert_eq!(again.is_some_and(|wait| wait > Duration::ZERO), looks, "{status}");
        assert!(ctx.metrics.text().contains(&format!(r#"result="{word}""#)), "{status}");
    }
}

/// How often something was written to Azure, and looked at, in so many seconds of reconciles.
async fn reconciles(ctx: &Ctx, object: &Mutex<Value>, azure: &FakeAzure, seconds: u64) -> (usize, usize) {
    let (begin, mut puts, mut looks) = (Instant::now(), 0, 0);
    while begin.elapsed() < Duration::from_secs(seconds) {
        let wait = reconcile(ctx, &read(object)).await.again.unwrap();
        let lines = azure.lines();
        puts += lines.iter().filter(|line| line.starts_with("PUT ")).count();
        looks += usize::from(lines.iter().any(|line| line.starts_with("GET ")));
        tokio::time::advance(wait).await;
    }
    (puts, looks)
}

fn refusing(status: u16, code: &'static str) -> FakeAzure {
    FakeAzure::new(move |line| match line.split_once(' ').unwrap() {
        ("GET", _) => (404, json!({"error": {"code": "ResourceNotFound", "message": "no"}})),
        _ => (status, json!({"error": {"code": code, "message": "no"}})),
    })
}

#[tokio::test(start_paused = true)]
async fn a_refusal_stops_the_write_and_no_look() {
    let (mut spec, azure) = (subnet(), refusing(400, "Surprise"));
    spec["spec"]["drift"] = json!({"intervalSeconds": 30});
    let (mock, object) = cluster(spec, true);
    let ctx = mock.ctx_with(azure.clone());
    let (puts, looks) = reconciles(&ctx, &object, &azure, 2600).await;
    assert!(puts == 1 && looks > 80, "{puts} writes in {looks} looks, one in 30 s each");
    assert_eq!(condition(&object, "Stalled")["reason"], reasons::AZURE_REFUSED, "what was refused stays told");
    let (puts, _) = reconciles(&ctx, &object, &azure, 2000).await;
    assert_eq!(puts, 1, "after an hour it is tried again");
    object.lock().unwrap()["metadata"]["annotations"] = json!({"acivnet.dev/reconcile-requested-at": "now"});
    assert_eq!(reconciles(&ctx, &object, &azure, 600).await.0, 1, "and when somebody asks for it");
    object.lock().unwrap()["metadata"]["generation"] = json!(2);
    assert_eq!(reconciles(&ctx, &object, &azure, 600).await.0, 1, "and for another spec");
}

#[tokio::test(start_paused = true)]
async fn what_somebody_may_remove_is_tried_ever_later() {
    let azure = refusing(403, "AuthorizationFailed");
    let (mock, object) = cluster(subnet(), true);
    let ctx = mock.ctx_with(azure.clone());
    let (first, _) = reconciles(&ctx, &object, &azure, 300).await;
    let (then, _) = reconciles(&ctx, &object, &azure, 3000).await;
    assert!((5..=8).contains(&first) && (8..=14).contains(&then), "{first} in five minutes, {then} in fifty more");
}

/// The most steps that a future makes in one go, counted as in `crates/core/tests/one_go.rs`.
async fn most_steps<T>(work: impl Future<Output = T>) -> (u64, T) {
    let (mut work, mut most) = (std::pin::pin!(work), 0);
    let done = std::future::poll_fn(|context| {
        let mut polled = std::task::Poll::Pending;
        let steps = allocation_counter::measure(|| polled = work.as_mut().poll(context)).count_total;
        most = most.max(steps);
        polled
    });
    let done = done.await;
    (most, done)
}

/// 50 ms of 400 ns.
const MOST_STEPS: u64 = 125_000;

#[tokio::test]
async fn the_largest_answer_holds_the_thread_for_no_more_than_a_small_one() {
    let (mock, object) = cluster(subnet(), true);
    let subnets = |count: usize| -> Value {
        let one = |n| json!({"id": format!("/x/subnets/s{n}"), "name": format!("s{n}"), "properties": {"addressPrefix": "10.0.7.0/24"}});
        (0..count).map(one).collect()
    };
    let network = json!({"id": "/x", "name": "amlvnet1", "location": "japaneast", "etag": "e", "tags": {}, "properties": {
        "provisioningState": "Succeeded", "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "subnets": subnets(40_000)}});
    let text = network.to_string();
    assert!(text.len() > 3 << 20 && text.len() <= acivnet_azure::limits::LARGEST_ANSWER, "{}", text.len());
    let azure = FakeAzure::new(move |line| match line.split_once(' ').unwrap() {
        ("GET", path) if path.ends_with("/virtualNetworks/amlvnet1") => (200, Value::String(text.clone())),
        ("GET", _) => (404, json!({"error": {"code": "ResourceNotFound", "message": "no"}})),
        _ => (403, json!({"error": {"code": "AuthorizationFailed", "message": "no"}})),
    });
    let ctx = mock.ctx_with(azure.clone());
    let (most, reconciled) = most_steps(reconcile(&ctx, &read(&object))).await;
    assert!(reconciled.again.is_some() && !azure.lines().is_empty());
    assert_eq!(condition(&object, "Ready")["reason"], reasons::ADOPTION_REFUSED, "it was looked at");
    assert!(most <= MOST_STEPS, "{most} steps in one go");
}

/// As after a rollback: the definitions and what they keep are of a later version.
#[tokio::test(start_paused = true)]
async fn what_a_later_version_keeps_in_a_status_stays() {
    let mut object = subnet();
    let later = json!({"since": 7, "parts": ["a"]});
    object["status"] = json!({"observedGeneration": -1, "later": later, "laterToo": 1.5});
    let (mock, stored) = cluster(object, false);
    let ctx = mock.ctx();
    for _ in 0..2 {
        reconcile(&ctx, &read(&stored)).await;
        let status = &stored.lock().unwrap()["status"];
        assert_eq!((&status["later"], &status["laterToo"]), (&later, &json!(1.5)));
        assert_eq!(status["observedGeneration"], 1, "this version writes what it knows");
    }
    let puts = mock.lines().into_iter().filter(|line| line.starts_with("PUT")).count();
    assert_eq!(puts, 1, "what is not known is no change");
}
