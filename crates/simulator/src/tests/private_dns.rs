//! Private DNS.

use super::*;

const NAME: &str = "Corp.example";

fn zone(name: &str) -> String {
    format!("{}/providers/Microsoft.Network/privateDnsZones/{name}", group())
}

fn at(path: &str) -> String {
    format!("{path}?api-version=2020-06-01")
}

fn record(kind: &str, name: &str) -> String {
    at(&format!("{}/{kind}/{name}", zone(NAME)))
}

fn link(zone_name: &str, name: &str) -> String {
    at(&format!("{}/virtualNetworkLinks/{name}", zone(zone_name)))
}

fn global() -> Value {
    json!({"location": "global"})
}

fn linked(network: &str, registers: bool) -> Value {
    json!({"location": "global", "properties": {"virtualNetwork": {"id": network}, "registrationEnabled": registers}})
}

fn addresses(list: &[&str]) -> Value {
    let records: Vec<Value> = list.iter().map(|address| json!({"ipv4Address": address})).collect();
    json!({"properties": {"ttl": 30, "aRecords": records}})
}

/// A write with its conditions, and how its operation ends.
async fn conditional(bed: &Bed, method: Method, path: &str, header: (&str, &str), body: Value) -> (Answer, Answer) {
    let builder = bed.request(method, path, &bed.token).header(header.0, header.1);
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let first = bed.raw(builder.body(body).unwrap()).await;
    bed.wait(60);
    let url = first.header("azure-asyncoperation").to_owned();
    let last = if url.is_empty() { first.clone() } else { bed.get(&url).await };
    (first, last)
}

async fn with_zone() -> Bed {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&at(&zone(NAME)), global()).await;
    bed.wait(60);
    bed
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story")]
async fn life_of_a_zone() {
    let bed = Bed::new().await;
    let created = bed.put(&at(&zone(NAME)), global()).await;
    assert_eq!((created.status, &*created.text), (202, "{}"));
    let (status, result) = (created.header("azure-asyncoperation").to_owned(), created.header("location").to_owned());
    assert!(status.contains(
        "/resourceGroups/ml/providers/Microsoft.Network/privateDnsOperationStatuses/RnJvbnRFbmRBc3luY09wZXJhdGlvbj"
    ));
    assert!(result.contains("/privateDnsOperationResults/"), "{result}");
    assert_eq!(created.header("retry-after"), "30");
    let running = bed.get(&status).await;
    assert_eq!((running.status, &running.body), (202, &json!({"status": "InProgress"})));
    assert_eq!((running.header("azure-asyncoperation"), running.header("location")), (&*status, &*result));
    assert_eq!(bed.get(&result).await.status, 202);
    bed.put(&at(&zone(NAME)), global()).await.expect(409, "Conflict");
    bed.wait(60);
    let ended = bed.get(&status).await;
    assert_eq!((ended.status, &ended.body), (200, &json!({"status": "Succeeded"})));
    assert_eq!(ended.header("location"), "");

    let found = bed.get(&at(&zone("corp.EXAMPLE"))).await;
    assert!(found.text.contains("Microsoft.Network\\/privateDnsZones"), "{}", found.text);
    assert_eq!(found.body["name"], NAME);
    assert_eq!(found.header("etag"), found.body["etag"]);
    let properties = &found.body["properties"];
    assert!(properties["internalId"].is_string());
    assert_eq!(
        (&properties["numberOfRecordSets"], &properties["maxNumberOfRecordSets"], &properties["provisioningState"]),
        (&json!(1), &json!(25000), &json!("Succeeded"))
    );
    let old = bed.get(&format!("{}?api-version=2018-09-01", zone(NAME))).await.body;
    assert!(old["properties"].get("internalId").is_none());
    let patched = bed.send(Method::PATCH, &at(&zone(NAME)), json!({"tags": {"by": "acivnet"}})).await;
    assert_eq!((patched.status, &*patched.text), (202, "{}"));
    bed.wait(60);
    let after = bed.get(&at(&zone(NAME))).await.body;
    assert_eq!(after["tags"], json!({"by": "acivnet"}));
    assert_ne!(after["etag"], found.body["etag"]);

    assert_eq!(bed.delete(&at(&zone(NAME))).await.status, 202);
    assert_eq!(bed.get(&at(&zone(NAME))).await.state(), "Deleting");
    bed.wait(60);
    bed.get(&at(&zone(NAME))).await.expect(404, "ResourceNotFound");
    assert_eq!(bed.delete(&at(&zone(NAME))).await.status, 204);
    let dump = bed.get("/simulator/dump").await.text;
    assert!(!dump.to_lowercase().contains("privatednszones"), "the SOA goes with its zone");
    for (name, location) in [("single", "global"), ("a..b", "global"), (NAME, "westeurope")] {
        assert_eq!(bed.put(&at(&zone(name)), json!({"location": location})).await.status, 400, "{name}");
    }
}

#[tokio::test]
async fn conditions_of_zones_and_links_are_told_by_the_operation() {
    let bed = with_zone().await;
    let etag = bed.get(&at(&zone(NAME))).await.body["etag"].as_str().unwrap().to_owned();
    let path = at(&zone(NAME));
    let (first, last) = conditional(&bed, Method::PUT, &path, ("if-none-match", "*"), global()).await;
    assert_eq!((first.status, last.status), (202, 200));
    assert_eq!(
        last.body,
        json!({"status": "Failed", "error": {
            "code": "PreconditionFailed",
            "message": "The Zone Corp.example exists already and hence cannot be created again.",
        }})
    );
    let (first, last) = conditional(&bed, Method::DELETE, &path, ("if-match", "other"), Value::Null).await;
    assert_eq!((first.status, &*first.text), (202, ""), "the answer to DELETE has no body");
    let mismatch = "The Zone Corp.example has been modified (etag mismatch).";
    assert_eq!((&last.body["status"], &last.body["error"]["message"]), (&json!("Failed"), &json!(mismatch)));
    assert_eq!(bed.get(&path).await.body["etag"], *etag, "nothing has changed");
    let (_, last) = conditional(&bed, Method::PUT, &path, ("if-match", &etag), global()).await;
    assert_eq!(last.body["status"], "Succeeded");

    bed.put(&link(NAME, "l"), linked(&vnet(), false)).await;
    bed.wait(60);
    let (_, last) =
        conditional(&bed, Method::PUT, &link(NAME, "l"), ("if-none-match", "*"), linked(&vnet(), false)).await;
    assert_eq!(last.body["error"]["code"], "PreconditionFailed");
    let (_, last) = conditional(&bed, Method::PUT, &link(NAME, "l"), ("if-match", "x"), linked(&vnet(), false)).await;
    let mismatch =
        "The Virtual Network link 'l' for the Private DNS zone 'Corp.example' has been modified (etag mismatch).";
    assert_eq!(last.body["error"]["message"], mismatch);
    let etag = bed.get(&link(NAME, "l")).await.body["etag"].as_str().unwrap().to_owned();
    assert!(etag.starts_with('"') && etag.ends_with('"'), "{etag}");
    let (first, last) = conditional(&bed, Method::DELETE, &link(NAME, "l"), ("if-match", &etag), Value::Null).await;
    assert_eq!(last.body["status"], "Succeeded");
    let result = bed.get(first.header("location")).await;
    assert_eq!((result.status, result.body), (200, json!({})));
    bed.get(&link(NAME, "l")).await.expect(404, "ResourceNotFound");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story")]
async fn records() {
    let bed = with_zone().await;
    let created = bed.put(&record("A", "App"), addresses(&["10.0.1.4"])).await;
    assert_eq!(created.status, 201, "{}", created.text);
    assert_eq!(created.header("etag"), created.body["etag"]);
    let etag = created.body["etag"].as_str().unwrap().to_owned();
    assert_eq!(
        created.body,
        json!({"id": format!("{}/A/app", zone(NAME)), "name": "app", "type": "Microsoft.Network/privateDnsZones/A", "etag": etag,
               "properties": {"ttl": 30, "aRecords": [{"ipv4Address": "10.0.1.4"}], "fqdn": "app.Corp.example.", "isAutoRegistered": false}})
    );
    let again = bed.put(&record("A", "app"), addresses(&["10.0.1.5", "10.0.1.6"])).await;
    assert_eq!((again.status, &again.body["name"]), (200, &json!("app")));
    let (refused, _) =
        conditional(&bed, Method::PUT, &record("A", "app"), ("if-none-match", "*"), addresses(&[])).await;
    let unmet = |what: &str| json!({"code": "PreconditionFailed", "message": format!("The Record set app {what}.")});
    let exists = unmet("exists already and hence cannot be created again");
    assert_eq!((refused.status, refused.body), (412, exists), "nothing is around it");
    let (refused, _) = conditional(&bed, Method::DELETE, &record("A", "App"), ("if-match", &etag), Value::Null).await;
    assert_eq!((refused.status, refused.header("x-ms-failure-cause")), (412, ""));
    assert_eq!(refused.body, unmet("has been modified (etag mismatch)"));
    let patched =
        bed.send(Method::PATCH, &record("a", "app"), json!({"properties": {"metadata": {"owner": "x"}}})).await.body;
    assert_eq!(patched["properties"]["aRecords"].as_array().unwrap().len(), 2);
    assert_eq!(patched["properties"]["metadata"], json!({"owner": "x"}));
    let replaced = bed.put(&record("A", "app"), json!({"properties": {"ttl": 3600}})).await.body;
    assert_eq!(replaced["properties"]["aRecords"], json!([]));
    assert!(replaced["properties"].get("metadata").is_none(), "PUT replaces the whole set");

    assert_eq!(
        bed.put(&record("TXT", "@"), json!({"properties": {"ttl": 1, "txtRecords": [{"value": ["v=1"]}]}}))
            .await
            .status,
        201
    );
    assert_eq!(
        bed.put(&record("CNAME", "www"), json!({"properties": {"ttl": 1, "cnameRecord": {"cname": "app"}}}))
            .await
            .status,
        201
    );
    bed.put(&record("A", "www"), addresses(&["10.0.1.4"])).await.expect(409, "Conflict");
    let soa = bed.get(&record("SOA", "@")).await.body;
    assert_eq!(soa["properties"]["soaRecord"]["host"], "azureprivatedns.net");
    assert_eq!(soa["properties"]["fqdn"], "Corp.example.");
    let changed = json!({"properties": {"ttl": 60, "soaRecord": {"minimumTtl": 20}}});
    let soa = bed.put(&record("SOA", "@"), changed).await.body;
    assert_eq!(
        (&soa["properties"]["soaRecord"]["minimumTtl"], &soa["properties"]["soaRecord"]["host"]),
        (&json!(20), &json!("azureprivatedns.net"))
    );
    bed.delete(&record("SOA", "@")).await.expect(400, "BadRequest");

    let names = async |path: &str| -> Vec<String> {
        let list = bed.get(path).await.body;
        list["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names(&at(&format!("{}/ALL", zone(NAME)))).await, ["app", "www", "@", "@"]);
    assert_eq!(names(&at(&format!("{}/A", zone(NAME)))).await, ["app"]);
    assert_eq!(names(&format!("{}&$recordsetnamesuffix=pp", at(&format!("{}/ALL", zone(NAME))))).await, ["app"]);
    let page = bed.get(&format!("{}&$top=1", at(&format!("{}/ALL", zone(NAME))))).await.body;
    assert_eq!(page["value"].as_array().unwrap().len(), 1);
    assert_eq!(names(page["nextLink"].as_str().unwrap()).await, ["www"]);
    assert_eq!(bed.get(&at(&zone(NAME))).await.body["properties"]["numberOfRecordSets"], 4);
    assert_eq!(bed.delete(&record("A", "app")).await.status, 200);
    assert_eq!(bed.delete(&record("A", "app")).await.status, 204);
    bed.get(&record("A", "app")).await.expect(404, "NotFound");
}

#[tokio::test]
async fn bad_records() {
    let bed = with_zone().await;
    let many: Vec<String> = (1..=21).map(|last| format!("10.0.1.{last}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (path, body) in [
        (record("A", "x"), addresses(&["10.0.1.400"])),
        (record("A", "x"), addresses(&many)),
        (record("A", "x"), json!({"properties": {"aRecords": []}})),
        (record("A", "x"), json!({"properties": {"ttl": 0}})),
        (record("A", "x"), json!({"properties": {"ttl": 1, "cnameRecord": {"cname": "y"}}})),
        (record("CNAME", "@"), json!({"properties": {"ttl": 1, "cnameRecord": {"cname": "y"}}})),
        (record("SOA", "x"), json!({"properties": {"ttl": 1}})),
        (record("MX", "x"), json!({"properties": {"ttl": 1, "mxRecords": [{"exchange": "y"}]}})),
    ] {
        bed.put(&path, body).await.expect(400, "BadRequest");
    }
    bed.put(&record("WKS", "x"), addresses(&[])).await.expect(404, "InvalidResourceType");
    bed.put(&at(&format!("{}/A/x", zone("other.example"))), addresses(&[])).await.expect(404, "ParentResourceNotFound");
    bed.get(&at(&format!("{}/A/x", zone("other.example")))).await.expect(404, "ResourceNotFound");
}

#[tokio::test]
async fn links() {
    let bed = with_zone().await;
    let created = bed.put(&link(NAME, "l"), linked(&vnet(), true)).await;
    assert_eq!((created.status, &*created.text), (202, "{}"));
    assert_eq!(bed.get(&link(NAME, "l")).await.body["properties"]["virtualNetworkLinkState"], "InProgress");
    bed.wait(60);
    let newer = link(NAME, "l").replace("2020-06-01", "2024-06-01");
    let found = bed.get(&newer).await.body;
    assert_eq!(
        found["properties"],
        json!({"provisioningState": "Succeeded", "registrationEnabled": true, "resolutionPolicy": "Default",
               "virtualNetwork": {"id": vnet()}, "virtualNetworkLinkState": "Completed"})
    );
    assert!(bed.get(&link(NAME, "l")).await.body["properties"].get("resolutionPolicy").is_none());
    let counts = bed.get(&at(&zone(NAME))).await.body["properties"].clone();
    assert_eq!(counts["numberOfVirtualNetworkLinks"], 1);
    assert_eq!(counts["numberOfVirtualNetworkLinksWithRegistration"], 1);
    let refused = bed.delete(&at(&zone(NAME))).await.expect(409, "CannotDeleteResource");
    assert!(refused.message().contains("/virtualNetworkLinks/l'"), "{}", refused.text);
    assert_eq!(bed.delete(&vnet()).await.status, 202, "a link does not hold its virtual network");
    bed.wait(60);
    assert_eq!(bed.get(&link(NAME, "l")).await.status, 200);
    bed.send(Method::PATCH, &link(NAME, "l"), json!({"properties": {"registrationEnabled": false}})).await;
    bed.wait(60);
    assert_eq!(bed.get(&link(NAME, "l")).await.body["properties"]["registrationEnabled"], false);
    assert_eq!(bed.delete(&link(NAME, "l")).await.status, 202);
    bed.wait(60);
    assert_eq!(bed.delete(&link(NAME, "l")).await.status, 204);
    assert_eq!(bed.delete(&link("other.example", "l")).await.status, 204);
    assert_eq!(bed.delete(&at(&zone(NAME))).await.status, 202);
}

#[tokio::test]
async fn what_links_refuse() {
    let bed = with_zone().await;
    let second = vnet().replace("/virtualNetworks/v", "/virtualNetworks/w");
    bed.stands(&second, vnet_body()).await;
    bed.stands(&at(&zone("b.example")), global()).await;
    let other = json!({"resourceGroups": [{"subscriptionId": SUBSCRIPTION, "name": "g2", "location": "westeurope"}]});
    bed.put("/simulator/seed", other).await;
    let same_name = at(&zone(NAME).replace("resourceGroups/ml", "resourceGroups/g2"));
    bed.stands(&same_name, global()).await;
    bed.put(&link(NAME, "l"), linked(&vnet(), true)).await;
    bed.wait(60);
    let ended = async |path: &str, body: Value| {
        let answer = bed.put(path, body).await;
        assert_eq!(answer.status, 202, "{}", answer.text);
        bed.wait(60);
        bed.get(answer.header("azure-asyncoperation")).await.body
    };
    let twice = ended(&link(NAME, "l2"), linked(&vnet(), false)).await;
    assert_eq!((&twice["status"], &twice["error"]["code"]), (&json!("Failed"), &json!("Conflict")));
    bed.get(&link(NAME, "l2")).await.expect(404, "ResourceNotFound");
    let overlap = same_name.replace("?", "/virtualNetworkLinks/l?");
    assert_eq!(ended(&overlap, linked(&vnet(), false)).await["error"]["code"], "BadRequest");
    assert_eq!(ended(&link("b.example", "l"), linked(&vnet(), true)).await["error"]["code"], "Conflict");
    assert_eq!(ended(&link("b.example", "l"), linked(&vnet(), false)).await["status"], "Succeeded");
    bed.put(&link(NAME, "l"), linked(&second, true)).await.expect(400, "BadRequest");
    bed.put(&link(NAME, "x"), linked(&format!("{second}2"), false)).await.expect(400, "BadRequest");
    bed.put(&link(NAME, "x"), global()).await.expect(400, "BadRequest");
    bed.put(&link("c.example", "x"), linked(&second, false)).await.expect(404, "ParentResourceNotFound");
    let fault = json!({"path": "/virtualNetworkLinks/", "method": "PUT", "operation": "Failed"});
    bed.send(Method::POST, "/simulator/faults", fault).await;
    assert_eq!(ended(&link(NAME, "y"), linked(&second, false)).await["error"]["code"], "InternalServerError");
    bed.get(&link(NAME, "y")).await.expect(404, "ResourceNotFound");
}

#[tokio::test]
async fn who_may_and_how_often() {
    let bed = with_zone().await;
    let reader = bed.token_of(TENANT, READER).await;
    let answer = bed.send_as(&reader, Method::PUT, &record("A", "x"), addresses(&[])).await;
    answer.expect(403, "AuthorizationFailed");
    let list = bed.send_as(&reader, Method::GET, &at(zone("").trim_end_matches('/')), Value::Null).await;
    assert_eq!(list.body["value"].as_array().unwrap().len(), 1);
    bed.send(Method::PATCH, "/simulator/settings", json!({"limits": {"resourceManager": false}})).await;
    let before = bed.get(&record("SOA", "@")).await;
    let left: u32 = before.header("x-ms-ratelimit-remaining-subscription-resource-requests").parse().unwrap();
    assert!(left < 500);
    for _ in 0..left {
        assert_eq!(bed.get(&record("SOA", "@")).await.status, 200);
    }
    bed.get(&record("SOA", "@")).await.expect(429, "TooManyRequests");
    bed.wait(300);
    assert_eq!(bed.get(&record("SOA", "@")).await.status, 200);
}
