//! Files in ConfigMaps: digests cached by uid and resourceVersion, bytes read when they are needed.

use crate::{
    ctx::Ctx,
    kubernetes,
    locks::Locks,
    secrets::{self, Secrets},
};
use acivnet_api::{ConfigMapKey, SecretKeyRef, conditions::reasons};
use acivnet_azure::{Keys, PayloadStream, Payloads, Secret};
use acivnet_core::{
    blueprint::{Payload, PayloadSource},
    failure::Failure,
    observed::Fact,
    owner::sha256_hex,
    retry::Retry,
};
use bytes::Bytes;
use futures::{StreamExt, stream};
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::Api;
use serde_json::json;
use std::{
    collections::BTreeMap,
    str::from_utf8,
    sync::{Mutex, PoisonError},
};

/// Longest text that a fact carries, in bytes.
const TEXT: usize = 256 << 10;
/// Longest text that is kept between two passes, in bytes.
const KEPT_TEXT: usize = 16 << 10;
/// Pieces in which bytes are handed on.
const PIECE: usize = 64 << 10;

/// What is known of the ConfigMaps that deployments name.
#[derive(Default)]
pub struct ConfigMaps {
    known: Mutex<BTreeMap<(String, String), Known>>,
    readers: Locks,
}

struct Known {
    version: Version,
    files: BTreeMap<String, File>,
}

/// Uid and resourceVersion.
type Version = (String, String);

#[derive(Clone)]
struct File {
    digest: String,
    size: usize,
    text: Text,
}

#[derive(Clone)]
enum Text {
    Kept(String),
    /// Too long to keep, short enough to hand out.
    Long,
    None,
}

impl ConfigMaps {
    /// The fact for one key. `text` asks for the content as well.
    pub(crate) async fn fact(&self, ctx: &Ctx, namespace: &str, key: &ConfigMapKey, text: bool) -> Fact {
        let _reading = self.readers.lock(&format!("{namespace}/{}", key.name)).await;
        if let Some(file) = self.cached(ctx, namespace, key, text) {
            return fact(file.as_ref(), text, None);
        }
        match get(ctx, namespace, &key.name).await {
            Ok(None) => {
                self.forget(namespace, &key.name);
                Fact::Absent
            }
            Ok(Some(map)) => {
                let known = Known::of(&map);
                let file = known.files.get(&key.key).cloned();
                self.remember(namespace, &key.name, known);
                fact(file.as_ref(), text, bytes(&map, &key.key))
            }
            Err(failure) => Fact::Unread(failure),
        }
    }

    /// Forgets a ConfigMap that is gone.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        self.lock().remove(&(namespace.to_owned(), name.to_owned()));
    }

    /// `Some(None)`: this version has no such key.
    fn cached(&self, ctx: &Ctx, namespace: &str, key: &ConfigMapKey, text: bool) -> Option<Option<File>> {
        let version = ctx.stores.config_map_version(namespace, &key.name)?;
        let all = self.lock();
        let known = all.get(&(namespace.to_owned(), key.name.clone())).filter(|known| known.version == version)?;
        let file = known.files.get(&key.key).cloned();
        let at_hand = !text || !matches!(file, Some(File { text: Text::Long, .. }));
        at_hand.then_some(file)
    }

    fn remember(&self, namespace: &str, name: &str, known: Known) {
        self.lock().insert((namespace.to_owned(), name.to_owned()), known);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, String), Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn of(map: &ConfigMap) -> Self {
        let version =
            (map.metadata.uid.clone().unwrap_or_default(), map.metadata.resource_version.clone().unwrap_or_default());
        let data = map.data.iter().flatten().map(|(key, text)| (key, text.as_bytes()));
        let binary = map.binary_data.iter().flatten().map(|(key, bytes)| (key, bytes.0.as_slice()));
        Self { version, files: data.chain(binary).map(|(key, bytes)| (key.clone(), File::of(bytes))).collect() }
    }
}

impl File {
    fn of(bytes: &[u8]) -> Self {
        let text = match from_utf8(bytes) {
            Ok(text) if text.len() <= KEPT_TEXT => Text::Kept(text.to_owned()),
            Ok(text) if text.len() <= TEXT => Text::Long,
            _ => Text::None,
        };
        Self { digest: format!("sha256:{}", sha256_hex(&[bytes])), size: bytes.len(), text }
    }
}

fn fact(file: Option<&File>, text: bool, content: Option<&[u8]>) -> Fact {
    let Some(file) = file else { return Fact::Absent };
    let content = match (&file.text, content.map(from_utf8)) {
        (Text::Kept(kept), _) => Some(kept.as_str()),
        (Text::Long, Some(Ok(content))) => Some(content),
        _ => None,
    };
    match content.filter(|_| text) {
        Some(content) => Fact::Present(json!({"digest": file.digest, "size": file.size, "text": content})),
        None => Fact::Present(json!({"digest": file.digest, "size": file.size})),
    }
}

/// Files that are UTF-8 stand in `data`, others in `binaryData`.
fn bytes<'m>(map: &'m ConfigMap, key: &str) -> Option<&'m [u8]> {
    let text = map.data.as_ref().and_then(|data| data.get(key)).map(String::as_bytes);
    text.or_else(|| map.binary_data.as_ref().and_then(|data| data.get(key)).map(|bytes| bytes.0.as_slice()))
}

async fn get(ctx: &Ctx, namespace: &str, name: &str) -> Result<Option<ConfigMap>, Failure> {
    let found = Api::<ConfigMap>::namespaced(ctx.kube.clone(), namespace).get_opt(name).await;
    found.map_err(|error| {
        kubernetes::failure(&format!("ConfigMap {name} of namespace {namespace} can't be read"), &error)
    })
}

/// The content of one key.
pub(crate) async fn content(ctx: &Ctx, namespace: &str, key: &ConfigMapKey) -> Result<Bytes, Failure> {
    let map = get(ctx, namespace, &key.name).await?;
    let found = map.and_then(|mut map| {
        let text = map.data.as_mut().and_then(|data| data.remove(&key.key)).map(Bytes::from);
        text.or_else(|| {
            map.binary_data.as_mut().and_then(|data| data.remove(&key.key)).map(|bytes| Bytes::from(bytes.0))
        })
    });
    found.ok_or_else(|| Failure {
        status: 404,
        code: "ConfigMapNotFound".into(),
        message: format!("ConfigMap {} with key {} is not there any more; create it", key.name, key.key),
        retry: Retry::Soon,
        reason: reasons::CONFIG_MAP_NOT_FOUND,
    })
}

/// The payloads of one object.
pub(crate) struct Files<'a> {
    pub ctx: &'a Ctx,
    pub namespace: &'a str,
    /// The object whose files they are.
    pub owner: &'a ObjectMeta,
    pub secrets: &'a Secrets,
}

#[async_trait::async_trait]
impl Payloads for Files<'_> {
    fn reveal(&self, key: &SecretKeyRef) -> Result<Secret, Failure> {
        self.secrets.value(key)
    }

    async fn keep(&self, secret: &str, keys: &Keys) -> Result<(), Failure> {
        secrets::keep(self.ctx, self.owner, self.namespace, secret, keys).await
    }

    async fn open(&self, payload: &Payload) -> Result<PayloadStream, Failure> {
        let bytes = match &payload.source {
            PayloadSource::ConfigMap(key) => content(self.ctx, self.namespace, key).await?,
            PayloadSource::Text(text) => Bytes::from_static(text.as_bytes()),
        };
        Ok(pieces(bytes).boxed())
    }
}

fn pieces(mut bytes: Bytes) -> impl futures::Stream<Item = Result<Bytes, acivnet_azure::BoxError>> + Send {
    let next = move || (!bytes.is_empty()).then(|| Ok(bytes.split_to(PIECE.min(bytes.len()))));
    stream::iter(std::iter::from_fn(next))
}

#[cfg(test)]
mod tests {
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
        let (owner, secrets) = (ObjectMeta::default(), Secrets::default());
        let files = Files { ctx: &ctx, namespace: "ml", owner: &owner, secrets: &secrets };
        let payload =
            |source| Payload { source, container: "c".into(), path: "p".into(), digest: String::new(), size: 0 };
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
}
