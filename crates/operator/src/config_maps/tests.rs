//! Files in ConfigMaps, against a scripted API server.

use super::*;
use crate::mock::{Mock, found, refused};
use futures::TryStreamExt;
use kube::{
    core::PartialObjectMeta,
    runtime::{reflector, watcher::Event},
};

fn churn() -> Mock {
    Mock::new(|request| match request.path.as_str() {
        "/api/v1/namespaces/ml/configmaps/churn" => found(&json!({
            "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": "churn", "namespace": "ml", "uid": "u", "resourceVersion": "7"},
            "data": {"score.py": "abc", "long.yml": "x".repeat(KEPT_TEXT + 1)},
            "binaryData": {"model.pkl": "gASVAA=="},
        })),
        "/api/v1/namespaces/ml/configmaps/broken" => refused(500, "InternalError"),
        _ => refused(404, "NotFound"),
    })
}

fn key(name: &str, key: &str) -> ConfigMapKey {
    ConfigMapKey { name: name.into(), key: key.into() }
}

fn nobody() -> acivnet_azure::Identity {
    acivnet_azure::Identity::client_secret("t", "c", acivnet_azure::Secret::new("s"))
}

fn seen_by_watch(ctx: &Ctx, version: &str) {
    let (store, mut writer) = reflector::store();
    let metadata = ObjectMeta {
        name: Some("churn".into()),
        namespace: Some("ml".into()),
        uid: Some("u".into()),
        resource_version: Some(version.into()),
        ..ObjectMeta::default()
    };
    let partial = PartialObjectMeta::<ConfigMap> { metadata, ..PartialObjectMeta::default() };
    writer.apply_watcher_event(&Event::Init);
    writer.apply_watcher_event(&Event::InitApply(partial));
    writer.apply_watcher_event(&Event::InitDone);
    assert!(ctx.stores.config_maps.set(store).is_ok());
}

#[tokio::test]
async fn digests_of_text_and_binary_files() {
    let ctx = churn().ctx();
    let fact = async |name: &str, file: &str, text| ctx.config_maps.fact(&ctx, "ml", &key(name, file), text).await;
    // the published SHA-256 test vector of "abc" (FIPS 180-4 examples)
    let digest = "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(fact("churn", "score.py", false).await, Fact::Present(json!({"digest": digest, "size": 3})));
    assert_eq!(
        fact("churn", "score.py", true).await,
        Fact::Present(json!({"digest": digest, "size": 3, "text": "abc"}))
    );
    let Fact::Present(model) = fact("churn", "model.pkl", true).await else { panic!("binaryData is read") };
    assert_eq!((&model["size"], model.get("text")), (&json!(4), None));
    let Fact::Present(long) = fact("churn", "long.yml", true).await else { panic!() };
    assert_eq!(long["text"].as_str().map(str::len), Some(KEPT_TEXT + 1));
    assert_eq!(fact("churn", "missing", false).await, Fact::Absent);
    assert_eq!(fact("other", "score.py", false).await, Fact::Absent);
    assert!(matches!(fact("broken", "score.py", false).await, Fact::Unread(failure) if failure.status == 500));
}

#[tokio::test]
async fn content_is_read_again_only_when_the_version_changed() {
    let mock = churn();
    let ctx = mock.ctx();
    seen_by_watch(&ctx, "7");
    for (file, text, reads) in [
        ("score.py", false, 1),
        ("score.py", true, 0),
        ("model.pkl", false, 0),
        ("missing", false, 0),
        ("long.yml", false, 0),
        ("long.yml", true, 1),
    ] {
        let fact = ctx.config_maps.fact(&ctx, "ml", &key("churn", file), text).await;
        assert!(!matches!(fact, Fact::Unread(_)), "{file}");
        assert_eq!(mock.lines().len(), reads, "{file} {text}");
    }
    let ctx = mock.ctx();
    seen_by_watch(&ctx, "8");
    for _ in 0..2 {
        ctx.config_maps.fact(&ctx, "ml", &key("churn", "score.py"), false).await;
    }
    assert_eq!(mock.lines().len(), 2, "a version that the watch does not know is not trusted");
}

#[tokio::test]
async fn payloads_come_in_pieces() {
    let ctx = churn().ctx();
    let azure = ctx.azure.pass(&nobody());
    let (owner, secrets) = (ObjectMeta::default(), Secrets::default());
    let files = Files { ctx: &ctx, namespace: "ml", owner: &owner, secrets: &secrets, azure: &azure };
    let payload = |source| Payload { source, container: "c".into(), path: "p".into(), digest: String::new(), size: 0 };
    let stream = files.open(&payload(PayloadSource::ConfigMap(key("churn", "long.yml")))).await.unwrap();
    let all: Vec<Bytes> = stream.try_collect().await.unwrap();
    assert_eq!(all.concat().len(), KEPT_TEXT + 1);
    let gone = files.open(&payload(PayloadSource::ConfigMap(key("churn", "gone")))).await.err().unwrap();
    assert_eq!(gone.reason, reasons::CONFIG_MAP_NOT_FOUND);
    let lengths: Vec<usize> =
        pieces(Bytes::from(vec![0; PIECE * 2 + 1])).map_ok(|piece| piece.len()).try_collect().await.unwrap();
    assert_eq!(lengths, [PIECE, PIECE, 1]);
    assert_eq!(pieces(Bytes::new()).count().await, 0);
}

fn fact_of(fact: Fact) -> serde_json::Value {
    match fact {
        Fact::Present(value) => value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn all_keys_in_order_of_name() {
    let ctx = churn().ctx();
    let files = fact_of(ctx.config_maps.files(&ctx, "ml", "churn").await);
    let keys: Vec<_> = files.as_array().unwrap().iter().map(|file| file["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["long.yml", "model.pkl", "score.py"]);
    assert_eq!(files[1]["size"], 4);
    assert_eq!(ctx.config_maps.files(&ctx, "ml", "other").await, Fact::Absent);
    assert!(matches!(ctx.config_maps.files(&ctx, "ml", "broken").await, Fact::Unread(_)));
}

#[tokio::test]
async fn a_packed_directory_has_the_digest_of_its_bytes_and_is_read_once() {
    let mock = churn();
    let ctx = mock.ctx();
    seen_by_watch(&ctx, "7");
    let directory = |script: &str, extra: &str| SourceDirectory { script: key("churn", script), extra: extra.into() };
    let wanted = directory("score.py", "churn");
    let fact = fact_of(ctx.config_maps.directory(&ctx, "ml", &wanted).await);
    let source = PayloadSource::SourceDirectory(wanted.clone());
    let payload = Payload { source, container: "c".into(), path: "p".into(), digest: String::new(), size: 0 };
    let azure = ctx.azure.pass(&nobody());
    let (owner, secrets) = (ObjectMeta::default(), Secrets::default());
    let files = Files { ctx: &ctx, namespace: "ml", owner: &owner, secrets: &secrets, azure: &azure };
    let stream = files.open(&payload).await.unwrap();
    let bytes = stream.try_collect::<Vec<Bytes>>().await.unwrap().concat();
    assert_eq!(fact["size"], bytes.len());
    assert_eq!(fact["digest"], format!("sha256:{}", sha256_hex(&[&bytes])));
    let reads = mock.lines().len();
    assert_eq!(fact_of(ctx.config_maps.directory(&ctx, "ml", &wanted).await), fact);
    assert_eq!(mock.lines().len(), 0, "{reads} reads before, none for versions that are known");
    for (script, extra) in [("missing", "churn"), ("score.py", "other")] {
        assert_eq!(ctx.config_maps.directory(&ctx, "ml", &directory(script, extra)).await, Fact::Absent);
    }
}
