//! Files in ConfigMaps: digests cached by uid and resourceVersion, bytes read when they are needed.

mod directories;

use crate::{
    ctx::Ctx,
    kubernetes,
    locks::Locks,
    secrets::{self, Secrets},
};
use acivnet_api::{ConfigMapKey, SecretKeyRef, conditions::reasons};
use acivnet_azure::{Azure, Keys, PayloadStream, Payloads, Secret};
use acivnet_core::{
    blueprint::{Payload, PayloadSource},
    failure::Failure,
    observed::Fact,
    owner::sha256_hex,
    questions::SourceDirectory,
    retry::Retry,
};
use bytes::Bytes;
use directories::Directories;
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
    directories: Directories,
}

struct Known {
    version: Version,
    files: BTreeMap<String, File>,
}

/// Uid and resourceVersion.
pub(crate) type Version = (String, String);

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

    /// Every key with its digest.
    pub(crate) async fn files(&self, ctx: &Ctx, namespace: &str, name: &str) -> Fact {
        let _reading = self.readers.lock(&format!("{namespace}/{name}")).await;
        let version = ctx.stores.config_map_version(namespace, name);
        if let Some(known) = self
            .lock()
            .get(&(namespace.to_owned(), name.to_owned()))
            .filter(|known| Some(&known.version) == version.as_ref())
        {
            return known.listed();
        }
        match get(ctx, namespace, name).await {
            Ok(None) => {
                self.forget(namespace, name);
                Fact::Absent
            }
            Ok(Some(map)) => {
                let known = Known::of(&map);
                let listed = known.listed();
                self.remember(namespace, name, known);
                listed
            }
            Err(failure) => Fact::Unread(failure),
        }
    }

    /// The fact about the directory that the script and the files beside it are packed as.
    pub(crate) async fn directory(&self, ctx: &Ctx, namespace: &str, directory: &SourceDirectory) -> Fact {
        self.directories.fact(ctx, namespace, directory).await
    }

    /// Forgets a ConfigMap that is gone.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        self.directories.forget(namespace, name);
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

impl Known {
    fn listed(&self) -> Fact {
        let file = |(key, file): (&String, &File)| json!({"key": key, "digest": file.digest, "size": file.size});
        Fact::Present(self.files.iter().map(file).collect())
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
    found.ok_or_else(|| gone(&format!("ConfigMap {} with key {}", key.name, key.key)))
}

fn gone(what: &str) -> Failure {
    Failure {
        status: 404,
        code: "ConfigMapNotFound".into(),
        message: format!("{what} is not there any more; create it"),
        retry: Retry::Soon,
        reason: reasons::CONFIG_MAP_NOT_FOUND,
    }
}

/// The payloads of one object.
pub(crate) struct Files<'a> {
    pub ctx: &'a Ctx,
    pub namespace: &'a str,
    /// The object whose files they are.
    pub owner: &'a ObjectMeta,
    pub secrets: &'a Secrets,
    /// Reads what lies behind a URI.
    pub azure: &'a Azure,
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
            PayloadSource::Uri { uri, etag } => {
                return self.azure.model_bytes(uri, etag, &self.ctx.models).await;
            }
            PayloadSource::SourceDirectory(directory) => {
                directories::content(self.ctx, self.namespace, directory).await?
            }
        };
        Ok(pieces(bytes).boxed())
    }
}

fn pieces(mut bytes: Bytes) -> impl futures::Stream<Item = Result<Bytes, acivnet_azure::BoxError>> + Send {
    let next = move || (!bytes.is_empty()).then(|| Ok(bytes.split_to(PIECE.min(bytes.len()))));
    stream::iter(std::iter::from_fn(next))
}

#[cfg(test)]
mod tests;
