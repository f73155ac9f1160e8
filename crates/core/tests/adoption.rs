//! What exists and was not made here: refused, or taken with a record before any write, and never deleted unasked.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{AciVnetDeployment, DelegatedSubnet, Origin, conditions::types};
use acivnet_core::{seen::Seen, subject::Subject};
use common::*;
use serde_json::{Value, json};

const THEIRS: &str = "another-cluster/ml/x";

fn adopting(policy: &str) -> (&'static str, Value) {
    ("/adoption", policy.into())
}

/// The network as the how-to's reader made it by hand, and whose mark is on it.
fn by_hand(owner: Option<&str>) -> World {
    let mut world = World::default();
    let tags = owner.map_or_else(|| json!({"team": "x"}), |owner| json!({"team": "x", "acivnet-owner": owner}));
    let group = json!({"location": "japaneast", "tags": tags, "properties": {"securityRules": [rule("ssh", 200)]}});
    let delegation = if owner.is_some() { "acivnet-0123456789abcdef0123" } else { "0" };
    world.put_arm(
        &network(),
        json!({"location": "japaneast", "tags": tags, "properties": {"addressSpace": {"addressPrefixes": ["192.168.0.0/24", "10.0.0.0/16"]}}}),
    );
    world.put_arm(&group_id("amlnsg"), group);
    world.put_arm(
        &subnet_id("amlsubnet1"),
        json!({"properties": {"addressPrefix": "10.0.1.0/24", "delegations": [
            {"name": delegation, "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}]}}),
    );
    let group = json!({"id": group_id("amlnsg")});
    world.put_arm(
        &subnet_id("default"),
        json!({"properties": {"addressPrefix": "10.0.0.0/24", "networkSecurityGroup": group}}),
    );
    world
}

fn rule(name: &str, priority: u32) -> Value {
    json!({"name": name, "properties": {"priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": "*", "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "22"}})
}

fn origins(cr: &impl Stored) -> Vec<(String, Option<Origin>)> {
    cr.recorded().iter().map(|one| (one.id.rsplit('/').next().unwrap().to_owned(), one.origin)).collect()
}

fn some_passes<S: Stored>(world: &mut World, cr: &mut S) {
    for _ in 0..8 {
        world.pass(cr);
        world.tick();
    }
}

/// What was made here and is gone gives no right to what others make of that name.
#[test]
fn what_others_make_in_the_place_of_ours_is_theirs() {
    let (mut world, mut cr) = World::serving(&[("/drift", json!({"mode": "Detect"}))]);
    let mut theirs = world.services.remove(SERVICE).unwrap();
    theirs["kvTags"] = json!({});
    world.pass(&mut cr);
    world.unread.insert("services/aciservice".into());
    world.pass(&mut cr);
    world.unread.clear();
    world.services.insert(SERVICE.into(), theirs);
    let passed = world.pass(&mut cr);
    assert_eq!(said(&passed.report.status.conditions, types::READY), "False/ServiceNameTaken");
    let mut cr = edited(&cr, &[("/drift", Value::Null), ("/description", "mine".into())]);
    some_passes(&mut world, &mut cr);
    assert!(world.settle(&mut deleted(&cr)).report.release);
    assert_eq!((world.services.len(), world.writes.len()), (1, 0), "{:?}", world.writes);
}

#[test]
fn whose_and_which_policy_decide() {
    for (owner, policy, taken) in [
        (None, "Never", false),
        (None, "IfUnowned", true),
        (None, "Force", true),
        (Some(THEIRS), "Never", false),
        (Some(THEIRS), "IfUnowned", false),
        (Some(THEIRS), "Force", true),
    ] {
        let (mut world, mut cr) = (by_hand(owner), subnet(&[adopting(policy)]));
        let before = world.arm.clone();
        some_passes(&mut world, &mut cr);
        let status = cr.status.clone().unwrap();
        let all = |origin| cr.recorded().iter().all(|one| one.origin == Some(origin));
        if taken {
            assert_eq!(said(&status.conditions, types::READY), "True/Delegated", "{owner:?} {policy}");
            assert!(all(Origin::Adopted) && cr.recorded().len() == 4, "{:?}", origins(&cr));
            assert_eq!(world.writes, ["PUT VirtualNetwork/amlvnet1", "PUT NetworkSecurityGroup/amlnsg"]);
        } else {
            assert_eq!(said(&status.conditions, types::STALLED), "True/AdoptionRefused", "{owner:?} {policy}");
            let told = message(&status.conditions, types::STALLED);
            let way = if owner.is_some() { "adoption: Force" } else { "adoption: IfUnowned" };
            assert!(told.contains(way) && told.contains(owner.unwrap_or("no mark")), "{told}");
            let tags = |world: &World| world.arm.values().map(|body| body["tags"].clone()).collect::<Vec<_>>();
            let kept = World { arm: before, ..World::default() };
            assert_eq!((world.writes.len(), tags(&world)), (0, tags(&kept)));
        }
    }
}

#[test]
fn what_is_taken_keeps_what_others_put_there() {
    let (mut world, mut cr) = (by_hand(None), subnet(&[adopting("IfUnowned")]));
    world.settle(&mut cr);
    let group = world.arm_body(&group_id("amlnsg")).clone();
    let names: Vec<_> =
        group["properties"]["securityRules"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["ssh", "AllowAzureMachineLearning"]);
    let owner = format!("{CLUSTER}/ml/amlsubnet1");
    assert_eq!(group["tags"], json!({"team": "x", "acivnet-owner": owner, "acivnet-origin": "Adopted"}));
    let prefixes = &world.arm_body(&network())["properties"]["addressSpace"]["addressPrefixes"];
    assert_eq!(*prefixes, json!(["192.168.0.0/24", "10.0.0.0/16"]));
    assert_eq!(
        world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"][0]["name"],
        "0",
        "no mark of creation"
    );
    world.writes.clear();
    // a rule of others comes and goes; one of ours is put back, and goes when the spec drops it
    let group_path = "/clientSubnet/networkSecurityGroup/securityRules";
    let mine = json!([{"name": "mine", "priority": 300, "direction": "Inbound", "access": "Allow", "protocol": "Tcp"}]);
    let mut cr = edited(&cr, &[(group_path, mine)]);
    world.settle(&mut cr);
    world.arm_body(&group_id("amlnsg"))["properties"]["securityRules"]
        .as_array_mut()
        .unwrap()
        .push(rule("theirs", 400));
    assert!(world.look(&cr).plan.settled(), "extras are no drift");
    let mut cr = edited(&cr, &[(group_path, Value::Null)]);
    world.settle(&mut cr);
    let group = world.arm_body(&group_id("amlnsg")).clone();
    let names: Vec<_> =
        group["properties"]["securityRules"].as_array().unwrap().iter().map(|one| &one["name"]).collect();
    assert_eq!(names, ["ssh", "AllowAzureMachineLearning", "theirs"]);
}

#[test]
fn the_record_comes_before_the_first_write() {
    let (world, cr) = (by_hand(None), subnet(&[adopting("IfUnowned")]));
    let passed = world.look(&cr);
    assert!(passed.recorded && passed.plan.writes().next().is_some());
    let adopted = passed.report.status.resources.iter().filter(|one| one.origin == Some(Origin::Adopted)).count();
    assert_eq!(adopted, 4);
}

#[test]
fn an_adopted_subnet_without_delegation_gets_one_without_our_mark() {
    let (mut world, mut cr) = (by_hand(None), subnet(&[adopting("IfUnowned")]));
    world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"] = json!([]);
    world.settle(&mut cr);
    assert_eq!(world.arm_body(&subnet_id("amlsubnet1"))["properties"]["delegations"][0]["name"], "containerGroups");
    assert_eq!(said(&cr.status.unwrap().conditions, types::READY), "True/Delegated");
}

fn leave<S: Stored + serde::de::DeserializeOwned>(world: &mut World, cr: &S, policy: Option<&str>) {
    let deletion = policy.map_or(Value::Null, |policy| json!({"adopted": policy}));
    let mut cr: S = deleted(&edited(cr, &[("/deletion", deletion)]));
    assert!(world.settle(&mut cr).report.release);
}

/// With the record, by the tags alone, and when the policy was taken back: what was adopted stays.
#[test]
fn an_adopted_network_is_deleted_only_when_the_policy_says_so() {
    for (policy, forget, stays) in
        [(None, false, true), (None, true, true), (Some("Retain"), false, true), (Some("Delete"), false, false)]
    {
        let (mut world, mut cr) = (by_hand(None), subnet(&[adopting("IfUnowned")]));
        world.settle(&mut cr);
        if forget {
            cr.status = None;
        } else {
            cr = edited(&cr, &[adopting("Never")]);
            world.settle(&mut cr);
            assert_eq!(said(&cr.status.as_ref().unwrap().conditions, types::READY), "True/Delegated");
        }
        leave(&mut world, &cr, policy);
        let left = world.arm.keys().filter(|id| id.contains("microsoft.network")).count();
        assert_eq!(left, if stays { 4 } else { 0 }, "{policy:?} {forget} {:?}", world.writes);
    }
}

/// What is made beside what was adopted goes with the object; a subnet on an adopted group has no mark and counts as adopted.
#[test]
fn what_was_made_here_goes() {
    let (mut world, mut cr) = (by_hand(None), subnet(&[adopting("IfUnowned")]));
    world.arm.remove(&subnet_id("amlsubnet1").to_lowercase());
    world.arm.remove(&group_id("amlnsg").to_lowercase());
    world.arm.remove(&subnet_id("default").to_lowercase());
    world.settle(&mut cr);
    let created: Vec<_> = origins(&cr).into_iter().filter(|(_, origin)| *origin == Some(Origin::Created)).collect();
    assert_eq!(created.len(), 3, "{:?}", origins(&cr));
    leave(&mut world, &cr, None);
    let left: Vec<_> = world.arm.keys().filter(|id| id.contains("microsoft.network")).collect();
    assert_eq!(left, [&network().to_lowercase()]);
}

/// Adopted, deleted by a hand, made again: from then on it is ours.
#[test]
fn what_is_made_again_is_ours() {
    let (mut world, mut cr) = (by_hand(None), subnet(&[adopting("IfUnowned")]));
    world.settle(&mut cr);
    for id in [subnet_id("default"), subnet_id("amlsubnet1"), group_id("amlnsg"), network()] {
        world.arm.remove(&id.to_lowercase());
    }
    world.settle(&mut cr);
    assert!(cr.recorded().iter().all(|one| one.origin == Some(Origin::Created)), "{:?}", origins(&cr));
    assert_eq!(world.arm_body(&network())["tags"].get("acivnet-origin"), None);
    leave(&mut world, &cr, None);
    assert_eq!(world.arm.len(), 1, "the workspace alone");
}

/// The second object in an adopted network knows by the tag that the network was not made here.
#[test]
fn who_shares_an_adopted_network_leaves_it_too() {
    let (mut world, mut cr) = (by_hand(None), subnet(&[adopting("IfUnowned")]));
    world.settle(&mut cr);
    leave(&mut world, &cr, None);
    let other = [
        ("/metadata/name", json!("amlsubnet2")),
        ("/clientSubnet", Value::Null),
        ("/subnet", json!({"name": "s2", "addressPrefix": "10.0.2.0/24"})),
    ];
    let mut other: DelegatedSubnet = subnet(&other);
    world.settle(&mut other);
    assert_eq!(said(&other.status.as_ref().unwrap().conditions, types::READY), "True/Delegated");
    leave(&mut world, &other, None);
    assert!(world.arm.contains_key(&network().to_lowercase()));
}

/// The how-to's service as Microsoft's SDK makes it: another driver, other paths, no marks.
fn made_by_sdk(world: &mut World) {
    let (served, _) = World::serving(&[]);
    let mut service = served.services[SERVICE].clone();
    let image = &mut service["environmentImageRequest"];
    image["driverProgram"] = "tmp1.py".into();
    image["assets"] = json!([
        {"id": "tmp1.py", "mimeType": "application/x-python", "url": "aml://artifact/LocalUpload/bdbcd539/tmp1.py"},
        {"id": "score.py", "mimeType": "application/octet-stream", "url": "aml://artifact/LocalUpload/e1861209/score.py"}]);
    service["kvTags"] = Value::Null;
    service["properties"] = json!({"hasHttps": "False"});
    world.services.insert(SERVICE.into(), service);
    world.models.push(
        json!({"name": "mymodel", "version": 1, "url": "aml://asset/07e4", "kvTags": {"area": "x"}, "properties": {}}),
    );
    world.uploads.insert("aml://asset/07e4".into(), "m1".into());
    world.uploads.insert("aml://artifact/LocalUpload/e1861209/score.py".into(), "s1".into());
    world.sync_subnet();
}

fn sdk_world() -> World {
    let (mut world, _) = World::with_network();
    made_by_sdk(&mut world);
    world
}

#[test]
fn a_service_of_the_sdk_is_taken_with_one_tag() {
    let (mut world, mut cr) = (sdk_world(), deployment(&[adopting("IfUnowned")]));
    let passed = world.pass(&mut cr);
    assert!(passed.recorded);
    assert_eq!(world.writes, ["PATCH WebService/aciservice"]);
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PATCH WebService/aciservice"], "and nothing else");
    let tags = world.service()["kvTags"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(tags, ["acivnet-owner", "acivnet-content", "acivnet-origin"]);
    let status = cr.status.clone().unwrap();
    assert_eq!(said(&status.conditions, types::READY), "True/Serving");
    assert_eq!((status.model_label.as_deref(), status.revision), (Some("mymodel:1"), Some(1)));
    let mut origins = origins(&cr);
    origins.sort_by_key(|(name, _)| name.clone());
    let expected = [("aciservice", Origin::Adopted), ("amlws", Origin::Referenced), ("mymodel:1", Origin::Referenced)];
    assert_eq!(origins, expected.map(|(name, origin)| (name.to_owned(), Some(origin))));
    // without its record it is known by its tags
    cr.status = None;
    world.settle(&mut cr);
    assert_eq!(world.writes.len(), 1);
}

#[test]
fn another_service_is_refused_by_name() {
    for (policy, owner) in [("Never", None), ("Never", Some(THEIRS)), ("IfUnowned", Some(THEIRS))] {
        let (mut world, mut cr) = (sdk_world(), deployment(&[adopting(policy)]));
        if let Some(owner) = owner {
            world.service()["kvTags"] = json!({"acivnet-owner": owner});
        }
        some_passes(&mut world, &mut cr);
        let conditions = cr.status.unwrap().conditions;
        assert_eq!(said(&conditions, types::STALLED), "True/ServiceNameTaken");
        let told = message(&conditions, types::STALLED);
        let way = if owner.is_some() { "adoption: Force" } else { "adoption: IfUnowned" };
        assert!(told.contains(way) && told.contains(owner.unwrap_or_default()), "{told}");
        assert_eq!(world.writes, Vec::<String>::new());
    }
    let (mut world, mut cr) = (sdk_world(), deployment(&[adopting("Force")]));
    world.service()["kvTags"] = json!({"acivnet-owner": THEIRS});
    world.settle(&mut cr);
    assert_eq!(world.writes, ["PATCH WebService/aciservice"]);
}

/// What differs is changed after the adoption as ever: in place, by new content, or after approval.
#[test]
fn what_differs_is_changed_by_its_class() {
    type Edit = fn(&mut World);
    let hands: [(Edit, &[&str], bool); 6] = [
        (|world| world.service()["description"] = "mine".into(), &["PATCH WebService/aciservice"], false),
        (
            |world| drop(world.uploads.insert("aml://asset/07e4".into(), "m0".into())),
            &["POST ModelVersion/mymodel", "PATCH WebService/aciservice"],
            false,
        ),
        (
            |world| drop(world.uploads.insert("aml://artifact/LocalUpload/e1861209/score.py".into(), "s0".into())),
            &["PATCH WebService/aciservice"],
            false,
        ),
        (
            |world| {
                world.service()["environmentImageRequest"]["environment"]["environmentVariables"]["MORE"] = "x".into()
            },
            &["PATCH WebService/aciservice"],
            false,
        ),
        (
            |world| world.service()["environmentImageRequest"]["environment"]["docker"]["baseImage"] = "other".into(),
            &["PATCH WebService/aciservice"],
            false,
        ),
        (|world| world.service()["containerResourceRequirements"]["cpu"] = 2.into(), &[], true),
    ];
    for (at, (hand, writes, waits)) in hands.into_iter().enumerate() {
        let (mut world, mut cr) = (sdk_world(), deployment(&[adopting("IfUnowned")]));
        hand(&mut world);
        let rolls = world.look(&cr).plan.steps.iter().any(|step| step.change > Some(acivnet_core::kind::Change::Live));
        assert_eq!(rolls, at != 0, "{at}");
        world.settle(&mut cr);
        assert_eq!(world.writes, writes, "{at}");
        let stalled = said(&cr.status.unwrap().conditions, types::STALLED);
        assert_eq!(stalled, if waits { "True/ApprovalRequired" } else { "-" }, "{at}");
    }
}

/// While the service, what it runs or a file of it can't be read nobody knows what differs, and nothing is written.
#[test]
fn what_is_unread_holds_every_write() {
    for unread in ["FileDigest", "services/aciservice", "models/mymodel:1", "Models"] {
        let (mut world, mut cr) = (sdk_world(), deployment(&[adopting("IfUnowned")]));
        world.unread.insert(unread.into());
        for _ in 0..5 {
            world.pass(&mut cr);
            world.tick();
        }
        assert_eq!(world.writes, Vec::<String>::new(), "{unread}");
        world.unread.clear();
        world.settle(&mut cr);
        assert_eq!(world.writes, ["PATCH WebService/aciservice"], "{unread}");
    }
}

#[test]
fn an_adopted_service_and_its_model_stay() {
    for (policy, rolled, left) in
        [(None, false, (1, 1)), (None, true, (1, 2)), (Some("Delete"), false, (0, 1)), (Some("Delete"), true, (0, 1))]
    {
        let (mut world, mut cr) = (sdk_world(), deployment(&[adopting("IfUnowned")]));
        world.settle(&mut cr);
        if rolled {
            world.files.insert("model.pkl".into(), "m2".into());
            world.settle(&mut cr);
            assert_eq!(cr.status.as_ref().unwrap().model_label.as_deref(), Some("mymodel:2"));
        }
        leave::<AciVnetDeployment>(&mut world, &cr, policy);
        assert_eq!((world.services.len(), world.models.len()), left, "{policy:?} {rolled}");
    }
}

/// One that failed and was not made here is not deleted to be made again.
#[test]
fn a_failed_adopted_service_is_left() {
    let (mut world, mut cr) = (sdk_world(), deployment(&[adopting("IfUnowned")]));
    world.settle(&mut cr);
    world.writes.clear();
    world.service()["state"] = "Failed".into();
    world.now += 7200;
    let passed = world.pass(&mut cr);
    assert!(passed.plan.steps.iter().any(|step| matches!(step.seen, Seen::Failed { .. })));
    assert_eq!(world.writes, Vec::<String>::new());
}
