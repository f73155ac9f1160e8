//! The requests of the classic flow in their order, as the SDK makes them.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::bed::{BASE, Bed, WORKSPACE};

#[tokio::test]
async fn discovery_names_every_endpoint_without_a_token() {
    let mut bed = Bed::new().await;
    let workspace = bed.get(&format!("{WORKSPACE}?api-version=2022-05-01")).await.json();
    assert_eq!(workspace["properties"]["discoveryUrl"], format!("{BASE}/discovery"));
    bed.signed_out();
    let found = bed.get("/discovery").await;
    assert_eq!(found.status, StatusCode::OK);
    for key in ["api", "experimentation", "history", "hyperdrive", "modelmanagement", "studio"] {
        assert_eq!(found.json()[key], BASE, "{key}");
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story")]
async fn model_to_scoring_address() {
    let mut bed = Bed::new().await;
    let body = bed.service_body("aciservice").await;
    let validated = bed.mm(Method::POST, "services/validate/name/aciservice", Some(json!({}))).await;
    assert_eq!((validated.status, validated.json()), (StatusCode::OK, json!({})));
    let validated = bed.mm(Method::POST, "services/validate/resource", Some(body.clone())).await;
    assert_eq!(validated.json(), json!({}), "{}", validated.text());

    let created = bed.mm(Method::POST, "services", Some(body)).await;
    let operation = created.operation();
    let early = bed.service("aciservice").await;
    assert_eq!(early["state"], "Transitioning");
    for key in [
        "computeType",
        "name",
        "description",
        "kvTags",
        "properties",
        "createdTime",
        "appInsightsEnabled",
        "authEnabled",
        "cname",
        "containerResourceRequirements",
        "location",
        "publicIp",
        "scoringUri",
        "sslCertificate",
        "sslEnabled",
        "sslKey",
    ] {
        assert!(early.get(key).is_some(), "{key} is missing");
    }
    assert!(early.get("updatedTime").is_none() && early.get("imageDetails").is_none() && early["scoringUri"].is_null());
    assert_eq!(early["operationId"], operation.as_str());
    assert_eq!(early["models"][0]["id"], "mymodel:1");
    assert!(early["models"][0]["datasets"].is_array() && early["models"][0].get("tags").is_some());

    let running = bed.operation(&operation).await;
    assert_eq!(running["state"], "Running");
    assert_eq!(running["operationDetails"]["subOperationType"], "BuildEnvironment");
    let log = running["streamingOperationLog"].as_str().unwrap().to_owned();
    assert!(log.contains("|Registering the environment.#") && log.contains("|Building image..#"), "{log}");

    bed.pass(101);
    let rest = bed.mm(Method::GET, &format!("operations/{operation}?offset={}", log.len()), None).await.json();
    assert_eq!(rest["operationDetails"]["subOperationType"], "DeployService");
    let rest = rest["streamingOperationLog"].as_str().unwrap();
    assert!(
        rest.ends_with("|Checking the status of deployment aciservice.#") && !rest.contains("Registering"),
        "{rest}"
    );

    bed.pass(60);
    let done = bed.operation(&operation).await;
    assert_eq!(done["state"], "Succeeded");
    assert!(done.get("error").is_none() && done.get("endTime").is_some());
    let service = bed.service("aciservice").await;
    assert_eq!((&service["state"], &service["scoringUri"]), (&json!("Healthy"), &json!("http://10.0.1.4/score")));
    assert_eq!((&service["publicIp"], &service["properties"]["hasHttps"]), (&json!(null), &json!("False")));
    assert_eq!(service["containerResourceRequirements"]["cpu"], json!(1));
    let answer = bed.score("http://10.0.1.4/score", None).await;
    assert_eq!((answer.status, answer.json()["models"].clone()), (StatusCode::OK, json!(["mymodel:1"])));
    let nobody = bed.score("http://10.0.1.5/score", None).await;
    assert_eq!(nobody.status, StatusCode::GATEWAY_TIMEOUT);
}

#[tokio::test]
async fn the_build_log_is_a_blob_with_its_own_signature() {
    let mut bed = Bed::new().await;
    let body = bed.service_body("aciservice").await;
    bed.script("aciservice", json!({"build": {"log": "step 1\nstep 2\n"}})).await;
    let operation = bed.mm(Method::POST, "services", Some(body)).await.operation();
    bed.pass(100);
    let url = bed.operation(&operation).await["operationLog"].as_str().unwrap().to_owned();
    assert!(url.starts_with("https://amlstorage.blob.localhost:8443/azureml/ImageLogs/"), "{url}");
    let read = |url: String| bed.exchange(Request::get(url).body(Body::empty()).unwrap());
    assert_eq!(read(url.clone()).await.text(), "step 1\nstep 2\n");
    let unsigned = url.split('?').next().unwrap().to_owned();
    assert_eq!(read(unsigned).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_equal_environment_is_not_built_again() {
    let mut bed = Bed::new().await;
    bed.healthy_service("first").await;
    let body = bed.service_body("second").await;
    let operation = bed.mm(Method::POST, "services", Some(body)).await.operation();
    bed.pass(64);
    let done = bed.operation(&operation).await;
    assert_eq!(done["state"], "Succeeded", "{done}");
    assert!(done["streamingOperationLog"].as_str().unwrap().contains("|Use the existing image.#"));
    assert!(done.get("operationLog").is_none());
    assert_eq!(bed.service("second").await["scoringUri"], "http://10.0.1.5/score");
}

#[tokio::test]
async fn two_runs_give_the_same_bytes() {
    let mut texts = Vec::new();
    for _ in 0..2 {
        let mut bed = Bed::new().await;
        bed.healthy_service("aciservice").await;
        texts.push(bed.mm(Method::GET, "services?expand=true", None).await.text());
    }
    assert_eq!(texts[0], texts[1]);
}
