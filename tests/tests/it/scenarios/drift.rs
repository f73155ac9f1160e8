//! A hand in the portal changes what the operator made.

use super::{model, scenario, service, stand, text};
use acivnet_tests::{examples::Object, tenant::Tenant};
use serde_json::{Value, json};

/// What stood before stands again after an edit, with an event; the golden file says by which requests.
async fn put_back(tenant: &Tenant<'_>, objects: &[Object], id: &str, patch: Value) {
    let before = tenant.world.azure.resource(id).await.expect("what is edited");
    let mark = tenant.mark().await;
    tenant.world.azure.patch(id, patch).await;
    tenant.until_azure("it is put back", id, |now| now.is_some_and(|now| essence(now) == essence(&before))).await;
    for object in objects {
        tenant.ready(object).await;
    }
    let corrected = || async {
        let events = tenant.events().await;
        if events.iter().any(|event| event.starts_with("Normal DriftCorrected Correct")) {
            Ok(())
        } else {
            Err(format!("{events:#?}"))
        }
    };
    acivnet_tests::eventually("an event says so", corrected).await.unwrap_or_else(|why| panic!("{why}"));
    let name = std::thread::current().name().unwrap_or_default().rsplit("::").next().unwrap_or_default().to_owned();
    insta::assert_snapshot!(format!("drift_{name}"), tenant.golden(mark).await);
}

/// A body without what changes with every write.
fn essence(body: &Value) -> Value {
    fn clean(value: &mut Value) {
        match value {
            Value::Object(map) => {
                for name in ["etag", "resourceGuid", "provisioningState", "createdTime", "updatedTime", "operationId"] {
                    map.remove(name);
                }
                map.values_mut().for_each(clean);
            }
            Value::Array(list) => list.iter_mut().for_each(clean),
            _ => {}
        }
    }
    let mut body = body.clone();
    clean(&mut body);
    body
}

#[test]
fn rule_removed() {
    scenario("drift", async |tenant| {
        put_back(tenant, &stand(tenant).await, &tenant.security_group(), json!({"properties": {"securityRules": []}}))
            .await;
    });
}

#[test]
fn rule_added() {
    scenario("drift", async |tenant| {
        let group = tenant.security_group();
        let rule = |name: &str, priority: i32, port: &str| {
            json!({"name": name, "properties": {
                "priority": priority, "direction": "Inbound", "access": "Allow", "protocol": "Tcp", "sourceAddressPrefix": "*",
                "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": port,
            }})
        };
        let rules = json!([rule("AllowAzureMachineLearning", 100, "44224"), rule("open", 200, "22")]);
        put_back(tenant, &stand(tenant).await, &group, json!({"properties": {"securityRules": rules}})).await;
    });
}

#[test]
fn rule_changed() {
    scenario("drift", async |tenant| {
        let rule = json!({"name": "AllowAzureMachineLearning", "properties": {
            "priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "Tcp", "sourceAddressPrefix": "AzureMachineLearning",
            "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "44224",
        }});
        put_back(
            tenant,
            &stand(tenant).await,
            &tenant.security_group(),
            json!({"properties": {"securityRules": [rule]}}),
        )
        .await;
    });
}

/// Azure lets a delegation go only while nothing is in the subnet.
#[test]
fn delegation_gone() {
    scenario("drift", async |tenant| {
        let subnet = tenant.subnet().with("/spec/drift/intervalSeconds", 30);
        tenant.apply(&subnet).await;
        tenant.ready(&subnet).await;
        let id = tenant.subnet_id();
        put_back(tenant, &[subnet], &id, json!({"properties": {"delegations": []}})).await;
    });
}

#[test]
fn client_subnet_without_security_group() {
    scenario("drift", async |tenant| {
        let id = format!("{}/subnets/default", tenant.vnet());
        put_back(tenant, &stand(tenant).await, &id, json!({"properties": {"networkSecurityGroup": null}})).await;
    });
}

#[test]
fn network_tag_gone() {
    scenario("drift", async |tenant| {
        put_back(tenant, &stand(tenant).await, &tenant.vnet(), json!({"tags": {"acivnet-owner": null}})).await;
    });
}

#[test]
fn security_group_deleted() {
    scenario("drift", async |tenant| {
        let id = format!("{}/subnets/default", tenant.vnet());
        let [subnet, _] = stand(tenant).await;
        let before = tenant.world.azure.resource(&tenant.security_group()).await.expect("the group");
        tenant.world.azure.patch(&id, json!({"properties": {"networkSecurityGroup": null}})).await;
        tenant.world.azure.delete(&tenant.security_group()).await;
        tenant
            .until_azure("it is there again", &tenant.security_group(), |now| {
                now.is_some_and(|now| now["tags"] == before["tags"])
            })
            .await;
        tenant
            .until_azure("the subnet has it", &id, |now| {
                now.is_some_and(|now| now.pointer("/properties/networkSecurityGroup").is_some())
            })
            .await;
        tenant.ready(&subnet).await;
    });
}

#[test]
fn service_deleted() {
    scenario("drift", async |tenant| {
        let [_, deployment] = stand(tenant).await;
        let mark = tenant.mark().await;
        tenant.world.azure.delete(&tenant.service_id()).await;
        tenant
            .until(&deployment, "it is not ready", |stands| {
                acivnet_tests::kstatus::condition(stands, "Ready").0 != "True"
            })
            .await;
        let again = tenant.ready(&deployment).await;
        assert_eq!(text(&again, "/status/modelLabel"), "mymodel:1", "the model is not registered again");
        assert_eq!(text(&again, "/status/endpoint/scoringURI"), format!("http://{}/score", tenant.address("1.4")));
        let events = tenant.events().await;
        assert!(
            events.iter().any(|event| event.starts_with("Normal DriftCorrected Correct") && event.contains("gone")),
            "{events:#?}"
        );
        insta::assert_snapshot!("drift_service_deleted", tenant.golden(mark).await);
    });
}

#[test]
fn service_tags() {
    scenario("drift", async |tenant| {
        tenant.how_to().await;
        let tagged = tenant
            .deployment()
            .with("/spec/drift/intervalSeconds", 30)
            .with("/spec/azure/tags", json!([{"name": "team", "value": "churn"}]));
        tenant.apply(&tagged).await;
        tenant.ready(&tagged).await;
        let mark = tenant.mark().await;
        tenant
            .world
            .azure
            .patch(&tenant.service_id(), json!({"kvTags": {"team": "other", "hand": "made"}, "description": "by hand"}))
            .await;
        let ask = || async {
            let service = service(tenant).await.unwrap_or_default();
            let back = text(&service, "/kvTags/team") == "churn"
                && text(&service, "/kvTags/hand") == "made"
                && text(&service, "/description").is_empty();
            if back { Ok(()) } else { Err(service.to_string()) }
        };
        if let Err(why) = acivnet_tests::eventually("tags and description are put back", ask).await {
            panic!("{why}\n{}", tenant.story().await);
        }
        tenant.ready(&tagged).await;
        insta::assert_snapshot!("drift_service_tags", tenant.golden(mark).await);
    });
}

#[test]
fn network_prefix_of_others_stays() {
    scenario("drift", async |tenant| {
        stand(tenant).await;
        let more = json!([tenant.address("0.0/16"), "192.168.0.0/24"]);
        let space = json!({"addressPrefixes": more});
        let patch = json!({"tags": {"acivnet-owner": null}, "properties": {"addressSpace": space}});
        tenant.world.azure.patch(&tenant.vnet(), patch).await;
        let marked = |now: &Value| now["tags"]["acivnet-owner"].is_string();
        tenant.until_azure("the mark is put back", &tenant.vnet(), |now| now.is_some_and(marked)).await;
        let stands = tenant.world.azure.resource(&tenant.vnet()).await.expect("the network");
        assert_eq!(stands["properties"]["addressSpace"]["addressPrefixes"], more);
    });
}

#[test]
fn security_group_tag_gone() {
    scenario("drift", async |tenant| {
        let patch = json!({"tags": {"acivnet-owner": null}});
        put_back(tenant, &stand(tenant).await, &tenant.security_group(), patch).await;
    });
}

#[test]
fn model_described_by_hand() {
    scenario("drift", async |tenant| {
        stand(tenant).await;
        let mark = tenant.mark().await;
        let id = format!("{}/models/mymodel:1", tenant.workspace());
        tenant.world.azure.patch(&id, json!({"description": "by hand"})).await;
        let back = || async {
            let model = model(tenant).await.expect("the model");
            if model["description"] == Value::Null { Ok(()) } else { Err(model.to_string()) }
        };
        acivnet_tests::eventually("the description is put back", back).await.unwrap_or_else(|why| panic!("{why}"));
        insta::assert_snapshot!("drift_model_described", tenant.golden(mark).await);
    });
}

/// It is registered again, and what serves follows in place.
#[test]
fn model_deleted() {
    scenario("drift", async |tenant| {
        let [_, deployment] = stand(tenant).await;
        let before = tenant.get(&deployment).await.expect("the deployment");
        tenant.world.azure.delete(&format!("{}/models/mymodel:1", tenant.workspace())).await;
        tenant
            .until(&deployment, "a new version is served", |stands| {
                !["", "mymodel:1"].contains(&text(stands, "/status/modelLabel"))
                    && acivnet_tests::kstatus::read(stands) == acivnet_tests::kstatus::Kstatus::Current
            })
            .await;
        let after = tenant.ready(&deployment).await;
        assert!(model(tenant).await.is_some());
        assert_eq!(before.pointer("/status/endpoint"), after.pointer("/status/endpoint"));
    });
}

/// Putting it back would delete and create it: that waits for a person, as a change of the spec does.
#[test]
fn service_resized_by_hand() {
    scenario("drift", async |tenant| {
        let [_, deployment] = stand(tenant).await;
        let mark = tenant.mark().await;
        let size = json!({"containerResourceRequirements": {"cpu": 2}});
        tenant.world.azure.patch(&tenant.service_id(), size).await;
        let waiting = tenant.condition(&deployment, "Stalled", "True", "ApprovalRequired").await;
        assert_eq!(text(&waiting, "/status/drift/0/field"), "containerResourceRequirements.cpu");
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]");
        tenant.approve(&deployment).await;
        tenant.ready(&deployment).await;
        let service = service(tenant).await.expect("the service");
        assert_eq!(service.pointer("/containerResourceRequirements/cpu").and_then(Value::as_f64), Some(1.0));
    });
}

#[test]
fn detected_only() {
    scenario("detect", async |tenant| {
        tenant.how_to().await;
        let detect = tenant.subnet().with("/spec/drift", json!({"mode": "Detect", "intervalSeconds": 30}));
        tenant.apply(&detect).await;
        tenant.ready(&detect).await;
        let mark = tenant.mark().await;
        tenant.world.azure.patch(&tenant.security_group(), json!({"properties": {"securityRules": []}})).await;
        let drifted = tenant.condition(&detect, "DriftDetected", "True", "Drifted").await;
        assert_eq!(text(&drifted, "/status/drift/0/resource"), "NetworkSecurityGroup/amlnsg");
        assert_eq!(
            acivnet_tests::kstatus::read(&drifted),
            acivnet_tests::kstatus::Kstatus::Current,
            "detected drift is no open work"
        );
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]");
        let correct = tenant.subnet().with("/spec/drift", json!({"mode": "Correct", "intervalSeconds": 30}));
        tenant.apply(&correct).await;
        tenant.condition(&correct, "DriftDetected", "False", "InSync").await;
        assert_eq!(tenant.writes(mark).await.len(), 1);
    });
}

#[test]
fn ignored() {
    scenario("ignore", async |tenant| {
        tenant.how_to().await;
        let ignore = tenant.subnet().with("/spec/drift", json!({"mode": "Ignore", "intervalSeconds": 30}));
        tenant.apply(&ignore).await;
        tenant.ready(&ignore).await;
        let mark = tenant.mark().await;
        tenant.world.azure.patch(&tenant.security_group(), json!({"properties": {"securityRules": []}})).await;
        let looks = || async {
            let count =
                tenant.requests(mark).await.iter().filter(|entry| entry.path.contains("networkSecurityGroups")).count();
            if count >= 2 { Ok(()) } else { Err(format!("{count} looks")) }
        };
        acivnet_tests::eventually("it is looked at twice", looks).await.unwrap_or_else(|why| panic!("{why}"));
        let stands = tenant.get(&ignore).await.expect("the object");
        assert_eq!(
            (stands.pointer("/status/drift"), acivnet_tests::kstatus::condition(&stands, "DriftDetected").0),
            (None, "")
        );
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]");
    });
}
