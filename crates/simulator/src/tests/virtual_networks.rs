//! Virtual networks: creation, the wipe, one writer, etags, deletion.

use super::*;

#[tokio::test]
async fn creation_is_an_operation() {
    let bed = Bed::new().await;
    let answer = bed.put(&vnet(), vnet_body()).await;
    assert_eq!((answer.status, answer.state(), answer.header("retry-after")), (201, "Updating", "3"));
    assert!(answer.header("location").is_empty());
    assert_eq!(answer.body["properties"]["subnets"], json!([]));
    assert!(answer.body.get("tags").is_none());
    let url = answer.header("azure-asyncoperation").to_owned();
    assert!(url.len() > 2_900 && url.len() < 3_500, "{}", url.len());
    assert!(url.contains("/providers/Microsoft.Network/locations/westeurope/operations/"));
    for pause in ["10", "20", "40"] {
        let status = bed.get(&url).await;
        assert_eq!(
            (status.status, &status.body, status.header("retry-after")),
            (200, &json!({"status": "InProgress"}), pause)
        );
    }
    assert_eq!(bed.get(&vnet()).await.state(), "Updating");
    bed.wait(4);
    let status = bed.get(&url).await;
    assert_eq!((status.body.clone(), status.header("retry-after")), (json!({"status": "Succeeded"}), ""));
    let there = bed.get(&vnet()).await;
    assert_eq!(there.state(), "Succeeded");
    assert_eq!(there.header("etag"), there.body["etag"]);
    assert_ne!(there.body["etag"], answer.body["etag"]);
    assert_eq!(there.body["properties"]["resourceGuid"], answer.body["properties"]["resourceGuid"]);
    bed.get(&url.replace("&s=", "&s=A")).await.expect(403, "InvalidOperationUrlSignature");
    assert_eq!(bed.send_as("", Method::GET, &url, Value::Null).await.status, 401);
}

#[tokio::test]
async fn without_a_change_of_the_network_it_is_done_at_once() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    let mut body = vnet_body();
    body["tags"] = json!({"a": "b"});
    let answer = bed.put(&vnet(), body).await;
    assert_eq!((answer.status, answer.state(), answer.header("retry-after")), (200, "Succeeded", ""));
    assert!(!answer.header("azure-asyncoperation").is_empty());
    let answer = bed.send(Method::PATCH, &vnet(), json!({"tags": {"c": "d"}})).await;
    assert_eq!(
        (answer.status, &answer.body["tags"], answer.header("azure-asyncoperation")),
        (200, &json!({"c": "d"}), "")
    );
}

#[tokio::test]
async fn what_becomes_of_subnets_that_a_put_does_not_mention() {
    let listed = |names: &[&str]| -> Value {
        names
            .iter()
            .map(|name| json!({"name": name, "properties": {"addressPrefix": if *name == "a" { "10.0.1.0/24" } else { "10.0.2.0/24" }}}))
            .collect()
    };
    for (version, subnets, left) in [
        ("2023-06-01", None, vec![]),
        ("2023-09-01", None, vec!["a", "b"]),
        ("2024-05-01", None, vec!["a", "b"]),
        ("2024-05-01", Some(json!([])), vec![]),
        ("2023-06-01", Some(listed(&["b"])), vec!["b"]),
        ("2024-05-01", Some(listed(&["b"])), vec!["b"]),
    ] {
        let bed = Bed::new().await;
        bed.stands(&vnet(), vnet_body()).await;
        bed.stands(&subnet("a"), aci_body("10.0.1.0/24")).await;
        bed.stands(&subnet("b"), aci_body("10.0.2.0/24")).await;
        let mut body = vnet_body();
        if let Some(subnets) = &subnets {
            body["properties"]["subnets"] = subnets.clone();
        }
        let answer = bed.put(&format!("{}?api-version={version}", vnet()), body).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        bed.wait(10);
        let there = bed.get(&vnet()).await;
        let found = there.body["properties"]["subnets"].as_array().unwrap();
        let names: Vec<&str> = found.iter().map(|it| it["name"].as_str().unwrap()).collect();
        assert_eq!(names, left, "{version} {subnets:?}");
        if subnets.is_some() && !left.is_empty() {
            assert_eq!(found[0]["properties"]["delegations"], json!([]), "an entry replaces the whole subnet");
        }
    }
}

#[tokio::test]
async fn a_wipe_of_a_used_subnet_changes_nothing() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("aci"), aci_body("10.0.1.0/24")).await;
    bed.stands(&subnet("b"), aci_body("10.0.2.0/24")).await;
    bed.hold("g");
    let before = bed.get(&vnet()).await;
    bed.put(&format!("{}?api-version=2023-06-01", vnet()), vnet_body()).await.expect(400, "InUseSubnetCannotBeDeleted");
    bed.delete(&vnet()).await.expect(400, "InUseSubnetCannotBeDeleted");
    assert_eq!(bed.get(&vnet()).await.body, before.body);
}

#[tokio::test]
async fn one_writer() {
    let bed = Bed::new().await;
    bed.put(&vnet(), vnet_body()).await;
    let answer = bed.put(&subnet("a"), aci_body("10.0.1.0/24")).await.expect(429, "RetryableError");
    assert_eq!((answer.detail(), answer.header("retry-after")), ("RetryableErrorDueToAnotherOperation", "11"));
    assert!(
        answer.body["error"]["details"][0]["message"]
            .as_str()
            .unwrap()
            .contains("Operation PutVirtualNetworkOperation (")
    );
    bed.wait(4);
    assert_eq!(bed.put(&subnet("a"), aci_body("10.0.1.0/24")).await.status, 201);
    bed.put(&subnet("b"), aci_body("10.0.2.0/24")).await.expect(429, "RetryableError");
    bed.delete(&vnet()).await.expect(429, "RetryableError");
    let other = vnet().replace("virtualNetworks/v", "virtualNetworks/w");
    assert_eq!(bed.put(&other, vnet_body()).await.status, 201, "another network has its own writer");
    bed.wait(4);
    assert_eq!(bed.put(&subnet("b"), aci_body("10.0.2.0/24")).await.status, 201);
}

#[tokio::test]
async fn etags_are_shared_and_conditions_honoured() {
    let bed = Bed::new().await;
    bed.put_if_match(&vnet(), "*", vnet_body()).await.expect(412, "PreconditionFailed");
    bed.stands(&vnet(), vnet_body()).await;
    let first = bed.stands(&subnet("a"), aci_body("10.0.1.0/24")).await.body["etag"].as_str().unwrap().to_owned();
    assert_eq!(bed.get(&vnet()).await.body["etag"], first);
    bed.stands(&subnet("b"), aci_body("10.0.2.0/24")).await;
    let moved = bed.get(&subnet("a")).await;
    assert_ne!(moved.body["etag"], first, "a sibling was written");
    let answer =
        bed.put_if_match(&subnet("a"), &first, aci_body("10.0.1.0/24")).await.expect(412, "PreconditionFailed");
    assert_eq!(answer.detail(), "PreconditionFailedEtagMismatch");
    let etag = moved.body["etag"].as_str().unwrap();
    assert_eq!(moved.body["properties"]["delegations"][0]["etag"], etag);
    bed.put_if_match(&subnet("a"), &format!("W/\"{etag}\""), aci_body("10.0.1.0/24"))
        .await
        .expect(412, "PreconditionFailed");
    assert_eq!(bed.put_if_match(&subnet("a"), etag, aci_body("10.0.1.0/24")).await.status, 200);
}

#[tokio::test]
async fn a_condition_on_a_delete_counts_where_it_is_switched_on() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    let setting = |honoured: bool| json!({"ifMatchOnDelete": honoured});
    bed.send(Method::PATCH, "/simulator/settings", setting(true)).await;
    bed.delete_if_match(&vnet(), "W/\"other\"").await.expect(412, "PreconditionFailed");
    bed.send(Method::PATCH, "/simulator/settings", setting(false)).await;
    assert_eq!(bed.delete_if_match(&vnet(), "W/\"other\"").await.status, 202);
}

#[tokio::test]
async fn deletion() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("a"), aci_body("10.0.1.0/24")).await;
    let answer = bed.delete(&vnet()).await;
    assert_eq!((answer.status, answer.text.as_str(), answer.header("retry-after")), (202, "", "10"));
    let (status, result) = (answer.header("azure-asyncoperation").to_owned(), answer.header("location").to_owned());
    assert!(result.contains("/operationResults/"));
    assert_eq!(bed.get(&vnet()).await.state(), "Deleting");
    assert_eq!(bed.get(&result).await.status, 202);
    bed.wait(10);
    assert_eq!(bed.get(&status).await.body, json!({"status": "Succeeded"}));
    assert_eq!(bed.get(&result).await.status, 204);
    bed.get(&vnet()).await.expect(404, "ResourceNotFound");
    bed.get(&subnet("a")).await.expect(404, "ResourceNotFound");
    assert_eq!(bed.delete(&vnet()).await.status, 204);
}

#[tokio::test]
async fn ids_have_no_case_and_keep_that_of_creation() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    let answer = bed.get(&vnet().to_uppercase().replace("API", "api")).await;
    assert_eq!(answer.body["id"], vnet());
    let answer = bed.put(&vnet().to_lowercase().replace("/v", "/V").replace("/Virtual", "/virtual"), vnet_body()).await;
    assert_eq!((answer.status, &answer.body["id"], &answer.body["name"]), (200, &json!(vnet()), &json!("v")));
}

#[tokio::test]
async fn refused_bodies_change_nothing() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("a"), aci_body("10.0.1.0/24")).await;
    let before = bed.get(&vnet()).await;
    let space = |prefixes: Value| json!({"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": prefixes}}});
    for (body, status, code) in [
        (json!({"properties": vnet_body()["properties"]}), 400, "LocationRequired"),
        (json!({"location": "eastus", "properties": vnet_body()["properties"]}), 409, "InvalidResourceLocation"),
        (
            json!({"location": "atlantis", "properties": vnet_body()["properties"]}),
            400,
            "LocationNotAvailableForResourceType",
        ),
        (json!({"location": "westeurope", "properties": {}}), 400, "InvalidRequestFormat"),
        (space(json!(["10.0.0.1/16"])), 400, "InvalidCIDRNotation"),
        (space(json!(["ten"])), 400, "InvalidAddressPrefixFormat"),
        (space(json!(["192.168.0.0/16"])), 400, "NetcfgSubnetRangeOutsideVnet"),
        (Value::from(3), 400, "InvalidRequestContent"),
    ] {
        bed.put(&vnet(), body).await.expect(status, code);
    }
    assert_eq!(bed.get(&vnet()).await.body, before.body);
    let grown = bed.stands(&vnet(), space(json!(["10.0.0.0/16", "10.1.0.0/16"]))).await;
    assert_eq!(grown.body["properties"]["addressSpace"]["addressPrefixes"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn peerings_are_connected_when_there_are_two() {
    let bed = Bed::new().await;
    let other = format!("{}/providers/Microsoft.Network/virtualNetworks/w", group());
    let body =
        |prefix: &str| json!({"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": [prefix]}}});
    bed.stands(&vnet(), body("10.0.0.0/16")).await;
    bed.stands(&other, body("10.1.0.0/16")).await;
    let peering = |network: &str| format!("{network}/virtualNetworkPeerings/p");
    let to = |network: &str| json!({"properties": {"remoteVirtualNetwork": {"id": network}, "allowVirtualNetworkAccess": true}});
    let state = |answer: &Answer| answer.body["properties"]["peeringState"].clone();
    assert_eq!(state(&bed.stands(&peering(&vnet()), to(&other)).await), "Initiated");
    assert_eq!(state(&bed.stands(&peering(&other), to(&vnet())).await), "Connected");
    assert_eq!(state(&bed.get(&peering(&vnet())).await), "Connected");
    let network = bed.stands(&vnet(), vnet_body()).await;
    assert_eq!(network.body["properties"]["virtualNetworkPeerings"].as_array().unwrap().len(), 1, "a PUT keeps them");
    assert_eq!(bed.delete(&peering(&other)).await.status, 202);
    bed.wait(20);
    assert_eq!(state(&bed.get(&peering(&vnet())).await), "Disconnected");
    bed.put(&peering(&vnet()), to(&format!("{other}x"))).await.expect(400, "InvalidResourceReference");
    bed.put(&peering(&vnet()), to(&vnet())).await.expect(400, "VnetAddressSpacesOverlap");
}
