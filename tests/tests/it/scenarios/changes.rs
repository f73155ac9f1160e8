//! Changes of the spec: what is live, what rolls, what replaces.

use super::{message, scenario, service, text};
use acivnet_tests::tenant::Tenant;
use serde_json::{Value, json};

#[test]
fn tags() {
    scenario("tags", async |tenant| {
        tenant.how_to().await;
        let (subnet, deployment) = (tenant.subnet(), tenant.deployment());
        let tagged = json!([{"name": "team", "value": "churn"}, {"name": "stage", "value": "test"}]);
        tenant.apply(&subnet.clone().with("/spec/azure/tags", tagged.clone())).await;
        tenant.apply(&deployment.clone().with("/spec/azure/tags", tagged)).await;
        tenant.ready(&subnet).await;
        tenant.ready(&deployment).await;
        tenant.world.azure.patch(&tenant.vnet(), json!({"tags": {"policy": "added"}})).await;
        let mark = tenant.mark().await;
        let fewer = json!([{"name": "team", "value": "other"}]);
        tenant.apply(&subnet.clone().with("/spec/azure/tags", fewer.clone())).await;
        tenant.apply(&deployment.clone().with("/spec/azure/tags", fewer)).await;
        tenant.ready(&subnet).await;
        tenant.ready(&deployment).await;
        let network = tenant.world.azure.resource(&tenant.vnet()).await.expect("the network");
        assert_eq!(text(&network, "/tags/team"), "other");
        assert_eq!(network.pointer("/tags/stage"), None, "a tag dropped from the spec goes");
        assert_eq!(text(&network, "/tags/policy"), "added", "a tag that a policy added stays");
        let service = stored(tenant).await;
        assert_eq!(text(&service, "/kvTags/team"), "other");
        assert_eq!(service.pointer("/kvTags/stage"), None);
        insta::assert_snapshot!("tags", tenant.golden(mark).await);
    });
}

#[test]
fn model() {
    scenario("model", async |tenant| {
        let before = tenant.how_to().await;
        let mark = tenant.mark().await;
        tenant.files(&[("model.pkl", "a better model")]).await;
        let after = tenant
            .until(&tenant.deployment(), "the second version is served", |stands| {
                text(stands, "/status/modelLabel") == "mymodel:2"
                    && stands.pointer("/status/revision") == Some(&json!(2))
                    && text(stands, "/status/probeSummary") == "200"
            })
            .await;
        assert_ne!(text(&before, "/status/model/digest"), text(&after, "/status/model/digest"));
        assert_eq!(
            before.pointer("/status/endpoint"),
            after.pointer("/status/endpoint"),
            "the same service and address"
        );
        insta::assert_snapshot!("model", tenant.golden(mark).await);
    });
}

/// The same content is the same version, whatever the ConfigMap is called.
#[test]
fn a_renamed_config_map_is_no_new_version() {
    scenario("rename", async |tenant| {
        tenant.how_to().await;
        let files = json!({"data": {"model.pkl": format!("model of {}", tenant.namespace)}});
        tenant.put::<k8s_openapi::api::core::v1::ConfigMap>("churn-7f9c", files).await;
        let mark = tenant.mark().await;
        let renamed = tenant.deployment().with("/spec/model/source/configMap/name", "churn-7f9c");
        tenant.apply(&renamed).await;
        let after = tenant.ready(&renamed).await;
        assert_eq!(text(&after, "/status/modelLabel"), "mymodel:1");
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]");
    });
}

#[test]
fn script() {
    scenario("script", async |tenant| {
        let before = tenant.how_to().await;
        let mark = tenant.mark().await;
        tenant.files(&[("score.py", "def init():\n    pass\n\n\ndef run(data):\n    return [1]\n")]).await;
        let after = tenant
            .until(&tenant.deployment(), "the new script is served", |stands| {
                stands.pointer("/status/revision") == Some(&json!(2)) && text(stands, "/status/probeSummary") == "200"
            })
            .await;
        assert_eq!(text(&after, "/status/modelLabel"), "mymodel:1");
        assert_eq!(before.pointer("/status/endpoint"), after.pointer("/status/endpoint"));
        insta::assert_snapshot!("script", tenant.golden(mark).await);
    });
}

#[test]
fn cpu_waits_for_approval() {
    scenario("cpu", async |tenant| {
        tenant.how_to().await;
        let bigger = tenant.deployment().with("/spec/resources/cpu", "2");
        let mark = tenant.mark().await;
        tenant.apply(&bigger).await;
        let waiting = tenant.condition(&bigger, "Stalled", "True", "ApprovalRequired").await;
        assert_eq!(text(&waiting, "/status/plan/actions/0/action"), "Replace");
        assert!(text(&waiting, "/status/plan/actions/0/resource").ends_with(&tenant.service), "{waiting:#}");
        assert_eq!(
            (text(&waiting, "/status/plan/actions/0/from"), text(&waiting, "/status/plan/actions/0/to")),
            ("1", "2")
        );
        let hash = text(&waiting, "/status/plan/hash");
        assert!(message(&waiting, "Stalled").contains(hash) && !hash.is_empty(), "{waiting:#}");
        assert_eq!(acivnet_tests::kstatus::condition(&waiting, "Ready").0, "True", "the old one serves meanwhile");
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]");

        tenant.approve(&bigger).await;
        let replaced = tenant.ready(&bigger).await;
        assert_eq!(replaced.pointer("/status/plan"), None);
        assert_eq!(replaced.pointer("/status/approved"), None);
        assert_eq!(
            stored(tenant).await.pointer("/containerResourceRequirements/cpu").and_then(Value::as_f64),
            Some(2.0)
        );
        insta::assert_snapshot!("cpu", tenant.golden(mark).await);

        let mark = tenant.mark().await;
        tenant.apply(&tenant.deployment()).await;
        tenant.condition(&tenant.deployment(), "Stalled", "True", "ApprovalRequired").await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]", "the old approval approves nothing new");
    });
}

#[test]
fn memory_is_replaced_at_once_when_the_spec_says_so() {
    scenario("memory", async |tenant| {
        tenant.how_to().await;
        let bigger =
            tenant.deployment().with("/spec/resources/memory", "2G").with("/spec/rollout/replaceApproval", "Automatic");
        tenant.apply(&bigger).await;
        tenant.ready(&bigger).await;
        assert_eq!(
            stored(tenant).await.pointer("/containerResourceRequirements/memoryInGB").and_then(Value::as_f64),
            Some(2.0)
        );
        let events = tenant.events().await;
        assert!(events.iter().any(|event| event.starts_with("Warning Replacing")), "{events:#?}");
    });
}

#[test]
fn nothing_is_written_while_suspended() {
    scenario("suspend", async |tenant| {
        tenant.how_to().await;
        let mark = tenant.mark().await;
        let suspended = tenant.deployment().with("/spec/suspend", true).with("/spec/description", "new");
        tenant.apply(&suspended).await;
        let stands = tenant.condition(&suspended, "Stalled", "True", "Suspended").await;
        assert_eq!(text(&stands, "/status/plan/actions/0/action"), "Update");
        let subnet =
            tenant.subnet().with("/spec/suspend", true).with("/spec/azure/tags", json!([{"name": "a", "value": "b"}]));
        tenant.apply(&subnet).await;
        tenant.condition(&subnet, "Stalled", "True", "Suspended").await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]");
        let again = tenant.deployment().with("/spec/description", "new");
        tenant.apply(&again).await;
        tenant.ready(&again).await;
        assert_eq!(text(&stored(tenant).await, "/description"), "new");
    });
}

async fn stored(tenant: &Tenant<'_>) -> Value {
    service(tenant).await.expect("the web service")
}
