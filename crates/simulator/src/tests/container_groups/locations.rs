//! What a location has left, and who may use it.

use super::*;

#[tokio::test]
async fn locations_and_rights() {
    let bed = Bed::new().await;
    stands(&bed, "g", body()).await;
    let location = |list: &str| {
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerInstance/locations/westeurope/{list}")
    };
    let usages = bed.get(&location("usages")).await;
    let used: Vec<_> = usages.body["value"].as_array().unwrap().iter().map(|one| one["currentValue"].clone()).collect();
    assert_eq!(used, [json!(1), json!(1)]);
    assert_eq!(bed.get(&location("capabilities")).await.body["value"][0]["capabilities"]["maxCpu"], 31);
    let reader = bed.token_of(TENANT, READER).await;
    assert_eq!(bed.send_as(&reader, Method::GET, &id("g"), Value::Null).await.status, 200);
    for (method, path, body) in [
        (Method::PUT, id("g"), body()),
        (Method::DELETE, id("g"), Value::Null),
        (Method::POST, format!("{}/stop", id("g")), Value::Null),
    ] {
        bed.send_as(&reader, method, &path, body).await.expect(403, "AuthorizationFailed");
    }
    bed.put(
        &format!(
            "/subscriptions/{SUBSCRIPTION}/resourceGroups/none/providers/Microsoft.ContainerInstance/containerGroups/g"
        ),
        body(),
    )
    .await
    .expect(404, "ResourceGroupNotFound");
    assert_eq!(bed.get(&format!("{}?api-version=2025-09-01", id("g"))).await.status, 200);
}

#[tokio::test]
async fn quota_holds_where_it_is_switched_on() {
    let bed = Bed::new().await;
    let large = |cpu: u32| {
        let mut body = body();
        body["properties"]["containers"][0]["properties"]["resources"]["requests"]["cpu"] = json!(cpu);
        body
    };
    assert_eq!(bed.put(&id("a"), large(60)).await.status, 201);
    assert_eq!(bed.put(&id("b"), large(60)).await.status, 201, "off at first");
    let on = json!({"limits": {"containerInstances": true}});
    assert_eq!(bed.send(Method::PATCH, "/simulator/settings", on).await.status, 204);
    let refused = bed.put(&id("c"), large(1)).await.expect(400, "ContainerGroupQuotaReached");
    assert!(refused.message().contains("Limit: '100', Usage: '120' Requested: '1'"), "{}", refused.text);
    assert_eq!(bed.delete(&id("a")).await.status, 200);
    assert_eq!(bed.put(&id("c"), large(1)).await.status, 201);
}
