//! Container groups as resources.

mod locations;

use super::*;

fn id(name: &str) -> String {
    format!("{}/providers/Microsoft.ContainerInstance/containerGroups/{name}", group())
}

fn body() -> Value {
    json!({
        "location": "West Europe", "tags": {"a": "b"},
        "properties": {
            "osType": "linux",
            "containers": [{"name": "app", "properties": {
                "image": "nginx:1", "ports": [{"port": 80}],
                "environmentVariables": [{"name": "A", "value": "1"}, {"name": "S", "secureValue": "hush"}],
                "resources": {"requests": {"cpu": 1, "memoryInGB": 1.5}},
            }}],
            "imageRegistryCredentials": [{"server": "r.azurecr.io", "username": "u", "password": "hush"}],
        },
    })
}

fn private_body() -> Value {
    let mut body = body();
    body["properties"]["ipAddress"] = json!({"type": "Private", "ports": [{"port": 80, "protocol": "TCP"}]});
    body["properties"]["subnetIds"] = json!([{"id": subnet("aci")}]);
    body
}

/// A bed with a network, whose subnet `aci` is delegated.
async fn with_subnet() -> Bed {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("aci"), aci_body("10.0.1.0/29")).await;
    bed
}

async fn script(bed: &Bed, script: Value) {
    assert_eq!(bed.send(Method::POST, "/simulator/container-scripts", script).await.status, 204);
}

async fn stands(bed: &Bed, name: &str, body: Value) -> Answer {
    let answer = bed.put(&id(name), body).await;
    assert!(answer.status < 300, "{}", answer.text);
    bed.wait(120);
    bed.get(&id(name)).await
}

fn state(answer: &Answer) -> &str {
    answer.body["properties"]["instanceView"]["state"].as_str().unwrap_or_default()
}

fn container_state(answer: &Answer) -> (&str, &str) {
    let current = &answer.body["properties"]["containers"][0]["properties"]["instanceView"]["currentState"];
    (current["state"].as_str().unwrap_or_default(), current["detailStatus"].as_str().unwrap_or_default())
}

#[tokio::test]
async fn creation_in_a_subnet() {
    let bed = with_subnet().await;
    let made = bed.put(&id("g"), private_body()).await;
    assert_eq!((made.status, made.state(), state(&made)), (201, "Pending", "Pending"));
    assert_eq!((made.header("retry-after"), made.header("location")), ("", ""));
    let left = |window: &str| made.header(&format!("x-ms-ratelimit-remaining-subscription-resource-requests-{window}"));
    assert_eq!((left("pt5m"), left("pt1h")), ("99", "299"));
    assert!(made.body["properties"].get("ipAddress").is_none(), "nothing of the address before it runs");
    assert!(!made.text.contains("hush"), "no secret is returned");
    let operation = made.header("azure-asyncoperation").to_owned();
    assert!(operation.contains("/Microsoft.ContainerInstance/locations/westeurope/operations/"), "{operation}");
    assert!(operation.contains("api-version=2018-06-01"), "{operation}");
    let running = bed.get(&operation).await;
    assert_eq!((running.status, running.body["status"].as_str().unwrap()), (200, "Pending"));
    assert_eq!((&running.body["id"], &running.body["properties"]["events"]), (&json!(id("g")), &json!([])));
    bed.wait(120);
    let ended = bed.get(&operation).await;
    assert_eq!(ended.body["status"], "Succeeded");
    assert_eq!(ended.body["properties"]["events"][1]["name"], "Pulled");
    let there = bed.get(&id("G")).await;
    let properties = &there.body["properties"];
    assert_eq!((there.state(), state(&there), container_state(&there)), ("Succeeded", "Running", ("Running", "")));
    assert_eq!(properties["ipAddress"]["ip"], "10.0.1.4");
    assert_eq!(
        (&properties["osType"], &properties["restartPolicy"], &properties["sku"]),
        (&json!("Linux"), &json!("Always"), &json!("Standard"))
    );
    assert_eq!(properties["initContainers"], json!([]));
    assert_eq!(properties["containers"][0]["properties"]["environmentVariables"][1], json!({"name": "S"}));
    assert_eq!(properties["imageRegistryCredentials"], json!([{"server": "r.azurecr.io", "username": "u"}]));
    let used = bed.get(&subnet("aci")).await;
    assert_eq!(used.body["properties"]["ipConfigurations"].as_array().unwrap().len(), 1);
    assert_eq!(used.body["properties"]["serviceAssociationLinks"][0]["name"], "acisal");
    let listed = bed.get(id("").trim_end_matches('/')).await;
    assert_eq!(listed.body["value"][0]["properties"]["ipAddress"]["ip"], "10.0.1.4");
    assert!(!listed.text.contains("instanceView"), "lists are without it");
    let of_subscription =
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.ContainerInstance/containerGroups");
    assert_eq!(bed.get(&of_subscription).await.body["value"], listed.body["value"]);
}

#[tokio::test]
async fn deletion_gives_the_address_back_and_leaves_the_link() {
    let bed = with_subnet().await;
    stands(&bed, "g", private_body()).await;
    bed.delete(&subnet("aci")).await.expect(400, "InUseSubnetCannotBeDeleted");
    let link = format!("{}/providers/Microsoft.ContainerInstance/serviceAssociationLinks/default", subnet("aci"));
    bed.delete(&link).await.expect(409, "SubnetInUse");
    let gone = bed.delete(&id("g")).await;
    assert_eq!((gone.status, &gone.body["name"]), (200, &json!("g")));
    assert_eq!(bed.delete(&id("g")).await.status, 204);
    bed.get(&id("g")).await.expect(404, "ResourceNotFound");
    bed.delete(&subnet("aci")).await.expect(400, "InUseSubnetCannotBeDeleted");
    assert_eq!(bed.delete(&link).await.status, 200);
    assert_eq!(bed.delete(&subnet("aci")).await.status, 202);
}

#[tokio::test]
async fn updates() {
    let bed = with_subnet().await;
    bed.put(&id("g"), private_body()).await;
    bed.put(&id("g"), private_body()).await.expect(409, "ContainerGroupTransitioning");
    bed.wait(120);
    let change = |pointer: &str, value: Value| {
        let mut body = private_body();
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    let mut never = private_body();
    never["properties"]["restartPolicy"] = json!("Never");
    let mut open = private_body();
    open["properties"]["subnetIds"] = json!([]);
    open["properties"]["ipAddress"] = Value::Null;
    for (what, body) in [
        ("cpu", change("/properties/containers/0/properties/resources/requests/cpu", json!(2))),
        ("memory", change("/properties/containers/0/properties/resources/requests/memoryInGB", json!(2))),
        ("os type", change("/properties/osType", json!("Windows"))),
        ("restart policy", never),
        ("network", open),
    ] {
        let refused = bed.put(&id("g"), body).await.expect(400, "InvalidContainerGroupUpdate");
        assert!(refused.message().contains("'g'"), "{what}");
    }
    let changed = bed.put(&id("g"), change("/properties/containers/0/properties/image", json!("nginx:2"))).await;
    assert_eq!((changed.status, changed.state()), (200, "Pending"));
    bed.wait(120);
    let there = bed.get(&id("g")).await;
    assert_eq!(there.body["properties"]["containers"][0]["properties"]["image"], "nginx:2");
    assert_eq!(there.body["properties"]["ipAddress"]["ip"], "10.0.1.4");
    let same = bed.put(&id("g"), there.body.clone()).await;
    assert_eq!((same.status, same.state()), (200, "Pending"), "what GET gave can be put");
    bed.wait(120);
    let again = bed.get(&id("g")).await;
    assert_eq!(again.body["properties"]["ipAddress"], there.body["properties"]["ipAddress"]);
    let tagged = bed.send(Method::PATCH, &id("g"), json!({"tags": {"c": "d"}, "properties": {"osType": "x"}})).await;
    assert_eq!((tagged.status, &tagged.body["tags"]), (200, &json!({"c": "d"})));
    assert_eq!(state(&tagged), "Running");
}

#[tokio::test]
async fn refusals_of_the_network() {
    let bed = with_subnet().await;
    bed.stands(&subnet("plain"), json!({"properties": {"addressPrefix": "10.0.2.0/24"}})).await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut body = private_body();
        change(&mut body["properties"]);
        body
    };
    let subnet_id = |name: &'static str| move |all: &mut Value| all["subnetIds"] = json!([{"id": subnet(name)}]);
    let mut elsewhere = private_body();
    elsewhere["location"] = json!("japaneast");
    for (body, code) in [
        (with(&subnet_id("plain")), "SubnetMissingRequiredDelegation"),
        (with(&subnet_id("none")), "InvalidResourceReference"),
        (with(&|all| all["subnetIds"] = json!([{"id": subnet("aci")}, {"id": subnet("plain")}])), "InvalidSubnetIds"),
        (with(&|all| all["subnetIds"] = json!([])), "PrivateIpWithoutSubnetNotSupported"),
        (with(&|all| all["ipAddress"]["type"] = json!("Public")), "PublicIPAddressNotSupported"),
        (with(&|all| all["ipAddress"]["dnsNameLabel"] = json!("x")), "DnsNameLabelNotSupported"),
        (with(&|all| all["ipAddress"]["ports"] = json!([{"port": 81}])), "InvalidIPAddressPorts"),
        (with(&|all| all["networkProfile"] = json!({"id": "x"})), "NetworkProfileNotSupported"),
        (with(&|all| all["containers"] = json!([])), "InvalidContainerCount"),
        (with(&|all| all["osType"] = Value::Null), "InvalidContainerGroupProperty"),
        (elsewhere, "SubnetRegionMismatch"),
    ] {
        bed.put(&id("g"), body).await.expect(400, code);
    }
    bed.get(&id("g")).await.expect(404, "ResourceNotFound");
    bed.put(&id("Up_per"), private_body()).await.expect(400, "InvalidContainerName");
    for name in ["a", "b", "c"] {
        assert_eq!(bed.put(&id(name), private_body()).await.status, 201);
    }
    bed.put(&id("d"), private_body()).await.expect(400, "SubnetIsFull");
    bed.get(&id("d")).await.expect(404, "ResourceNotFound");
}

#[tokio::test]
async fn a_public_group_has_a_name() {
    let bed = Bed::new().await;
    let mut public = body();
    public["properties"]["ipAddress"] = json!({"type": "Public", "dnsNameLabel": "l", "ports": [{"port": 80}]});
    let there = stands(&bed, "g", public.clone()).await;
    let address = &there.body["properties"]["ipAddress"];
    assert_eq!(address["fqdn"], "l.westeurope.azurecontainer.io");
    assert!(address.get("autoGeneratedDomainNameLabelScope").is_none(), "not unless it is asked for: {address}");
    assert!(address["ip"].as_str().unwrap().starts_with("198.18."));
    bed.put(&id("h"), public).await.expect(400, "DnsNameLabelNotAvailable");
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one story")]
async fn stop_start_restart() {
    let bed = with_subnet().await;
    stands(&bed, "g", private_body()).await;
    stands(&bed, "h", private_body()).await;
    let post = |action: &'static str| {
        let path = format!("{}/{action}", id("g"));
        let bed = &bed;
        async move { bed.send(Method::POST, &path, Value::Null).await }
    };
    let restarted = post("restart").await;
    assert_eq!(restarted.status, 204);
    let operation = restarted.header("azure-asyncoperation").to_owned();
    assert_eq!(bed.get(&operation).await.body["status"], "Pending");
    assert_eq!(bed.get(&id("g")).await.state(), "Updating");
    bed.put(&id("g"), private_body()).await.expect(409, "ContainerGroupTransitioning");
    bed.wait(10);
    assert_eq!(bed.get(&operation).await.body["status"], "Succeeded");
    assert_eq!(state(&bed.get(&id("g")).await), "Running");
    assert_eq!(post("restart").await.status, 204);
    assert_eq!(post("stop").await.status, 204, "right after a restart");
    post("start").await.expect(409, "ContainerGroupTransitioning");
    bed.wait(10);
    let stopped = bed.get(&id("g")).await;
    let detail = "Container stopped per client request";
    assert_eq!((stopped.state(), state(&stopped)), ("Succeeded", "Stopped"), "the restart does not start it any more");
    assert_eq!(container_state(&stopped), ("Terminated", detail));
    bed.send(Method::POST, &format!("{}/start", id("h")), Value::Null).await;
    bed.send(Method::POST, &format!("{}/stop", id("h")), Value::Null).await;
    let running = bed.get(&id("h")).await;
    let view = &running.body["properties"]["containers"][0]["properties"]["instanceView"];
    assert_eq!(
        (&view["currentState"]["detailStatus"], &view["previousState"]["state"]),
        (&json!(detail), &json!("Running"))
    );
    assert!(view["currentState"].get("exitCode").is_none(), "{view}");
    assert!(stopped.body["properties"].get("ipAddress").is_none());
    stands(&bed, "i", private_body()).await;
    let started = post("start").await;
    assert_eq!(started.status, 202);
    assert!(started.header("azure-asyncoperation").contains("/operations/"));
    bed.wait(120);
    let there = bed.get(&id("g")).await;
    assert_eq!(
        (state(&there), &there.body["properties"]["ipAddress"]["ip"]),
        ("Running", &json!("10.0.1.5")),
        "its old address went to another group, the next one was given back"
    );
    assert_eq!(post("start").await.status, 204);
}

#[tokio::test]
async fn scripts_and_logs() {
    let bed = Bed::new().await;
    script(&bed, json!({"image": "bad", "pull": "inaccessible"})).await;
    script(&bed, json!({"image": "slow", "pull": "neverEnds"})).await;
    script(&bed, json!({"group": "crash", "exit": {"code": 3, "afterSeconds": 1}, "log": ["one", "two", "three"]}))
        .await;
    script(
        &bed,
        json!({"container": "app", "group": "job", "exit": {"code": 0}, "events": [{"name": "Odd", "message": "m"}]}),
    )
    .await;
    script(&bed, json!({"group": "poor", "quota": true})).await;
    let with_image = |image: &str, policy: &str| {
        let mut body = body();
        body["properties"]["containers"][0]["properties"]["image"] = json!(image);
        body["properties"]["restartPolicy"] = json!(policy);
        body
    };
    bed.put(&id("bad"), with_image("bad", "Always")).await.expect(400, "InaccessibleImage");
    bed.put(&id("poor"), body()).await.expect(400, "ContainerGroupQuotaReached");
    let logs = |name: &str, query: &str| format!("{}/containers/app/logs?{query}", id(name));
    let stuck = stands(&bed, "stuck", with_image("slow", "Always")).await;
    assert_eq!(
        (stuck.state(), state(&stuck), container_state(&stuck)),
        ("Creating", "Pending", ("Waiting", "ImagePullBackOff"))
    );
    bed.get(&logs("stuck", "tail=1")).await.expect(400, "ContainerLogNotAvailable");
    bed.wait(1_800);
    assert_eq!(bed.get(&id("stuck")).await.state(), "Failed");
    let crashed = stands(&bed, "crash", with_image("x", "OnFailure")).await;
    let view = &crashed.body["properties"]["containers"][0]["properties"]["instanceView"];
    assert_eq!((state(&crashed), container_state(&crashed)), ("Running", ("Waiting", "CrashLoopBackOff")));
    assert_eq!((&view["restartCount"], &view["previousState"]["exitCode"]), (&json!(3), &json!(3)));
    assert_eq!(bed.get(&logs("crash", "tail=2")).await.body["content"], "two\nthree\n");
    let job = stands(&bed, "job", with_image("x", "Never")).await;
    assert_eq!((state(&job), container_state(&job)), ("Succeeded", ("Terminated", "Completed")));
    assert!(job.text.contains("\"Odd\""));
    let stamped = bed.get(&logs("job", "timestamps=true")).await;
    assert!(stamped.body["content"].as_str().unwrap().starts_with("2026-11-22T"), "{}", stamped.text);
    bed.get(&format!("{}/containers/other/logs", id("job"))).await.expect(404, "ContainerNotFound");
    assert_eq!(bed.delete("/simulator/container-scripts").await.status, 204);
    assert_eq!(bed.put(&id("bad"), with_image("bad", "Always")).await.status, 201);
}

/// As of Nov. 2025 with 2021-10-01 (azure-service-operator), and as of 2018 to 2021 with older versions
/// (azure-mgmt-containerinstance, Azure/azure-libraries-for-java).
#[tokio::test]
async fn groups_are_shown_as_they_were_recorded() {
    let bed = Bed::new().await;
    let mut plain = body();
    plain["properties"]["containers"][0]["properties"].as_object_mut().unwrap().remove("ports");
    let made = bed.put(&format!("{}?api-version=2021-10-01", id("myContainerGroup")), plain.clone()).await;
    assert_eq!((made.status, made.header("azure-asyncnotification")), (201, "Enabled"));
    let properties = &made.body["properties"];
    assert_eq!(properties["isCreatedFromStandbyPool"], false);
    assert_eq!(
        (&properties["provisioningTimeoutInSeconds"], &properties["isCustomProvisioningTimeout"]),
        (&json!(1800), &json!(false))
    );
    let container = &properties["containers"][0]["properties"];
    assert_eq!((&container["configMap"], &container["ports"]), (&json!({"keyValuePairs": {}}), &json!([])));
    bed.wait(120);
    let events = |answer: &Answer| -> Vec<(String, String)> {
        let list = &answer.body["properties"]["containers"][0]["properties"]["instanceView"]["events"];
        let text = |event: &Value, name: &str| event[name].as_str().unwrap().to_owned();
        list.as_array().unwrap().iter().map(|event| (text(event, "name"), text(event, "message"))).collect()
    };
    let names = |answer: &Answer| events(answer).into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ");
    let current = bed.get(&id("myContainerGroup")).await;
    assert_eq!(names(&current), "Pulling Pulled Started");
    let pulling = &events(&current)[0].1;
    assert!(pulling.starts_with("pulling image \"nginx@sha256:") && pulling.len() > 80, "{pulling}");
    let told = bed.get(made.header("azure-asyncoperation")).await;
    let told = told.body["properties"]["events"].as_array().unwrap().len();
    assert_eq!(told, 3, "an operation tells of the start too");

    let early = bed.put(&format!("{}?api-version=2018-10-01", id("early")), plain).await;
    assert!(early.body["properties"].get("isCreatedFromStandbyPool").is_none(), "{}", early.text);
    assert_eq!((early.header("azure-asyncnotification"), early.status), ("", 201));
    bed.wait(120);
    let early = bed.get(&format!("{}?api-version=2018-10-01", id("early"))).await;
    assert_eq!(names(&early), "Pulling Pulled Created Started");
    assert_eq!(events(&early)[0].1, "pulling image \"nginx:1\"");
}

#[tokio::test]
async fn a_container_whose_work_is_done_ends_by_itself() {
    let bed = Bed::new().await;
    let with = |policy: &str, image: &str, command: Value| {
        let mut body = body();
        body["properties"]["restartPolicy"] = json!(policy);
        body["properties"]["containers"][0]["properties"]["image"] = json!(image);
        body["properties"]["containers"][0]["properties"]["command"] = command;
        body
    };
    let say = |text: &str| json!(["/bin/sh", "-c", text]);
    let never = stands(&bed, "never", with("Never", "alpine:latest", say("echo hello; exit 3"))).await;
    assert_eq!((state(&never), container_state(&never)), ("Failed", ("Terminated", "Error")));
    let log = bed.get(&format!("{}/containers/app/logs", id("never"))).await;
    assert_eq!(log.body["content"], "hello\n");
    let done = stands(&bed, "done", with("OnFailure", "alpine:latest", Value::Null)).await;
    assert_eq!((state(&done), container_state(&done)), ("Succeeded", ("Terminated", "Completed")));
    let again = stands(&bed, "again", with("Always", "alpine:latest", say("exit 0"))).await;
    assert_eq!(container_state(&again), ("Waiting", "CrashLoopBackOff"));
    let server = stands(&bed, "server", with("Never", "alpine:latest", say("while true; do sleep 1; done"))).await;
    assert_eq!(container_state(&server), ("Running", ""));
}

#[tokio::test]
async fn exec_says_what_is_missing_here_and_what_azure_would_refuse() {
    let bed = Bed::new().await;
    stands(&bed, "g", body()).await;
    let exec = |group: &str, container: &str| format!("{}/containers/{container}/exec", id(group));
    let command = json!({"command": "/bin/sh", "terminalSize": {"rows": 24, "cols": 80}});
    let refused = bed.send(Method::POST, &exec("g", "app"), command.clone()).await.expect(501, "NotSimulated");
    assert!(refused.message().contains("Azure would open a web socket"), "{}", refused.text);
    bed.send(Method::POST, &exec("g", "other"), command.clone()).await.expect(404, "ContainerNotFound");
    bed.send(Method::POST, &exec("none", "app"), command.clone()).await.expect(404, "ResourceNotFound");
    bed.get(&exec("g", "app")).await.expect(405, "HttpMethodNotSupported");
    let reader = bed.token_of(TENANT, READER).await;
    bed.send_as(&reader, Method::POST, &exec("g", "app"), command).await.expect(403, "AuthorizationFailed");
}

#[tokio::test]
async fn a_user_assigned_identity_shows_its_tenant() {
    let bed = Bed::new().await;
    let identity = format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i", group());
    let mut with_identity = body();
    with_identity["identity"] = json!({"type": "UserAssigned", "userAssignedIdentities": {identity: {}}});
    let there = stands(&bed, "g", with_identity).await;
    assert_eq!(
        (&there.body["identity"]["tenantId"], there.body["identity"].get("principalId")),
        (&json!(TENANT), None)
    );
}

#[tokio::test]
async fn an_operation_that_fails_and_a_group_that_goes() {
    let bed = with_subnet().await;
    let fault =
        json!({"method": "PUT", "path": "containerGroups/g$", "operation": "Failed", "code": "X", "message": "m"});
    assert_eq!(bed.send(Method::POST, "/simulator/faults", fault).await.status, 204);
    let made = bed.put(&id("g"), private_body()).await;
    bed.wait(120);
    let ended = bed.get(made.header("azure-asyncoperation")).await;
    assert_eq!((&ended.body["status"], &ended.body["error"]["code"]), (&json!("Failed"), &json!("X")));
    let failed = bed.get(&id("g")).await;
    assert_eq!((failed.state(), state(&failed)), ("Failed", "Failed"));
    assert_eq!(bed.put(&id("g"), private_body()).await.status, 200, "a PUT repairs it");
    assert_eq!(bed.delete(&id("g")).await.status, 200, "whatever it is at");
    assert_eq!(bed.put(&id("g"), private_body()).await.status, 201);
    bed.wait(60);
    assert_eq!(bed.get(&id("g")).await.state(), "Pending", "the operation of the deleted one does not count");
    assert_eq!(bed.delete(&group()).await.status, 202);
    bed.wait(60);
    bed.get(&id("g")).await.expect(404, "ResourceGroupNotFound");
}
