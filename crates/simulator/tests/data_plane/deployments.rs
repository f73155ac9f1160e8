//! Updates and deletions of services that stand.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::bed::{Bed, GROUP, WORKSPACE};

async fn patch(bed: &Bed, operations: Value) -> crate::bed::Answer {
    bed.mm(Method::PATCH, "services/aciservice", Some(operations)).await
}

#[tokio::test]
async fn a_new_model_keeps_service_and_address() {
    let mut bed = Bed::new().await;
    bed.healthy_service("aciservice").await;
    let before = bed.score("http://10.0.1.4/score", None).await.json();
    let model = bed.model("mymodel", b"other weights", json!({})).await;
    let image = bed.image_request(&model, "other script").await;
    let operations = json!([
        {"op": "replace", "path": "/environmentImageRequest", "value": image},
        {"op": "replace", "path": "/kvTags", "value": {"content": "2"}},
        {"op": "add", "path": "/properties/owner", "value": "me"}]);
    let operation = patch(&bed, operations).await.operation();
    let during = bed.service("aciservice").await;
    assert_eq!((&during["state"], &during["kvTags"]["content"]), (&json!("Transitioning"), &json!("2")));
    assert_eq!(during["environmentImageRequest"]["modelIds"], json!(["mymodel:2"]));
    assert_eq!(bed.score("http://10.0.1.4/score", None).await.json(), before);
    bed.pass(64);
    assert_eq!(bed.operation(&operation).await["state"], "Succeeded");
    let service = bed.service("aciservice").await;
    assert_eq!((&service["state"], &service["scoringUri"]), (&json!("Healthy"), &json!("http://10.0.1.4/score")));
    let after = bed.score("http://10.0.1.4/score", None).await.json();
    assert_eq!(after["models"], json!(["mymodel:2"]));
    assert_ne!(after["scriptDigest"], before["scriptDigest"]);
}

#[tokio::test]
async fn what_the_container_need_not_know_is_done_at_once() {
    let mut bed = Bed::new().await;
    bed.healthy_service("aciservice").await;
    let done = patch(&bed, json!([
        {"op": "replace", "path": "/kvTags", "value": {"a": "1"}}, {"op": "replace", "path": "/description", "value": "d"},
        {"op": "add", "path": "/properties/p", "value": "1"}])).await;
    assert_eq!((done.status, done.json()["state"].clone()), (StatusCode::OK, json!("Healthy")));
    let service = bed.service("aciservice").await;
    assert_eq!((&service["kvTags"], &service["description"]), (&json!({"a": "1"}), &json!("d")));
    let refused = patch(&bed, json!([{"op": "add", "path": "/properties/p", "value": "2"}])).await;
    assert_eq!((refused.status, refused.detail().as_str()), (StatusCode::BAD_REQUEST, "ImmutableProperty"));
}

#[tokio::test]
async fn what_can_not_be_updated_is_refused_and_nothing_changes() {
    let mut bed = Bed::new().await;
    bed.healthy_service("aciservice").await;
    for path in ["/containerResourceRequirements", "/vnetConfiguration", "/location", "/name", "/keys", "/dnsNameLabel"]
    {
        let operations = json!([
            {"op": "replace", "path": "/description", "value": "changed"}, {"op": "replace", "path": path, "value": {}}]);
        assert_eq!(patch(&bed, operations).await.status, StatusCode::BAD_REQUEST, "{path}");
    }
    assert_eq!(bed.service("aciservice").await["description"], json!(null));
    assert_eq!(bed.mm(Method::PATCH, "services/none", Some(json!([]))).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn deletion_takes_its_time_and_frees_the_address() {
    let mut bed = Bed::new().await;
    bed.healthy_service("aciservice").await;
    let subnet = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/aci?api-version=2024-05-01");
    assert_eq!(bed.send(Method::DELETE, &subnet, None).await.status, StatusCode::BAD_REQUEST);
    let operation = bed.mm(Method::DELETE, "services/aciservice", None).await.operation();
    assert_eq!(bed.service("aciservice").await["operationId"], operation.as_str());
    bed.pass(16);
    assert_eq!(bed.mm(Method::GET, "services/aciservice", None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bed.operation(&operation).await["state"], "Succeeded");
    assert_eq!(bed.mm(Method::DELETE, "services/aciservice", None).await.status, StatusCode::NO_CONTENT);
    assert_eq!(bed.score("http://10.0.1.4/score", None).await.status, StatusCode::GATEWAY_TIMEOUT);
    assert_eq!(bed.healthy_service("another").await["scoringUri"], "http://10.0.1.4/score");
}

#[tokio::test]
async fn a_hand_in_the_portal_deletes_and_edits() {
    let mut bed = Bed::new().await;
    bed.healthy_service("aciservice").await;
    let id = format!("/simulator/resources?id={WORKSPACE}/services/aciservice");
    let edited = bed.send(Method::PATCH, &id, Some(json!({"kvTags": {"by": "hand"}}))).await;
    assert!(edited.status.is_success(), "{}", edited.text());
    assert_eq!(bed.service("aciservice").await["kvTags"]["by"], "hand");
    assert!(bed.send(Method::DELETE, &id, None).await.status.is_success());
    assert_eq!(bed.mm(Method::GET, "services/aciservice", None).await.status, StatusCode::NOT_FOUND);
    let dump = bed.get("/simulator/dump").await.json();
    assert_eq!(dump["services"], json!([]));
    assert_eq!(dump["models"][0]["id"], "mymodel:1");
    assert_eq!(dump["images"].as_array().unwrap().len(), 1);
    assert!(!dump.to_string().contains("sig="));
    assert_eq!(bed.healthy_service("another").await["scoringUri"], "http://10.0.1.4/score");
}

#[tokio::test]
async fn the_group_of_a_service_is_a_container_group_like_others() {
    let mut bed = Bed::new().await;
    bed.healthy_service("aciservice").await;
    let groups = format!("{GROUP}/providers/Microsoft.ContainerInstance/containerGroups");
    let listed = bed.send(Method::GET, &format!("{groups}?api-version=2023-05-01"), None).await.json();
    assert_eq!(listed["value"].as_array().unwrap().len(), 1);
    assert!(listed["value"][0]["properties"].get("instanceView").is_none());
    let id = listed["value"][0]["id"].as_str().unwrap();
    assert!(id.starts_with(&format!("{groups}/aciservice-")), "{id}");
    let versioned = |path: &str| format!("{path}?api-version=2023-05-01");
    let group = bed.send(Method::GET, &versioned(id), None).await.json();
    assert_eq!(group["properties"]["ipAddress"]["ip"], "10.0.1.4");
    assert_eq!(group["properties"]["instanceView"]["state"], "Running");
    assert_eq!(group["properties"]["containers"][1]["name"], "azureml-fe-aci");
    let log = bed.send(Method::GET, &versioned(&format!("{id}/containers/aciservice/logs")), None).await.json();
    assert!(log["content"].as_str().unwrap().contains("init"), "{log}");
    assert_eq!(bed.send(Method::DELETE, &versioned(id), None).await.status, StatusCode::OK);
    assert_eq!(bed.send(Method::GET, &versioned(id), None).await.status, StatusCode::NOT_FOUND);
    assert_eq!(bed.service("aciservice").await["state"], "Unhealthy");
    assert_eq!(bed.score("http://10.0.1.4/score", None).await.status, StatusCode::GATEWAY_TIMEOUT);
    let again = json!([{"op": "replace", "path": "/environmentImageRequest",
        "value": bed.service("aciservice").await["environmentImageRequest"]}]);
    assert_eq!(patch(&bed, again).await.status, StatusCode::ACCEPTED);
    bed.pass(64);
    assert_eq!(bed.service("aciservice").await["state"], "Healthy", "an update makes a new one");
}
