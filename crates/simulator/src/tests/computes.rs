//! Compute instances.

use super::*;

const API: &str = "api-version=2024-04-01";

fn compute(name: &str) -> String {
    format!("{}/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/{name}", group())
}

fn versioned(path: &str) -> String {
    format!("{path}?{API}")
}

fn body(subnet: Option<&str>) -> Value {
    let mut inner = json!({
        "vmSize": "Standard_DS3_v2", "enableNodePublicIp": false,
        "personalComputeInstanceSettings": {"assignedUser": {"objectId": "o", "tenantId": TENANT}},
    });
    match subnet {
        Some(id) => inner["subnet"] = json!({"id": id}),
        None => inner["enableNodePublicIp"] = json!(true),
    }
    json!({"location": "westeurope", "properties": {"computeType": "ComputeInstance", "properties": inner}})
}

fn plain_subnet(prefix: &str) -> Value {
    json!({"properties": {"addressPrefix": prefix}})
}

async fn bed() -> Bed {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("client"), plain_subnet("10.0.0.0/24")).await;
    bed
}

#[tokio::test]
async fn life_of_an_instance() {
    let bed = bed().await;
    let created = bed.put(&versioned(&compute("Ci1")), body(Some(&subnet("client")))).await;
    assert_eq!((created.status, created.state()), (201, "Creating"), "{}", created.text);
    let operation = created.header("azure-asyncoperation").to_owned();
    assert!(operation.contains("/locations/westeurope/computeOperationsStatus/"), "{operation}");
    assert_eq!(created.header("location"), "");
    assert_eq!(bed.get(&operation).await.body, json!({"status": "InProgress"}));
    let early = bed.get(&versioned(&compute("ci1"))).await.body;
    assert_eq!(early["properties"]["properties"]["state"], "Creating");
    assert!(early["properties"]["properties"].get("connectivityEndpoints").is_none());
    assert_eq!(bed.put(&versioned(&compute("ci1")), body(None)).await.expect(409, "Conflict").status, 409);
    bed.wait(300);
    assert_eq!(bed.get(&operation).await.body, json!({"status": "Succeeded"}));
    let found = bed.get(&versioned(&compute("ci1"))).await.body;
    let inner = &found["properties"]["properties"];
    assert_eq!(found["id"], compute("Ci1"));
    assert_eq!(found["properties"]["provisioningState"], "Succeeded");
    assert_eq!(inner["state"], "Running");
    assert_eq!(inner["vmSize"], "STANDARD_DS3_V2");
    assert_eq!(inner["connectivityEndpoints"], json!({"privateIpAddress": "10.0.0.4"}));
    assert_eq!(inner["lastOperation"]["operationStatus"], "Succeeded");
    assert_eq!(inner["personalComputeInstanceSettings"]["assignedUser"]["objectId"], "o");
    let list = bed.get(&versioned(compute("x").trim_end_matches("/x"))).await.body;
    assert_eq!(list["value"].as_array().unwrap().len(), 1);

    let url = versioned(&compute("ci1"));
    bed.delete(&url).await.expect(400, "BadRequest");
    bed.delete(&format!("{url}&underlyingResourceAction=Detach")).await.expect(400, "BadRequest");
    let deleted = bed.delete(&format!("{url}&underlyingResourceAction=Delete")).await;
    assert_eq!((deleted.status, &*deleted.text), (202, ""));
    assert_eq!(bed.get(&url).await.state(), "Deleting");
    let result = deleted.header("location").to_owned();
    assert!(result.ends_with("&type=location"), "{result}");
    assert_eq!(bed.get(&result).await.status, 202);
    bed.wait(100);
    assert_eq!(bed.get(&result).await.status, 204);
    bed.get(&url).await.expect(404, "ResourceNotFound");
    assert_eq!(bed.delete(&format!("{url}&underlyingResourceAction=Delete")).await.status, 204);
    assert!(bed.get(&subnet("client")).await.body["properties"].get("ipConfigurations").is_none());
}

#[tokio::test]
async fn power() {
    let bed = bed().await;
    bed.put(&versioned(&compute("ci1")), body(None)).await;
    bed.wait(300);
    let post = async |action: &str| {
        bed.send(Method::POST, &versioned(&format!("{}/{action}", compute("ci1"))), Value::Null).await
    };
    let state = async || bed.get(&versioned(&compute("ci1"))).await.body["properties"]["properties"]["state"].clone();
    assert!(bed.get(&versioned(&compute("ci1"))).await.text.contains("\"publicIpAddress\":\"203.0.113."));
    post("start").await.expect(409, "Conflict");
    for (action, during, after) in
        [("stop", "Stopping", "Stopped"), ("start", "Starting", "Running"), ("restart", "Restarting", "Running")]
    {
        let answer = post(action).await;
        assert_eq!(answer.status, 202, "{action} {}", answer.text);
        assert_eq!(state().await, during);
        post("restart").await.expect(409, "Conflict");
        bed.wait(150);
        assert_eq!(bed.get(answer.header("azure-asyncoperation")).await.body["status"], "Succeeded");
        assert_eq!(state().await, after);
    }
    bed.send(Method::POST, "/simulator/faults", json!({"method": "POST", "path": "/stop$", "operation": "Failed"}))
        .await;
    post("stop").await;
    bed.wait(150);
    assert_eq!(state().await, "Running");
    post("listKeys").await.expect(400, "BadRequest");
    post("explode").await.expect(404, "InvalidResourceType");
}

#[tokio::test]
async fn an_instance_uses_its_subnet() {
    let bed = bed().await;
    bed.put(&versioned(&compute("ci1")), body(Some(&subnet("client")))).await;
    let used = bed.get(&subnet("client")).await.body;
    assert_eq!(used["properties"]["ipConfigurations"].as_array().unwrap().len(), 1);
    bed.delete(&subnet("client")).await.expect(400, "InUseSubnetCannotBeDeleted");
    bed.delete(&vnet()).await.expect(400, "InUseSubnetCannotBeDeleted");
    bed.put(&subnet("client"), aci_body("10.0.0.0/24"))
        .await
        .expect(400, "SubnetDelegationsCannotChangeWhenSubnetUsedByResource");
    bed.wait(300);
    bed.stands(&subnet("other"), plain_subnet("10.0.5.0/24")).await;
    let over = bed.put(&versioned(&compute("ci1")), body(Some(&subnet("other")))).await;
    assert_eq!((over.status, over.state()), (200, "Creating"));
    assert!(over.header("azure-asyncoperation").contains("computeOperationsStatus"));
    bed.wait(300);
    let found = bed.get(&versioned(&compute("ci1"))).await.body;
    assert_eq!(found["properties"]["properties"]["connectivityEndpoints"]["privateIpAddress"], "10.0.5.4");
    assert_eq!(bed.delete(&subnet("client")).await.status, 202, "nobody is in it any more");
}

#[tokio::test]
async fn refusals() {
    let bed = bed().await;
    bed.stands(&subnet("aci"), aci_body("10.0.1.0/24")).await;
    bed.stands(&subnet("tiny"), plain_subnet("10.0.2.0/29")).await;
    for name in ["a1", "cpu-cluster-1", "9lives", "a_b"] {
        let answer = bed.put(&versioned(&compute(name)), body(None)).await;
        assert_eq!(answer.status, 400);
        assert!(answer.message().starts_with(&format!("Compute name '{name}' is not available. Reason: Invalid.")));
        assert!(answer.body["error"].get("code").is_none());
    }
    let put = async |document: Value| bed.put(&versioned(&compute("ci1")), document).await;
    put(body(Some(&subnet("aci")))).await.expect(400, "BadRequest");
    put(body(Some(&subnet("missing")))).await.expect(400, "InvalidResourceReference");
    for (pointer, value, code) in [
        ("/location", json!("eastus"), "BadRequest"),
        ("/location", Value::Null, "LocationRequired"),
        ("/properties/computeType", json!("AKS"), "BadRequest"),
        ("/properties/properties/vmSize", Value::Null, "BadRequest"),
        ("/properties/properties/enableNodePublicIp", json!(false), "BadRequest"),
    ] {
        let mut document = body(None);
        *document.pointer_mut(pointer).unwrap() = value;
        put(document).await.expect(400, code);
    }
    for name in ["ci1", "ci2", "ci3"] {
        assert_eq!(bed.put(&versioned(&compute(name)), body(Some(&subnet("tiny")))).await.status, 201);
    }
    bed.put(&versioned(&compute("ci4")), body(Some(&subnet("tiny")))).await.expect(400, "SubnetIsFull");
    bed.get(&versioned(&compute("ci4"))).await.expect(404, "ResourceNotFound");
    let other = compute("ci1").replace("/workspaces/ws/", "/workspaces/other/");
    bed.put(&versioned(&other), body(None)).await.expect(404, "ResourceNotFound");
    let workspace = json!({"workspaces": [{
        "subscriptionId": SUBSCRIPTION, "resourceGroup": "ml", "name": "other", "location": "westeurope",
    }]});
    bed.put("/simulator/seed", workspace).await;
    let taken = bed.put(&versioned(&other), body(None)).await;
    assert_eq!(taken.status, 400);
    assert!(taken.message().contains("Reason: AlreadyExists."), "{}", taken.text);
    let reader = bed.token_of(TENANT, READER).await;
    bed.send_as(&reader, Method::PUT, &versioned(&compute("ci9")), body(None)).await.expect(403, "AuthorizationFailed");
}

#[tokio::test]
async fn a_creation_that_fails_and_a_hand_in_the_portal() {
    let bed = bed().await;
    let fault = json!({"method": "PUT", "path": "/computes/", "operation": "Failed", "code": "QuotaExceeded", "message": "no cores"});
    bed.send(Method::POST, "/simulator/faults", fault).await;
    let answer = bed.put(&versioned(&compute("ci1")), body(Some(&subnet("client")))).await;
    bed.wait(300);
    let operation = bed.get(answer.header("azure-asyncoperation")).await;
    assert_eq!((operation.status, &operation.body["status"]), (200, &json!("Failed")));
    let failed = bed.get(&versioned(&compute("ci1"))).await;
    assert_eq!(failed.state(), "Failed");
    assert_eq!(failed.body["properties"]["properties"]["state"], "CreateFailed");
    assert_eq!(failed.body["properties"]["provisioningErrors"][0]["error"]["code"], "QuotaExceeded");
    assert_eq!(bed.put(&versioned(&compute("ci1")), body(Some(&subnet("client")))).await.status, 200, "PUT repairs it");
    bed.wait(300);
    let edit = format!("/simulator/resources?id={}", compute("ci1"));
    assert_eq!(
        bed.send(Method::PATCH, &edit, json!({"properties": {"properties": {"state": "Stopped"}}})).await.status,
        204
    );
    let stopped = bed.get(&versioned(&compute("ci1"))).await;
    assert_eq!((stopped.state(), &stopped.body["properties"]["properties"]["state"]), ("Succeeded", &json!("Stopped")));
    assert_eq!(bed.delete(&edit).await.status, 204);
    assert_eq!(bed.delete(&subnet("client")).await.status, 202, "the address is free again");
    bed.put(&versioned(&compute("ci2")), body(None)).await;
    assert_eq!(bed.delete(&format!("{}?api-version=2021-04-01", group())).await.status, 202);
    bed.wait(300);
    bed.get(&versioned(&compute("ci2"))).await.expect(404, "ResourceGroupNotFound");
}
