//! What can be wrong, and the one reason that says so.

use super::{message, scenario, text};
use acivnet_tests::tenant::{CONDA, Tenant};
use serde_json::{Value, json};

/// Applies the how-to and waits for the deployment's reason; nothing becomes ready.
async fn fails_with(tenant: &Tenant<'_>, reason: &str) -> Value {
    tenant.files(&[]).await;
    tenant.apply(&tenant.subnet()).await;
    tenant.apply(&tenant.deployment()).await;
    tenant.condition(&tenant.deployment(), "Ready", "False", reason).await
}

#[test]
fn waiting_for_subnet() {
    scenario("waiting", async |tenant| {
        tenant.files(&[]).await;
        let deployment = tenant.deployment();
        tenant.apply(&deployment).await;
        let waiting = tenant.condition(&deployment, "Ready", "False", "WaitingForSubnet").await;
        assert!(message(&waiting, "Ready").contains("amlsubnet1"), "{waiting:#}");
        tenant.condition(&deployment, "Reconciling", "True", "WaitingForSubnet").await;
        assert_eq!(format!("{:?}", tenant.writes(0).await), "[]");
        tenant.apply(&tenant.subnet()).await;
        tenant.ready(&deployment).await;
    });
}

#[test]
fn subnet_not_delegated() {
    scenario("undelegated", async |tenant| {
        let world = tenant.world;
        let network = json!({"location": "japaneast", "properties": {"addressSpace": {"addressPrefixes": [tenant.address("0.0/16")]}}});
        world.azure.put(&tenant.vnet(), network).await;
        world.azure.put(&tenant.subnet_id(), json!({"properties": {"addressPrefix": tenant.address("1.0/24")}})).await;
        let referenced = tenant
            .subnet()
            .without("/spec/clientSubnet")
            .with("/spec/virtualNetwork/management", "Reference")
            .with("/spec/subnet/management", "Reference");
        tenant.files(&[]).await;
        tenant.apply(&referenced).await;
        tenant.apply(&tenant.deployment()).await;
        let undelegated = tenant.condition(&referenced, "Ready", "False", "SubnetNotDelegated").await;
        assert!(
            message(&undelegated, "Ready").contains("Microsoft.ContainerInstance/containerGroups"),
            "{undelegated:#}"
        );
        tenant.condition(&tenant.deployment(), "NetworkReady", "False", "SubnetNotReady").await;
        let writes = tenant
            .writes(0)
            .await
            .into_iter()
            .filter(|entry| entry.path.contains("Microsoft.Network") || entry.path.ends_with("/services"));
        assert_eq!(
            format!("{:?}", writes.collect::<Vec<_>>()),
            "[]",
            "what is referenced is never written, and nothing goes into it"
        );
        let delegation =
            json!({"name": "0", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}});
        world.azure.patch(&tenant.subnet_id(), json!({"properties": {"delegations": [delegation]}})).await;
        tenant.ready(&tenant.deployment()).await;
    });
}

#[test]
fn subnet_full() {
    scenario("full", async |tenant| {
        let details =
            json!([{"code": "SubnetIsFull", "message": "Subnet amlsubnet1 with address prefix is already full."}]);
        let fault = json!({
            "method": "POST", "path": format!("{}.*/services$", tenant.subscription), "times": 100,
            "operation": "Failed", "code": "AciDeploymentFailed", "message": "Aci Deployment failed", "details": details,
        });
        tenant.world.azure.fault(fault).await;
        let full = fails_with(tenant, "SubnetFull").await;
        assert_eq!(acivnet_tests::kstatus::condition(&full, "NetworkReady").1, "SubnetFull");
        assert!(message(&full, "Ready").contains("full"), "{full:#}");
    });
}

#[test]
fn region_mismatch() {
    scenario("region", async |tenant| {
        let network = json!({"location": "westeurope", "properties": {"addressSpace": {"addressPrefixes": [tenant.address("0.0/16")]}}});
        tenant.world.azure.put(&tenant.vnet(), network).await;
        tenant.apply(&tenant.subnet()).await;
        let wrong = tenant.condition(&tenant.subnet(), "Ready", "False", "RegionMismatch").await;
        tenant.condition(&tenant.subnet(), "Stalled", "True", "RegionMismatch").await;
        assert!(
            message(&wrong, "Ready").contains("westeurope") && message(&wrong, "Ready").contains("japaneast"),
            "{wrong:#}"
        );
        assert_eq!(format!("{:?}", tenant.writes(0).await), "[]", "before the first write");
    });
}

#[test]
fn network_in_another_group_than_the_workspace() {
    scenario("group", async |tenant| {
        let group = json!({"subscriptionId": tenant.subscription, "name": "rg-network", "location": "japaneast"});
        let scope = format!("/subscriptions/{}/resourceGroups/rg-network", tenant.subscription);
        let role = json!({"principalId": tenant.principal, "role": "Contributor", "scope": scope});
        tenant.world.azure.seed(&json!({"resourceGroups": [group], "roleAssignments": [role]})).await;
        let elsewhere = tenant.subnet().with("/spec/virtualNetwork/resourceGroup", "rg-network");
        tenant.files(&[]).await;
        tenant.apply(&elsewhere).await;
        tenant.apply(&tenant.deployment()).await;
        tenant.ready(&elsewhere).await;
        let reason = "VirtualNetworkNotInWorkspaceResourceGroup";
        let wrong = tenant.condition(&tenant.deployment(), "Stalled", "True", reason).await;
        assert!(
            message(&wrong, "Stalled").contains("rg-network") && message(&wrong, "Stalled").contains("amlrg"),
            "{wrong:#}"
        );
        let writes = tenant.writes(0).await;
        assert!(
            writes.iter().all(|entry| entry.path.contains("Microsoft.Network")),
            "before the first write of the deployment: {writes:?}"
        );
    });
}

#[test]
fn workspace_not_found() {
    scenario("workspace", async |tenant| {
        // Azure tells of an absence only who may read there; the shipped roles end at their workspace.
        let reader = json!({"principalId": tenant.principal, "role": "Contributor", "scope": tenant.group()});
        tenant.world.azure.seed(&json!({"roleAssignments": [reader]})).await;
        tenant.files(&[]).await;
        tenant.apply(&tenant.subnet()).await;
        let wrong = tenant.deployment().with("/spec/workspace/name", "nosuchws");
        tenant.apply(&wrong).await;
        tenant.condition(&wrong, "Ready", "False", "WorkspaceNotFound").await;
        let stalled = tenant.condition(&wrong, "Stalled", "True", "WorkspaceNotFound").await;
        assert!(message(&stalled, "Stalled").contains("nosuchws"), "{stalled:#}");
        let workspace = json!({
            "subscriptionId": tenant.subscription, "resourceGroup": "amlrg", "name": "nosuchws", "location": "japaneast",
            "storageAccount": tenant.account(),
        });
        tenant.world.azure.seed(&json!({"workspaces": [workspace]})).await;
        tenant.ready(&wrong).await;
    });
}

#[test]
fn service_name_taken() {
    scenario("taken", async |tenant| {
        tenant.how_to().await;
        let mark = tenant.mark().await;
        let second = tenant.deployment().named("second");
        tenant.apply(&second).await;
        let taken = tenant.condition(&second, "Ready", "False", "ServiceNameTaken").await;
        tenant.condition(&second, "Stalled", "True", "ServiceNameTaken").await;
        assert!(
            message(&taken, "Ready").contains(&format!("{}/aciservice", tenant.namespace)),
            "it says whose it is: {taken:#}"
        );
        let services: Vec<_> =
            tenant.writes(mark).await.into_iter().filter(|entry| entry.path.contains("/services")).collect();
        assert!(services.is_empty(), "{services:?}");
        tenant.delete(&second).await;
        tenant.gone(&second).await;
        tenant.ready(&tenant.deployment()).await;
    });
}

#[test]
fn image_build_failed() {
    scenario("image", async |tenant| {
        let log = "Collecting numpy\nERROR: Could not find a version\nERROR: No matching distribution found for nosuchpackage==9\nProcess exited with exit code 1\n";
        tenant.world.azure.container(&tenant.service, json!({"build": {"fail": true, "log": log}})).await;
        let failed = fails_with(tenant, "ImageBuildFailed").await;
        assert!(
            message(&failed, "Ready").contains("No matching distribution found for nosuchpackage==9"),
            "{failed:#}"
        );
        tenant.condition(&tenant.deployment(), "EnvironmentReady", "False", "ImageBuildFailed").await;
        tenant.condition(&tenant.deployment(), "Stalled", "True", "ImageBuildFailed").await;
        tenant.world.azure.container(&tenant.service, json!({})).await;
        tenant.files(&[("myenv.yml", &CONDA.replace("3.12", "3.11"))]).await;
        tenant.ready(&tenant.deployment()).await;
    });
}

#[test]
fn scoring_script_crashed() {
    scenario("crash", async |tenant| {
        let log = "Traceback (most recent call last):\n  File \"/var/azureml-app/score.py\", line 3, in init\n    os.environ[\"MODEL\"]\nKeyError: 'MODEL'\nWorker exiting\n";
        tenant.world.azure.container(&tenant.service, json!({"init": {"crash": true, "log": log}})).await;
        let crashed = fails_with(tenant, "ScoringScriptCrashed").await;
        assert!(message(&crashed, "Ready").contains("KeyError: 'MODEL'"), "{crashed:#}");
        tenant.condition(&tenant.deployment(), "ServiceHealthy", "False", "ScoringScriptCrashed").await;
        tenant.condition(&tenant.deployment(), "Stalled", "True", "ScoringScriptCrashed").await;
        tenant.world.azure.container(&tenant.service, json!({})).await;
        tenant.files(&[("score.py", "def init():\n    pass\n\n\ndef run(data):\n    return 1\n")]).await;
        tenant.ready(&tenant.deployment()).await;
    });
}

#[test]
fn quota_exceeded() {
    scenario("quota", async |tenant| {
        tenant.world.azure.container(&tenant.service, json!({"quota": true})).await;
        let exceeded = fails_with(tenant, "QuotaExceeded").await;
        assert!(message(&exceeded, "Ready").contains("StandardCores"), "{exceeded:#}");
        tenant.world.azure.container(&tenant.service, json!({})).await;
        // the same content would be tried again after ten minutes
        tenant.files(&[("score.py", "def init():\n    pass\n\n\ndef run(data):\n    return 1\n")]).await;
        tenant.ready(&tenant.deployment()).await;
    });
}

#[test]
fn forbidden() {
    scenario("forbidden", async |tenant| {
        tenant.world.azure.remove_roles(&tenant.principal).await;
        tenant.apply(&tenant.subnet()).await;
        tenant.condition(&tenant.subnet(), "Ready", "False", "Forbidden").await;
        let stalled = tenant.condition(&tenant.subnet(), "Stalled", "True", "Forbidden").await;
        assert!(message(&stalled, "Stalled").contains("Microsoft.Network/"), "it names the action: {stalled:#}");
        let role = json!({"principalId": tenant.principal, "role": "Contributor", "scope": tenant.group()});
        tenant.world.azure.seed(&json!({"roleAssignments": [role]})).await;
        tenant.ready(&tenant.subnet()).await;
    });
}

#[test]
fn adoption_refused() {
    scenario("adoption", async |tenant| {
        let network = json!({"location": "japaneast", "properties": {"addressSpace": {"addressPrefixes": [tenant.address("0.0/16")]}}});
        tenant.world.azure.put(&tenant.vnet(), network).await;
        let before = tenant.world.azure.resource(&tenant.vnet()).await;
        tenant.apply(&tenant.subnet()).await;
        let refused = tenant.condition(&tenant.subnet(), "Stalled", "True", "AdoptionRefused").await;
        assert!(message(&refused, "Stalled").contains("amlvnet1"), "{refused:#}");
        assert_eq!(tenant.world.azure.resource(&tenant.vnet()).await, before, "what is not ours is not touched");
        tenant.delete(&tenant.subnet()).await;
        tenant.gone(&tenant.subnet()).await;
        assert_eq!(tenant.world.azure.resource(&tenant.vnet()).await, before, "nor deleted");
    });
}

#[test]
fn config_map_not_found() {
    scenario("files", async |tenant| {
        tenant.apply(&tenant.subnet()).await;
        tenant.apply(&tenant.deployment()).await;
        let missing = tenant.condition(&tenant.deployment(), "Ready", "False", "ConfigMapNotFound").await;
        assert!(message(&missing, "Ready").contains("churn"), "{missing:#}");
        tenant.files(&[]).await;
        tenant.ready(&tenant.deployment()).await;
    });
}

#[test]
fn probe_failed() {
    scenario("probe", async |tenant| {
        tenant.world.azure.container(&tenant.service, json!({"score": {"status": 500, "body": {"error": "no"}}})).await;
        let failed = fails_with(tenant, "ProbeFailed").await;
        assert_eq!(acivnet_tests::kstatus::condition(&failed, "ProbePassed").1, "UnexpectedStatus");
        assert!(message(&failed, "Ready").contains("500"), "{failed:#}");
        assert_eq!(text(&failed, "/status/probeSummary"), "FAILED");
        tenant.world.azure.container(&tenant.service, json!({})).await;
        tenant.ready(&tenant.deployment()).await;
    });
}
