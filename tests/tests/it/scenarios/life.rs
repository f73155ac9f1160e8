//! From nothing to an endpoint, quiet while nothing changes, and back to nothing.

use super::{model, scenario, service, stand, text};
use acivnet_tests::tenant::Tenant;
use serde_json::{Value, json};

#[test]
fn create() {
    scenario("create", async |tenant| {
        let deployment = tenant.how_to().await;
        assert_eq!(text(&deployment, "/status/endpoint/scoringURI"), format!("http://{}/score", tenant.address("1.4")));
        assert_eq!(text(&deployment, "/status/modelLabel"), "mymodel:1");
        assert_eq!(text(&deployment, "/status/probeSummary"), "200");
        assert_eq!(deployment.pointer("/status/revision"), Some(&json!(1)));
        let subnet = tenant
            .until(&tenant.subnet(), "it counts its occupant", |stands| {
                stands.pointer("/status/occupants/0/address").is_some()
            })
            .await;
        assert_eq!(subnet.pointer("/status/capacity"), Some(&json!({"total": 251, "used": 1, "available": 250})));
        assert_eq!(text(&subnet, "/status/occupants/0/address"), tenant.address("1.4"));
        insta::assert_snapshot!("create", tenant.golden(0).await);
    });
}

#[test]
fn nothing_is_written_while_nothing_changes() {
    scenario("quiet", async |tenant| {
        let [subnet, deployment] = stand(tenant).await;
        let versions = versions(tenant).await;
        let mark = tenant.mark().await;
        // The API server logs a request after its answer, and an event follows the status: what made the objects Ready may
        // not be in the log yet.
        sweeps(tenant, mark, 1).await;
        let written = operator_writes(tenant).len();
        sweeps(tenant, mark, 4).await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]", "writes to Azure");
        assert_eq!(operator_writes(tenant)[written..], [] as [String; 0], "writes to Kubernetes");
        assert_eq!(self::versions(tenant).await, versions);
        tenant.apply(&subnet).await;
        tenant.apply(&deployment).await;
        assert_eq!(self::versions(tenant).await, versions, "another manager that applies the same changes nothing");
    });
}

#[test]
fn delete() {
    scenario("delete", async |tenant| {
        tenant.how_to().await;
        let mark = tenant.mark().await;
        tenant.delete(&tenant.deployment()).await;
        tenant.delete(&tenant.subnet()).await;
        tenant.gone(&tenant.deployment()).await;
        tenant.gone(&tenant.subnet()).await;
        assert_nothing_is_left(tenant).await;
        insta::assert_snapshot!("delete", tenant.golden(mark).await);
    });
}

#[test]
fn a_subnet_waits_for_its_deployments() {
    scenario("order", async |tenant| {
        tenant.how_to().await;
        tenant.delete(&tenant.subnet()).await;
        let blocked = tenant.condition(&tenant.subnet(), "DeletionBlocked", "True", "SubnetInUse").await;
        assert!(super::message(&blocked, "DeletionBlocked").contains("aciservice"), "{blocked:#}");
        assert!(tenant.world.azure.resource(&tenant.subnet_id()).await.is_some());
        tenant.delete(&tenant.deployment()).await;
        tenant.gone(&tenant.subnet()).await;
        assert_nothing_is_left(tenant).await;
    });
}

#[test]
fn orphans_stay() {
    scenario("orphan", async |tenant| {
        tenant.how_to().await;
        let keep = json!({"policy": "Orphan"});
        let (subnet, deployment) =
            (tenant.subnet().with("/spec/deletion", keep.clone()), tenant.deployment().with("/spec/deletion", keep));
        tenant.apply(&subnet).await;
        tenant.apply(&deployment).await;
        tenant.ready(&subnet).await;
        tenant.ready(&deployment).await;
        let mark = tenant.mark().await;
        tenant.delete(&deployment).await;
        tenant.gone(&deployment).await;
        tenant.delete(&subnet).await;
        tenant.gone(&subnet).await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]");
        for id in [tenant.vnet(), tenant.subnet_id(), tenant.security_group()] {
            assert!(tenant.world.azure.resource(&id).await.is_some(), "{id}");
        }
    });
}

/// Waits until Azure was looked at so many times again.
async fn sweeps(tenant: &Tenant<'_>, since: u64, count: usize) {
    let list = format!("{}/providers/Microsoft.Network/virtualNetworks", tenant.group()).to_lowercase();
    let services = format!("{}/services", tenant.workspace()).to_lowercase();
    let ask = || async {
        let requests = tenant.requests(since).await;
        let looks = |at: &str| requests.iter().filter(|entry| entry.path.to_lowercase().contains(at)).count();
        let (networks, services) = (looks(&list), looks(&services));
        if networks.min(services) >= count {
            Ok(())
        } else {
            Err(format!("{networks} looks at the network, {services} at the service"))
        }
    };
    if let Err(why) = acivnet_tests::eventually(&format!("{count} sweeps"), ask).await {
        panic!("{why}\n{}", tenant.story().await);
    }
}

/// The operator's writes in the tenant's namespace, as the API server's audit log has them.
fn operator_writes(tenant: &Tenant<'_>) -> Vec<String> {
    let word = |event: &Value, pointer: &str| text(event, pointer).to_owned();
    let ours = |event: &&Value| {
        text(event, "/user/username") == "system:serviceaccount:acivnet-system:acivnet-operator"
            && text(event, "/objectRef/namespace") == tenant.namespace
            && ["create", "update", "patch", "delete"].contains(&text(event, "/verb"))
    };
    let line = |event: &Value| {
        format!(
            "{} {}/{}",
            word(event, "/verb"),
            word(event, "/objectRef/resource"),
            word(event, "/objectRef/subresource")
        )
    };
    tenant.world.bed.audit().iter().filter(ours).map(line).collect()
}

async fn versions(tenant: &Tenant<'_>) -> Vec<String> {
    let mut versions = Vec::new();
    for object in [tenant.subnet(), tenant.deployment()] {
        versions.push(text(&tenant.get(&object).await.expect("the object"), "/metadata/resourceVersion").to_owned());
    }
    versions
}

/// No network, no service, no model version of the tenant's.
pub(super) async fn assert_nothing_is_left(tenant: &Tenant<'_>) {
    let dump = tenant.world.azure.dump().await;
    let resources = dump["resources"].as_object().expect("resources").keys();
    let network: Vec<_> =
        resources.filter(|id| id.contains(&tenant.subscription) && id.contains("Microsoft.Network")).collect();
    assert!(network.is_empty(), "{network:?}");
    assert_eq!((service(tenant).await, model(tenant).await), (None, None));
}
