//! Files in ConfigMaps: digests cached by uid and resourceVersion, bytes read when they are needed.

mod directories;

use crate::{
    cache::{
        bounded::{Bounded, Weigh},
        locks::Locks,
        named::ObjectVersion,
        secrets::{self, Secrets},
        stores::Stores,
    },
    kubernetes,
    monitoring::metrics::Metrics,
};
use acivnet_api::{ConfigMapKey, SecretKeyRef, conditions::reasons};
use acivnet_azure::{Azure, Keys, ModelLimits, PayloadStream, Payloads, Secret};
use acivnet_core::{
    blueprint::{Payload, PayloadSource},
    describe::conda,
    failure::Failure,
    observed::Fact,
    owner::sha256_hex,
    questions::SourceDirectory,
    retry::Retry,
};
use bytes::Bytes;
use directories::Directories;
pub(crate) use directories::KEPT as KEPT_DIRECTORIES;
use futures::{StreamExt, stream};
use k8s_openapi::{api::core::v1::ConfigMap, apimachinery::pkg::apis::meta::v1::ObjectMeta};
use kube::Api;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    str::from_utf8,
    sync::{Mutex, PoisonError},
};
use tokio::sync::Semaphore;

/// What is kept of all ConfigMaps between two reconciles, in bytes: digests of the keys that objects name, and the text of
/// conda files (test `what_is_kept_has_a_bound_however_many_config_maps_are_named`).
pub(crate) const KEPT: usize = 8 << 20;
/// How many keys of one ConfigMap are kept, so that somebody who keeps changing which key is named does not fill the
/// memory.
pub(crate) const KEPT_KEYS: usize = 1024;
/// Most files of a directory, of a model or beside the script: the fact about it lists each.
pub(crate) const MOST_FILES: usize = 500;
/// Size of the pieces in which bytes are handed to an upload.
const PIECE: usize = 64 << 10;

/// Where ConfigMaps are read.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) kube: &'a kube::Client,
    /// Which versions the watches have seen.
    pub(crate) stores: &'a Stores,
    /// Bounds reads of what may be large.
    pub(crate) large_reads: &'a Semaphore,
}

/// What is known of the ConfigMaps that deployments name.
pub struct ConfigMaps {
    known: Mutex<Bounded<Name, CachedConfigMap>>,
    readers: Locks,
    directories: Directories,
}

/// Namespace and name.
type Name = (String, String);

struct CachedConfigMap {
    version: ObjectVersion,
    /// By key; none where this version has no such key.
    files: BTreeMap<String, Option<File>>,
    /// Every key, or why they are too many.
    listed: Option<Result<Value, usize>>,
}

#[derive(Clone)]
struct File {
    digest: String,
    size: usize,
    /// Only of what was asked for as text.
    text: Text,
}

#[derive(Clone)]
enum Text {
    Unasked,
    Known(String),
    /// It is no text, or too long.
    None,
}

impl Default for ConfigMaps {
    fn default() -> Self {
        let (readers, directories) = (Locks::default(), Directories::default());
        Self { known: Mutex::new(Bounded::new(KEPT)), readers, directories }
    }
}

impl ConfigMaps {
    /// The fact for one key. `text` asks for the content as well.
    pub(crate) async fn fact(&self, source: Source<'_>, namespace: &str, key: &ConfigMapKey, text: bool) -> Fact {
        let _reading = self.readers.lock(&format!("{namespace}/{}", key.name)).await;
        let at_hand = |known: &CachedConfigMap| {
            let file = known.files.get(&key.key)?;
            let unasked = matches!(file, Some(File { text: Text::Unasked, .. }));
            (!text || !unasked).then(|| fact(file.as_ref(), text))
        };
        if let Some(fact) = self.known(source, namespace, &key.name, at_hand) {
            return fact;
        }
        let read = |map: &ConfigMap, known: &mut CachedConfigMap| {
            let file = bytes(map, &key.key).map(|bytes| File::of(bytes, text));
            let fact = fact(file.as_ref(), text);
            known.note(&key.key, file);
            fact
        };
        self.read(source, namespace, &key.name, read).await
    }

    /// Every key with its digest.
    pub(crate) async fn files(&self, source: Source<'_>, namespace: &str, name: &str) -> Fact {
        let _reading = self.readers.lock(&format!("{namespace}/{name}")).await;
        let at_hand = |known: &CachedConfigMap| known.listed.as_ref().map(|listed| listed_fact(name, listed));
        if let Some(fact) = self.known(source, namespace, name, at_hand) {
            return fact;
        }
        let read = |map: &ConfigMap, known: &mut CachedConfigMap| listed_fact(name, known.listed.insert(listed(map)));
        self.read(source, namespace, name, read).await
    }

    /// The fact about the directory that the script and the files beside it are packed as.
    pub(crate) async fn directory(&self, source: Source<'_>, namespace: &str, directory: &SourceDirectory) -> Fact {
        self.directories.fact(source, namespace, directory).await
    }

    /// Forgets a ConfigMap that is gone.
    pub(crate) fn forget(&self, namespace: &str, name: &str) {
        self.directories.forget(namespace, name);
        self.lock().forget(&(namespace.to_owned(), name.to_owned()));
    }

    /// What `look` finds in what is known of a ConfigMap, if that is of the version that the watch has seen.
    fn known<T>(
        &self,
        source: Source<'_>,
        namespace: &str,
        name: &str,
        look: impl FnOnce(&CachedConfigMap) -> Option<T>,
    ) -> Option<T> {
        let version = source.stores.config_map_version(namespace, name)?;
        let mut all = self.lock();
        look(all.get(&(namespace.to_owned(), name.to_owned())).filter(|known| known.version == version)?)
    }

    /// Reads a ConfigMap, and keeps of it what `note` notes.
    async fn read(
        &self,
        source: Source<'_>,
        namespace: &str,
        name: &str,
        note: impl FnOnce(&ConfigMap, &mut CachedConfigMap) -> Fact,
    ) -> Fact {
        let _turn = source.large_reads.acquire().await;
        match get(source.kube, namespace, name).await {
            Ok(None) => {
                self.forget(namespace, name);
                Fact::Absent
            }
            Ok(Some(map)) => {
                let (at, version) = ((namespace.to_owned(), name.to_owned()), version(&map));
                let known = self.lock().forget(&at).filter(|known| known.version == version);
                let mut known =
                    known.unwrap_or_else(|| CachedConfigMap { version, files: BTreeMap::new(), listed: None });
                let fact = note(&map, &mut known);
                self.lock().keep(at, known);
                fact
            }
            Err(failure) => Fact::Unread(failure),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Bounded<Name, CachedConfigMap>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CachedConfigMap {
    /// Notes a key. Who changes what is named over and over does not fill the memory.
    fn note(&mut self, key: &str, file: Option<File>) {
        if self.files.len() >= KEPT_KEYS {
            self.files.clear();
        }
        self.files.insert(key.to_owned(), file);
    }
}

impl Weigh for Name {
    fn weight(&self) -> usize {
        self.0.len() + self.1.len()
    }
}

impl Weigh for CachedConfigMap {
    fn weight(&self) -> usize {
        let text = |file: &File| if let Text::Known(text) = &file.text { text.len() } else { 0 };
        let file = |(key, file): (&String, &Option<File>)| FILE + key.len() + file.as_ref().map_or(0, text);
        let listed = match &self.listed {
            Some(Ok(Value::Array(files))) => files.len() * LISTED,
            _ => 0,
        };
        self.version.0.len() + self.version.1.len() + self.files.iter().map(file).sum::<usize>() + listed
    }
}

/// What a file takes beside its name and text, in bytes: a digest, and its place.
const FILE: usize = 192;
/// What a listed file takes, its name included, in bytes.
const LISTED: usize = 768;

fn listed(map: &ConfigMap) -> Result<Value, usize> {
    let (data, binary) = (map.data.iter().flatten(), map.binary_data.iter().flatten());
    let files: BTreeMap<&String, &[u8]> = data
        .map(|(key, text)| (key, text.as_bytes()))
        .chain(binary.map(|(key, bytes)| (key, bytes.0.as_slice())))
        .collect();
    if files.len() > MOST_FILES {
        return Err(files.len());
    }
    let file = |(key, bytes): (&String, &[u8])| json!({"key": key, "digest": digest(bytes), "size": bytes.len()});
    Ok(files.into_iter().map(file).collect())
}

fn listed_fact(name: &str, listed: &Result<Value, usize>) -> Fact {
    match listed {
        Ok(files) => Fact::Present(files.clone()),
        Err(count) => Fact::Unread(too_many(name, *count)),
    }
}

/// A directory of more files than are taken.
fn too_many(name: &str, count: usize) -> Failure {
    let message = format!(
        "ConfigMap {name} has {count} keys, more than the {MOST_FILES} files that a directory may have; pack them as one file"
    );
    Failure::local("TooManyFiles", message, Retry::Slowly, reasons::INVALID_SPEC)
}

impl File {
    fn of(bytes: &[u8], text: bool) -> Self {
        let text = match from_utf8(bytes) {
            _ if !text => Text::Unasked,
            Ok(text) if text.len() <= conda::LONGEST => Text::Known(text.to_owned()),
            _ => Text::None,
        };
        Self { digest: digest(bytes), size: bytes.len(), text }
    }
}

fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", sha256_hex(&[bytes]))
}

fn fact(file: Option<&File>, text: bool) -> Fact {
    let Some(File { digest, size, text: content }) = file else { return Fact::Absent };
    match content {
        Text::Known(content) if text => Fact::Present(json!({"digest": digest, "size": size, "text": content})),
        _ => Fact::Present(json!({"digest": digest, "size": size})),
    }
}

fn version(map: &ConfigMap) -> ObjectVersion {
    let meta = &map.metadata;
    (meta.uid.clone().unwrap_or_default(), meta.resource_version.clone().unwrap_or_default())
}

/// Files that are UTF-8 stand in `data`, others in `binaryData`.
fn bytes<'m>(map: &'m ConfigMap, key: &str) -> Option<&'m [u8]> {
    let text = map.data.as_ref().and_then(|data| data.get(key)).map(String::as_bytes);
    text.or_else(|| map.binary_data.as_ref().and_then(|data| data.get(key)).map(|bytes| bytes.0.as_slice()))
}

async fn get(kube: &kube::Client, namespace: &str, name: &str) -> Result<Option<ConfigMap>, Failure> {
    let found = Api::<ConfigMap>::namespaced(kube.clone(), namespace).get_opt(name).await;
    found.map_err(|error| {
        kubernetes::failure(&format!("ConfigMap {name} of namespace {namespace} can't be read"), &error)
    })
}

/// The content of one key.
pub(crate) async fn content(kube: &kube::Client, namespace: &str, key: &ConfigMapKey) -> Result<Bytes, Failure> {
    let map = get(kube, namespace, &key.name).await?;
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
    pub kube: &'a kube::Client,
    pub metrics: &'a Metrics,
    /// What models behind a URI may be.
    pub limits: &'a ModelLimits,
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
        secrets::keep(self.kube, self.metrics, (self.namespace, self.owner), secret, keys).await
    }

    async fn open(&self, payload: &Payload) -> Result<PayloadStream, Failure> {
        let bytes = match &payload.source {
            PayloadSource::ConfigMap(key) => content(self.kube, self.namespace, key).await?,
            PayloadSource::Text(text) => Bytes::from_static(text.as_bytes()),
            PayloadSource::Uri { uri, etag } => {
                return self.azure.model_bytes(uri, etag, self.limits).await;
            }
            PayloadSource::SourceDirectory(directory) => {
                directories::content(self.kube, self.namespace, directory).await?
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
