use super::{operation::Glance, *};
use crate::script::{Reply, Script, azure, id, listed, lost, raw, reply};
use acivnet_core::{
    blueprint::{Goal, Node},
    kinds::{network_security_group::NETWORK_SECURITY_GROUP, subnet::SUBNET, virtual_network::VIRTUAL_NETWORK},
    owner::Mark,
    plan::Request,
};
use serde_json::json;
use std::{sync::Arc, time::Duration};

const GROUP: &str = "/subscriptions/s/resourceGroups/g";
const VNET: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v";

fn not_found(code: &str) -> Reply {
    reply(404, json!({"error": {"code": code, "message": "m"}}))
}

async fn read(lines: Vec<(String, Reply)>) -> Fact {
    let script = Script::new(lines);
    let fact = azure(&script).read(&VIRTUAL_NETWORK, &id(VNET)).await;
    script.done();
    fact
}

fn get(path: &str) -> String {
    format!("GET arm.test{path}?api-version=")
}

#[tokio::test(start_paused = true)]
async fn what_stands_is_present_and_asked_with_its_version_and_ids() {
    let script = Script::new([(get(VNET) + VIRTUAL_NETWORK.api_version, reply(200, json!({"etag": "W/1"})))]);
    assert_eq!(azure(&script).read(&VIRTUAL_NETWORK, &id(VNET)).await, Fact::Present(json!({"etag": "W/1"})));
    let seen = &script.done()[0];
    assert_eq!(
        (seen.header("authorization"), seen.header("accept")),
        (Some("Bearer token-1"), Some("application/json"))
    );
    assert!(seen.header("user-agent").unwrap().starts_with("acivnet/"));
    assert_ne!(seen.header("x-ms-client-request-id").unwrap(), seen.header("x-ms-correlation-request-id").unwrap());
}

/// A resource group may be called in any script; a URL is ASCII.
#[tokio::test(start_paused = true)]
async fn names_of_any_script_are_escaped_in_the_url() {
    let escaped =
        "/subscriptions/s/resourceGroups/%E6%A9%9F%E6%A2%B0-(%C3%9C).1/providers/Microsoft.Network/virtualNetworks/v";
    let script = Script::new([(get(escaped), reply(200, json!({})))]);
    let network = id(&VNET.replace("/g/", "/機械-(Ü).1/"));
    assert_eq!(azure(&script).read(&VIRTUAL_NETWORK, &network).await, Fact::Present(json!({})));
    script.done();
}

#[tokio::test(start_paused = true)]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn only_proof_is_absence() {
    let group_gone = || (get(GROUP), not_found("ResourceGroupNotFound"));
    let subscription = |reply| (get("/subscriptions/s"), reply);
    for (after, absent) in [
        (vec![(get(VNET), not_found("ResourceNotFound"))], true),
        (vec![(get(VNET), not_found("NotFound"))], true),
        (vec![(get(VNET), not_found("SubscriptionNotFound"))], false),
        (vec![(get(VNET), not_found("InvalidAuthenticationTokenTenant"))], false),
        (vec![(get(VNET), not_found("InvalidResourceType"))], false),
        (vec![(get(VNET), raw(404, ""))], false),
        (vec![(get(VNET), raw(404, "<html>404 page not found</html>"))], false),
        (vec![(get(VNET), raw(404, r#"{"message":"m"}"#))], false),
        (
            vec![(
                get(VNET),
                reply(404, json!({"error": {"code": "NotFound", "details": [{"code": "SubscriptionNotFound"}]}})),
            )],
            false,
        ),
        (vec![(get(VNET), reply(400, json!({"error": {"code": "ResourceNotFound"}})))], false),
        (vec![(get(VNET), reply(403, json!({"error": {"code": "AuthorizationFailed"}})))], false),
        (vec![(get(VNET), raw(200, "not json"))], false),
        (vec![(get(VNET), lost())], false),
        (
            vec![(get(VNET), not_found("ResourceGroupNotFound")), group_gone(), subscription(reply(200, json!({})))],
            true,
        ),
        (
            vec![
                (get(VNET), not_found("ResourceGroupNotFound")),
                group_gone(),
                subscription(not_found("SubscriptionNotFound")),
            ],
            false,
        ),
        (
            vec![(get(VNET), not_found("ResourceGroupNotFound")), group_gone(), subscription(reply(403, json!({})))],
            false,
        ),
        (vec![(get(VNET), not_found("ResourceGroupNotFound")), (get(GROUP), reply(200, json!({})))], false),
        (vec![(get(VNET), not_found("ResourceGroupNotFound")), (get(GROUP), reply(403, json!({})))], false),
    ] {
        let lines: Vec<_> = after.iter().map(|(line, _)| line.clone()).collect();
        let fact = read(after).await;
        assert_eq!(fact == Fact::Absent, absent, "{lines:?} {fact:?}");
        assert!(absent || matches!(fact, Fact::Unread(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_group_is_proven_by_the_subscription() {
    let script = Script::new([
        (get(GROUP), not_found("ResourceGroupNotFound")),
        (get("/subscriptions/s"), reply(200, json!({}))),
    ]);
    assert_eq!(azure(&script).read(&RESOURCE_GROUP, &id(GROUP)).await, Fact::Absent);
    script.done();
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_dropped_once() {
    let refused = || reply(401, json!({"error": {"code": "ExpiredAuthenticationToken", "message": "m"}}));
    let script = Script::new([(get(VNET), refused()), (get(VNET), reply(200, json!({})))]);
    assert_eq!(azure(&script).read(&VIRTUAL_NETWORK, &id(VNET)).await, Fact::Present(json!({})));
    let seen = script.done();
    assert_eq!(
        (seen[0].header("authorization"), seen[1].header("authorization")),
        (Some("Bearer token-1"), Some("Bearer token-2"))
    );
    assert_eq!(seen[0].header("x-ms-client-request-id"), seen[1].header("x-ms-client-request-id"));

    let script = Script::new([(get(VNET), refused()), (get(VNET), refused())]);
    let Fact::Unread(failure) = azure(&script).read(&VIRTUAL_NETWORK, &id(VNET)).await else { panic!("read") };
    assert_eq!((failure.reason, script.done().len()), (reasons::CREDENTIALS_REFUSED, 2));
}

#[tokio::test(start_paused = true)]
async fn lists_are_read_to_their_end() {
    let path = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks");
    let script = Script::new([
        (
            get(&path),
            reply(200, json!({"value": [{"name": "a"}], "nextLink": "https://arm.test/next?%24skiptoken=x%2By"})),
        ),
        (
            "GET arm.test/next?%24skiptoken=x%2By".into(),
            reply(200, json!({"value": [], "nextLink": "https://arm.test/last"})),
        ),
        ("GET arm.test/last".into(), reply(200, json!({"value": [{"name": "b"}], "nextLink": ""}))),
    ]);
    let items = listed(&azure(&script), &VIRTUAL_NETWORK, &id(GROUP)).await.unwrap();
    assert_eq!(items, [json!({"name": "a"}), json!({"name": "b"})]);
    script.done();
}

#[tokio::test(start_paused = true)]
async fn a_list_that_turns_round_or_holds_no_items_is_a_failure() {
    for first in [
        json!({"value": [], "nextLink": format!("https://arm.test{VNET}/subnets?api-version={}", SUBNET.api_version)}),
        json!({"nextLink": null}),
        json!({"value": {}}),
    ] {
        let script = Script::new([(get(&format!("{VNET}/subnets")), reply(200, first))]);
        assert!(listed(&azure(&script), &SUBNET, &id(VNET)).await.is_err());
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn a_next_link_to_another_host_gets_no_token() {
    for link in [
        "https://evil.test/next",
        "http://arm.test/next",
        "https://arm.test:444/next",
        "https://arm.test.evil.test/",
        "https://a.blob.test/x",
    ] {
        let path = format!("{GROUP}/providers/Microsoft.Network/networkSecurityGroups");
        let script = Script::new([(get(&path), reply(200, json!({"value": [], "nextLink": link})))]);
        let failure = listed(&azure(&script), &NETWORK_SECURITY_GROUP, &id(GROUP)).await.unwrap_err();
        assert_eq!(failure.code, "HostNotOfCloud", "{link}");
        script.done();
    }
}

async fn carry(script: &Arc<Script>, request: Request) -> Result<Progress, Failure> {
    let node = Node::new(&VIRTUAL_NETWORK, id(VNET), Goal::Present, Value::Null, Mark::None);
    let connector = crate::script::connector(Arc::clone(script) as _);
    connector
        .session(&crate::script::identity())
        .carry_out(connector.gate().open()?, &node, &request, &crate::script::Bytes1000(Vec::new()))
        .await
}

#[tokio::test(start_paused = true)]
async fn a_put_tells_how_far_it_got() {
    let body = json!({"location": "japaneast"});
    let state = |state: &str| json!({"properties": {"provisioningState": state}});
    for (answer, expected) in [
        (reply(201, state("Updating")).header("retry-after", "3"), Progress::Running(Some(Duration::from_secs(3)))),
        (reply(200, state("Updating")), Progress::Running(None)),
        (reply(200, state("Succeeded")).header("azure-asyncoperation", "https://arm.test/op"), Progress::Carried),
        (reply(201, json!({})), Progress::Carried),
        (raw(202, "").header("location", "https://arm.test/op"), Progress::Running(None)),
    ] {
        let script = Script::new([(format!("PUT arm.test{VNET}?api-version="), answer)]);
        let request = Request::Put { body: body.clone(), if_match: Some("W/\"1\"".into()) };
        assert_eq!(carry(&script, request).await, Ok(expected));
        let seen = &script.done()[0];
        assert_eq!(
            (seen.json(), seen.header("if-match"), seen.header("content-type")),
            (body.clone(), Some("W/\"1\""), Some("application/json"))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_without_an_answer_is_a_fault_that_passes() {
    let script = Script::new([(format!("PUT arm.test{VNET}"), lost())]);
    let failure = carry(&script, Request::Put { body: json!({}), if_match: None }).await.unwrap_err();
    assert_eq!((failure.status, failure.code.as_str(), failure.retry), (0, "NoAnswer", Retry::Backoff));
    assert!(script.done()[0].header("if-match").is_none());
}

#[tokio::test(start_paused = true)]
async fn deleting_what_is_not_there_is_done() {
    for (answer, expected) in [
        (raw(202, "").header("retry-after", "10"), Some(Progress::Running(Some(Duration::from_secs(10))))),
        (raw(204, ""), Some(Progress::Carried)),
        (reply(200, json!({})), Some(Progress::Carried)),
        (not_found("ResourceNotFound"), Some(Progress::Carried)),
        (not_found("ParentResourceNotFound"), Some(Progress::Carried)),
        (not_found("ResourceGroupNotFound"), Some(Progress::Carried)),
        (not_found("SubscriptionNotFound"), None),
        (raw(404, ""), None),
        (reply(400, json!({"error": {"code": "InUseSubnetCannotBeDeleted", "message": "m"}})), None),
    ] {
        let script = Script::new([(format!("DELETE arm.test{VNET}?api-version="), answer)]);
        assert_eq!(carry(&script, Request::Delete { if_match: None, successor: None }).await.ok(), expected);
        script.done();
    }
}

const OPERATION: &str = "https://eu.arm.test/op?t=1&c=2&s=3";

/// A PUT on the network, answered with the URL of an operation.
async fn begin(script: &Script, azure: &Azure, operation: &str) {
    let answer = reply(201, json!({"properties": {"provisioningState": "Updating"}}));
    script.add(&format!("PUT arm.test{VNET}"), answer.header("azure-asyncoperation", operation));
    let put = Request::Put { body: json!({}), if_match: None };
    let node = Node::new(&VIRTUAL_NETWORK, id(VNET), Goal::Present, Value::Null, Mark::None);
    let permit = azure.connector.gate.open().unwrap();
    azure.carry_out(permit, &node, &put, &crate::script::Bytes1000(Vec::new())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_reason_of_a_failed_operation_is_asked_once_and_kept_until_another_begins() {
    let script = Script::new::<String>([]);
    let azure = azure(&script);
    assert_eq!(azure.failure_reason(&id(VNET)).await, Fact::Absent, "nothing was begun");
    begin(&script, &azure, OPERATION).await;
    let asked = |answer| script.add("GET eu.arm.test/op?t=1&c=2&s=3", answer);
    let failed = |code: &str, message: &str| {
        reply(200, json!({"status": "Failed", "error": {"code": code, "message": message, "details": []}}))
    };
    let runs = reply(200, json!({"status": "InProgress"}));
    for untold in [runs, raw(202, ""), lost(), reply(503, json!({})), reply(429, json!({}))] {
        asked(untold);
        assert_eq!(azure.failure_reason(&id(VNET)).await, Fact::Absent);
    }
    asked(failed("NetcfgSubnetRangesOverlap", "Subnet 'a' overlaps hunter22"));
    let reason = json!({"code": "NetcfgSubnetRangesOverlap", "message": "Subnet 'a' overlaps ***"});
    for _ in 0..3 {
        assert_eq!(azure.failure_reason(&id(VNET)).await, Fact::Present(reason.clone()));
    }
    begin(&script, &azure, OPERATION).await;
    asked(failed("QuotaExceeded", ""));
    let reason = json!({"code": "QuotaExceeded", "message": "free some of it, or ask for more quota"});
    assert_eq!(azure.failure_reason(&id(VNET)).await, Fact::Present(reason));
    script.done();
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_tells_nothing_is_asked_once() {
    for answer in [
        reply(200, json!({"status": "Succeeded"})),
        reply(200, json!({"status": "Failed"})),
        reply(200, json!({"status": "Canceled", "error": {}})),
        reply(200, json!({"properties": {"provisioningState": "Failed"}})),
        not_found("NotFound"),
        reply(403, json!({"error": {"code": "AuthorizationFailed", "message": "m"}})),
        raw(200, "<html>"),
    ] {
        let script = Script::new::<String>([]);
        let azure = azure(&script);
        begin(&script, &azure, OPERATION).await;
        script.add("GET eu.arm.test/op", answer);
        for _ in 0..2 {
            assert_eq!(azure.failure_reason(&id(VNET)).await, Fact::Absent);
        }
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn an_operation_elsewhere_is_never_asked() {
    let script = Script::new::<String>([]);
    let azure = azure(&script);
    begin(&script, &azure, "https://evil.test/op").await;
    assert_eq!(azure.failure_reason(&id(VNET)).await, Fact::Absent);
    script.done();
}

fn in_progress() -> Reply {
    reply(200, json!({"status": "InProgress"}))
}

#[tokio::test(start_paused = true)]
async fn an_operation_is_asked_when_azure_wants_it_and_not_before() {
    let script = Script::new::<String>([]);
    let azure = azure(&script);
    let network = id(VNET);
    let glance = || azure.glance(&network);
    assert_eq!(glance().await, Glance::Unclear, "nothing was begun");
    begin(&script, &azure, OPERATION).await;
    script.add("GET eu.arm.test/op?t=1&c=2&s=3", in_progress());
    assert_eq!(glance().await, Glance::Runs(None));
    script.add("GET eu.arm.test/op", in_progress().header("retry-after", "10"));
    assert_eq!(glance().await, Glance::Runs(Some(Duration::from_secs(10))));
    tokio::time::advance(Duration::from_millis(9_999)).await;
    assert_eq!(glance().await, Glance::Unclear, "nothing is sent");
    tokio::time::advance(Duration::from_millis(1)).await;
    script.add("GET eu.arm.test/op", raw(202, "").header("retry-after", "20"));
    assert_eq!(glance().await, Glance::Runs(Some(Duration::from_secs(20))));
    script.done();
}

#[tokio::test(start_paused = true)]
async fn what_an_operation_does_not_tell_is_unclear() {
    for answer in [
        reply(200, json!({"status": "Succeeded"})),
        reply(200, json!({"status": "Canceled", "error": {"code": "Canceled"}})),
        reply(404, json!({"error": {"code": "OperationNotFound", "message": "m"}})),
        reply(403, json!({"error": {"code": "InvalidOperationUrlSignature", "message": "m"}})),
        raw(200, "<html>"),
        raw(500, ""),
        lost(),
    ] {
        let script = Script::new::<String>([]);
        let azure = azure(&script);
        begin(&script, &azure, OPERATION).await;
        script.add("GET eu.arm.test/op", answer);
        assert_eq!(azure.glance(&id(VNET)).await, Glance::Unclear);
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn no_url_is_asked_that_is_not_azures_own_or_too_long() {
    let long = format!("{OPERATION}{}", "x".repeat(operation::LONGEST_URL));
    for url in ["https://evil.test/op", "http://eu.arm.test/op", "/op", &long] {
        let script = Script::new::<String>([]);
        let azure = azure(&script);
        begin(&script, &azure, url).await;
        assert_eq!(azure.glance(&id(VNET)).await, Glance::Unclear);
        script.done();
    }
}

/// The most steps, that is allocations, that a future makes between two turns of others, and how many turns they have.
async fn steps<T>(work: impl Future<Output = T>) -> (u64, usize, T) {
    let (mut work, mut most, mut turns) = (std::pin::pin!(work), 0, 0);
    let done = std::future::poll_fn(|context| {
        let mut polled = std::task::Poll::Pending;
        let steps = allocation_counter::measure(|| polled = work.as_mut().poll(context)).count_total;
        (most, turns) = (most.max(steps), turns + 1);
        polled
    });
    let done = done.await;
    (most, turns, done)
}

/// 50 ms of 400 ns, as in `crates/core/tests/one_go.rs`.
const MOST_STEPS: u64 = 125_000;

#[tokio::test(start_paused = true)]
async fn long_answers_are_taken_apart_with_turns_for_others() {
    let item = |n: usize| json!({"id": format!("/x/s{n}"), "name": "s", "properties": {"a": {"b": [{"c": {}}]}}});
    let page: Value = (0..40_000).map(item).collect();
    let list = json!({"value": page}).to_string();
    assert!(list.len() > 2 << 20);
    let path = format!("{VNET}/subnets");
    let script = Script::new([(get(&path), raw(200, list))]);
    let mut count = 0;
    let azure = azure(&script);
    let scope = id(VNET);
    let mut parse = |item: &str| serde_json::from_str::<Value>(item).map(|_| count += 1);
    let (most, turns, read) = steps(azure.list(&SUBNET, &scope, &mut parse)).await;
    assert!(read.is_ok() && count == 40_000 && turns > 8, "{count} items with {turns} turns");
    assert!(most <= MOST_STEPS, "{most} steps in one go");
}

#[tokio::test(start_paused = true)]
async fn a_long_body_is_taken_apart_on_another_thread() {
    let body =
        json!({"etag": "W/1", "properties": {"subnets": (0..100_000).map(|n| json!({"a": n})).collect::<Value>()}});
    let script = Script::new([(get(VNET), raw(200, body.to_string()))]);
    let azure = azure(&script);
    let (most, _, read) = steps(azure.read(&VIRTUAL_NETWORK, &id(VNET))).await;
    assert_eq!(read, Fact::Present(body));
    assert!(most <= MOST_STEPS, "{most} steps in one go");
}

#[tokio::test(start_paused = true)]
async fn a_list_with_an_item_that_is_too_long_tells_nothing() {
    let item = json!({"id": "/x", "name": "n".repeat(LONGEST_AT_ONCE)});
    let script = Script::new([(get(&format!("{VNET}/subnets")), reply(200, json!({"value": [item]})))]);
    let failed = listed(&azure(&script), &SUBNET, &id(VNET)).await.unwrap_err();
    assert!(failed.message.contains("too long"), "{}", failed.message);
}
