//! What is said of a network whose last operation in Azure failed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{DelegatedSubnet, conditions::types};
use acivnet_core::{
    id::ResourceId,
    questions::{AzureQuestion, Question},
};
use common::*;
use serde_json::json;

/// A failed network names Azure's code and message where they are known, and the class is that of the code.
#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn a_failed_network_says_why() {
    let error = |code: &str, message: &str| Some(json!({"code": code, "message": message}));
    for (id, type_, error, says, words) in [
        (
            network(),
            types::VIRTUAL_NETWORK_READY,
            None,
            "AzureRefused",
            "VirtualNetwork/amlvnet1: provisioningState is Failed",
        ),
        (
            network(),
            types::VIRTUAL_NETWORK_READY,
            error("NetcfgSubnetRangesOverlap", "Subnet 'a' overlaps"),
            "AddressOverlap",
            "VirtualNetwork/amlvnet1: provisioningState is Failed: NetcfgSubnetRangesOverlap: Subnet 'a' overlaps",
        ),
        (
            subnet_id("amlsubnet1"),
            types::DELEGATED,
            error("InternalServerError", "An error occurred."),
            "AzureRefused",
            "Subnet/amlsubnet1: provisioningState is Failed: InternalServerError: An error occurred.",
        ),
        (
            group_id("amlnsg"),
            types::CLIENT_SUBNET_READY,
            error("Surprise", ""),
            "AzureRefused",
            "NetworkSecurityGroup/amlnsg: provisioningState is Failed: Surprise",
        ),
        (
            network(),
            types::VIRTUAL_NETWORK_READY,
            error("", "no more of them"),
            "AzureRefused",
            "VirtualNetwork/amlvnet1: provisioningState is Failed: no more of them",
        ),
        (
            network(),
            types::VIRTUAL_NETWORK_READY,
            Some(json!("odd")),
            "AzureRefused",
            "VirtualNetwork/amlvnet1: provisioningState is Failed",
        ),
    ] {
        let (mut world, mut cr) = World::with_network();
        world.arm_body(&id)["properties"]["provisioningState"] = "Failed".into();
        world.operations.extend(error.map(|error| (id.to_lowercase(), error)));
        let conditions = world.pass(&mut cr).report.status.conditions;
        assert_eq!((said(&conditions, type_), message(&conditions, type_)), (format!("False/{says}"), words));
    }
}

/// The reason is asked of what failed, and of nothing else; nobody reads it while the object goes.
#[test]
fn only_what_failed_is_asked_for_its_reason() {
    let (mut world, cr) = World::with_network();
    let asked = |world: &World, cr: &DelegatedSubnet| {
        let facts = world.observe(cr).facts;
        facts
            .into_keys()
            .filter(|question| matches!(question, Question::Azure(AzureQuestion::FailureReason(_))))
            .collect::<Vec<_>>()
    };
    assert_eq!(asked(&world, &cr), []);
    world.arm_body(&network())["properties"]["provisioningState"] = "Failed".into();
    assert_eq!(
        asked(&world, &cr),
        [Question::Azure(AzureQuestion::FailureReason(ResourceId::parse(&network()).unwrap()))]
    );
    assert_eq!(asked(&world, &deleted(&cr)), []);
}
