//! Deployments that fail, by the script of their container or of their operation.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::bed::{Bed, environment};

#[tokio::test]
async fn a_crash_is_told_with_the_containers_own_words() {
    let mut bed = Bed::new().await;
    let body = bed.service_body("aciservice").await;
    let log = "Traceback (most recent call last):\n  File \"score.py\", line 4, in init\nKeyError: 'x'\n";
    bed.script("aciservice", json!({"init": {"crash": true, "log": log}})).await;
    let operation = bed.mm(Method::POST, "services", Some(body.clone())).await.operation();
    assert_eq!(bed.mm(Method::GET, "services/aciservice/logs?tail=100&init=False", None).await.json()["content"], "");
    bed.pass(200);
    let failed = bed.operation(&operation).await;
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("Failed"), &json!("AciDeploymentFailed")));
    assert_eq!(failed["error"]["details"][0]["code"], "CrashLoopBackOff");
    let service = bed.service("aciservice").await;
    assert_eq!((&service["state"], &service["error"]["statusCode"]), (&json!("Failed"), &json!(400)));
    assert!(service["scoringUri"].is_null());
    assert_eq!(bed.mm(Method::GET, "services/aciservice/logs", None).await.json()["content"], log);
    let last = bed.mm(Method::GET, "services/aciservice/logs?tail=1", None).await.json();
    assert_eq!(last["content"], "KeyError: 'x'\n");
    assert_eq!(bed.score("http://10.0.1.4/score", None).await.status, StatusCode::GATEWAY_TIMEOUT);

    bed.script("aciservice", json!({})).await;
    let repaired =
        json!([{"op": "replace", "path": "/environmentImageRequest", "value": body["environmentImageRequest"]}]);
    bed.mm(Method::PATCH, "services/aciservice", Some(repaired)).await.operation();
    bed.pass(64);
    let service = bed.service("aciservice").await;
    assert_eq!((&service["state"], &service["scoringUri"]), (&json!("Healthy"), &json!("http://10.0.1.4/score")));
    assert!(service.get("error").is_none());
}

#[tokio::test]
async fn a_build_that_fails_leaves_its_log_and_no_image() {
    let mut bed = Bed::new().await;
    let body = bed.service_body("aciservice").await;
    let log = "Collecting packages\nERROR: no version of scikit-learn==99\n";
    bed.script("aciservice", json!({"build": {"fail": true, "log": log}})).await;
    let operation = bed.mm(Method::POST, "services", Some(body.clone())).await.operation();
    bed.pass(100);
    let failed = bed.operation(&operation).await;
    assert_eq!(failed["error"]["code"], "EnvironmentBuildFailed");
    assert_eq!(
        failed["operationDetails"],
        json!({"subOperationType": "BuildEnvironment", "subOperationState": "Failed"})
    );
    let url = failed["operationLog"].as_str().unwrap();
    assert_eq!(bed.exchange(Request::get(url).body(Body::empty()).unwrap()).await.text(), log);
    assert_eq!(bed.service("aciservice").await["state"], "Failed");
    assert_eq!(bed.mm(Method::DELETE, "services/aciservice", None).await.status, StatusCode::OK);
    bed.script("aciservice", json!({})).await;
    let again = bed.mm(Method::POST, "services", Some(body)).await.operation();
    assert!(bed.operation(&again).await["streamingOperationLog"].as_str().unwrap().contains("Building image"));
}

#[tokio::test]
async fn an_update_whose_build_fails_leaves_the_old_container_at_work() {
    let mut bed = Bed::new().await;
    bed.healthy_service("aciservice").await;
    bed.script("aciservice", json!({"build": {"fail": true}})).await;
    let mut image = bed.image_request("mymodel:1", "script").await;
    image["environment"] = environment("scikit-learn==99");
    let operations = json!([{"op": "replace", "path": "/environmentImageRequest", "value": image}]);
    bed.mm(Method::PATCH, "services/aciservice", Some(operations)).await.operation();
    bed.pass(200);
    assert_eq!(bed.service("aciservice").await["state"], "Failed");
    assert_eq!(bed.score("http://10.0.1.4/score", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_exhausted_quota_is_what_container_instances_says() {
    let mut bed = Bed::new().await;
    let body = bed.service_body("aciservice").await;
    bed.script("aciservice", json!({"quota": true})).await;
    let operation = bed.mm(Method::POST, "services", Some(body)).await.operation();
    bed.pass(101);
    let failed = bed.operation(&operation).await;
    assert_eq!(failed["error"]["code"], "AciDeploymentFailed");
    assert_eq!(failed["error"]["details"][0]["code"], "ContainerGroupQuotaReached");
}

#[tokio::test]
async fn a_subnet_that_fills_up_during_the_build_refuses_at_the_end() {
    let mut bed = Bed::new().await;
    let path = format!(
        "{}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/small?api-version=2024-05-01",
        crate::bed::GROUP
    );
    let body = json!({"properties": {"addressPrefix": "10.0.2.0/29", "delegations": [
        {"name": "aci", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}]}});
    bed.send(Method::PUT, &path, Some(body)).await;
    bed.pass(60);
    let mut body = bed.service_body("aci-0").await;
    body["vnetConfiguration"]["subnetName"] = json!("small");
    let mut operations = Vec::new();
    for n in 0..4 {
        body["name"] = json!(format!("aci-{n}"));
        operations.push(bed.mm(Method::POST, "services", Some(body.clone())).await.operation());
    }
    bed.pass(200);
    let failed = bed.operation(&operations[3]).await;
    assert_eq!(failed["error"]["details"][0]["code"], "SubnetIsFull", "{failed}");
    assert_eq!(bed.operation(&operations[2]).await["state"], "Succeeded");
}

#[tokio::test]
async fn an_operation_ends_as_a_fault_says() {
    let mut bed = Bed::new().await;
    let body = bed.service_body("aciservice").await;
    let fault =
        json!({"method": "POST", "path": "/services$", "operation": "Failed", "code": "Boom", "message": "by script"});
    assert!(bed.send(Method::POST, "/simulator/faults", Some(fault)).await.status.is_success());
    let operation = bed.mm(Method::POST, "services", Some(body.clone())).await.operation();
    bed.pass(200);
    let failed = bed.operation(&operation).await;
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("Failed"), &json!("Boom")));
    assert_eq!(bed.service("aciservice").await["error"]["message"], "by script");

    let lost = json!({"method": "PATCH", "operation": "Lost"});
    bed.send(Method::POST, "/simulator/faults", Some(lost)).await;
    let patch =
        json!([{"op": "replace", "path": "/environmentImageRequest", "value": body["environmentImageRequest"]}]);
    let operation = bed.mm(Method::PATCH, "services/aciservice", Some(patch)).await.operation();
    let gone = bed.mm(Method::GET, &format!("operations/{operation}"), None).await;
    assert_eq!((gone.status, gone.json()["statusCode"].clone()), (StatusCode::NOT_FOUND, json!(404)));
    bed.pass(200);
    assert_eq!(bed.service("aciservice").await["state"], "Healthy");
}

#[tokio::test]
async fn a_region_that_made_too_many_container_groups_refuses_the_next() {
    let mut bed = Bed::new().await;
    let settings = json!({"limits": {"containerInstances": true}});
    bed.simulator.with(|world| world.settings.change(serde_json::from_value(settings).unwrap()));
    bed.simulator.with(|world| {
        let make = acivnet_simulator::windows::Deed::Create;
        let made = (0..100).all(|_| {
            acivnet_simulator::windows::container_group(world, crate::bed::SUBSCRIPTION, "japaneast", make).is_ok()
        });
        assert!(made);
    });
    let body = bed.service_body("aciservice").await;
    let operation = bed.mm(Method::POST, "services", Some(body)).await.operation();
    bed.pass(200);
    let failed = bed.operation(&operation).await;
    assert_eq!((&failed["state"], &failed["error"]["code"]), (&json!("Failed"), &json!("AciDeploymentFailed")));
    assert_eq!(failed["error"]["details"][0]["code"], "TooManyRequests");
    assert_eq!(bed.service("aciservice").await["state"], "Failed");
}
