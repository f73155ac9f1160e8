//! Files in ConfigMaps, against a scripted API server.

use super::*;
use crate::{
    ctx::Ctx,
    kubernetes::mock::{Mock, found, refused},
};
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
            "data": {"score.py": "abc", "long.yml": "x".repeat(conda::LONGEST), "longer.yml": "x".repeat(conda::LONGEST + 1)},
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
    let fact = async |name: &str, file: &str, text| {
        ctx.config_maps.fact(ctx.config_map_source(), "ml", &key(name, file), text).await
    };
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
    assert_eq!(long["text"].as_str().map(str::len), Some(conda::LONGEST));
    let Fact::Present(longer) = fact("churn", "longer.yml", true).await else { panic!() };
    assert_eq!((longer["size"].as_u64(), longer.get("text")), (Some(conda::LONGEST as u64 + 1), None));
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
        ("score.py", true, 1),
        ("score.py", true, 0),
        ("score.py", false, 0),
        ("missing", false, 1),
        ("missing", true, 0),
        ("longer.yml", true, 1),
        ("longer.yml", true, 0),
    ] {
        let fact = ctx.config_maps.fact(ctx.config_map_source(), "ml", &key("churn", file), text).await;
        assert!(!matches!(fact, Fact::Unread(_)), "{file}");
        assert_eq!(mock.lines().len(), reads, "{file} {text}");
    }
    let ctx = mock.ctx();
    seen_by_watch(&ctx, "8");
    for _ in 0..2 {
        ctx.config_maps.fact(ctx.config_map_source(), "ml", &key("churn", "score.py"), false).await;
    }
    assert_eq!(mock.lines().len(), 2, "a version that the watch does not know is not trusted");
}

#[tokio::test]
async fn payloads_come_in_pieces() {
    let ctx = churn().ctx();
    let azure = ctx.azure.session(&nobody());
    let (owner, secrets) = (ObjectMeta::default(), Secrets::default());
    let files = Files {
        kube: &ctx.kube,
        metrics: &ctx.metrics,
        limits: &ctx.options.models,
        namespace: "ml",
        owner: &owner,
        secrets: &secrets,
        azure: &azure,
    };
    let payload = |source| Payload { source, container: "c".into(), path: "p".into(), digest: String::new(), size: 0 };
    let stream = files.open(&payload(PayloadSource::ConfigMap(key("churn", "long.yml")))).await.unwrap();
    let all: Vec<Bytes> = stream.try_collect().await.unwrap();
    assert_eq!(all.concat().len(), conda::LONGEST);
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
    let files = fact_of(ctx.config_maps.files(ctx.config_map_source(), "ml", "churn").await);
    let keys: Vec<_> = files.as_array().unwrap().iter().map(|file| file["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["long.yml", "longer.yml", "model.pkl", "score.py"]);
    assert_eq!(files[2]["size"], 4);
    assert_eq!(ctx.config_maps.files(ctx.config_map_source(), "ml", "other").await, Fact::Absent);
    assert!(matches!(ctx.config_maps.files(ctx.config_map_source(), "ml", "broken").await, Fact::Unread(_)));
}

#[tokio::test]
async fn a_packed_directory_has_the_digest_of_its_bytes_and_is_read_once() {
    let mock = churn();
    let ctx = mock.ctx();
    seen_by_watch(&ctx, "7");
    let directory = |script: &str, extra: &str| SourceDirectory { script: key("churn", script), extra: extra.into() };
    let wanted = directory("score.py", "churn");
    let fact = fact_of(ctx.config_maps.directory(ctx.config_map_source(), "ml", &wanted).await);
    let source = PayloadSource::SourceDirectory(wanted.clone());
    let payload = Payload { source, container: "c".into(), path: "p".into(), digest: String::new(), size: 0 };
    let azure = ctx.azure.session(&nobody());
    let (owner, secrets) = (ObjectMeta::default(), Secrets::default());
    let files = Files {
        kube: &ctx.kube,
        metrics: &ctx.metrics,
        limits: &ctx.options.models,
        namespace: "ml",
        owner: &owner,
        secrets: &secrets,
        azure: &azure,
    };
    let stream = files.open(&payload).await.unwrap();
    let bytes = stream.try_collect::<Vec<Bytes>>().await.unwrap().concat();
    assert_eq!(fact["size"], bytes.len());
    assert_eq!(fact["digest"], format!("sha256:{}", sha256_hex(&[&bytes])));
    let reads = mock.lines().len();
    assert_eq!(fact_of(ctx.config_maps.directory(ctx.config_map_source(), "ml", &wanted).await), fact);
    assert_eq!(mock.lines().len(), 0, "{reads} reads before, none for versions that are known");
    for (script, extra) in [("missing", "churn"), ("score.py", "other")] {
        assert_eq!(
            ctx.config_maps.directory(ctx.config_map_source(), "ml", &directory(script, extra)).await,
            Fact::Absent
        );
    }
}

/// ConfigMaps that are as large as they can be, each another one.
fn large() -> Mock {
    Mock::new(|request| {
        let name = request.path.rsplit('/').next().unwrap_or_default();
        let text = |key: usize| (format!("k{key:02}"), format!("{name}{key}").repeat(1_000).into());
        let mut data: serde_json::Map<_, _> = (0..60).map(text).collect();
        data.insert("env.yml".into(), "x".repeat(conda::LONGEST).into());
        found(&json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "ml", "uid": name, "resourceVersion": "1"}, "data": data}))
    })
}

#[tokio::test]
async fn what_is_kept_has_a_bound_however_many_config_maps_are_named() {
    let ctx = large().ctx();
    let kept = |ctx: &Ctx| ctx.config_maps.lock().weight();
    for map in 0..200 {
        for (file, text) in [("k00", false), ("env.yml", true), ("missing.py", false)] {
            ctx.config_maps.fact(ctx.config_map_source(), "ml", &key(&format!("m{map}"), file), text).await;
        }
    }
    assert!((KEPT - 2 * conda::LONGEST..=KEPT).contains(&kept(&ctx)), "{}", kept(&ctx));
    let ctx = large().ctx();
    for map in 0..200 {
        ctx.config_maps.fact(ctx.config_map_source(), "ml", &key(&format!("m{map}"), "k00"), false).await;
    }
    assert!(kept(&ctx) < 200 * 512, "of a key that is not asked for as text only the digest is kept: {}", kept(&ctx));
    // who names another key each time does not fill the memory of others
    for file in 0..3 * KEPT_KEYS {
        ctx.config_maps.fact(ctx.config_map_source(), "ml", &key("m0", &format!("n{file}")), false).await;
    }
    assert!(kept(&ctx) < 200 * 512 + KEPT_KEYS * 256, "{}", kept(&ctx));
}

#[tokio::test]
async fn a_directory_of_too_many_files_is_refused_by_number() {
    let files = |count: usize| {
        Mock::new(move |_| {
            let data: serde_json::Map<_, _> = (0..count).map(|at| (format!("f{at}"), "x".into())).collect();
            found(&json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "many", "namespace": "ml", "uid": "u", "resourceVersion": "1"}, "data": data}))
        })
        .ctx()
    };
    let ctx = files(MOST_FILES);
    assert!(matches!(ctx.config_maps.files(ctx.config_map_source(), "ml", "many").await, Fact::Present(_)));
    let ctx = files(MOST_FILES + 1);
    let directory = SourceDirectory { script: key("many", "f0"), extra: "many".into() };
    for refused in [
        ctx.config_maps.files(ctx.config_map_source(), "ml", "many").await,
        ctx.config_maps.directory(ctx.config_map_source(), "ml", &directory).await,
    ] {
        let Fact::Unread(failure) = refused else { panic!("{refused:?}") };
        assert_eq!(failure.reason, reasons::INVALID_SPEC);
        assert!(failure.message.contains("501 keys, more than the 500 files"), "{}", failure.message);
    }
}
