//! The CustomResourceDefinition behind an object. One that is being deleted takes every object with it, and nobody has
//! asked for the end of what those stand for in Azure.

use crate::{ctx::Ctx, kubernetes, object::Object};
use acivnet_core::names::Names;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Error};
use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

/// After so long the API server offers of a definition what fits its state. It marks a definition as `Terminating` before
/// it deletes the objects, and offers no `create` from then on (kubernetes, apiextensions-apiserver, `crd_finalizer.go`
/// and `customresource_discovery_controller.go`); a watch and a queue lie between the two, in each API server its own. A
/// fact of theirs, so that it is never scaled.
const OFFERED: Duration = Duration::from_secs(10);

/// What the operator may know of definitions.
#[derive(Debug, Default)]
pub(crate) struct Definitions {
    /// They can't be read, since there are rights in some namespaces only.
    unreadable: AtomicBool,
}

/// What happens to the definition of an object that is being deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is there to stay: somebody deleted the object.
    Stays,
    /// It goes, and all objects with it.
    Goes,
    /// Known after a while.
    Unknown(Duration),
}

/// Whether the definition of this object, which is being deleted, is being deleted too.
pub(crate) async fn fate<S: Object>(ctx: &Ctx, cr: &S) -> Result<Fate, Error> {
    if !ctx.definitions.unreadable.load(Ordering::Relaxed) {
        match is_marked::<S>(ctx).await {
            Err(error) if kubernetes::status(&error) == 403 && !ctx.options.namespaces.is_empty() => {
                ctx.definitions.unreadable.store(true, Ordering::Relaxed);
            }
            marked => return Ok(if marked? { Fate::Goes } else { Fate::Stays }),
        }
    }
    let deleted = cr.meta().deletion_timestamp.as_ref().map_or(ctx.clock.now(), |time| time.0);
    let since = Duration::try_from(ctx.clock.now().duration_since(deleted)).unwrap_or_default();
    if since < OFFERED {
        let (namespace, name) = (cr.meta().namespace(), cr.meta().name());
        tracing::debug!(namespace, name, "whether the definition is being deleted is not known yet");
        return Ok(Fate::Unknown(OFFERED.saturating_sub(since)));
    }
    Ok(if is_offered::<S>(ctx).await? { Fate::Stays } else { Fate::Goes })
}

/// Whether the definition is marked for deletion. The API server marks it before it deletes the objects.
async fn is_marked<S: Object>(ctx: &Ctx) -> Result<bool, Error> {
    let name = format!("{}.{}", S::plural(&()), S::group(&()));
    let definition = Api::<CustomResourceDefinition>::all(ctx.kube.clone()).get_metadata_opt(&name).await?;
    Ok(definition.is_some_and(|definition| definition.metadata.deletion_timestamp.is_some()))
}

/// Whether objects of the kind can be created, as everybody who is signed in may ask (ClusterRole `system:discovery`).
async fn is_offered<S: Object>(ctx: &Ctx) -> Result<bool, Error> {
    let offered = ctx.kube.list_api_group_resources(&S::api_version(&())).await?;
    let plural = S::plural(&());
    let kind = offered.resources.iter().find(|one| one.name == plural);
    Ok(kind.is_some_and(|kind| kind.verbs.iter().any(|verb| verb == "create")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::{Mock, NoAzure, found, refused};
    use acivnet_api::DelegatedSubnet;
    use serde_json::{Value, json};

    fn deleted_at(time: &str) -> DelegatedSubnet {
        serde_json::from_value(json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
            "metadata": {"name": "a", "namespace": "ml", "deletionTimestamp": time},
            "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
                "virtualNetwork": {"name": "v"}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"}}}))
        .unwrap()
    }

    fn offering(verbs: Value) -> Mock {
        Mock::new(move |request| match request.path.as_str() {
            "/apis/acivnet.dev/v1alpha1" => found(&json!({"kind": "APIResourceList", "apiVersion": "v1",
            "groupVersion": "acivnet.dev/v1alpha1", "resources": [
                {"name": "delegatedsubnets", "singularName": "", "namespaced": true, "kind": "DelegatedSubnet", "verbs": verbs},
                {"name": "delegatedsubnets/status", "singularName": "", "namespaced": true, "kind": "DelegatedSubnet", "verbs": ["get"]},
            ]})),
            path if path.contains("/customresourcedefinitions/") => refused(403, "Forbidden"),
            path => panic!("{path}"),
        })
    }

    const NAMESPACES: [&str; 1] = ["ml"];

    #[tokio::test(start_paused = true)]
    async fn without_the_right_to_read_it_what_is_offered_of_it_tells_after_a_while() {
        for (verbs, fate_then) in [
            (json!(["get", "create", "delete"]), Fate::Stays),
            (json!(["delete", "deletecollection", "get", "list", "watch"]), Fate::Goes),
        ] {
            let mock = offering(verbs);
            let ctx = mock.ctx_in(NAMESPACES.map(str::to_owned).into(), NoAzure);
            // the clock of a test begins at 12:00:00
            let subnet = deleted_at("2026-11-22T11:59:57Z");
            let wait = Duration::from_secs(7);
            assert_eq!(fate(&ctx, &subnet).await.unwrap(), Fate::Unknown(wait));
            tokio::time::advance(wait).await;
            assert_eq!(fate(&ctx, &subnet).await.unwrap(), fate_then);
            assert_eq!(
                mock.lines(),
                [
                    "GET /apis/apiextensions.k8s.io/v1/customresourcedefinitions/delegatedsubnets.acivnet.dev",
                    "GET /apis/acivnet.dev/v1alpha1"
                ],
                "what is forbidden is asked for once"
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_offered_at_all_goes() {
        let mock = Mock::new(|request| match request.path.as_str() {
            "/apis/acivnet.dev/v1alpha1" => found(&json!({"kind": "APIResourceList", "apiVersion": "v1",
                "groupVersion": "acivnet.dev/v1alpha1", "resources": []})),
            _ => refused(403, "Forbidden"),
        });
        let ctx = mock.ctx_in(NAMESPACES.map(str::to_owned).into(), NoAzure);
        assert_eq!(fate(&ctx, &deleted_at("2026-11-22T11:59:00Z")).await.unwrap(), Fate::Goes);
    }

    #[tokio::test(start_paused = true)]
    async fn an_operator_of_the_whole_cluster_needs_its_right() {
        let ctx = offering(json!(["create"])).ctx();
        assert!(fate(&ctx, &deleted_at("2026-11-22T11:59:00Z")).await.is_err(), "nothing is decided without it");
    }
}
