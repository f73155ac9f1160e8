//! What has to be known of the cluster before anything is done: what names it, and its networks.

use crate::{
    ctx::Outside,
    kubernetes::{self, networks::Networks},
    reconcile::pace::Pace,
};
use acivnet_core::retry::Retry;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt};
use std::{sync::Arc, time::Duration};
use tokio::time::sleep;

/// How often the networks of the cluster are read again: nodes come and go, and with them the networks of their Pods.
const NETWORKS_EVERY: Duration = Duration::from_secs(300);

/// What names the cluster, once its networks are known too. Tried until it succeeds.
pub(super) async fn learn(outside: &Outside, named: Option<String>, networks: &Networks, pace: Pace) -> String {
    let mut attempt = 0;
    loop {
        match try_learn(&outside.kube, named.as_deref(), networks).await {
            Ok(cluster) => return cluster,
            Err(error) => tracing::warn!(error, "the cluster can't be read yet"),
        }
        sleep(pace.before(Retry::Soon, attempt, outside.random.unit())).await;
        attempt += 1;
    }
}

async fn try_learn(kube: &kube::Client, named: Option<&str>, networks: &Networks) -> Result<String, String> {
    let cluster = match named {
        Some(named) => named.to_owned(),
        None => uid_of_cluster(kube).await?,
    };
    networks.learn(kube).await?;
    Ok(cluster)
}

async fn uid_of_cluster(kube: &kube::Client) -> Result<String, String> {
    let namespace = Api::<Namespace>::all(kube.clone()).get("kube-system").await;
    let namespace = namespace.map_err(|error| {
        let what = "namespace kube-system, whose uid names the cluster, can't be read";
        format!("{}; or set --cluster-id", kubernetes::failure(what, &error).message)
    })?;
    namespace.uid().ok_or_else(|| "namespace kube-system has no uid".to_owned())
}

/// Reads the networks again and again.
pub(super) async fn keep_learning(kube: kube::Client, networks: Arc<Networks>) {
    loop {
        sleep(NETWORKS_EVERY).await;
        if let Err(error) = networks.learn(&kube).await {
            tracing::warn!(error, "the networks of the cluster can't be read; those known before stay refused");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::{Mock, found, list, refused};
    use serde_json::json;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test(start_paused = true)]
    async fn waits_until_the_cluster_can_be_read() {
        let tries = AtomicUsize::new(0);
        let mock = Mock::new(move |request| match (request.path.as_str(), tries.fetch_add(1, Ordering::SeqCst)) {
            (_, 0) => refused(500, "InternalError"),
            ("/api/v1/namespaces/kube-system", _) => found(
                &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": "u-1"}}),
            ),
            (_, 2) => refused(403, "Forbidden"),
            (path, _) if path.ends_with("/endpointslices/kubernetes") => refused(404, "NotFound"),
            _ => list(json!([])),
        });
        let ctx = mock.ctx();
        let outside = Outside {
            kube: mock.client(),
            http: Arc::clone(&ctx.http),
            clock: Arc::clone(&ctx.clock),
            random: Arc::clone(&ctx.random),
        };
        assert_eq!(learn(&outside, None, &ctx.networks, Pace::new(1.0)).await, "u-1");
        let servicecidrs = "GET /apis/networking.k8s.io/v1/servicecidrs";
        let namespace = "GET /api/v1/namespaces/kube-system";
        let (nodes, slice) =
            ("GET /api/v1/nodes", "GET /apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes");
        assert_eq!(mock.lines(), [namespace, namespace, servicecidrs, namespace, servicecidrs, nodes, slice]);
    }
}
