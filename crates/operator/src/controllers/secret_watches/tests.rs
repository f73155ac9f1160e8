use super::*;
use crate::{
    cache::{cached_object::Storage, packed::Packed},
    kubernetes::mock::{Mock, found, refused, silence},
    object::ObjectKey,
};
use acivnet_api::AciVnetDeployment;
use acivnet_azure::Priority;
use kube::runtime::{reflector, watcher::Event};
use serde_json::json;
use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};
use tokio::time::timeout;

fn deployment() -> AciVnetDeployment {
    let file = |key: &str| json!({"configMap": {"name": "churn", "key": key}});
    serde_json::from_value(json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "AciVnetDeployment",
        "metadata": {"name": "churn", "namespace": "ml", "uid": "u", "generation": 1},
        "spec": {"backend": {"type": "AzureMLWebService"}, "network": {"subnetRef": {"name": "s"}}, "workspace": {"name": "w"},
            "model": {"name": "m", "source": file("model.pkl")}, "scoring": {"script": file("score.py")},
            "environment": {"name": "e", "conda": file("e.yml")}, "resources": {"cpu": "1", "memory": "1G"},
            "auth": {"type": "Key", "keys": {"secretRef": {"name": "keys"}}}}}))
    .unwrap()
}

/// A context that knows one deployment, which names the Secret `keys`, and whose first reconcile is over.
async fn ctx(mock: &Mock) -> Arc<Ctx> {
    let ((deployments, mut writer), (subnets, _), (config_maps, _)) =
        (reflector::store(), reflector::store(), reflector::store());
    writer.apply_watcher_event(&Event::Apply(Packed::of(deployment()).unwrap().cached(&Storage::default())));
    let ctx = mock.ctx();
    ctx.stores.fill(subnets, deployments, config_maps);
    ctx.queue.seen(&ObjectKey::new::<AciVnetDeployment>("ml", "churn"), 1);
    assert!(is_reconciled(&ctx, 1).await);
    let following = Arc::clone(&ctx);
    tokio::spawn(async move { follow(&following).await });
    ctx
}

/// Whether a reconcile is wanted within so many seconds.
async fn is_reconciled(ctx: &Ctx, seconds: u64) -> bool {
    let next = ctx.queue.next(|_| Some((Priority::Sweep, 0)));
    match timeout(Duration::from_secs(seconds), next).await {
        Ok(key) => {
            assert_eq!(&*key.name, "churn");
            ctx.queue.done(&key, None);
            true
        }
        Err(_) => false,
    }
}

fn read(ctx: &Ctx, version: &str) {
    ctx.secret_watches.read("ml", "keys", Some(("u".into(), version.into())));
}

#[tokio::test(start_paused = true)]
async fn a_changed_secret_has_a_pass_at_once_and_then_no_more_often_than_every_five_seconds() {
    let version = Arc::new(AtomicU32::new(7));
    let stands = Arc::clone(&version);
    let mock = Mock::new(move |request| {
        assert_eq!(request.line(), "GET /api/v1/namespaces/ml/secrets");
        assert!(request.query.contains("fieldSelector=metadata.name%3Dkeys"), "{}", request.query);
        let version = stands.load(Ordering::SeqCst).to_string();
        found(&json!({"type": "ADDED", "object": {"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata",
            "metadata": {"namespace": "ml", "name": "keys", "uid": "u", "resourceVersion": version}}}))
    });
    let ctx = ctx(&mock).await;
    read(&ctx, "7");
    assert!(!is_reconciled(&ctx, 60).await, "it is as it was read");
    version.store(8, Ordering::SeqCst);
    assert!(is_reconciled(&ctx, 3).await);
    assert!(!is_reconciled(&ctx, 4).await, "the next one waits");
    read(&ctx, "8");
    assert!(!is_reconciled(&ctx, 60).await, "it was read");
}

#[tokio::test(start_paused = true)]
async fn without_the_right_it_is_tried_again_every_five_minutes() {
    let mock = Mock::new(|_| refused(403, "Forbidden"));
    let ctx = ctx(&mock).await;
    for _ in 0..100 {
        read(&ctx, "7");
        assert!(!is_reconciled(&ctx, 10).await);
    }
    assert!((3..=4).contains(&mock.requests().len()), "1,000 seconds");
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_nobody_names_is_not_watched() {
    let mock = Mock::new(|_| silence());
    let ctx = ctx(&mock).await;
    ctx.secret_watches.read("ml", "other", None);
    assert!(!is_reconciled(&ctx, 10).await);
    assert!(mock.requests().is_empty());
    assert!(ctx.secret_watches.lock().read.is_empty(), "its place is another's");
}

#[test]
fn no_more_are_watched_than_there_is_room_for() {
    let watches = SecretWatches::default();
    for at in 0..MOST {
        watches.read("ml", &at.to_string(), None);
    }
    assert_eq!(watches.lock().read.len(), MOST_OF_ONE, "a namespace leaves places to others");
    for at in 0..MOST {
        watches.read(&format!("team-{at}"), "keys", None);
    }
    assert_eq!((watches.fresh().len(), watches.lock().read.len()), (MOST, MOST));
}
