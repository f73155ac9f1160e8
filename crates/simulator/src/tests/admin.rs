//! The admin interface: log, counts, dump, a hand in the portal.

use super::*;
use base64::{Engine as _, engine::general_purpose::STANDARD};

#[tokio::test]
async fn log_and_counts() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.get("/simulator/dump").await;
    let counts = bed.get("/simulator/counts").await.body;
    assert_eq!(counts, json!({"total": 2, "byVerb": {"GET": 1, "PUT": 1}, "writes": 1, "token": 1}));
    let log = bed.get("/simulator/requests?since=1").await;
    let entries: Vec<Value> = log.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(entries.len(), 2);
    assert_eq!(
        entries[0],
        json!({
            "seq": 2, "time": "2026-11-22T15:00:00Z", "caller": OWNER, "verb": "PUT", "path": vnet(), "id": vnet(),
            "status": 201, "durationMs": 0, "clientRequestId": null, "apiVersion": VERSION,
        })
    );
    assert_eq!(bed.send(Method::POST, "/simulator/counts/reset", Value::Null).await.status, 204);
    assert_eq!(bed.get("/simulator/counts").await.body["total"], json!(0));
}

#[tokio::test]
async fn a_hand_in_the_portal() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&nsg(), json!({"location": "westeurope", "properties": {"securityRules": []}})).await;
    bed.stands(&subnet("aci"), aci_body("10.0.1.0/24")).await;
    let edit = |id: String| format!("/simulator/resources?id={id}");
    let before = bed.get(&vnet()).await.body;
    let patch = json!({"properties": {"delegations": [], "networkSecurityGroup": {"id": nsg()}}});
    assert_eq!(bed.send(Method::PATCH, &edit(subnet("aci")), patch).await.status, 204);
    let after = bed.get(&subnet("aci")).await.body;
    assert_eq!(after["properties"]["delegations"], json!([]));
    assert_eq!(after["properties"]["networkSecurityGroup"]["id"], nsg());
    assert_ne!(after["etag"], before["etag"]);
    assert_eq!(
        bed.send(Method::PATCH, &edit(subnet("aci")), json!({"properties": {"networkSecurityGroup": null}}))
            .await
            .status,
        204
    );
    assert!(bed.get(&subnet("aci")).await.body["properties"].get("networkSecurityGroup").is_none());

    assert_eq!(bed.send(Method::PATCH, &edit(vnet()), json!({"tags": {"by": "hand"}})).await.status, 204);
    let network = bed.get(&vnet()).await.body;
    assert_eq!(
        (&network["tags"], network["properties"]["subnets"].as_array().unwrap().len()),
        (&json!({"by": "hand"}), 1)
    );
    bed.hold_after_delegation().await;
    assert_eq!(bed.delete(&edit(subnet("aci"))).await.status, 204, "even while it is in use");
    assert_eq!(bed.get(&subnet("aci")).await.status, 404);
    assert_eq!(bed.delete(&edit(subnet("aci"))).await.status, 404);
    assert_eq!(bed.put(&edit(subnet("new")), aci_body("10.0.9.0/24")).await.status, 204);
    assert_eq!(bed.get(&subnet("new")).await.state(), "Succeeded");
    assert_eq!(bed.put(&edit(format!("{}/providers/Microsoft.Zoo/zebras/z", group())), json!({})).await.status, 400);
}

impl Bed {
    async fn hold_after_delegation(&self) {
        self.stands(&subnet("aci"), aci_body("10.0.1.0/24")).await;
        self.hold("g");
    }
}

#[tokio::test]
async fn the_dump_shows_everything_but_secrets() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("a"), aci_body("10.0.1.0/24")).await;
    let dump = bed.get("/simulator/dump").await;
    let ids: Vec<&String> = dump.body["resources"].as_object().unwrap().keys().collect();
    let workspace = format!("{}/providers/Microsoft.MachineLearningServices/workspaces/ws", group());
    assert_eq!(ids, [&group(), &workspace, &vnet(), &subnet("a")]);
    for member in ["models", "services", "artifacts", "blobs", "environments", "images"] {
        assert!(dump.body.get(member).is_some(), "{member}");
    }
    assert!(!dump.text.contains(SECRET));
}

#[tokio::test]
async fn a_seed_at_run_time() {
    let bed = Bed::new().await;
    let answer = bed
        .put("/simulator/seed", json!({"roleAssignments": [{"principalId": "x", "role": "King", "scope": "/"}]}))
        .await;
    assert_eq!(answer.status, 400);
    assert!(answer.body["error"].as_str().unwrap().contains("role \"King\" is not built in"));
    let answer = bed.put("/simulator/seed", json!({"roleAssignment": []})).await;
    assert!(answer.body["error"].as_str().unwrap().contains("unknown field `roleAssignment`"), "{}", answer.text);
    bed.put(
        "/simulator/seed",
        json!({"resourceGroups": [{"subscriptionId": SUBSCRIPTION, "name": "late", "location": "eastus"}]}),
    )
    .await;
    assert_eq!(bed.get(&format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/late")).await.body["location"], "eastus");
}

#[tokio::test]
async fn a_recording_holds_bodies_from_when_it_begins() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    assert_eq!(bed.get("/simulator/recording").await.body, json!([]));
    assert_eq!(bed.send(Method::POST, "/simulator/recording", Value::Null).await.status, 204);
    bed.get(&vnet()).await;
    bed.put(&vnet(), vnet_body()).await;
    let sent = bed.get("/simulator/recording").await.body;
    // these tests send no Content-Type, so that the body is kept as bytes
    let body = STANDARD.encode(vnet_body().to_string());
    assert_eq!(sent, json!([{"verb": "PUT", "path": vnet(), "base64": body, "status": 200}]));
}
