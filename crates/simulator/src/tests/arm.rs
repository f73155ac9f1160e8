//! What holds for all types: versions, missing things, roles, locks, groups, lists, workspaces.

use super::*;

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn what_is_missing_is_told_as_azure_does() {
    let bed = Bed::new().await;
    let in_group = |name: &str| format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}");
    for (method, path, status, code, cause) in [
        (
            Method::GET,
            "/subscriptions/77777777-7777-4777-8777-777777777777/resourceGroups/ml".to_owned(),
            404,
            "SubscriptionNotFound",
            "gateway",
        ),
        (Method::GET, in_group("gone"), 404, "ResourceGroupNotFound", "gateway"),
        (Method::GET, vnet().replace("/ml/", "/gone/"), 404, "ResourceGroupNotFound", "gateway"),
        (Method::PUT, vnet().replace("/ml/", "/gone/"), 404, "ResourceGroupNotFound", "gateway"),
        (Method::DELETE, vnet().replace("/ml/", "/gone/"), 404, "ResourceGroupNotFound", "gateway"),
        (Method::GET, vnet(), 404, "ResourceNotFound", "gateway"),
        (Method::GET, subnet("s"), 404, "ResourceNotFound", "gateway"),
        (Method::PUT, subnet("s"), 404, "ParentResourceNotFound", "gateway"),
        (Method::DELETE, subnet("s"), 404, "ParentResourceNotFound", "gateway"),
        (Method::GET, nsg(), 404, "ResourceNotFound", "gateway"),
        (
            Method::GET,
            format!("{}/providers/Microsoft.MachineLearningServices/workspaces/gone", group()),
            404,
            "ResourceNotFound",
            "gateway",
        ),
        (
            Method::GET,
            format!("{}/providers/Microsoft.Network/zebras/z", group()),
            404,
            "InvalidResourceType",
            "gateway",
        ),
        (
            Method::GET,
            format!("{}/providers/Microsoft.Zoo/zebras/z", group()),
            404,
            "InvalidResourceNamespace",
            "gateway",
        ),
        (Method::GET, "/nonsense".to_owned(), 404, "MissingSubscription", "gateway"),
        (Method::DELETE, vnet(), 204, "", ""),
        (Method::DELETE, nsg(), 204, "", ""),
    ] {
        let body = if method == Method::PUT { vnet_body() } else { Value::Null };
        let answer = bed.send(method.clone(), &path, body).await;
        assert_eq!(
            (answer.status, answer.code(), answer.header("x-ms-failure-cause")),
            (status, code, cause),
            "{method} {path} {}",
            answer.text
        );
        assert!(!answer.header("x-ms-request-id").is_empty());
    }
    let answer = bed.get(&vnet()).await;
    assert!(
        answer
            .message()
            .starts_with("The Resource 'Microsoft.Network/virtualNetworks/v' under resource group 'ml' was not found."),
        "{}",
        answer.message()
    );
    let answer = bed.get(&subnet("s")).await;
    assert!(
        answer.message().contains("'Microsoft.Network/virtualNetworks/v'"),
        "names the network: {}",
        answer.message()
    );
    bed.stands(&vnet(), vnet_body()).await;
    let answer = bed.get(&subnet("s")).await.expect(404, "NotFound");
    assert_eq!(answer.header("x-ms-failure-cause"), "", "a provider says nothing of itself");
    bed.send(Method::PATCH, "/simulator/settings", json!({"providerFailureCause": true})).await;
    let answer = bed.get(&subnet("s")).await.expect(404, "NotFound");
    assert_eq!(answer.header("x-ms-failure-cause"), "service");
    assert_eq!(bed.delete(&subnet("s")).await.status, 204);
}

#[tokio::test]
async fn versions_come_before_everything() {
    let bed = Bed::new().await;
    let request = Request::get(vnet()).header("host", "localhost").body(Body::empty()).unwrap();
    bed.raw(request).await.expect(400, "MissingApiVersionParameter");
    bed.get(&format!("{}?api-version=1999-01-01", vnet())).await.expect(400, "NoRegisteredProviderFound");
    bed.get("/subscriptions?api-version=latest").await.expect(400, "InvalidApiVersionParameter");
}

#[tokio::test]
async fn roles() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    let reader = bed.token_of(TENANT, READER).await;
    assert_eq!(bed.send_as(&reader, Method::GET, &vnet(), Value::Null).await.status, 200);
    let answer = bed.send_as(&reader, Method::PUT, &subnet("s"), aci_body("10.0.1.0/24")).await;
    let answer = answer.expect(403, "AuthorizationFailed");
    assert_eq!(
        answer.message(),
        format!(
            "The client '{READER}' with object id 'oid-reader' does not have authorization to perform action \
             'Microsoft.Network/virtualNetworks/subnets/write' over scope '{}' or the scope is invalid. If access was \
             recently granted, please refresh your credentials.",
            subnet("s")
        )
    );
    let elsewhere = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/gone");
    bed.send_as(&reader, Method::GET, &elsewhere, Value::Null).await.expect(403, "AuthorizationFailed");
    bed.put(&elsewhere, json!({"location": "westeurope"})).await;
    let groups = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups");
    let names = |answer: &Answer| {
        answer.body["value"].as_array().unwrap().iter().map(|it| it["name"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(names(&bed.get(&groups).await), ["gone", "ml"]);
    assert_eq!(names(&bed.send_as(&reader, Method::GET, &groups, Value::Null).await), ["ml"]);
    let networks = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/virtualNetworks");
    assert_eq!(names(&bed.send_as(&reader, Method::GET, &networks, Value::Null).await), ["v"]);
    bed.delete("/simulator/roles?principalId=oid-reader").await;
    bed.send_as(&reader, Method::GET, &networks, Value::Null).await.expect(403, "AuthorizationFailed");
    assert_eq!(bed.send_as(&reader, Method::GET, "/subscriptions", Value::Null).await.body["value"], json!([]));
}

#[tokio::test]
async fn referring_needs_the_right_to_join() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&nsg(), json!({"location": "westeurope"})).await;
    let seed = json!({"roleAssignments": [{
        "principalId": "oid-reader", "role": "Subnets only", "scope": vnet(),
        "actions": ["Microsoft.Network/virtualNetworks/*"],
    }]});
    bed.put("/simulator/seed", seed).await;
    let reader = bed.token_of(TENANT, READER).await;
    let mut body = aci_body("10.0.1.0/24");
    body["properties"]["networkSecurityGroup"] = json!({"id": nsg()});
    let answer = bed.send_as(&reader, Method::PUT, &subnet("s"), body).await.expect(403, "LinkedAuthorizationFailed");
    assert!(answer.message().contains("'Microsoft.Network/networkSecurityGroups/join/action'"));
    assert_eq!(bed.get(&subnet("s")).await.status, 404);
}

#[tokio::test]
async fn locks() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    let lock = |level: &str| json!({"scope": group(), "level": level});
    bed.send(Method::POST, "/simulator/locks", lock("CanNotDelete")).await;
    let answer = bed.delete(&vnet()).await.expect(409, "ScopeLocked");
    assert!(answer.message().contains(&format!("locked: '{}'", group())), "{}", answer.message());
    assert_eq!(bed.put(&vnet(), vnet_body()).await.status, 200);
    bed.send(Method::POST, "/simulator/locks", lock("ReadOnly")).await;
    bed.put(&vnet(), vnet_body()).await.expect(409, "ScopeLocked");
    assert_eq!(bed.get(&vnet()).await.status, 200);
    assert_eq!(bed.delete(&format!("/simulator/locks?scope={}", group())).await.status, 204);
    assert_eq!(bed.delete(&vnet()).await.status, 202);
}

#[tokio::test]
async fn groups() {
    let bed = Bed::new().await;
    let path = format!("/subscriptions/{SUBSCRIPTION}/resourcegroups/Extra");
    assert_eq!(bed.send(Method::HEAD, &path, Value::Null).await.status, 404);
    bed.put(&path, json!({})).await.expect(400, "LocationRequired");
    bed.put(&path, json!({"location": "atlantis"})).await.expect(400, "LocationNotAvailableForResourceGroup");
    let answer = bed.put(&path, json!({"location": "West Europe", "tags": {"a": "b"}})).await;
    assert_eq!(
        (answer.status, &answer.body["location"], &answer.body["tags"]),
        (201, &json!("westeurope"), &json!({"a": "b"}))
    );
    bed.put(&path, json!({"location": "eastus"})).await.expect(409, "InvalidResourceGroupLocation");
    let head = bed.send(Method::HEAD, &path.replace("Extra", "EXTRA"), Value::Null).await;
    assert_eq!((head.status, head.text.as_str()), (204, ""));
    let inside = format!("{path}/providers/Microsoft.Network/virtualNetworks/v");
    bed.stands(&inside, vnet_body()).await;
    let answer = bed.delete(&path).await;
    assert_eq!((answer.status, answer.header("retry-after")), (202, "15"));
    bed.put(&inside, vnet_body()).await.expect(409, "ResourceGroupBeingDeleted");
    assert_eq!(bed.get(&path).await.state(), "Deleting");
    let location = answer.header("location").to_owned();
    assert_eq!(bed.get(&location).await.status, 202);
    bed.wait(60);
    assert_eq!(bed.get(&location).await.status, 200);
    bed.get(&inside).await.expect(404, "ResourceGroupNotFound");
}

#[tokio::test]
async fn lists_come_in_pages() {
    let bed = Bed::new().await;
    for name in ["C", "a", "b"] {
        bed.stands(&format!("{}/providers/Microsoft.Network/virtualNetworks/{name}", group()), vnet_body()).await;
    }
    bed.put("/simulator/seed", json!({"pageSize": 2})).await;
    let list = format!("{}/providers/Microsoft.Network/virtualNetworks", group());
    let first = bed.get(&list).await;
    let next = first.body["nextLink"].as_str().unwrap().to_owned();
    assert!(next.starts_with(&format!("https://localhost:8443{list}?api-version={VERSION}&%24skiptoken=")), "{next}");
    bed.delete(&format!("{list}/b")).await;
    bed.wait(20);
    let second = bed.get(&next).await;
    let names = |answer: &Answer| {
        answer.body["value"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!((names(&first), names(&second)), (vec!["a".to_owned(), "b".to_owned()], vec!["C".to_owned()]));
    assert!(second.body.get("nextLink").is_none());
    bed.get(&format!("{list}?$skiptoken=!!&api-version={VERSION}")).await.expect(400, "InvalidSkipToken");
}

#[tokio::test]
async fn workspace_and_subscription() {
    let bed = Bed::new().await;
    let path = format!("{}/providers/microsoft.machinelearningservices/workspaces/WS", group());
    let answer = bed.get(&path).await;
    assert_eq!(answer.body["name"], "ws");
    assert_eq!(answer.body["properties"]["discoveryUrl"], "https://localhost:8443/discovery");
    assert!(answer.body["etag"].is_null());
    assert_eq!(answer.body["location"], "westeurope");
    let answer = bed.get("/subscriptions?api-version=2022-12-01").await;
    assert_eq!(answer.body["value"][0]["subscriptionId"], SUBSCRIPTION);
    assert_eq!(answer.body["value"][0]["tenantId"], TENANT);
    let request = Request::get("/metadata/endpoints?api-version=2022-09-01").body(Body::empty()).unwrap();
    assert_eq!(bed.raw(request).await.body["resourceManager"], "https://localhost:8443");
}

#[tokio::test]
async fn tags_at_scope() {
    let bed = Bed::new().await;
    let mut body = vnet_body();
    body["tags"] = json!({"a": "1", "b": "2"});
    bed.stands(&vnet(), body).await;
    let path = format!("{}/providers/Microsoft.Resources/tags/default", vnet());
    let patch = |operation: &str, tags: Value| json!({"operation": operation, "properties": {"tags": tags}});
    for (operation, tags, after) in [
        ("Merge", json!({"b": "3", "c": "4"}), json!({"a": "1", "b": "3", "c": "4"})),
        ("Delete", json!({"a": "1"}), json!({"b": "3", "c": "4"})),
        ("Replace", json!({"z": "0"}), json!({"z": "0"})),
    ] {
        assert_eq!(bed.send(Method::PATCH, &path, patch(operation, tags)).await.status, 200);
        assert_eq!(bed.get(&vnet()).await.body["tags"], after, "{operation}");
    }
    bed.send(Method::PATCH, &path, patch("Paint", json!({}))).await.expect(400, "InvalidRequestContent");
}

#[tokio::test]
async fn rate_limits() {
    let bed = Bed::new().await;
    let group = format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/x");
    for left in (0..200).rev() {
        let answer = bed.delete(&group).await;
        assert_eq!(answer.header("x-ms-ratelimit-remaining-subscription-deletes"), left.to_string());
    }
    let answer = bed.delete(&group).await.expect(429, "SubscriptionRequestsThrottled");
    assert_eq!(answer.header("retry-after"), "1");
    assert_eq!(bed.get(&group).await.header("x-ms-ratelimit-remaining-subscription-reads"), "249");
    bed.wait(1);
    assert_eq!(bed.delete(&group).await.header("x-ms-ratelimit-remaining-subscription-deletes"), "9");
}
