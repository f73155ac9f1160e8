//! Secrets put into every input appear in no output.

use acivnet_tests::{
    logs, run,
    tenant::{CONDA, Form, Tenant},
    world::World,
};
use serde_json::json;

/// All that anybody but Azure gets to see of a tenant.
async fn outputs(tenant: &Tenant<'_>) -> Vec<(&'static str, String)> {
    let mut objects = String::new();
    for object in [tenant.subnet(), tenant.deployment()] {
        let stands = tenant.get(&object).await.unwrap_or_default();
        objects.push_str(&format!("{}{}", stands["status"], stands["metadata"]["finalizers"]));
    }
    vec![
        ("status", objects),
        ("events", tenant.events().await.join("\n")),
        ("logs", logs::all()),
        ("metrics", tenant.world.metrics().await),
    ]
}

/// The outputs were looked at with the word in place, or the test would pass without any.
async fn assert_clean(tenant: &Tenant<'_>, canaries: &[&str]) {
    for (what, text) in outputs(tenant).await {
        assert!(!text.is_empty(), "{what} are empty");
        for canary in canaries {
            assert!(!text.contains(canary), "{canary} appears in {what}: {}", around(&text, canary));
        }
        assert!(!text.contains("eyJhbGciOi"), "a token appears in {what}: {}", around(&text, "eyJhbGciOi"));
    }
}

fn around(text: &str, word: &str) -> String {
    text.lines()
        .filter(|line| line.contains(word))
        .take(3)
        .map(|line| line.chars().take(600).collect::<String>())
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn client_secret() {
    run(async {
        let tenant = Tenant::with_identity(World::shared().await, "canary", Form::Secret).await;
        tenant.how_to().await;
        assert_clean(&tenant, &[&tenant.secret]).await;
        tenant.credentials("canary-no-longer-right").await;
        tenant.annotate(&tenant.subnet(), acivnet_api::RECONCILE_REQUESTED_AT, "now").await;
        tenant.condition(&tenant.subnet(), "CredentialsValid", "False", "CredentialsRefused").await;
        assert_clean(&tenant, &[&tenant.secret, "canary-no-longer-right"]).await;
    });
}

#[test]
fn user_info_in_the_conda_file() {
    run(async {
        let tenant = Tenant::new(World::shared().await, "canary").await;
        let conda =
            CONDA.replace("azureml-defaults", "--extra-index-url https://user:canary-conda@index.example/simple");
        tenant.files(&[("myenv.yml", &conda)]).await;
        tenant.apply(&tenant.subnet()).await;
        tenant.apply(&tenant.deployment()).await;
        tenant.condition(&tenant.deployment(), "Stalled", "True", "CondaFileInvalid").await;
        assert_clean(&tenant, &["canary-conda"]).await;
        let stored = tenant.world.azure.dump().await.to_string();
        assert!(!stored.contains("canary-conda"), "nor is it given to Azure");
    });
}

#[test]
fn foreign_text() {
    run(async {
        let tenant = Tenant::new(World::shared().await, "canary").await;
        let log = "Looking in indexes: https://user:canary-build@index.example/simple\n\
                   ERROR: 403 for https://x.blob.core.windows.net/c/b?sv=2024&sig=canary-sas%3D&se=2026 password=canary-word\n";
        tenant.world.azure.container(&tenant.service, json!({"build": {"fail": true, "log": log}})).await;
        tenant.files(&[]).await;
        tenant.apply(&tenant.subnet()).await;
        tenant.apply(&tenant.deployment()).await;
        let failed = tenant.condition(&tenant.deployment(), "Ready", "False", "ImageBuildFailed").await;
        assert!(super::message(&failed, "Ready").contains("403 for https://x.blob.core.windows.net"), "{failed:#}");
        assert_clean(&tenant, &["canary-build", "canary-sas", "canary-word"]).await;

        let log = "Traceback (most recent call last):\nConnectionError: https://user:canary-trace@store.example?sig=canary-sig refused\n";
        tenant.world.azure.container(&tenant.service, json!({"init": {"crash": true, "log": log}})).await;
        tenant.files(&[("myenv.yml", &CONDA.replace("3.12", "3.11"))]).await;
        let crashed = tenant.condition(&tenant.deployment(), "Ready", "False", "ScoringScriptCrashed").await;
        assert!(super::message(&crashed, "Ready").contains("ConnectionError"), "{crashed:#}");
        assert_clean(&tenant, &["canary-trace", "canary-sig"]).await;
    });
}

/// Azure's own errors may quote what they were given.
#[test]
fn errors_of_azure() {
    run(async {
        let tenant = Tenant::new(World::shared().await, "canary").await;
        let body = json!({"error": {"code": "InvalidRequestContent", "message": "bad https://x.blob.core.windows.net/c?sv=1&sig=canary-arm&se=2 with bearer canary.arm.token.longer"}});
        let fault = json!({"method": "PUT", "path": format!("{}.*networkSecurityGroups", tenant.subscription), "status": 400, "body": body, "times": 2});
        tenant.world.azure.fault(fault).await;
        let blob = json!({"method": "PUT", "path": format!("/{}", tenant.namespace), "status": 403, "body": "sig=canary-blob"});
        tenant.world.azure.fault(blob).await;
        tenant.files(&[]).await;
        tenant.apply(&tenant.subnet()).await;
        tenant
            .until(&tenant.subnet(), "it says what Azure refused", |stands| {
                stands.to_string().contains("InvalidRequestContent") || stands.to_string().contains("InvalidSpec")
            })
            .await;
        assert_clean(&tenant, &["canary-arm", "canary.arm", "canary-blob"]).await;
    });
}

/// Values of Secrets that the spec names go to Azure and nowhere else.
#[test]
fn secrets_that_the_spec_names() {
    run(async {
        let tenant = Tenant::new(World::shared().await, "canary").await;
        let (role, account) = ("rbac.authorization.k8s.io", "acivnet-operator");
        let binding = json!({
            "roleRef": {"apiGroup": role, "kind": "ClusterRole", "name": "acivnet-secrets"},
            "subjects": [{"kind": "ServiceAccount", "name": account, "namespace": "acivnet-system"}],
        });
        tenant.put::<k8s_openapi::api::rbac::v1::RoleBinding>("acivnet-secrets", binding).await;
        let secret = async |name: &str, data: serde_json::Value| {
            tenant.put::<k8s_openapi::api::core::v1::Secret>(name, json!({"stringData": data})).await;
        };
        secret("churn-keys", json!({"primary": "canary-key-one", "secondary": "canary-key-two"})).await;
        secret("store", json!({"password": "canary-store-one"})).await;
        let traceback = "Traceback (most recent call last):\nValueError: canary-store-one is wrong\n";
        tenant.world.azure.container(&tenant.service, json!({"init": {"crash": true, "log": traceback}})).await;
        tenant.files(&[]).await;
        tenant.apply(&tenant.subnet()).await;
        let keyed = tenant
            .deployment()
            .with("/spec/auth", json!({"type": "Key", "keys": {"secretRef": {"name": "churn-keys"}}}))
            .with("/spec/scoring/environmentVariables", json!([acivnet_tests::examples::from_secret()]));
        tenant.apply(&keyed).await;
        let crashed = tenant.condition(&keyed, "Ready", "False", "ScoringScriptCrashed").await;
        assert!(super::message(&crashed, "Ready").contains("ValueError: *** is wrong"), "{crashed:#}");
        assert_clean(&tenant, &["canary-key-one", "canary-key-two", "canary-store-one"]).await;

        tenant.world.azure.container(&tenant.service, json!({})).await;
        secret("churn-keys", json!({"primary": "canary-key-three", "secondary": "canary-key-four"})).await;
        secret("store", json!({"password": "canary-store-two"})).await;
        tenant.annotate(&keyed, acivnet_api::RECONCILE_REQUESTED_AT, "now").await;
        tenant.ready(&keyed).await;
        let stored = tenant.world.azure.dump().await.to_string();
        assert!(stored.contains("canary-store-two"), "the web service has the variable");
        assert_clean(&tenant, &["canary-key-three", "canary-key-four", "canary-store-two"]).await;
    });
}

/// The value of a variable is in the spec, where its owner put it, and nowhere else.
#[test]
fn environment_variables() {
    run(async {
        let tenant = Tenant::new(World::shared().await, "canary").await;
        tenant.how_to().await;
        let variable = |value: &str| json!([{"name": "API_PASSWORD", "value": value}]);
        let with = |value: &str| tenant.deployment().with("/spec/scoring/environmentVariables", variable(value));
        tenant.apply(&with("canary-env-one")).await;
        tenant.ready(&tenant.deployment()).await;
        tenant.apply(&with("canary-env-two").with("/spec/suspend", true)).await;
        tenant.condition(&tenant.deployment(), "Stalled", "True", "Suspended").await;
        assert_clean(&tenant, &["canary-env-one", "canary-env-two"]).await;
    });
}
