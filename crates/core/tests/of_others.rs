//! What others own: lists that they extend, names that Azure folds, properties that have two forms.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{DelegatedSubnet, conditions::types};
use common::*;
use serde_json::{Value, json};

const NOTHING: &[String] = &[];

fn made(changes: &[(&str, Value)]) -> (World, DelegatedSubnet) {
    let (mut world, mut cr) = (World::default(), subnet(changes));
    world.settle(&mut cr);
    world.writes.clear();
    (world, cr)
}

fn keys_of(cr: &DelegatedSubnet, kind: &str) -> Vec<String> {
    let resources = &cr.status.as_ref().unwrap().resources;
    resources.iter().find(|one| one.kind == kind).unwrap().keys.clone()
}

fn prefixes(world: &mut World) -> Value {
    world.arm_body(&network())["properties"]["addressSpace"]["addressPrefixes"].clone()
}

fn ready(cr: &DelegatedSubnet) -> String {
    let conditions = &cr.status.as_ref().unwrap().conditions;
    format!("{} {}", said(conditions, types::READY), message(conditions, types::READY))
}

fn two_prefixes() -> (&'static str, Value) {
    ("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16", "10.5.0.0/16"]))
}

/// Azure/terraform-azurerm-avm-res-network-virtualnetwork#66, hashicorp/terraform-provider-azurerm#32673, #11211.
#[test]
fn a_network_that_others_grow_is_left_and_still_changed() {
    let (mut world, cr) = made(&[]);
    assert_eq!(keys_of(&cr, "VirtualNetwork"), ["[10.0.0.0/16]", "acivnet-owner"]);
    let body = world.arm_body(&network());
    body["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.19.0.0/16", "10.0.0.0/16", "fd00:15::/48"]);
    body["properties"]["dhcpOptions"] = json!({"dnsServers": ["10.19.0.4"]});
    assert!(world.look(&cr).plan.settled());
    let mut cr = edited(&cr, &[("/azure/tags", json!([{"name": "team", "value": "ml"}]))]);
    world.settle(&mut cr);
    assert!(world.writes.contains(&"PUT VirtualNetwork/amlvnet1".to_owned()), "{:?}", world.writes);
    assert_eq!(prefixes(&mut world), json!(["10.19.0.0/16", "10.0.0.0/16", "fd00:15::/48"]));
    assert_eq!(world.arm_body(&network())["properties"]["dhcpOptions"]["dnsServers"], json!(["10.19.0.4"]));
    assert_eq!(keys_of(&cr, "VirtualNetwork"), ["[10.0.0.0/16]", "acivnet-owner", "team"]);
    // one of ours that somebody took away is put back beside theirs
    world.arm_body(&network())["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.19.0.0/16"]);
    world.settle(&mut cr);
    assert_eq!(prefixes(&mut world), json!(["10.19.0.0/16", "10.0.0.0/16"]));
}

#[test]
fn a_prefix_goes_only_when_it_was_written_here_and_nobody_uses_it() {
    let (mut world, cr) = made(&[two_prefixes()]);
    world.put_arm(&subnet_id("theirs"), json!({"properties": {"addressPrefix": "10.5.1.0/24"}}));
    let mut cr = edited(&cr, &[("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16"]))]);
    world.settle(&mut cr);
    assert_eq!(world.writes, NOTHING);
    let told = ready(&cr);
    assert!(told.starts_with("True/Delegated") && told.contains("10.5.0.0/16 stays"), "{told}");
    assert!(told.contains("that use it: theirs") && told.contains("list it again"), "{told}");
    world.arm.remove(&subnet_id("theirs").to_lowercase());
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PUT VirtualNetwork/amlvnet1"]);
    assert_eq!(prefixes(&mut world), json!(["10.0.0.0/16"]));
    assert_eq!(keys_of(&cr, "VirtualNetwork"), ["[10.0.0.0/16]", "acivnet-owner"]);
    assert!(!ready(&cr).contains("stays"));
}

/// What stood before it was named is somebody else's, in what was made here as in what was adopted.
#[test]
fn a_prefix_of_others_stays_when_the_spec_names_it_and_no_longer() {
    let (mut world, cr) = made(&[]);
    world.arm_body(&network())["properties"]["addressSpace"]["addressPrefixes"] = json!(["10.0.0.0/16", "10.5.0.0/16"]);
    let mut cr = edited(&cr, &[two_prefixes()]);
    world.settle(&mut cr);
    let mut cr = edited(&cr, &[("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16"]))]);
    world.settle(&mut cr);
    assert_eq!(world.writes, NOTHING);

    let mut world = World::default();
    let space = json!({"addressPrefixes": ["10.0.0.0/16", "10.5.0.0/16"]});
    world.put_arm(&network(), json!({"location": "japaneast", "properties": {"addressSpace": space}}));
    let mut cr = subnet(&[two_prefixes(), ("/adoption", json!("IfUnowned"))]);
    world.settle(&mut cr);
    let mut cr = edited(&cr, &[("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16"]))]);
    world.settle(&mut cr);
    assert_eq!(prefixes(&mut world), json!(["10.0.0.0/16", "10.5.0.0/16"]));
}

/// A record of a release that owned the whole list is followed by one that tells the prefixes.
#[test]
fn a_record_of_a_release_before_is_taken_over() {
    let (mut world, mut cr) = made(&[two_prefixes()]);
    let resources = &mut cr.status.as_mut().unwrap().resources;
    resources.iter_mut().for_each(|one| one.keys.retain(|key| !key.starts_with('[')));
    world.settle(&mut cr);
    let mut cr = edited(&cr, &[("/virtualNetwork/addressPrefixes", json!(["10.0.0.0/16"]))]);
    world.settle(&mut cr);
    assert_eq!(prefixes(&mut world), json!(["10.0.0.0/16"]));
}

/// Azure/azure-cli#32005, virtual-kubelet/azure-aci#621, Azure/azure-sdk-for-java#42524,
/// hashicorp/terraform-provider-azurerm#10818: a subnet has `addressPrefix` or `addressPrefixes`, and never both.
#[test]
fn a_subnet_with_two_prefixes_stays_so_whatever_is_repaired() {
    let (mut world, cr) = made(&[]);
    for (name, ours) in [("default", "10.0.0.0/24"), ("amlsubnet1", "10.0.1.0/24")] {
        let properties = world.arm_body(&subnet_id(name))["properties"].as_object_mut().unwrap();
        properties.remove("addressPrefix");
        properties.insert("addressPrefixes".into(), json!([ours, "fd00:15:0:1::/64"]));
    }
    assert!(world.look(&cr).plan.settled(), "ours is among them");
    // group, delegation, associations and NAT gateway are all put on with the form that stands
    world.arm_body(&subnet_id("default"))["properties"]["networkSecurityGroup"] = Value::Null;
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"] = json!([]);
    let egress = json!({"type": "NATGateway", "natGateway": {"name": "nat"}});
    let endpoints = json!([{"service": "Microsoft.Storage"}]);
    let mut cr = edited(&cr, &[("/egress", egress), ("/subnet/serviceEndpoints", endpoints)]);
    world.settle(&mut cr);
    for (name, ours) in [("default", "10.0.0.0/24"), ("amlsubnet1", "10.0.1.0/24")] {
        assert!(world.writes.contains(&format!("PUT Subnet/{name}")), "{:?}", world.writes);
        let properties = &world.arm_body(&subnet_id(name))["properties"];
        assert_eq!(properties["addressPrefixes"], json!([ours, "fd00:15:0:1::/64"]));
        assert!(properties.get("addressPrefix").is_none(), "{properties}");
    }
    let changed = world.arm_body(&subnet_id("amlsubnet1"));
    changed["properties"]["addressPrefixes"] = json!(["10.0.9.0/24", "fd00:15:0:1::/64"]);
    let passed = world.pass(&mut cr);
    let drift = &passed.report.status.drift[0];
    assert_eq!((&*drift.field, &*drift.want), ("properties.addressPrefix", "10.0.1.0/24"));
    world.tick();
    world.settle(&mut cr);
    let put_right = &world.arm_body(&subnet_id("amlsubnet1"))["properties"];
    assert_eq!(put_right["addressPrefixes"], json!(["fd00:15:0:1::/64", "10.0.1.0/24"]));
}

/// hashicorp/terraform-provider-azurerm#14841, #11228, MicrosoftDocs/azure-docs#57888, Azure/azure-rest-api-specs#11899.
#[test]
fn tag_names_have_no_case() {
    let tags = ("/azure/tags", json!([{"name": "costcenter", "value": "42"}]));
    let egress = ("/egress", json!({"type": "NATGateway", "natGateway": {"name": "nat"}}));
    let (mut world, cr) = made(&[tags, egress]);
    let ids: Vec<String> = world.arm.keys().filter(|id| !id.contains("/subnets/")).cloned().collect();
    // a policy writes them as it likes, at each sweep
    for id in &ids {
        let Some(tags) = world.arm_body(id).get_mut("tags").and_then(Value::as_object_mut) else { continue };
        *tags = tags.iter().map(|(name, value)| (name.to_uppercase(), value.clone())).collect();
    }
    assert!(world.look(&cr).plan.settled(), "{:?}", world.look(&cr).plan.steps);
    let mut cr =
        edited(&cr, &[("/azure/tags", json!([{"name": "CostCenter", "value": "43"}, {"name": "new", "value": "1"}]))]);
    world.settle(&mut cr);
    for id in ids.iter().filter(|id| !id.contains("/workspaces/")) {
        let tags = &world.arm_body(id)["tags"];
        assert_eq!(tags["COSTCENTER"], "43", "{id}");
        assert_eq!(tags.as_object().unwrap().len(), 3, "one of each name: {tags}");
    }
    let mut cr = edited(&cr, &[("/azure/tags", json!([]))]);
    world.settle(&mut cr);
    let tags = world.arm_body(&network())["tags"].clone();
    assert_eq!(tags.as_object().unwrap().keys().collect::<Vec<_>>(), ["ACIVNET-OWNER"], "what was dropped goes");
    let mut gone = deleted(&cr);
    world.settle(&mut gone);
    assert!(!world.arm.contains_key(&network().to_lowercase()), "its mark is known in any case");
}

/// A tag of the spec can't take the place of the owner mark, however it is written.
#[test]
fn the_owner_mark_has_no_case_either() {
    let tags = json!([{"name": "Acivnet-Owner", "value": "me"}, {"name": "team", "value": "a"}, {"name": "TEAM", "value": "b"}]);
    let (mut world, cr) = made(&[("/azure/tags", tags)]);
    assert_eq!(world.arm_body(&network())["tags"], json!({"acivnet-owner": CLUSTER, "team": "a"}));
    assert!(world.look(&cr).plan.settled());
}

#[test]
fn siblings_agree_on_tags_in_any_case() {
    let tagged = |name: &str, value: &str| ("/azure/tags", json!([{"name": name, "value": value}]));
    let elder = |name: &str, value: &str| {
        let created = ("/metadata/creationTimestamp", json!("2026-11-21T00:00:00Z"));
        let own = ("/subnet", json!({"name": "other", "addressPrefix": "10.0.2.0/24"}));
        serde_json::to_value(subnet(&[tagged(name, value), created, ("/metadata/name", json!("other")), own])).unwrap()
    };
    for (name, value, agree) in [("Team", "ml", true), ("TEAM", "ops", false), ("other", "ops", true)] {
        let mut world = World { others: vec![elder(name, value)], ..World::default() };
        let mut cr = subnet(&[tagged("team", "ml")]);
        world.pass(&mut cr);
        assert_eq!(ready(&cr).starts_with("False/VirtualNetworkDiffers"), !agree, "{name}: {}", ready(&cr));
    }
}

/// Where connections run out of ports, somebody adds an address to the gateway; taking it away would break them.
#[test]
fn a_gateway_keeps_addresses_of_others_and_lets_ours_go() {
    let gateway =
        |count: u32| ("/egress", json!({"type": "NATGateway", "natGateway": {"name": "nat", "publicIPCount": count}}));
    let (mut world, cr) = made(&[gateway(2)]);
    let id = format!("{GROUP}/providers/Microsoft.Network/natGateways/nat");
    let theirs = json!({"id": format!("{GROUP}/providers/Microsoft.Network/publicIPAddresses/theirs")});
    let list = world.arm_body(&id)["properties"]["publicIpAddresses"].as_array_mut().unwrap();
    list.push(theirs.clone());
    assert!(world.look(&cr).plan.settled());
    let mut cr = edited(&cr, &[gateway(1)]);
    world.settle(&mut cr);
    let list = world.arm_body(&id)["properties"]["publicIpAddresses"].as_array().unwrap().clone();
    assert_eq!(list.len(), 2);
    assert!(list[0]["id"].as_str().unwrap().ends_with("nat-ip1") && list[1] == theirs, "{list:?}");
    assert!(!world.arm.keys().any(|id| id.ends_with("nat-ip2")));
}
