//! A scoring script and the files beside it, packed as one: the digest cached by the versions of both ConfigMaps.

use super::{MOST_FILES, ObjectVersion, Source, bytes, digest, get, gone, too_many, version};
use crate::cache::bounded::{Bounded, Weigh};
use acivnet_api::conditions::reasons;
use acivnet_core::{
    archive::pack, describe::SOURCE_DIRECTORY, failure::Failure, observed::Fact, questions::SourceDirectory,
    retry::Retry,
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// What is kept of all directories between two reconciles, in bytes.
pub(crate) const KEPT: usize = 1 << 20;

/// By namespace and what is packed.
pub(super) struct Directories(Mutex<Bounded<DirectoryKey, CachedDirectory>>);

type DirectoryKey = (String, SourceDirectory);

/// Of which versions, and the fact.
struct CachedDirectory {
    versions: [ObjectVersion; 2],
    fact: Value,
}

impl Default for Directories {
    fn default() -> Self {
        Self(Mutex::new(Bounded::new(KEPT)))
    }
}

impl Weigh for DirectoryKey {
    fn weight(&self) -> usize {
        let (namespace, SourceDirectory { script, extra }) = self;
        namespace.len() + script.name.len() + script.key.len() + extra.len()
    }
}

impl Weigh for CachedDirectory {
    fn weight(&self) -> usize {
        // two uids and resourceVersions, a digest and a size
        512
    }
}

impl Directories {
    pub(super) async fn fact(&self, source: Source<'_>, namespace: &str, directory: &SourceDirectory) -> Fact {
        let versions =
            [&directory.script.name, &directory.extra].map(|name| source.stores.config_map_version(namespace, name));
        let key = (namespace.to_owned(), directory.clone());
        if let ([Some(script), Some(extra)], Some(known)) = (&versions, self.lock().get(&key))
            && known.versions == [script.clone(), extra.clone()]
        {
            return Fact::Present(known.fact.clone());
        }
        let _turn = source.large_reads.acquire().await;
        match read(source.kube, namespace, directory).await {
            Err(failure) => Fact::Unread(failure),
            Ok(None) => Fact::Absent,
            Ok(Some(Archive { versions, bytes })) => {
                let fact = json!({"digest": digest(&bytes), "size": bytes.len()});
                self.lock().keep(key, CachedDirectory { versions, fact: fact.clone() });
                Fact::Present(fact)
            }
        }
    }

    pub(super) fn forget(&self, namespace: &str, name: &str) {
        self.lock().retain(|(known, directory)| {
            known != namespace || !(directory.script.name == name || directory.extra == name)
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Bounded<DirectoryKey, CachedDirectory>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Archive {
    versions: [ObjectVersion; 2],
    bytes: Vec<u8>,
}

/// The packed bytes.
pub(super) async fn content(
    kube: &kube::Client,
    namespace: &str,
    directory: &SourceDirectory,
) -> Result<Bytes, Failure> {
    let SourceDirectory { script, extra } = directory;
    let packed = read(kube, namespace, directory).await?;
    let packed = packed
        .ok_or_else(|| gone(&format!("ConfigMap {} with key {}, or ConfigMap {extra},", script.name, script.key)));
    packed.map(|packed| packed.bytes.into())
}

async fn read(kube: &kube::Client, namespace: &str, directory: &SourceDirectory) -> Result<Option<Archive>, Failure> {
    let Some(extra) = get(kube, namespace, &directory.extra).await? else { return Ok(None) };
    let other = match directory.script.name == directory.extra {
        true => None,
        false => match get(kube, namespace, &directory.script.name).await? {
            None => return Ok(None),
            found => found,
        },
    };
    let script = other.as_ref().unwrap_or(&extra);
    let Some(text) = bytes(script, &directory.script.key) else { return Ok(None) };
    let keys =
        extra.data.iter().flatten().map(|(key, _)| key).chain(extra.binary_data.iter().flatten().map(|(key, _)| key));
    let mut files: BTreeMap<&str, &[u8]> = keys.filter_map(|key| Some((key.as_str(), bytes(&extra, key)?))).collect();
    if files.len() > MOST_FILES {
        return Err(too_many(&directory.extra, files.len()));
    }
    files.insert(&directory.script.key, text);
    let bytes = pack(SOURCE_DIRECTORY, &files).map_err(|error| unpackable(&directory.extra, &error))?;
    Ok(Some(Archive { versions: [version(script), version(&extra)], bytes }))
}

fn unpackable(extra: &str, error: &std::io::Error) -> Failure {
    let message = format!("the files of ConfigMap {extra} can't be packed beside the script: {error}");
    Failure::local("DirectoryNotPacked", message, Retry::Slowly, reasons::INVALID_SPEC)
}
