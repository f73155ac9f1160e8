//! Registration, lists, changes and deletion of models and assets; environments.

use http::{Method, StatusCode};
use serde_json::json;

use crate::bed::{Bed, WORKSPACE, environment};

#[tokio::test]
async fn every_registration_is_a_new_version() {
    let mut bed = Bed::new().await;
    assert_eq!(bed.model("m", b"same", json!({})).await, "m:1");
    assert_eq!(bed.model("m", b"same", json!({})).await, "m:2");
    assert_eq!(bed.model("other", b"x", json!({})).await, "other:1");
    let model = bed.mm(Method::GET, "models/m%3A1", None).await.json();
    assert_eq!((&model["version"], &model["datasets"], &model["framework"]), (&json!(1), &json!([]), &json!("Custom")));
    assert!(model["createdTime"].as_str().unwrap().ends_with("+00:00"));
    assert_eq!(bed.mm(Method::DELETE, "models/m:2", None).await.status, StatusCode::OK);
    assert_eq!(bed.model("m", b"same", json!({})).await, "m:3");
}

#[tokio::test]
async fn not_found_stands_in_the_body() {
    let bed = Bed::new().await;
    let missing = bed.mm(Method::GET, "models/m:9", None).await;
    assert_eq!((missing.status, missing.json()["statusCode"].clone()), (StatusCode::NOT_FOUND, json!(404)));
    assert!(missing.json().get("error").is_none());
    let path = format!("/modelmanagement/v1.0{}x/models", WORKSPACE);
    let missing = bed.get(&path).await;
    assert_eq!((missing.status, missing.json()["statusCode"].clone()), (StatusCode::NOT_FOUND, json!(404)));
}

#[tokio::test]
async fn lists_filter_and_page_newest_first() {
    let mut bed = Bed::new().await;
    for hash in ["a", "b", "a"] {
        bed.model("m", b"x", json!({"owner": "me", "hash": hash})).await;
    }
    bed.model("n", b"x", json!({"owner": "me"})).await;
    let ids = |body: &serde_json::Value| -> Vec<String> {
        body["value"].as_array().unwrap().iter().map(|m| m["id"].as_str().unwrap().to_owned()).collect()
    };
    let list = async |query: &str| bed.mm(Method::GET, &format!("models?{query}"), None).await.json();
    assert_eq!(ids(&list("name=m&properties=hash=a").await), ["m:3", "m:1"]);
    assert_eq!(ids(&list("properties=owner,hash").await), ["m:3", "m:2", "m:1"]);
    assert_eq!(ids(&list("latestVersionOnly=true").await), ["n:1", "m:3"]);
    assert_eq!(ids(&list("name=none").await).len(), 0);
    let first = list("name=m&count=2").await;
    assert_eq!(ids(&first), ["m:3", "m:2"]);
    let next = first["nextLink"].as_str().unwrap();
    assert!(next.contains("%24skipToken=2"), "{next}");
    let second = bed.get(next).await.json();
    assert_eq!(ids(&second), ["m:1"]);
    assert_eq!(second.get("nextLink"), Some(&json!(null)));
}

#[tokio::test]
async fn assets_are_found_by_their_properties() {
    let mut bed = Bed::new().await;
    let artifact = bed.upload("model.pkl", b"x").await;
    let asset = json!({"name": "m", "artifacts": [{"prefix": artifact}], "properties": {"digest": "d1"}});
    let made = bed.mm(Method::POST, "assets", Some(asset)).await;
    assert_eq!(made.status, StatusCode::OK);
    let id = made.json()["id"].clone();
    let found = bed.mm(Method::GET, "assets?name=m&properties=digest=d1", None).await.json();
    assert_eq!(found["value"][0]["id"], id);
    let none = bed.mm(Method::GET, "assets?properties=digest=d2", None).await.json();
    assert_eq!(none["value"], json!([]));
    let unknown = json!({"name": "m", "url": "aml://asset/nope", "mimeType": "application/json"});
    assert_eq!(bed.mm(Method::POST, "models", Some(unknown)).await.detail(), "AssetNotFound");
}

#[tokio::test]
async fn properties_are_added_never_changed() {
    let mut bed = Bed::new().await;
    let id = bed.model("m", b"x", json!({"p": "1"})).await;
    let patch = async |operation| bed.mm(Method::PATCH, &format!("models/{id}"), Some(json!([operation]))).await;
    let tagged = patch(json!({"op": "replace", "path": "/kvTags", "value": {"area": "test"}})).await;
    assert_eq!(tagged.json()["kvTags"], json!({"area": "test"}));
    let more = patch(json!({"op": "add", "path": "/properties", "value": {"p": "1", "q": "2"}})).await;
    assert_eq!(more.json()["properties"], json!({"p": "1", "q": "2"}));
    let changed = patch(json!({"op": "add", "path": "/properties", "value": {"p": "2"}})).await;
    assert_eq!(changed.status, StatusCode::BAD_REQUEST);
    assert_eq!(patch(json!({"op": "replace", "path": "/name", "value": "x"})).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_model_in_use_is_kept() {
    let mut bed = Bed::new().await;
    bed.healthy_service("aciservice").await;
    let kept = bed.mm(Method::DELETE, "models/mymodel:1", None).await;
    assert_eq!(kept.status, StatusCode::PRECONDITION_FAILED);
    assert!(kept.json()["message"].as_str().unwrap().contains("DeletionRequired"));
    bed.mm(Method::DELETE, "services/aciservice", None).await;
    bed.pass(20);
    assert_eq!(bed.mm(Method::DELETE, "models/mymodel:1", None).await.status, StatusCode::OK);
    assert_eq!(bed.mm(Method::DELETE, "models/mymodel:1", None).await.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn bad_model_names_are_refused() {
    let bed = Bed::new().await;
    for name in ["", "-a", "a b", "a/b"] {
        let body = json!({"name": name, "url": "aml://asset/x", "mimeType": "application/json"});
        assert_eq!(bed.mm(Method::POST, "models", Some(body)).await.detail(), "InvalidModelName", "{name:?}");
    }
}

#[tokio::test]
async fn environments_have_versions() {
    let bed = Bed::new().await;
    let path = format!("/environment/v1.0{WORKSPACE}/environments");
    let put = async |rest: &str, package: &str| {
        bed.send(Method::PUT, &format!("{path}/{rest}"), Some(environment(package))).await
    };
    assert_eq!(put("e", "a").await.json()["version"], "1");
    assert_eq!(put("e", "a").await.json()["version"], "1");
    assert_eq!(put("e", "b").await.json()["version"], "2");
    assert_eq!(put("e/versions/2", "b").await.status, StatusCode::OK);
    let conflict = put("e/versions/2", "c").await;
    assert_eq!((conflict.status, conflict.json()["error"]["code"].clone()), (StatusCode::CONFLICT, json!("UserError")));
    assert_eq!(put("AzureML-mine", "a").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(bed.get(&format!("{path}/e")).await.json()["version"], "2");
    assert_eq!(bed.get(&format!("{path}/e/versions/1")).await.json()["version"], "1");
    assert_eq!(bed.get(&format!("{path}/none")).await.status, StatusCode::NOT_FOUND);
}
