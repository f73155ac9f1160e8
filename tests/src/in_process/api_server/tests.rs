use super::{resources as r, store::Key, tokens::ISSUER, *};
use acivnet_api::DelegatedSubnet;
use acivnet_azure::TokioClock;
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::{ConfigMap, Secret, ServiceAccount},
    events::v1::Event,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams},
};

fn server() -> ApiServer {
    let clock = Arc::new(TokioClock::starting_at("2026-11-22T12:00:00Z".parse().unwrap()));
    let server = ApiServer::new(clock, Arc::new(SigningKey::generate().unwrap()));
    server.apply(&json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ml"}}));
    server
}

fn client(server: &ApiServer) -> kube::Client {
    let server = server.clone();
    let service = tower::service_fn(move |request| {
        let server = server.clone();
        async move {
            let (parts, body) = http::Request::<kube::client::Body>::into_parts(request);
            let body = body.collect().await.unwrap().to_bytes();
            Ok::<_, std::convert::Infallible>(server.handle(Request::from_parts(parts, body)))
        }
    });
    kube::Client::new(service, "default")
}

fn subnet(server: &ApiServer) -> Api<DelegatedSubnet> {
    let mut object = crate::examples::subnet().0;
    object["metadata"]["namespace"] = "ml".into();
    object["status"] = json!({"subnetID": "not for the user to set"});
    server.apply(&object);
    Api::namespaced(client(server), "ml")
}

fn code<T>(answer: Result<T, kube::Error>) -> (u16, String) {
    match answer {
        Err(kube::Error::Api(status)) => (status.code, status.reason.clone()),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it was accepted"),
    }
}

#[tokio::test(start_paused = true)]
async fn status_is_a_subresource_and_generation_counts_the_spec() {
    let api = subnet(&server());
    let made = api.get("amlsubnet1").await.unwrap();
    assert_eq!(
        (made.metadata.generation, made.status.as_ref().and_then(|status| status.observed_generation)),
        (Some(1), Some(-1))
    );

    let mut next = made.clone();
    next.spec.suspend = Some(true);
    next.status.as_mut().unwrap().observed_generation = Some(1);
    let written = api.replace_status("amlsubnet1", &PostParams::default(), &next).await.unwrap();
    assert_eq!((written.spec.suspend, written.metadata.generation), (None, Some(1)));
    assert_eq!(code(api.replace_status("amlsubnet1", &PostParams::default(), &next).await), (409, "Conflict".into()));

    let patch = json!({"spec": {"suspend": true}, "status": {"observedGeneration": 9}});
    let patched = api.patch("amlsubnet1", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    assert_eq!((patched.metadata.generation, patched.status.as_ref().unwrap().observed_generation), (Some(2), Some(1)));
    let again = api.patch("amlsubnet1", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
    assert_eq!(again.resource_version(), patched.resource_version(), "nothing changed, nothing is written");

    let patch: json_patch::Patch = serde_json::from_value(json!([{"op": "remove", "path": "/spec/suspend"}])).unwrap();
    let patched = api.patch("amlsubnet1", &PatchParams::default(), &Patch::<()>::Json(patch)).await.unwrap();
    assert_eq!((patched.spec.suspend, patched.metadata.generation), (None, Some(3)));
}

#[tokio::test(start_paused = true)]
async fn finalizers_hold_an_object_and_stale_versions_conflict() {
    let api = subnet(&server());
    let finalizers = |names: &[&str], version: &str| {
        Patch::Merge(json!({"metadata": {"finalizers": names, "resourceVersion": version}}))
    };
    let patch = async |names: &[&str], version: &str| {
        api.patch("amlsubnet1", &PatchParams::default(), &finalizers(names, version)).await
    };
    let held = patch(&["a/b", "c/d"], &api.get("amlsubnet1").await.unwrap().resource_version().unwrap()).await.unwrap();
    assert_eq!(held.metadata.generation, Some(1));
    assert_eq!(code(patch(&[], "1").await), (409, "Conflict".into()));

    let deleted = api.delete("amlsubnet1", &DeleteParams::default()).await.unwrap().left().expect("it still stands");
    assert!(deleted.metadata.deletion_timestamp.is_some() && deleted.metadata.generation == Some(2));
    assert_eq!(code(patch(&["a/b", "e/f"], &deleted.resource_version().unwrap()).await).0, 422, "no new finalizers");
    let one = patch(&["a/b"], &deleted.resource_version().unwrap()).await.unwrap();
    patch(&[], &one.resource_version().unwrap()).await.unwrap();
    assert_eq!(code(api.get("amlsubnet1").await), (404, "NotFound".into()));
}

#[tokio::test(start_paused = true)]
async fn a_terminating_namespace_takes_nothing_and_ends_with_its_last_object() {
    let server = server();
    server.apply(
        &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "acivnet", "namespace": "ml"}}),
    );
    let api = subnet(&server);
    api.patch("amlsubnet1", &PatchParams::default(), &Patch::Merge(json!({"metadata": {"finalizers": ["a/b"]}})))
        .await
        .unwrap();
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "acivnet-azure", "namespace": "ml", "finalizers": ["a/b"]}});
    server.apply(&secret);
    let accounts = Api::<ServiceAccount>::namespaced(client(&server), "ml");
    let namespace = Key::new(&r::NAMESPACES, "", "ml");

    let spec =
        TokenRequestSpec { audiences: vec!["api://x".into()], expiration_seconds: Some(86_400), ..Default::default() };
    let request = TokenRequest { spec, ..Default::default() };
    let token =
        accounts.create_token_request("acivnet", &PostParams::default(), &request).await.unwrap().status.unwrap().token;
    let keys = serde_json::from_value(server.0.key.jwks()).unwrap();
    let known = acivnet_simulator::StaticIssuerKeys([(ISSUER.to_owned(), keys)].into());
    assert!(acivnet_simulator::IssuerKeys::keys(&known, ISSUER).await.is_ok() && token.split('.').count() == 3);

    server.delete(&namespace);
    let refused = accounts.create_token_request("acivnet", &PostParams::default(), &request).await;
    assert_eq!(code(refused), (404, "NotFound".into()), "nothing holds the ServiceAccount");
    let event = Event {
        metadata: kube::api::ObjectMeta { name: Some("e".into()), ..Default::default() },
        ..Default::default()
    };
    let events = Api::<Event>::namespaced(client(&server), "ml");
    let Err(kube::Error::Api(status)) = events.create(&PostParams::default(), &event).await else {
        panic!("it was accepted")
    };
    assert_eq!((status.code, status.details.unwrap().causes[0].reason.as_str()), (403, "NamespaceTerminating"));

    let free = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch("amlsubnet1", &PatchParams::default(), &free).await.unwrap();
    assert!(server.with(|store| store.get(&namespace).is_ok()), "the Secret still stands");
    let secrets = Api::<Secret>::namespaced(client(&server), "ml");
    secrets.patch_metadata("acivnet-azure", &PatchParams::default(), &free).await.unwrap();
    assert!(server.with(|store| store.get(&namespace).is_err()));
}

#[tokio::test(start_paused = true)]
async fn lists_and_watches_of_metadata() {
    let server = server();
    let map = |value: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "churn", "namespace": "ml"}, "data": {"k": value}});
    server.apply(&map("1"));
    let api = Api::<ConfigMap>::all(client(&server));
    let list = api.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!((list.items.len(), list.items[0].name_any()), (1, "churn".to_owned()));
    server.apply(&map("2"));
    let params = WatchParams::default().timeout(30);
    let version = list.metadata.resource_version.unwrap();
    let events: Vec<_> = api.watch_metadata(&params, &version).await.unwrap().try_collect().await.unwrap();
    assert!(
        matches!(events.as_slice(), [WatchEvent::Modified(map), WatchEvent::Bookmark(_)] if map.name_any() == "churn"),
        "{events:?}"
    );

    let mut coming = api.watch(&params, &version).await.unwrap().boxed();
    assert!(
        matches!(coming.next().await, Some(Ok(WatchEvent::Modified(map))) if map.data.as_ref().unwrap()["k"] == "2")
    );
    server.apply(&map("3"));
    assert!(
        matches!(coming.next().await, Some(Ok(WatchEvent::Modified(map))) if map.data.as_ref().unwrap()["k"] == "3")
    );

    server.with(store::Store::compact);
    let events: Vec<_> = api.watch(&params, &version).await.unwrap().try_collect().await.unwrap();
    assert!(matches!(events.as_slice(), [WatchEvent::Error(status)] if status.code == 410), "{events:?}");
}
