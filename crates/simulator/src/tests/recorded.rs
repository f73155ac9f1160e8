//! What recordings of Azure show of virtual networks and groups, and of the headers of all that is Microsoft.Network.

use super::*;

fn network(group: &str, name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{group}/providers/Microsoft.Network/virtualNetworks/{name}")
}

fn with_subnets(names: &[(&str, &str)]) -> Value {
    let subnets: Vec<Value> =
        names.iter().map(|(name, prefix)| json!({"name": name, "properties": {"addressPrefix": prefix}})).collect();
    let mut body = vnet_body();
    body["properties"]["subnets"] = subnets.into();
    body
}

#[tokio::test]
async fn subnets_stand_in_the_order_of_the_put() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), with_subnets(&[("a", "10.0.1.0/24"), ("b", "10.0.2.0/24")])).await;
    let there =
        bed.stands(&vnet(), with_subnets(&[("c", "10.0.3.0/24"), ("b", "10.0.2.0/24"), ("a", "10.0.1.0/24")])).await;
    let names: Vec<&str> =
        there.body["properties"]["subnets"].as_array().unwrap().iter().map(|it| it["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["c", "b", "a"]);
}

#[tokio::test]
async fn whether_an_address_is_free() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("aci"), aci_body("10.0.1.0/28")).await;
    assert_eq!(bed.hold("a").to_string(), "10.0.1.4");
    let ask =
        async |address: &str| bed.get(&format!("{}/CheckIPAddressAvailability?ipAddress={address}", vnet())).await;
    assert_eq!(ask("10.0.1.5").await.body, json!({"available": true, "isPlatformReserved": false}));
    let next = |from: u8| (from..from + 5).map(|last| json!(format!("10.0.1.{last}"))).collect::<Value>();
    let reserved = json!({"available": false, "availableIPAddresses": next(5), "isPlatformReserved": true});
    assert_eq!(ask("10.0.1.0").await.body, reserved);
    let taken = json!({"available": false, "availableIPAddresses": next(5), "isPlatformReserved": false});
    assert_eq!(ask("10.0.1.4").await.body, taken);
    let outside = ask("10.0.2.4").await.expect(400, "PrivateIPAddressNotInAnySubnet");
    let message = format!(
        "Private static IP address 10.0.2.4 does not belong to the range of any subnet in the virtual network {}.",
        vnet()
    );
    assert_eq!((outside.message(), &outside.body["error"]["details"]), (&*message, &json!([])));
}

#[tokio::test]
async fn the_provider_tells_its_id_of_a_request() {
    let bed = Bed::new().await;
    let (own, collected) = ("x-ms-arm-service-request-id", "x-ms-original-request-ids");
    let has = |answer: &Answer| (!answer.header(own).is_empty(), !answer.header(collected).is_empty());
    let made = bed.put(&vnet(), vnet_body()).await;
    assert_eq!(has(&made), (true, false));
    assert_eq!(has(&bed.get(made.header("azure-asyncoperation")).await), (true, false), "of an operation");
    assert_eq!(has(&bed.get(&subnet("s")).await.expect(404, "NotFound")), (true, false), "of a refusal");
    assert_eq!(has(&bed.get(&network("ml", "other")).await.expect(404, "ResourceNotFound")), (false, false));
    assert_eq!(has(&bed.get(network("ml", "").trim_end_matches('/')).await), (true, false), "of a group's list");
    let all = format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/virtualNetworks");
    assert_eq!(has(&bed.get(&all).await), (false, true), "Resource Manager collects it");
    assert_eq!(has(&bed.get(&format!("{}?api-version=2018-04-01", vnet())).await), (false, false), "before it had one");
}

#[tokio::test]
async fn a_group_that_others_need_is_not_deleted() {
    let bed = Bed::new().await;
    let group = |name: &str| format!("/subscriptions/{SUBSCRIPTION}/resourceGroups/{name}");
    let inside = |kind: &str, name: &str| format!("{}/providers/Microsoft.Network/{kind}/{name}", group("net"));
    bed.put(&group("net"), json!({"location": "westeurope"})).await;
    for name in ["used", "unused"] {
        bed.stands(&inside("networkSecurityGroups", name), json!({"location": "westeurope"})).await;
    }
    bed.stands(&inside("virtualNetworks", "v"), vnet_body()).await;
    let delegated = inside("virtualNetworks", "v") + "/subnets/aci";
    let mut body = aci_body("10.0.1.0/24");
    body["properties"]["networkSecurityGroup"] = json!({"id": inside("networkSecurityGroups", "used")});
    bed.stands(&delegated, body).await;
    let holder = format!("{}/providers/Microsoft.ContainerInstance/containerGroups/c", group("ml"));
    let taken = crate::network::addresses::Holder { id: holder.clone(), location: "westeurope".to_owned() };
    bed.simulator.with(|world| crate::network::addresses::take_address(world, &delegated, &taken)).unwrap();

    let begun = bed.delete(&group("net")).await;
    assert_eq!((begun.status, bed.get(&group("net")).await.state()), (202, "Deleting"));
    bed.wait(60);
    let ended = bed.get(begun.header("location")).await;
    assert_eq!((ended.status, ended.header("x-ms-failure-cause")), (409, ""));
    let error = &ended.body["Error"];
    assert_eq!((&error["Code"], &error["Target"]), (&json!("ResourceGroupDeletionBlocked"), &Value::Null));
    let targets: Vec<&Value> = error["Details"].as_array().unwrap().iter().map(|detail| &detail["Target"]).collect();
    assert_eq!(targets, [&json!(inside("virtualNetworks", "v")), &json!(inside("networkSecurityGroups", "used"))]);
    assert!(error["Details"][0]["Message"].as_str().unwrap().contains("InUseSubnetCannotBeDeleted"));
    assert_eq!(bed.get(&group("net")).await.state(), "Succeeded", "it goes back");
    assert_eq!(bed.get(&delegated).await.status, 200);
    bed.get(&inside("networkSecurityGroups", "unused")).await.expect(404, "ResourceNotFound");

    bed.simulator.with(|world| crate::network::addresses::release_address(world, &delegated, &holder));
    let begun = bed.delete(&group("net")).await;
    bed.wait(60);
    assert_eq!(bed.get(begun.header("location")).await.status, 200);
    bed.get(&group("net")).await.expect(404, "ResourceGroupNotFound");
}

#[tokio::test]
async fn sizes_of_networks() {
    let bed = Bed::new().await;
    let body = |properties: Value| {
        let mut body = vnet_body();
        body["properties"].as_object_mut().unwrap().extend(properties.as_object().unwrap().clone());
        body
    };
    let servers = |count: usize| json!({"dhcpOptions": {"dnsServers": vec!["10.0.0.4"; count]}});
    let subnets: Vec<Value> = (0..3_001)
        .map(|n: u32| {
            let prefix = format!("10.0.{}.{}/29", n / 32, n % 32 * 8);
            json!({"name": format!("s{n}"), "properties": {"addressPrefix": prefix}})
        })
        .collect();
    for (properties, code) in [
        (servers(21), "DnsServerCountLimitReached"),
        (json!({"dhcpOptions": {"dnsServers": ["dns.example"]}}), "InvalidIPAddressFormat"),
        (json!({"flowTimeoutInMinutes": 31}), "InvalidFlowTimeout"),
        (json!({"subnets": subnets}), "SubnetCountLimitReached"),
    ] {
        bed.put(&vnet(), body(properties)).await.expect(400, code);
    }
    assert_eq!(bed.put(&vnet(), body(servers(20))).await.status, 201);
}
