//! Route tables, NAT gateways, public IP addresses; what refers to what; service endpoints.

use super::*;

fn id(kind: &str, name: &str) -> String {
    format!("{}/providers/Microsoft.Network/{kind}/{name}", group())
}

fn address() -> String {
    id("publicIPAddresses", "p")
}

fn gateway() -> String {
    id("natGateways", "g")
}

fn table() -> String {
    id("routeTables", "t")
}

fn address_body() -> Value {
    json!({"location": "westeurope", "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}})
}

fn gateway_body(addresses: &[String]) -> Value {
    let list: Vec<Value> = addresses.iter().map(|id| json!({"id": id})).collect();
    json!({"location": "westeurope", "sku": {"name": "Standard"}, "properties": {"publicIpAddresses": list}})
}

fn route(name: &str, prefix: &str, hop: &str) -> Value {
    json!({"name": name, "properties": {"addressPrefix": prefix, "nextHopType": hop}})
}

fn table_body(routes: &[Value]) -> Value {
    json!({"location": "westeurope", "properties": {"routes": routes}})
}

#[tokio::test]
async fn each_type_is_made_listed_tagged_and_deleted() {
    let bed = Bed::new().await;
    for (kind, body, pause) in [
        ("publicIPAddresses", address_body(), "1"),
        ("natGateways", gateway_body(&[]), "10"),
        ("routeTables", table_body(&[]), "10"),
        ("networkSecurityGroups", json!({"location": "westeurope"}), "3"),
    ] {
        let path = id(kind, "x");
        bed.get(&path).await.expect(404, "ResourceNotFound");
        let made = bed.put(&path, body.clone()).await;
        assert_eq!((made.status, made.state(), made.header("retry-after")), (201, "Updating", pause), "{kind}");
        assert_eq!(made.header("azure-asyncnotification"), "Enabled");
        assert!(made.header("azure-asyncoperation").contains("/providers/Microsoft.Network/locations/westeurope/"));
        assert_eq!(made.header("location"), "", "{kind}: only DELETE has one");
        bed.put(&path, body.clone()).await.expect(429, "RetryableError");
        bed.wait(3);
        let there = bed.get(&path).await;
        assert_eq!((there.state(), &there.body["type"]), ("Succeeded", &json!(format!("Microsoft.Network/{kind}"))));
        let same = bed.put(&path, there.body.clone()).await;
        assert_eq!((same.status, same.state()), (200, "Succeeded"), "{kind}: what GET gave is no change");
        let tagged = bed.send(Method::PATCH, &path, json!({"tags": {"a": "b"}})).await;
        assert_eq!((tagged.status, &tagged.body["tags"]["a"]), (200, &json!("b")));
        assert_eq!(tagged.header("azure-asyncnotification"), "Enabled");
        let listed = bed.get(&id(kind, "").replace("/x", "")).await;
        assert_eq!(listed.body["value"].as_array().unwrap().len(), 1, "{kind}");
        assert_eq!(bed.put_if_match(&path, "W/\"other\"", body).await.status, 412);
        let gone = bed.delete(&path).await;
        assert_eq!((gone.status, gone.header("location").is_empty(), gone.header("retry-after")), (202, false, "10"));
        bed.wait(4);
        assert_eq!(bed.delete(&path).await.status, 204, "{kind}");
    }
}

#[tokio::test]
async fn a_subnet_and_what_it_refers_to() {
    let bed = Bed::new().await;
    let refused = bed.put(&gateway(), gateway_body(&[address()])).await.expect(404, "NotFound");
    assert_eq!(
        (refused.message(), &refused.body["error"]["details"]),
        (
            &*format!(
                "Resource /subscriptions/{SUBSCRIPTION}/resourceGroups/ML/providers/Microsoft.Network/publicIPAddresses/P not found."
            ),
            &json!([])
        )
    );
    let public = bed.stands(&address(), address_body()).await;
    assert!(public.body["properties"]["ipAddress"].as_str().unwrap().starts_with("198.18."));
    bed.stands(&gateway(), gateway_body(&[address()])).await;
    bed.stands(&table(), table_body(&[route("r", "0.0.0.0/0", "internet")])).await;
    bed.stands(&vnet(), vnet_body()).await;
    let mut body = aci_body("10.0.1.0/24");
    body["properties"]["natGateway"] = json!({"id": gateway()});
    body["properties"]["routeTable"] = json!({"id": table()});
    body["properties"]["serviceEndpoints"] = json!([{"service": "Microsoft.Storage"}]);
    let there = bed.stands(&subnet("aci"), body.clone()).await;
    assert_eq!(there.body["properties"]["natGateway"]["id"], gateway());
    assert_eq!(
        there.body["properties"]["serviceEndpoints"],
        json!([{"service": "Microsoft.Storage", "locations": ["westeurope", "northeurope"], "provisioningState": "Succeeded"}])
    );
    for path in [gateway(), table()] {
        assert_eq!(bed.get(&path).await.body["properties"]["subnets"], json!([{"id": subnet("aci")}]));
    }
    assert_eq!(bed.get(&address()).await.body["properties"]["natGateway"]["id"], gateway());
    bed.delete(&gateway()).await.expect(400, "CannotDeleteNatGatewayAssociatedToSubnet");
    bed.delete(&table()).await.expect(400, "InUseRouteTableCannotBeDeleted");
    bed.delete(&address()).await.expect(400, "PublicIPAddressCannotBeDeleted");
    body["properties"]["natGateway"] = json!({"id": id("natGateways", "other")});
    bed.put(&subnet("aci"), body).await.expect(400, "InvalidResourceReference");
    bed.stands(&subnet("aci"), aci_body("10.0.1.0/24")).await;
    for path in [gateway(), address(), table()] {
        assert_eq!(bed.delete(&path).await.status, 202, "{path}");
        bed.wait(4);
    }
}

#[tokio::test]
async fn refused_bodies() {
    let bed = Bed::new().await;
    bed.stands(&address(), address_body()).await;
    bed.stands(&gateway(), gateway_body(&[address()])).await;
    let basic = id("publicIPAddresses", "basic");
    bed.stands(&basic, json!({"location": "westeurope", "properties": {}})).await;
    let label = json!({"location": "westeurope", "properties": {"dnsSettings": {"domainNameLabel": "label"}}});
    let named = bed.stands(&id("publicIPAddresses", "named"), label.clone()).await;
    assert_eq!(named.body["properties"]["dnsSettings"]["fqdn"], "label.westeurope.cloudapp.azure.com");
    assert!(named.body["properties"].get("ipAddress").is_none(), "dynamic, and nothing uses it");
    let dynamic = json!({"location": "westeurope", "sku": {"name": "Standard"}});
    let slow = json!({"location": "westeurope", "properties": {"idleTimeoutInMinutes": 3}});
    let other = id("natGateways", "h");
    for (path, body, code) in [
        (id("publicIPAddresses", "q"), dynamic, "StandardSkuPublicIPAddressesMustBeStatic"),
        (id("publicIPAddresses", "q"), label, "DnsRecordInUse"),
        (other.clone(), gateway_body(&[address()]), "PublicIPAddressInUse"),
        (other.clone(), gateway_body(&[basic]), "NatGatewayPublicIpSkuMismatch"),
        (other, slow, "NatGatewayIdleTimeoutInvalid"),
        (table(), table_body(&[route("a", "10.0.0.0/8", "None"), route("b", "10.0.0.0/8", "None")]), "RouteConflict"),
        (table(), table_body(&[route("a", "10.0.0.1/8", "None")]), "InvalidCIDRNotation"),
        (table(), table_body(&[route("a", "10.0.0.0/8", "VirtualAppliance")]), "InvalidRouteNextHopIpAddress"),
        (table(), table_body(&[route("a", "10.0.0.0/8", "Elsewhere")]), "InvalidRequestFormat"),
    ] {
        bed.put(&path, body).await.expect(400, code);
    }
    bed.stands(&vnet(), vnet_body()).await;
    let mut body = aci_body("10.0.1.0/24");
    for (list, code) in [
        (json!([{"service": "Microsoft.Nothing"}]), "ServiceEndpointNotSupported"),
        (json!([{"service": "Microsoft.Sql"}, {"service": "Microsoft.Sql"}]), "DuplicateServiceEndpoint"),
    ] {
        body["properties"]["serviceEndpoints"] = list;
        bed.put(&subnet("aci"), body.clone()).await.expect(400, code);
    }
}

#[tokio::test]
async fn single_routes() {
    let bed = Bed::new().await;
    let path = format!("{}/routes/r", table());
    bed.put(&path, route("r", "0.0.0.0/0", "Internet")).await.expect(404, "ParentResourceNotFound");
    bed.stands(&table(), table_body(&[])).await;
    bed.get(&path).await.expect(404, "NotFound");
    let made = bed.put(&path, route("ignored", "0.0.0.0/0", "Internet")).await;
    assert_eq!((made.status, &made.body["name"], made.state()), (201, &json!("r"), "Updating"));
    bed.wait(3);
    let listed = bed.get(&format!("{}/routes", table())).await;
    assert_eq!(listed.body["value"][0]["id"], path);
    assert_eq!(bed.get(&table()).await.body["properties"]["routes"][0]["properties"]["provisioningState"], "Succeeded");
    let gone = bed.delete(&path).await;
    assert_eq!((gone.status, gone.header("azure-asyncnotification")), (202, ""));
    bed.wait(3);
    assert_eq!(bed.delete(&path).await.status, 204);
    let result = bed.get(gone.header("location")).await;
    assert_eq!(result.status, 204);
    for name in ["location", "azure-asyncoperation"] {
        assert_eq!(result.header(name), gone.header(name), "the end repeats it");
    }
}

#[tokio::test]
async fn a_static_address_has_its_number_once_it_has_succeeded() {
    let bed = Bed::new().await;
    let number = |answer: &Answer| answer.body["properties"].get("ipAddress").cloned();
    assert_eq!(number(&bed.put(&address(), address_body()).await), None);
    bed.wait(3);
    let first = number(&bed.get(&address()).await);
    assert!(first.is_some());
    let mut longer = address_body();
    longer["properties"]["idleTimeoutInMinutes"] = json!(10);
    assert_eq!(number(&bed.put(&address(), longer).await), first, "it keeps the one that it has");
    let other = id("publicIPAddresses", "dynamic");
    let of = |method: &str| json!({"location": "westeurope", "properties": {"publicIPAllocationMethod": method}});
    bed.stands(&other, of("Dynamic")).await;
    assert_eq!(number(&bed.put(&other, of("Static")).await), None);
    bed.wait(3);
    assert!(number(&bed.get(&other).await).is_some());
    assert_eq!(number(&bed.stands(&other, of("Dynamic")).await), None);
}

#[tokio::test]
async fn a_sku_is_completed() {
    let bed = Bed::new().await;
    for (path, body) in [(address(), address_body()), (gateway(), gateway_body(&[]))] {
        let there = bed.stands(&path, body).await;
        assert_eq!(there.body["sku"], json!({"name": "Standard", "tier": "Regional"}));
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story")]
async fn sizes() {
    let bed = Bed::new().await;
    let many = |count: usize, make: &dyn Fn(usize) -> Value| (0..count).map(make).collect::<Vec<_>>();
    let rule = |n: usize| {
        json!({"name": format!("r{n}"), "properties": {
            "priority": 100 + n % 3997, "direction": "Inbound", "access": "Deny", "protocol": "*", "sourcePortRange": "*",
            "sourceAddressPrefix": "*", "destinationAddressPrefix": "*", "destinationPortRange": "1",
        }})
    };
    let rules = |rules: Vec<Value>| json!({"location": "westeurope", "properties": {"securityRules": rules}});
    let hop = |n: usize| route(&format!("r{n}"), &format!("10.{}.{}.0/24", n / 256, n % 256), "None");
    let gateways = |count| {
        gateway_body(
            &many(count, &|n| json!(id("publicIPAddresses", &format!("p{n}"))))
                .iter()
                .map(|id| id.as_str().unwrap().to_owned())
                .collect::<Vec<_>>(),
        )
    };
    let mut crowded = rule(0);
    crowded["properties"]["sourceAddressPrefix"] = json!("");
    crowded["properties"]["sourceAddressPrefixes"] =
        many(4_001, &|n| json!(format!("10.{}.{}.0/24", n / 256, n % 256))).into();
    let mut wordy = rule(0);
    wordy["properties"]["description"] = json!("x".repeat(141));
    let idle = |minutes| json!({"location": "westeurope", "properties": {"idleTimeoutInMinutes": minutes}});
    let label =
        |label: &str| json!({"location": "westeurope", "properties": {"dnsSettings": {"domainNameLabel": label}}});
    for (path, body, code) in [
        (nsg(), rules(many(1_001, &rule)), "SecurityRuleCountLimitReached"),
        (nsg(), rules(vec![crowded]), "SecurityRuleAddressesOrPortsPerSecurityGroupLimitReached"),
        (nsg(), rules(vec![wordy]), "SecurityRuleInvalidDescription"),
        (table(), table_body(&many(401, &hop)), "RouteCountLimitReached"),
        (gateway(), gateways(17), "NatGatewayPublicIpCountLimitReached"),
        (address(), idle(3), "PublicIPAddressIdleTimeoutInvalid"),
        (address(), idle(31), "PublicIPAddressIdleTimeoutInvalid"),
        (address(), label("Label"), "InvalidDomainNameLabel"),
        (address(), label("a1-"), "InvalidDomainNameLabel"),
        (address(), label("ab"), "InvalidDomainNameLabel"),
    ] {
        bed.put(&path, body).await.expect(400, code);
    }
    assert_eq!(bed.put(&nsg(), rules(many(1_000, &rule))).await.status, 201);
    assert_eq!(bed.put(&table(), table_body(&many(400, &hop))).await.status, 201);
    for minutes in [4, 30] {
        assert!(bed.put(&id("publicIPAddresses", &format!("p{minutes}")), idle(minutes)).await.status == 201);
    }
}
