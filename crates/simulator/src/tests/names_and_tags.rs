//! Names and tags, which are checked of every type.

use super::*;

fn network(kind: &str, name: &str) -> String {
    format!("{}/providers/Microsoft.Network/{kind}/{name}", group())
}

fn group_named(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}")
}

/// Path and body of each type that has tags, with these.
fn tagged(tags: &Value) -> Vec<(String, Value)> {
    let of = |location: &str, properties: Value| json!({"location": location, "tags": tags, "properties": properties});
    let container =
        json!({"name": "c", "properties": {"image": "i", "resources": {"requests": {"cpu": 1, "memoryInGB": 1}}}});
    let link = json!({"virtualNetwork": {"id": vnet()}, "registrationEnabled": false});
    let zone = network("privateDnsZones", "a.example");
    vec![
        (group_named("tagged"), of("westeurope", json!({}))),
        (
            network("virtualNetworks", "n"),
            of("westeurope", json!({"addressSpace": {"addressPrefixes": ["10.1.0.0/16"]}})),
        ),
        (network("networkSecurityGroups", "n"), of("westeurope", json!({}))),
        (network("routeTables", "n"), of("westeurope", json!({}))),
        (network("natGateways", "n"), of("westeurope", json!({}))),
        (network("publicIPAddresses", "n"), of("westeurope", json!({}))),
        (zone.clone(), of("global", json!({}))),
        (format!("{zone}/virtualNetworkLinks/l"), of("global", link)),
        (
            format!("{}/providers/Microsoft.ContainerInstance/containerGroups/n", group()),
            of("westeurope", json!({"containers": [container], "osType": "Linux"})),
        ),
        (
            format!("{}/providers/Microsoft.MachineLearningServices/workspaces/ws/computes/ci1", group()),
            of("westeurope", json!({"computeType": "ComputeInstance", "properties": {"vmSize": "Standard_DS3_v2"}})),
        ),
    ]
}

/// A version that the type has.
fn versioned(path: &str) -> String {
    let is_dns = path.contains("privateDnsZones");
    if is_dns { format!("{path}?api-version=2020-06-01") } else { path.to_owned() }
}

async fn bed() -> Bed {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&versioned(&network("privateDnsZones", "a.example")), json!({"location": "global"})).await;
    bed.wait(60);
    bed
}

#[tokio::test]
async fn every_type_refuses_what_no_tag_can_be() {
    let bed = bed().await;
    let many: Value = (0..51).map(|number| (number.to_string(), json!("x"))).collect();
    for (tags, code) in [
        (json!({"app.kubernetes.io/name": "x"}), "InvalidTagNameCharacters"),
        (json!({"a": "x".repeat(257)}), "InvalidTagValueLength"),
        (json!({"a": "1", "A": "2"}), "DuplicateTagNames"),
        (many, "TagsLimitExceeded"),
    ] {
        for (path, body) in tagged(&tags) {
            let answer = bed.put(&versioned(&path), body).await;
            assert_eq!((answer.status, answer.code()), (400, code), "{path}: {}", answer.text);
            assert_eq!(answer.header("x-ms-failure-cause"), "gateway", "{path}");
        }
    }
    for (method, operation) in [(Method::PUT, "Replace"), (Method::PATCH, "Merge"), (Method::PATCH, "Replace")] {
        let path = format!("{}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01", vnet());
        let body = json!({"operation": operation, "properties": {"tags": {"a?": "x"}}});
        bed.send(method, &path, body).await.expect(400, "InvalidTagNameCharacters");
    }
}

#[tokio::test]
async fn every_type_shows_empty_tags_to_who_sent_them_and_keeps_the_older_spelling() {
    let bed = bed().await;
    let shown = |answer: &Answer| answer.body.get("tags").cloned();
    for (path, body) in tagged(&json!({})) {
        let path = versioned(&path);
        assert!(bed.put(&path, body).await.status < 300, "{path}");
        bed.wait(100);
        assert_eq!(shown(&bed.get(&path).await), Some(json!({})), "{path}");
    }
    for spelling in ["CostCenter", "costcenter"] {
        for (path, body) in tagged(&json!({spelling: "42"})) {
            let path = versioned(&path);
            assert!(bed.put(&path, body).await.status < 300, "{path}");
            bed.wait(100);
            assert_eq!(shown(&bed.get(&path).await), Some(json!({"CostCenter": "42"})), "{path}");
        }
    }
    let patched =
        bed.send(Method::PATCH, &network("virtualNetworks", "n"), json!({"tags": {"COSTCENTER": "43"}})).await;
    assert_eq!(shown(&patched), Some(json!({"CostCenter": "43"})));
    let tags =
        format!("{}/providers/Microsoft.Resources/tags/default?api-version=2021-04-01", network("natGateways", "n"));
    let merge = json!({"operation": "Merge", "properties": {"tags": {"costCenter": "44", "b": "1"}}});
    let merged = bed.send(Method::PATCH, &tags, merge).await;
    assert_eq!(merged.body["properties"]["tags"], json!({"CostCenter": "44", "b": "1"}));
    let filtered = format!("/subscriptions/{SUBSCRIPTION}/resources?$filter=tagName%20eq%20'COSTcenter'");
    assert!(!bed.get(&filtered).await.body["value"].as_array().unwrap().is_empty(), "a filter has no case either");
    let none = json!({"location": "westeurope", "properties": {}});
    assert_eq!(shown(&bed.stands(&network("natGateways", "n"), none).await), None, "who sends none has none");
}

#[tokio::test]
async fn every_type_refuses_what_no_name_can_be() {
    let bed = bed().await;
    bed.stands(&nsg(), json!({"location": "westeurope"})).await;
    bed.stands(&network("routeTables", "t"), json!({"location": "westeurope"})).await;
    let zone = network("privateDnsZones", "a.example");
    let prefix = json!({"properties": {"addressPrefix": "10.0.9.0/24"}});
    let body = json!({"location": "westeurope", "properties": {}});
    let bad = "bad$name";
    for (path, body, code) in [
        (group_named(bad), body.clone(), "InvalidResourceGroup"),
        (network("virtualNetworks", bad), vnet_body(), "InvalidResourceName"),
        (subnet(bad), prefix, "InvalidResourceName"),
        (network("networkSecurityGroups", bad), body.clone(), "InvalidResourceName"),
        (format!("{}/securityRules/{bad}", nsg()), body.clone(), "InvalidResourceName"),
        (network("routeTables", bad), body.clone(), "InvalidResourceName"),
        (format!("{}/routes/{bad}", network("routeTables", "t")), body.clone(), "InvalidResourceName"),
        (network("natGateways", bad), body.clone(), "InvalidResourceName"),
        (network("publicIPAddresses", bad), body.clone(), "InvalidResourceName"),
        (format!("{zone}/virtualNetworkLinks/{bad}"), json!({"location": "global"}), "InvalidResourceName"),
        (network("privateDnsZones", "bad$name.example"), json!({"location": "global"}), "BadRequest"),
        (format!("{zone}/A/{bad}"), json!({"properties": {"ttl": 1}}), "BadRequest"),
        (format!("{zone}/A/a..b"), json!({"properties": {"ttl": 1}}), "BadRequest"),
    ] {
        let answer = bed.put(&versioned(&path), body).await;
        assert_eq!((answer.status, answer.code()), (400, code), "{path}: {}", answer.text);
    }
    let inside = json!([{"name": bad, "properties": {"addressPrefix": "10.0.9.0/24"}}]);
    let mut network = vnet_body();
    network["properties"]["subnets"] = inside;
    bed.put(&vnet(), network).await.expect(400, "InvalidResourceName");
    for name in ["*", "*.b", "_tcp", "a-b.c", "@"] {
        let answer = bed.put(&versioned(&format!("{zone}/TXT/{name}")), json!({"properties": {"ttl": 1}})).await;
        assert_eq!(answer.status, 201, "{name}");
    }
}
