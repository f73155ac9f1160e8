//! THE decision, as tables: goal, what was seen, needs, hold, kind of write, limits.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_api::{Origin, ResourceStatus, conditions::reasons};
use acivnet_core::{
    blueprint::{Blueprint, Goal, Hold, Node, Payload, PayloadSource},
    failure::Cause,
    id::ResourceId,
    kind::{Change, Kind},
    kinds::{
        model_version::MODEL_VERSION, network_security_group::NETWORK_SECURITY_GROUP, subnet::SUBNET,
        virtual_network::VIRTUAL_NETWORK, web_service::WEB_SERVICE,
    },
    observed::{Fact, Observed},
    owner::Mark,
    plan::{Action, Held, Limits, Plan, Request, plan},
    questions::{AzureQuestion, Question},
    seen::Seen,
};
use common::*;
use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Look {
    Unread,
    Absent,
    Foreign,
    Busy,
    Failed,
    Drifted,
    Settled,
}
use Look::*;

const LOOKS: [Look; 7] = [Unread, Absent, Foreign, Busy, Failed, Drifted, Settled];
static WRITTEN: [&Kind; 3] = [&NETWORK_SECURITY_GROUP, &MODEL_VERSION, &WEB_SERVICE];

fn id(kind: &Kind, name: &str) -> ResourceId {
    let text = match kind.name {
        "Subnet" => subnet_id(name),
        "NetworkSecurityGroup" => group_id(name),
        "VirtualNetwork" => network(),
        "ModelVersion" => format!("{}/models/{name}:1", workspace()),
        _ => format!("{}/services/{name}", workspace()),
    };
    ResourceId::parse(&text).unwrap()
}

fn mark(kind: &Kind) -> Mark {
    match kind.name {
        "ModelVersion" => Mark::ModelProperty("us".into()),
        "WebService" => Mark::ServiceTag("us".into()),
        "Subnet" => Mark::Delegation("acivnet-1".into()),
        _ => Mark::Tag("us".into()),
    }
}

fn body(kind: &Kind, name: &str) -> Value {
    match kind.name {
        "ModelVersion" => {
            json!({"name": name, "description": "a", "kvTags": {}, "properties": {"acivnet-owner": "us"}})
        }
        "WebService" => {
            json!({"name": name, "description": "a", "kvTags": {"acivnet-owner": "us"}, "containerResourceRequirements": {"cpu": 1}})
        }
        "Subnet" => {
            json!({"properties": {"addressPrefix": "10.0.0.0/24", "delegations": [{"name": "acivnet-1", "properties": {"serviceName": "s"}}]}})
        }
        _ => {
            json!({"location": "a", "tags": {"acivnet-owner": "us"}, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}, "securityRules": []}})
        }
    }
}

fn node(kind: &'static Kind, name: &str, goal: Goal, hold: Hold) -> Node {
    let wanted = if goal == Goal::Present { body(kind, name) } else { Value::Null };
    let payload = Payload {
        source: PayloadSource::Text("x"),
        container: "c".into(),
        path: "p".into(),
        digest: "sha256:1".into(),
        size: 1,
    };
    let mark = if hold == Hold::Owned { mark(kind) } else { Mark::None };
    Node { hold, payloads: vec![payload], ..Node::new(kind, id(kind, name), goal, wanted, mark) }
}

/// What is read of a node that is to be seen like this.
fn fact(node: &Node, look: Look) -> Fact {
    let mut body = body(node.kind, node.id.name().split(':').next().unwrap());
    body["version"] = 1.into();
    let state = |body: &mut Value, arm: &str, service: &str| match node.kind.name {
        "WebService" => body["state"] = service.into(),
        "ModelVersion" => {}
        _ => body["properties"]["provisioningState"] = arm.into(),
    };
    state(&mut body, "Succeeded", "Healthy");
    match look {
        Unread => return Fact::Unread(unreachable()),
        Absent => return Fact::Absent,
        Foreign => {
            for place in ["tags", "kvTags", "properties"] {
                if body[place].get("acivnet-owner").is_some() {
                    body[place]["acivnet-owner"] = "them".into();
                }
            }
            body["properties"]["delegations"] = json!([]);
        }
        Busy => state(&mut body, "Updating", "Transitioning"),
        Failed => state(&mut body, "Failed", "Failed"),
        Drifted if node.kind.name == "WebService" || node.kind.name == "ModelVersion" => {
            body["description"] = "b".into()
        }
        Drifted if node.kind.name == "Subnet" => body["properties"]["addressPrefix"] = "10.9.0.0/24".into(),
        Drifted => body["location"] = "b".into(),
        Settled => {}
    }
    Fact::Present(body)
}

fn observed(nodes: &[(Node, Look)]) -> Observed {
    let mut observed = Observed::default();
    let mut models = Vec::new();
    let mut list = Fact::Absent;
    for (node, look) in nodes {
        match (node.kind.name, fact(node, *look)) {
            ("ModelVersion", Fact::Present(body)) => models.push(body),
            ("ModelVersion", Fact::Unread(failure)) => list = Fact::Unread(failure),
            ("ModelVersion", Fact::Absent) => {}
            (_, fact) => drop(observed.facts.insert(Question::resource(node.kind, node.id.clone()), fact)),
        }
    }
    let list = if let Fact::Unread(_) = list { list } else { Fact::Present(models.into()) };
    let workspace = ResourceId::parse(&workspace()).unwrap();
    observed.facts.insert(Question::Azure(AzureQuestion::Models { workspace, owner: String::new() }), list);
    observed
}

fn decided(nodes: Vec<(Node, Look)>, limits: &Limits) -> Plan {
    let observed = observed(&nodes);
    let blueprint = Blueprint { nodes: nodes.into_iter().map(|(node, _)| node).collect(), ..Blueprint::default() };
    plan(blueprint, &observed, &[], limits)
}

fn word(action: &Action) -> &'static str {
    match action {
        Action::Write(Request::Put { .. }) => "Put",
        Action::Write(Request::Delete { .. }) => "Delete",
        Action::Write(Request::RegisterModel { .. } | Request::CreateService { .. }) => "Post",
        Action::Write(Request::PatchModel { .. } | Request::PatchService { .. }) => "Patch",
        Action::Write(Request::ChangeKey { .. } | Request::KeepKeys { .. }) => "Keys",
        Action::Wait => "Wait",
        Action::Keep => "Keep",
        Action::Hold(Held::Unread(_)) => "Unread",
        Action::Hold(Held::Needs) => "Needs",
        Action::Hold(Held::Turn) => "Turn",
        Action::Hold(Held::Refused(_)) => "Refused",
        Action::Hold(Held::Broken(_)) => "Broken",
        Action::Hold(Held::DriftMode) => "DriftMode",
        Action::Hold(Held::Suspended) => "Suspended",
        Action::Hold(Held::Approval) => "Approval",
    }
}

/// The action on a node of this kind, with another one that it needs in place or not.
fn action(kind: &'static Kind, goal: Goal, hold: Hold, look: Look, clear: bool) -> Action {
    let need = node(&SUBNET, "need", goal, Hold::Owned);
    let there = if (goal == Goal::Present) == clear { Settled } else { Absent };
    let node = Node { needs: vec![1], ..node(kind, "it", goal, hold) };
    decided(vec![(node, look), (need, there)], &Limits::default()).steps.remove(0).action
}

#[test]
fn every_combination_of_what_is_ours() {
    // by what was seen: of a node wanted present, clear and not; of one wanted gone, clear and not
    for (kind, look, expected) in [
        (&NETWORK_SECURITY_GROUP, Unread, ["Unread", "Unread", "Unread", "Unread"]),
        (&NETWORK_SECURITY_GROUP, Absent, ["Put", "Needs", "Keep", "Keep"]),
        (&NETWORK_SECURITY_GROUP, Foreign, ["Refused", "Refused", "Keep", "Keep"]),
        (&NETWORK_SECURITY_GROUP, Busy, ["Wait", "Wait", "Wait", "Wait"]),
        (&NETWORK_SECURITY_GROUP, Failed, ["Put", "Needs", "Delete", "Needs"]),
        (&NETWORK_SECURITY_GROUP, Drifted, ["Put", "Needs", "Delete", "Needs"]),
        (&NETWORK_SECURITY_GROUP, Settled, ["Keep", "Keep", "Delete", "Needs"]),
        (&MODEL_VERSION, Unread, ["Unread", "Unread", "Unread", "Unread"]),
        (&MODEL_VERSION, Absent, ["Post", "Needs", "Keep", "Keep"]),
        (&MODEL_VERSION, Foreign, ["Refused", "Refused", "Keep", "Keep"]),
        (&MODEL_VERSION, Drifted, ["Patch", "Needs", "Delete", "Needs"]),
        (&MODEL_VERSION, Settled, ["Keep", "Keep", "Delete", "Needs"]),
        (&WEB_SERVICE, Unread, ["Unread", "Unread", "Unread", "Unread"]),
        (&WEB_SERVICE, Absent, ["Post", "Needs", "Keep", "Keep"]),
        (&WEB_SERVICE, Foreign, ["Refused", "Refused", "Keep", "Keep"]),
        (&WEB_SERVICE, Busy, ["Wait", "Wait", "Wait", "Wait"]),
        (&WEB_SERVICE, Failed, ["Broken", "Broken", "Delete", "Needs"]),
        (&WEB_SERVICE, Drifted, ["Patch", "Needs", "Delete", "Needs"]),
        (&WEB_SERVICE, Settled, ["Keep", "Keep", "Delete", "Needs"]),
    ] {
        let kind: &'static Kind = kind;
        let cases = [(Goal::Present, true), (Goal::Present, false), (Goal::Gone, true), (Goal::Gone, false)];
        let got = cases.map(|(goal, clear)| action(kind, goal, Hold::Owned, look, clear));
        assert_eq!(got.each_ref().map(word), expected, "{kind:?} {look:?}");
    }
}

#[test]
fn every_combination_of_what_is_referenced() {
    for kind in WRITTEN {
        for (look, expected) in [
            (Unread, "Unread"),
            (Absent, "Refused"),
            (Foreign, "Keep"),
            (Busy, "Wait"),
            (Failed, "Refused"),
            (Drifted, "Refused"),
            (Settled, "Keep"),
        ] {
            if kind.name == "ModelVersion" && matches!(look, Busy | Failed) {
                continue;
            }
            for clear in [true, false] {
                let present = action(kind, Goal::Present, Hold::Referenced, look, clear);
                let differs = look == Foreign && kind.name != "ModelVersion"; // another's mark is a difference in tags
                assert_eq!(word(&present), if differs { "Refused" } else { expected }, "{kind:?} {look:?} {present:?}");
                assert_eq!(word(&action(kind, Goal::Gone, Hold::Referenced, look, clear)), "Keep");
            }
        }
    }
}

/// Each node under each cause, setting and limit: whatever is decided, nothing is written.
#[test]
fn limits_hold_every_write() {
    for kind in WRITTEN {
        for (goal, look) in [Goal::Present, Goal::Gone].into_iter().flat_map(|goal| LOOKS.map(|look| (goal, look))) {
            let it = node(kind, "it", goal, Hold::Owned);
            let writes = |plan: Plan| plan.writes().count();
            let free = writes(decided(vec![(it.clone(), look)], &Limits::default()));
            let suspended = Limits { suspended: true, ..Limits::default() };
            let left = Limits { leave_drift: true, ..Limits::default() };
            let blocked = Node { blocked: Some(Cause::person(reasons::SUBNET_FULL, "m")), ..it.clone() };
            for (limits, node, word_) in
                [(&suspended, &it, "Suspended"), (&left, &it, "DriftMode"), (&Limits::default(), &blocked, "Refused")]
            {
                let held = decided(vec![(node.clone(), look)], limits);
                assert_eq!(writes(held.clone()), 0);
                if free == 1 {
                    assert_eq!(word(&held.steps[0].action), word_, "{kind:?} {goal:?} {look:?}");
                }
            }
            let all = Blueprint {
                nodes: vec![it.clone()],
                blocked: Some(Cause::person(reasons::REGION_MISMATCH, "m")),
                ..Blueprint::default()
            };
            assert_eq!(plan(all, &observed(&[(it.clone(), look)]), &[], &Limits::default()).writes().count(), 0);
        }
    }
}

#[test]
fn approval_holds_what_deletes_and_creates_only() {
    let service = |change: fn(&mut Node)| {
        let mut it = node(&WEB_SERVICE, "it", Goal::Present, Hold::Owned);
        change(&mut it);
        it
    };
    let live = service(|it| it.body["description"] = "new".into());
    let replace = service(|it| it.body["containerResourceRequirements"]["cpu"] = 2.into());
    for (it, look, hashes, expected) in [
        (&live, Settled, Some(vec![]), "Patch"),
        (&replace, Settled, None, "Delete"),
        (&replace, Settled, Some(vec![]), "Approval"),
        (&replace, Settled, Some(vec!["wrong".to_owned()]), "Approval"),
        (&replace, Failed, Some(vec![]), "Delete"),
        (&replace, Absent, Some(vec![]), "Post"),
        (&replace, Busy, Some(vec![]), "Wait"),
    ] {
        let limits = Limits { approval: hashes, identity: "uid/1".into(), ..Limits::default() };
        let decided = decided(vec![(it.clone(), look)], &limits);
        assert_eq!(word(&decided.steps[0].action), expected, "{look:?}");
        assert_eq!(decided.hash.is_some(), look == Settled && it == &replace);
    }
    let limits = |hashes| Limits { approval: Some(hashes), identity: "uid/1".into(), ..Limits::default() };
    let hash = decided(vec![(replace.clone(), Settled)], &limits(vec![])).hash.unwrap();
    let approved = decided(vec![(replace, Settled)], &limits(vec![hash]));
    assert!(matches!(&approved.steps[0].action, Action::Write(Request::Delete { successor: Some(_), .. })));
    assert!(approved.steps[0].replaces() && approved.steps[0].change == Some(Change::Replace));
}

#[test]
fn a_failed_service_is_tried_again_when_due_or_changed() {
    let it = node(&WEB_SERVICE, "it", Goal::Present, Hold::Owned);
    let changed = Node {
        body: {
            let mut body = it.body.clone();
            body["description"] = "new".into();
            body
        },
        ..it.clone()
    };
    for (node, due, expected) in [(&it, false, "Broken"), (&it, true, "Delete"), (&changed, false, "Delete")] {
        let node = Node { retry_due: due, ..node.clone() };
        assert_eq!(word(&decided(vec![(node, Failed)], &Limits::default()).steps[0].action), expected, "{due}");
    }
}

/// In one network one write at a time, none while another runs; elsewhere they go side by side.
#[test]
fn one_writer_in_a_network() {
    let subnet = |name: &str| node(&SUBNET, name, Goal::Present, Hold::Owned);
    let network = || node(&VIRTUAL_NETWORK, "amlvnet1", Goal::Present, Hold::Owned);
    let elsewhere = || {
        let other = subnet_id("far").replace("amlvnet1", "othervnet");
        Node { id: ResourceId::parse(&other).unwrap(), ..subnet("far") }
    };
    let group = || node(&NETWORK_SECURITY_GROUP, "g", Goal::Present, Hold::Owned);
    let nodes = |network_look: Look| {
        vec![
            (network(), network_look),
            (subnet("a"), Absent),
            (group(), Absent),
            (subnet("b"), Drifted),
            (elsewhere(), Absent),
        ]
    };
    for (look, expected) in [
        (Settled, ["Keep", "Put", "Put", "Turn", "Put"]),
        (Drifted, ["Put", "Turn", "Put", "Turn", "Put"]),
        (Busy, ["Wait", "Turn", "Put", "Turn", "Put"]),
    ] {
        let plan = decided(nodes(look), &Limits::default());
        let got: Vec<_> = plan.steps.iter().map(|step| word(&step.action)).collect();
        assert_eq!(got, expected, "{look:?}");
        assert!(plan.moves());
    }
}

#[test]
fn ownership_is_by_mark_then_by_record() {
    let it = node(&NETWORK_SECURITY_GROUP, "it", Goal::Present, Hold::Owned);
    let record = |origin| ResourceStatus {
        kind: it.kind.name.into(),
        id: it.id.as_str().to_uppercase().replace("/SUBSCRIPTIONS", "/subscriptions"),
        origin,
        state: None,
        keys: vec![],
    };
    for (owner, origin, expected) in [
        (Some("us"), None, Some(true)),
        (Some("us"), Some(Origin::Created), Some(true)),
        (None, Some(Origin::Created), Some(true)),
        (None, None, Some(false)),
        (None, Some(Origin::Referenced), Some(false)),
        (Some("them"), Some(Origin::Created), Some(false)),
        (Some(""), Some(Origin::Created), Some(true)),
    ] {
        let mut body = body(it.kind, "it");
        body["tags"] = owner.map_or(json!({}), |owner| json!({"acivnet-owner": owner}));
        let mut observed = Observed::default();
        observed.facts.insert(Question::resource(it.kind, it.id.clone()), Fact::Present(body));
        let seen = acivnet_core::seen::look(&it, &observed, &[record(origin)]);
        assert_eq!(Some(!matches!(seen, Seen::Foreign(_))), expected, "{owner:?} {origin:?}");
    }
}

/// What is sent back is what stands, with ours laid over it, under its etag.
#[test]
fn puts_carry_the_etag_of_what_they_were_made_from() {
    let it = node(&VIRTUAL_NETWORK, "amlvnet1", Goal::Present, Hold::Owned);
    let mut body = body(it.kind, "it");
    (body["etag"], body["tags"]["old"], body["tags"]["policy"]) = ("W/\"1\"".into(), "x".into(), "p".into());
    body["properties"]["subnets"] = json!([{"id": "s"}]);
    body["properties"]["resourceGuid"] = "g".into();
    let mut observed = Observed::default();
    observed.facts.insert(Question::resource(it.kind, it.id.clone()), Fact::Present(body));
    let record = ResourceStatus {
        kind: it.kind.name.into(),
        id: it.id.to_string(),
        origin: Some(Origin::Created),
        state: None,
        keys: vec!["old".into()],
    };
    let blueprint = Blueprint { nodes: vec![it], ..Blueprint::default() };
    let plan = plan(blueprint, &observed, &[record], &Limits::default());
    let Some((_, Request::Put { body, if_match })) = plan.writes().next() else { panic!("{plan:?}") };
    assert_eq!(if_match.as_deref(), Some("W/\"1\""));
    assert_eq!(body["tags"], json!({"acivnet-owner": "us", "policy": "p"}));
    assert_eq!(body["properties"]["subnets"], json!([{"id": "s"}]), "what is left out would be wiped");
    assert!(body.get("etag").is_none() && body["properties"].get("resourceGuid").is_none());
}
