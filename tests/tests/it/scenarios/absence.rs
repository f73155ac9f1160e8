//! What looks like an empty Azure and is none: nothing may be created again because of it.

use super::{scenario, stand};
use acivnet_tests::{kstatus, tenant::Tenant};
use serde_json::{Value, json};

#[test]
fn another_tenant() {
    scenario("tenant", async |tenant| {
        let [subnet, deployment] = stand(tenant).await;
        let other = "00000002-0000-4000-8000-00000000ffff".to_owned();
        let application = json!({"tenantId": other, "clientId": tenant.client_id, "objectId": tenant.principal, "federatedCredentials": [{
            "name": "bed", "issuer": tenant.world.bed.url(), "subject": format!("system:serviceaccount:{}:acivnet", tenant.namespace),
            "audience": "api://AzureADTokenExchange",
        }]});
        tenant.world.azure.seed(&json!({"tenants": [other], "applications": [application]})).await;
        let mark = tenant.mark().await;
        let annotations =
            json!({"azure.workload.identity/client-id": tenant.client_id, "azure.workload.identity/tenant-id": other});
        tenant
            .put::<k8s_openapi::api::core::v1::ServiceAccount>(
                "acivnet",
                json!({"metadata": {"annotations": annotations}}),
            )
            .await;
        for object in [&subnet, &deployment] {
            tenant
                .until(object, "it can't see Azure", |stands| {
                    kstatus::condition(stands, "Ready").0 != "True"
                        || kstatus::condition(stands, "Reconciling").0 == "True"
                        || kstatus::condition(stands, "Stalled").0 == "True"
                })
                .await;
        }
        looks(tenant, mark, 4).await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]", "nothing is created where nothing can be seen");
        tenant.service_account(&tenant.client_id).await;
        tenant.ready(&subnet).await;
        tenant.ready(&deployment).await;
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]");
    });
}

/// Waits until Azure was asked so many times.
async fn looks(tenant: &Tenant<'_>, since: u64, count: usize) {
    let ask = || async {
        let looks = tenant.requests(since).await.len();
        if looks >= count { Ok(()) } else { Err(format!("{looks} requests")) }
    };
    if let Err(why) = acivnet_tests::eventually(&format!("{count} requests"), ask).await {
        panic!("{why}\n{}", tenant.story().await);
    }
}

fn arm_error(code: &str) -> Value {
    json!({"error": {"code": code, "message": format!("scripted {code}")}})
}

/// Answers a while every read of the network and of the machine-learning data plane with something; no write follows.
async fn survives(tenant: &Tenant<'_>, status: u16, body: Value) {
    let [subnet, deployment] = stand(tenant).await;
    let mark = tenant.mark().await;
    for path in ["providers/Microsoft.Network/", "/services", "/models"] {
        let fault = json!({"method": "GET", "path": format!("(?i){}.*{path}", tenant.subscription), "times": 12, "status": status, "body": body});
        tenant.world.azure.fault(fault).await;
    }
    let used_up = || async {
        let refused = |what: &str, entries: &[acivnet_tests::simulator::Entry]| {
            entries.iter().filter(|entry| entry.path.contains(what) && entry.status == status).count()
        };
        let entries = tenant.requests(mark).await;
        let counts = (refused("Microsoft.Network", &entries), refused("/services", &entries));
        if counts.0 >= 6 && counts.1 >= 6 {
            Ok(())
        } else {
            Err(format!("{counts:?} reads were answered with {status}"))
        }
    };
    if let Err(why) = acivnet_tests::eventually("the reads are tried again", used_up).await {
        panic!("{why}\n{}", tenant.story().await);
    }
    tenant.ready(&subnet).await;
    tenant.ready(&deployment).await;
    assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]", "{status} {body} is not absence");
}

#[test]
fn subscription_not_found() {
    scenario("sub404", async |tenant| survives(tenant, 404, arm_error("SubscriptionNotFound")).await);
}

/// The group itself still answers.
#[test]
fn resource_group_not_found() {
    scenario("group404", async |tenant| survives(tenant, 404, arm_error("ResourceGroupNotFound")).await);
}

#[test]
fn a_page_of_a_gateway() {
    scenario("page404", async |tenant| survives(tenant, 404, json!("<html>404 Not Found</html>")).await);
}

#[test]
fn a_fault_of_the_server() {
    scenario("fault500", async |tenant| survives(tenant, 503, arm_error("ServiceUnavailable")).await);
}
