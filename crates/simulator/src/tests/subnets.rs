//! Subnets: delegation, use by container groups, the link that lingers, refusals.

use super::*;
use crate::network::addresses::{self, Holder};

async fn bed_with_subnet(prefix: &str) -> Bed {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("aci"), aci_body(prefix)).await;
    bed
}

#[tokio::test]
async fn delegation_is_filled_in() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    let there = bed.get(&subnet("aci")).await;
    let delegation = &there.body["properties"]["delegations"][0];
    assert_eq!(delegation["id"], format!("{}/delegations/aci", subnet("aci")));
    assert_eq!(delegation["properties"]["actions"], json!(["Microsoft.Network/virtualNetworks/subnets/action"]));
    assert_eq!(delegation["properties"]["provisioningState"], "Succeeded");
    assert_eq!(there.body["properties"]["privateEndpointNetworkPolicies"], "Disabled");
    assert!(there.body["properties"].get("ipConfigurations").is_none());
    let again = bed.stands(&subnet("aci"), there.body.clone()).await;
    assert_eq!(again.body["properties"], {
        let mut properties = there.body["properties"].clone();
        properties["delegations"][0]["etag"] = again.body["etag"].clone();
        properties
    });
    let bare = bed.stands(&subnet("aci"), json!({"properties": {"addressPrefix": "10.0.1.0/24"}})).await;
    assert_eq!(bare.body["properties"]["delegations"], json!([]), "what is omitted is lost");
    let answer = bed.send(Method::PATCH, &subnet("aci"), json!({"properties": {}})).await;
    assert_eq!(answer.status, 405);
}

#[tokio::test]
async fn refusals() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    let prefix = |text: &str| json!({"properties": {"addressPrefix": text}});
    let delegated = |service: &str| json!({"properties": {"addressPrefix": "10.0.3.0/24", "delegations": [{"name": "d", "properties": {"serviceName": service}}]}});
    let with = |member: &str, id: String| json!({"properties": {"addressPrefix": "10.0.3.0/24", member: {"id": id}}});
    for (body, code, detail) in [
        (prefix("10.0.1.128/25"), "NetcfgSubnetRangesOverlap", ""),
        (prefix("10.1.0.0/24"), "NetcfgSubnetRangeOutsideVnet", ""),
        (prefix("10.0.3.1/24"), "InvalidCIDRNotation", ""),
        (prefix("10.0.3.0"), "InvalidAddressPrefixFormat", ""),
        (prefix("10.0.3.0/30"), "NetcfgInvalidSubnet", ""),
        (json!({"properties": {}}), "AddressPrefixStringCannotBeNullOrEmpty", ""),
        (
            json!({"properties": {"addressPrefix": "10.0.3.0/24", "addressPrefixes": ["10.0.3.0/24"]}}),
            "InvalidSubnetConfiguration",
            "",
        ),
        (delegated("Microsoft.Zoo/zebras"), "InvalidServiceNameOnDelegation", ""),
        (delegated("nobody"), "InvalidServiceNameOnDelegation", ""),
        (with("networkSecurityGroup", nsg()), "InvalidResourceReference", "NotFound"),
        (
            with("routeTable", format!("{}/providers/Microsoft.Network/routeTables/r", group())),
            "InvalidResourceReference",
            "NotFound",
        ),
    ] {
        let answer = bed.put(&subnet("b"), body).await.expect(400, code);
        assert_eq!(answer.detail(), detail);
        assert_eq!(bed.get(&subnet("b")).await.status, 404);
    }
    bed.stands(&nsg(), json!({"location": "northeurope"})).await;
    bed.put(&subnet("b"), with("networkSecurityGroup", nsg())).await.expect(400, "InvalidResourceReference");
}

#[tokio::test]
async fn what_is_written_in_other_case_or_empty_comes_back_as_azure_has_it() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    let body = json!({"properties": {
        "addressPrefix": "10.0.1.0/24", "addressPrefixes": [], "privateEndpointNetworkPolicies": "disabled",
        "privateLinkServiceNetworkPolicies": "DISABLED", "serviceEndpoints": [{"service": "Microsoft.Sql", "locations": []}],
    }});
    let answer = bed.put(&subnet("aci"), body).await;
    assert_eq!((answer.status, answer.header("etag"), answer.header("azure-asyncnotification")), (200, "", ""));
    let properties = &answer.body["properties"];
    for name in ["privateEndpointNetworkPolicies", "privateLinkServiceNetworkPolicies"] {
        assert_eq!(properties[name], "Disabled", "{name}");
    }
    let endpoints = json!([{"service": "Microsoft.Sql", "locations": ["westeurope"], "provisioningState": "Updating"}]);
    assert_eq!(properties["serviceEndpoints"], endpoints);
    bed.wait(20);
    let mut there = bed.get(&subnet("aci")).await.body;
    let endpoints = &mut there["properties"]["serviceEndpoints"];
    assert_eq!(endpoints[0]["provisioningState"], "Succeeded");
    endpoints.as_array_mut().unwrap().push(json!({"service": "Microsoft.KeyVault"}));
    let more = bed.put(&subnet("aci"), there).await.body;
    let states: Vec<&Value> = (0..2).map(|n| &more["properties"]["serviceEndpoints"][n]["provisioningState"]).collect();
    assert_eq!(states, ["Succeeded", "Updating"], "only the new one is under way");
}

#[tokio::test]
async fn a_group_that_is_still_being_written_can_not_be_referred_to() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    bed.put(&nsg(), json!({"location": "westeurope"})).await;
    let mut body = aci_body("10.0.1.0/24");
    body["properties"]["networkSecurityGroup"] = json!({"id": nsg()});
    let answer = bed.put(&subnet("aci"), body.clone()).await.expect(429, "RetryableError");
    assert_eq!((answer.detail(), answer.header("retry-after")), ("ReferencedResourceNotProvisioned", ""));
    bed.wait(2);
    assert_eq!(bed.put(&subnet("aci"), body).await.status, 200);
}

#[tokio::test]
async fn addresses_are_given_from_the_fifth_on() {
    let bed = bed_with_subnet("10.0.1.0/29").await;
    let given: Vec<String> = ["a", "b", "c"].iter().map(|holder| bed.hold(holder).to_string()).collect();
    assert_eq!(given, ["10.0.1.4", "10.0.1.5", "10.0.1.6"]);
    assert_eq!(bed.hold("a").to_string(), "10.0.1.4", "the same holder keeps its address");
    let full = Holder { id: "d".to_owned(), location: "westeurope".to_owned() };
    let refused = bed.simulator.with(|world| addresses::take_address(world, &subnet("aci"), &full)).unwrap_err();
    assert_eq!(refused.code, "SubnetIsFull");
    bed.release("b");
    assert_eq!(bed.hold("d").to_string(), "10.0.1.5");
    let usages = bed.get(&format!("{}/usages", vnet())).await;
    assert_eq!((&usages.body["value"][0]["currentValue"], &usages.body["value"][0]["limit"]), (&json!(3), &json!(3)));
    let free = |address: &str| format!("{}/CheckIPAddressAvailability?ipAddress={address}", vnet());
    assert_eq!(bed.get(&free("10.0.1.4")).await.body["available"], json!(false));
    bed.release("a");
    assert_eq!(bed.get(&free("10.0.1.4")).await.body["available"], json!(true));
}

#[tokio::test]
async fn who_may_not_take_an_address() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    bed.stands(&subnet("plain"), json!({"properties": {"addressPrefix": "10.0.2.0/24"}})).await;
    for (name, location, code) in [
        ("plain", "westeurope", "SubnetMissingRequiredDelegation"),
        ("aci", "eastus", "SubnetRegionMismatch"),
        ("gone", "westeurope", "InvalidResourceReference"),
    ] {
        let holder = Holder { id: "g".to_owned(), location: location.to_owned() };
        let refused = bed.simulator.with(|world| addresses::take_address(world, &subnet(name), &holder)).unwrap_err();
        assert_eq!(refused.code, code);
    }
    let host = |name: &str| bed.simulator.with(|world| addresses::take_host_address(world, &subnet(name), "host"));
    assert_eq!(host("plain").unwrap().to_string(), "10.0.2.4");
    assert!(host("aci").is_err());
    let answer = bed.put(&subnet("plain"), aci_body("10.0.2.0/24")).await;
    answer.expect(400, "SubnetDelegationsCannotChangeWhenSubnetUsedByResource");
}

#[tokio::test]
async fn a_used_subnet_can_not_be_changed_or_deleted() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    bed.hold("g");
    let there = bed.get(&subnet("aci")).await.body;
    assert_eq!(there["properties"]["serviceAssociationLinks"][0]["name"], "acisal");
    assert_eq!(there["properties"]["ipConfigurations"].as_array().unwrap().len(), 1);
    let answer = bed.delete(&subnet("aci")).await.expect(400, "InUseSubnetCannotBeDeleted");
    assert!(answer.message().contains("/serviceAssociationLinks/acisal and cannot be deleted"), "{}", answer.message());
    bed.put(&subnet("aci"), aci_body("10.0.1.0/25")).await.expect(400, "InUsePrefixCannotBeDeleted");
    let bare = json!({"properties": {"addressPrefix": "10.0.1.0/24"}});
    bed.put(&subnet("aci"), bare).await.expect(400, "SubnetMissingRequiredDelegation");
    assert_eq!(bed.get(&subnet("aci")).await.body, there);
    let answer = bed.put(&subnet("aci"), aci_body("10.0.1.0/24")).await;
    assert_eq!(answer.status, 200, "the same again is no change");
}

#[tokio::test]
async fn the_link_lingers() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    bed.hold("a");
    bed.hold("b");
    bed.release("a");
    bed.wait(3000);
    let mut bed = bed;
    bed.token = bed.token_of(TENANT, OWNER).await;
    bed.delete(&subnet("aci")).await.expect(400, "InUseSubnetCannotBeDeleted");
    bed.release("b");
    assert!(bed.get(&subnet("aci")).await.body["properties"].get("ipConfigurations").is_none());
    bed.wait(719);
    bed.delete(&subnet("aci")).await.expect(400, "InUseSubnetCannotBeDeleted");
    bed.hold("c");
    bed.wait(10);
    bed.delete(&subnet("aci")).await.expect(400, "InUseSubnetCannotBeDeleted");
    bed.release("c");
    bed.wait(720);
    assert_eq!(bed.delete(&subnet("aci")).await.status, 202);
    bed.wait(10);
    assert_eq!(bed.get(&subnet("aci")).await.status, 404);
}

#[tokio::test]
async fn the_link_can_be_deleted_once_nobody_holds_it() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    let link = format!("{}/providers/Microsoft.ContainerInstance/serviceAssociationLinks/default", subnet("aci"));
    assert_eq!(bed.delete(&link).await.status, 204);
    bed.hold("g");
    bed.delete(&link).await.expect(409, "SubnetInUse");
    bed.get(&link).await.expect(403, "DisallowedResourceOperation");
    bed.release("g");
    assert_eq!(bed.delete(&link).await.status, 200);
    assert_eq!(bed.delete(&subnet("aci")).await.status, 202);
}

#[tokio::test]
async fn a_subnet_that_goes_gives_no_address() {
    let bed = bed_with_subnet("10.0.1.0/24").await;
    bed.delete(&subnet("aci")).await;
    assert_eq!(bed.get(&subnet("aci")).await.state(), "Deleting");
    let holder = Holder { id: "g".to_owned(), location: "westeurope".to_owned() };
    assert!(bed.simulator.with(|world| addresses::take_address(world, &subnet("aci"), &holder)).is_err());
}
