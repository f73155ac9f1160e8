//! Secrets that an object names, watched with no more than the right to those few.

use super::scenario;
use acivnet_tests::tenant::Tenant;
use k8s_openapi::api::{
    core::v1::Secret,
    rbac::v1::{Role, RoleBinding},
};
use kube::Api;
use serde_json::{Value, json};
use std::time::Duration;

/// A Role of the namespace, for one Secret by its name.
async fn let_read(tenant: &Tenant<'_>, secret: &str) {
    let rule =
        json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret], "verbs": ["get", "watch"]});
    tenant.put::<Role>("keys", json!({"rules": [rule]})).await;
    let binding = json!({
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "keys"},
        "subjects": [{"kind": "ServiceAccount", "name": "acivnet-operator", "namespace": "acivnet-system"}],
    });
    tenant.put::<RoleBinding>("keys", binding).await;
}

/// The next sweep is half an hour away at the operator's own pace: nothing but the watch brings the change.
#[test]
fn a_rotated_key_is_carried_at_once() {
    scenario("watched", async |tenant| {
        let_read(tenant, "churn-keys").await;
        let keys = async |primary: &str| {
            let data = json!({"stringData": {"primary": primary, "secondary": "canary-secondary"}});
            tenant.put::<Secret>("churn-keys", data).await;
        };
        keys("canary-first").await;
        tenant.files(&[]).await;
        tenant.apply(&tenant.subnet()).await;
        let keyed = tenant
            .deployment()
            .without("/spec/probe")
            .with("/spec/drift", json!({"intervalSeconds": 86400}))
            .with("/spec/auth", json!({"type": "Key", "keys": {"secretRef": {"name": "churn-keys"}}}));
        tenant.apply(&keyed).await;
        tenant.ready(&keyed).await;
        let secrets = Api::<Secret>::namespaced(tenant.world.bed.client(), &tenant.namespace);
        for key in ["canary-second", "canary-third"] {
            // passes for the sake of the last change are over
            tokio::time::sleep(Duration::from_secs(2)).await;
            let mark = tenant.mark().await;
            keys(key).await;
            let secret = secrets.get("churn-keys").await.expect("the Secret").metadata.resource_version;
            tenant
                .until(&keyed, "the new version is carried", |stands| {
                    stands.pointer("/status/secrets/0/resourceVersion").and_then(Value::as_str) == secret.as_deref()
                })
                .await;
            let writes = tenant.writes(mark).await;
            assert!(writes.iter().any(|entry| entry.path.contains(&tenant.service)), "{writes:?}");
        }
    });
}
