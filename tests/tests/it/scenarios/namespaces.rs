//! `kubectl delete namespace` ends, and takes what is in Azure along.

use super::{life::assert_nothing_is_left, message};
use acivnet_tests::{
    kstatus, run,
    tenant::{Form, Tenant},
    world::World,
};
use serde_json::json;

fn deletion_of_a_namespace(form: Form) {
    run(async {
        let tenant = Tenant::with_identity(World::shared().await, "namespace", form).await;
        tenant.how_to().await;
        tenant.delete_namespace().await;
        tenant.namespace_gone().await;
        assert_nothing_is_left(&tenant).await;
    });
}

#[test]
fn with_a_service_account() {
    deletion_of_a_namespace(Form::ServiceAccount);
}

#[test]
fn with_a_secret() {
    deletion_of_a_namespace(Form::Secret);
}

/// An operator that starts while a namespace goes can't get a token of its ServiceAccount any more; the Secret is held.
#[test]
fn the_operator_restarts_in_the_middle() {
    run(async {
        let world = World::start().await;
        let (by_account, by_secret) = (
            Tenant::with_identity(&world, "account", Form::ServiceAccount).await,
            Tenant::with_identity(&world, "secret", Form::Secret).await,
        );
        by_account.how_to().await;
        by_secret.how_to().await;
        world.stop_operator().await;
        by_account.delete_namespace().await;
        by_secret.delete_namespace().await;
        by_account.until_deleting(&by_account.deployment()).await;
        by_secret.until_deleting(&by_secret.deployment()).await;
        by_account.until_account_gone().await;
        let mark = by_account.mark().await;
        world.start_operator().await;

        by_secret.namespace_gone().await;
        assert_nothing_is_left(&by_secret).await;

        let blocked =
            by_account.condition(&by_account.deployment(), "DeletionBlocked", "True", "CredentialsLost").await;
        assert!(
            message(&blocked, "DeletionBlocked").contains(acivnet_api::FINALIZER),
            "it says the way out: {blocked:#}"
        );
        assert_eq!(kstatus::read(&blocked), kstatus::Kstatus::Terminating);
        assert_eq!(format!("{:?}", by_account.writes(mark).await), "[]");
        assert!(world.azure.resource(&by_account.vnet()).await.is_some());
        for object in [by_account.deployment(), by_account.subnet()] {
            by_account.merge(&object, json!({"metadata": {"finalizers": null}})).await;
        }
        by_account.namespace_gone().await;
        world.stop_operator().await;
    });
}
