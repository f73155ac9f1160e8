//! Who the namespace is towards Azure, and what can be wrong with that.

use super::message;
use acivnet_tests::{
    kstatus, run,
    tenant::{Form, Tenant},
    world::World,
};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use serde_json::{Value, json};

/// Waits until the subnet says why there is no identity; nothing was written to Azure.
async fn refused(tenant: &Tenant<'_>, reason: &str) -> Value {
    tenant.apply(&tenant.subnet()).await;
    let stands = tenant.condition(&tenant.subnet(), "CredentialsValid", "False", reason).await;
    assert_eq!(kstatus::condition(&stands, "Ready"), ("False", reason, message(&stands, "CredentialsValid")));
    assert_eq!(format!("{:?}", tenant.writes(0).await), "[]");
    stands
}

fn nobody(about: &str, play: impl AsyncFnOnce(&Tenant<'static>)) {
    run(async {
        let tenant = Tenant::without_identity(World::shared().await, about).await;
        play(&tenant).await;
        tenant.leave().await;
    });
}

#[test]
fn service_account_missing() {
    nobody("nobody", async |tenant| {
        let said = refused(tenant, "ServiceAccountNotFound").await;
        assert!(message(&said, "Ready").contains("azure.workload.identity/client-id"), "{said:#}");
        tenant.service_account(&tenant.client_id).await;
        let ready = tenant.ready(&tenant.subnet()).await;
        assert_eq!(kstatus::condition(&ready, "CredentialsValid").0, "True");
    });
}

#[test]
fn annotation_missing() {
    nobody("annotation", async |tenant| {
        let annotations = json!({"azure.workload.identity/client-id": tenant.client_id});
        tenant.put::<ServiceAccount>("acivnet", json!({"metadata": {"annotations": annotations}})).await;
        let said = refused(tenant, "AnnotationMissing").await;
        let said = message(&said, "Ready");
        assert!(said.contains("azure.workload.identity/tenant-id") && !said.contains("client-id"), "{said}");
    });
}

#[test]
fn federated_credential_mismatch() {
    nobody("federation", async |tenant| {
        tenant
            .world
            .azure
            .seed(&json!({"applications": [tenant.application("system:serviceaccount:other:acivnet")]}))
            .await;
        tenant.service_account(&tenant.client_id).await;
        let said = refused(tenant, "FederationMissing").await;
        let said = message(&said, "Ready");
        let expected = [
            tenant.world.bed.url(),
            format!("system:serviceaccount:{}:acivnet", tenant.namespace),
            "api://AzureADTokenExchange".to_owned(),
        ];
        for value in expected {
            assert!(said.contains(&value), "{value} is not in: {said}");
        }
        let right = tenant.application(&format!("system:serviceaccount:{}:acivnet", tenant.namespace));
        tenant.world.azure.seed(&json!({"applications": [right]})).await;
        tenant.ready(&tenant.subnet()).await;
    });
}

#[test]
fn unknown_application() {
    nobody("unknown", async |tenant| {
        tenant.service_account("00000099-0000-4000-8000-000000000000").await;
        refused(tenant, "CredentialsRefused").await;
    });
}

#[test]
fn wrong_secret() {
    nobody("secret", async |tenant| {
        tenant.credentials("canary-wrong-secret").await;
        let said = refused(tenant, "CredentialsRefused").await;
        assert!(
            message(&said, "Ready").contains("acivnet-azure") || message(&said, "Ready").contains("AADSTS7000215"),
            "{said:#}"
        );
        tenant.credentials(&tenant.secret).await;
        tenant.ready(&tenant.subnet()).await;
    });
}

#[test]
fn secret_key_missing() {
    nobody("key", async |tenant| {
        let data = json!({"tenantID": tenant.directory, "clientID": tenant.client_id});
        tenant.put::<Secret>("acivnet-azure", json!({"stringData": data})).await;
        let said = refused(tenant, "SecretMissing").await;
        assert!(message(&said, "Ready").contains("clientSecret"), "{said:#}");
    });
}

#[test]
fn the_secret_serves_as_well() {
    run(async {
        let tenant = Tenant::with_identity(World::shared().await, "secret", Form::Secret).await;
        tenant.how_to().await;
        tenant.delete(&tenant.deployment()).await;
        tenant.delete(&tenant.subnet()).await;
        tenant.gone(&tenant.subnet()).await;
        let secrets = kube::Api::<Secret>::namespaced(tenant.world.bed.client(), &tenant.namespace);
        let released = || async {
            let finalizers =
                secrets.get("acivnet-azure").await.expect("the Secret").metadata.finalizers.unwrap_or_default();
            if finalizers.is_empty() { Ok(()) } else { Err(format!("{finalizers:?}")) }
        };
        acivnet_tests::eventually("the Secret is released", released).await.unwrap_or_else(|why| panic!("{why}"));
    });
}
