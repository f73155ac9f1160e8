//! The way out of a delegated subnet.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{
    DelegatedSubnet,
    conditions::{reasons, types},
};
use common::*;
use serde_json::{Value, json};

fn id(type_: &str, name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Network/{type_}/{name}")
}

fn gateway(name: &str) -> String {
    id("natGateways", name)
}

fn stands(location: &str) -> Value {
    json!({"location": location, "properties": {"provisioningState": "Succeeded"}})
}

fn by(gateway: Value) -> Value {
    json!({"type": "NATGateway", "natGateway": gateway})
}

fn with(egress: Value) -> DelegatedSubnet {
    subnet(&[("/egress", egress), ("/clientSubnet", Value::Null)])
}

/// A gateway made here, with two addresses.
fn made() -> (World, DelegatedSubnet) {
    let (mut world, mut cr) = (World::default(), with(by(json!({"name": "nat", "publicIPCount": 2}))));
    world.settle(&mut cr);
    (world, cr)
}

fn conditions(cr: &DelegatedSubnet) -> Vec<k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition> {
    cr.status.clone().unwrap().conditions
}

fn egress(cr: &DelegatedSubnet) -> String {
    said(&conditions(cr), types::EGRESS_READY)
}

fn held(world: &mut World) -> Value {
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["natGateway"]["id"].clone()
}

#[test]
fn a_gateway_is_made_before_the_subnet_and_goes_after_it() {
    let (mut world, cr) = made();
    assert_eq!(
        world.writes,
        [
            "PUT VirtualNetwork/amlvnet1",
            "PUT PublicIPAddress/nat-ip1",
            "PUT PublicIPAddress/nat-ip2",
            "PUT NATGateway/nat",
            "PUT Subnet/amlsubnet1"
        ]
    );
    assert_eq!((egress(&cr), held(&mut world)), ("True/NATGateway".into(), json!(gateway("nat"))));
    let body = world.arm_body(&gateway("nat")).clone();
    assert_eq!(body["tags"]["acivnet-owner"], format!("{CLUSTER}/ml/amlsubnet1"));
    assert_eq!(body["properties"]["publicIpAddresses"].as_array().unwrap().len(), 2);
    world.writes.clear();
    let mut cr = deleted(&cr);
    assert!(world.settle(&mut cr).report.release);
    assert_eq!(
        world.writes,
        [
            "DELETE Subnet/amlsubnet1",
            "DELETE NATGateway/nat",
            "DELETE PublicIPAddress/nat-ip1",
            "DELETE PublicIPAddress/nat-ip2",
            "DELETE VirtualNetwork/amlvnet1"
        ]
    );
}

#[test]
fn the_addresses_are_told() {
    let (mut world, mut cr) = made();
    for (number, address) in [(1, "198.18.0.1"), (2, "198.18.0.2")] {
        world.arm_body(&id("publicIPAddresses", &format!("nat-ip{number}")))["properties"]["ipAddress"] =
            address.into();
    }
    world.pass(&mut cr);
    let conditions = conditions(&cr);
    let message = message(&conditions, types::EGRESS_READY);
    assert!(message.ends_with("NAT gateway nat, from 198.18.0.1, 198.18.0.2"), "{message}");
}

#[test]
fn a_change_of_egress() {
    let gone = ["DELETE NATGateway/nat", "DELETE PublicIPAddress/nat-ip1", "DELETE PublicIPAddress/nat-ip2"];
    let after =
        |first: &[&str], gone: &[&str]| [first, gone].concat().iter().map(ToString::to_string).collect::<Vec<_>>();
    for (egress_then, writes, reason, holds) in [
        (
            by(json!({"name": "nat"})),
            after(&["PUT NATGateway/nat", "DELETE PublicIPAddress/nat-ip2"], &[]),
            "True/NATGateway",
            json!(gateway("nat")),
        ),
        (
            by(json!({"name": "other"})),
            after(&["PUT PublicIPAddress/other-ip1", "PUT NATGateway/other", "PUT Subnet/amlsubnet1"], &gone),
            "True/NATGateway",
            json!(gateway("other")),
        ),
        (
            by(json!({"id": gateway("hub")})),
            after(&["PUT Subnet/amlsubnet1"], &gone),
            "True/NATGateway",
            json!(gateway("hub")),
        ),
        (json!({"type": "Existing"}), after(&["PUT Subnet/amlsubnet1"], &gone), "True/ExistingRoute", Value::Null),
        (json!({"type": "None"}), after(&["PUT Subnet/amlsubnet1"], &gone), "True/NoEgressWanted", Value::Null),
        (Value::Null, after(&["PUT Subnet/amlsubnet1"], &gone), "False/NoNATGateway", Value::Null),
    ] {
        let (mut world, cr) = made();
        world.put_arm(&gateway("hub"), stands("japaneast"));
        world.writes.clear();
        let mut cr = edited(&cr, &[("/egress", egress_then.clone())]);
        world.settle(&mut cr);
        assert_eq!(world.writes, writes, "{egress_then}");
        assert_eq!((egress(&cr).as_str(), held(&mut world)), (reason, holds), "{egress_then}");
        assert_eq!(said(&conditions(&cr), types::READY), "True/Delegated", "{egress_then}");
        assert!(world.arm.contains_key(&gateway("hub").to_lowercase()), "theirs stays");
    }
}

/// What is told before anything fails for it.
#[test]
fn what_is_not_managed_is_told() {
    let (mut world, mut cr) = (World::default(), with(Value::Null));
    world.settle(&mut cr);
    assert_eq!(said(&conditions(&cr), types::READY), "True/Delegated", "an absent block breaks nobody");
    assert_eq!(egress(&cr), "False/NoNATGateway");
    for member in ["natGateway", "routeTable"] {
        let mut world = World { arm: world.arm.clone(), ..World::default() };
        world.arm_body(&subnet_id("amlsubnet1"))["properties"][member] = json!({"id": gateway("hub")});
        world.pass(&mut cr);
        assert_eq!(egress(&cr), "True/ExistingRoute");
        assert!(world.writes.is_empty(), "{:?}", world.writes);
    }
}

#[test]
fn a_gateway_that_is_named_must_stand() {
    let (mut world, mut cr) = (World::default(), with(by(json!({"id": gateway("hub")}))));
    for _ in 0..4 {
        world.pass(&mut cr);
        world.tick();
    }
    for type_ in [types::READY, types::EGRESS_READY] {
        assert_eq!(said(&conditions(&cr), type_), "False/NoNATGateway");
        assert!(message(&conditions(&cr), type_).contains(&gateway("hub")));
    }
    assert_eq!(world.writes, ["PUT VirtualNetwork/amlvnet1"]);
    world.show(&cr);
    let mut waiting = deployment(&[]);
    for _ in 0..6 {
        world.pass(&mut waiting);
        world.tick();
    }
    let told = waiting.status.clone().unwrap().conditions;
    assert_eq!(said(&told, types::NETWORK_READY), "False/NoNATGateway");
    assert!(message(&told, types::NETWORK_READY).contains(&gateway("hub")), "{:?}", all_said(&told));
    world.put_arm(&gateway("hub"), stands("westeurope"));
    world.pass(&mut cr);
    assert_eq!(egress(&cr), "False/RegionMismatch");
    world.put_arm(&gateway("hub"), stands("japaneast"));
    world.settle(&mut cr);
    assert_eq!(egress(&cr), "True/NATGateway");
    let before = world.arm_body(&gateway("hub")).clone();
    let mut cr = deleted(&cr);
    world.settle(&mut cr);
    assert_eq!(*world.arm_body(&gateway("hub")), before, "what is referenced is never changed or deleted");
}

#[test]
fn a_gateway_of_others_is_not_taken() {
    let mut world = World::default();
    world.put_arm(&gateway("nat"), stands("japaneast"));
    let mut cr = with(by(json!({"name": "nat"})));
    for _ in 0..6 {
        world.pass(&mut cr);
        world.tick();
    }
    assert_eq!(egress(&cr), "False/AdoptionRefused");
    assert!(!world.writes.iter().any(|one| one == "PUT NATGateway/nat"));
    let mut cr = deleted(&cr);
    assert!(world.settle(&mut cr).report.release);
    let left: Vec<_> = world.arm.keys().filter(|id| id.contains("microsoft.network")).collect();
    assert_eq!(left, [&gateway("nat").to_lowercase()]);
}

/// A gateway that others' subnets go out by, or an address that another gateway has, stays, and is named.
#[test]
fn what_others_use_is_not_deleted() {
    let theirs = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/v2/subnets/theirs");
    let (mut world, cr) = made();
    let own = subnet_id("amlsubnet1");
    world.arm_body(&gateway("nat"))["properties"]["subnets"] = json!([{"id": own}, {"id": theirs}]);
    let mut cr = deleted(&cr);
    world.writes.clear();
    for _ in 0..4 {
        world.pass(&mut cr);
        world.tick();
    }
    assert_eq!(world.writes, ["DELETE Subnet/amlsubnet1"]);
    let blocked = said(&conditions(&cr), types::DELETION_BLOCKED);
    assert_eq!(blocked, "True/NATGatewayInUse");
    assert!(message(&conditions(&cr), types::DELETION_BLOCKED).contains("v2/subnets/theirs"));
    world.arm_body(&gateway("nat"))["properties"]["subnets"] = json!([]);
    assert!(world.settle(&mut cr).report.release);
}

#[test]
fn an_image_that_cannot_be_pulled_has_its_root_in_the_subnet() {
    let error = json!({"code": "AciDeploymentFailed", "message": "Aci Deployment failed",
        "details": [{"code": "InaccessibleImage", "message": "The image 'x.azurecr.io/a' is not accessible."}]});
    for (egress, reason) in
        [(Value::Null, reasons::NO_NAT_GATEWAY), (json!({"type": "Existing"}), reasons::IMAGE_NOT_PULLED)]
    {
        let (mut world, mut network) = (World::default(), subnet(&[("/egress", egress)]));
        world.settle(&mut network);
        world.show(&network);
        world.ending = json!({"state": "Failed", "error": error});
        let mut cr = deployment(&[]);
        for _ in 0..8 {
            world.pass(&mut cr);
            world.tick();
        }
        let told = cr.status.clone().unwrap().conditions;
        assert_eq!(said(&told, types::READY), format!("False/{reason}"));
        assert_eq!(said(&told, types::ENVIRONMENT_READY), "True/Built");
    }
    let (mut world, mut cr) = World::serving(&[]);
    world.pass(&mut cr);
    let told = cr.status.clone().unwrap().conditions;
    assert_eq!(said(&told, types::NETWORK_READY), "True/Delegated");
    assert!(message(&told, types::NETWORK_READY).contains("no NAT gateway"), "told before anything fails");
}
