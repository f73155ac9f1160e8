//! The blobs of all storage accounts, by name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::Bytes;
use jiff::Timestamp;

use super::containers::UNKNOWN;
use super::error::StorageError;
use super::sas::{Need, Signer};
use super::upload::{Received, md5_of};
use crate::call::Query;
use crate::ids::Ids;
use crate::run::Content;

/// A committed blob.
#[derive(Debug, Clone)]
pub struct Blob {
    /// Its bytes.
    pub received: Received,
    /// Quoted, as the header has it.
    pub etag: String,
    /// When it was committed.
    pub last_modified: Timestamp,
    /// `Content-Type` of reads.
    pub content_type: String,
    /// `x-ms-meta-*` headers as they were sent.
    pub metadata: Vec<(String, String)>,
}

/// A container.
#[derive(Debug, Clone)]
pub struct Container {
    /// Quoted, as the header has it.
    pub etag: String,
    /// When it was created.
    pub last_modified: Timestamp,
    /// `x-ms-meta-*` headers as they were sent.
    pub metadata: Vec<(String, String)>,
}

/// The container that a workspace has from the beginning.
const OF_WORKSPACE: &str = "azureml";

/// Everything in blob storage.
#[derive(Default)]
pub struct Blobs {
    signer: Option<Signer>,
    directory: Option<PathBuf>,
    files: u64,
    blobs: BTreeMap<String, Blob>,
    blocks: BTreeMap<String, BTreeMap<String, Received>>,
    /// Containers that a call created, by `{account}/{container}`.
    containers: BTreeMap<String, Container>,
    /// Until when the name of a deleted container is taken.
    deleted: BTreeMap<String, Timestamp>,
}

impl Blobs {
    /// Stores later bodies in files below `directory`, or in memory without it.
    pub fn keep_in(&mut self, directory: PathBuf) {
        self.directory = Some(directory);
    }

    /// Signs URLs of blobs; the key is created at the first use.
    pub fn signer(&mut self, ids: &mut Ids) -> &Signer {
        self.signer.get_or_insert_with(|| Signer::new(ids.hex("storage account key", 64).as_bytes()))
    }

    /// Whether the query of a request allows `need` on the blob with this name.
    ///
    /// # Errors
    /// Azure Storage's answer. Before anything was signed, every signature is wrong.
    pub fn check(&self, query: &Query, name: &str, need: Need, now: Timestamp) -> Result<(), StorageError> {
        let signer = self.signer.as_ref().ok_or(StorageError::AUTHENTICATION_FAILED)?;
        signer.check(query, &resource(name), need, now)
    }

    /// The file for the next body; none if bodies stay in memory.
    pub fn next_file(&mut self) -> Option<PathBuf> {
        self.files += 1;
        self.directory.as_ref().map(|directory| directory.join(format!("{:08}", self.files)))
    }

    /// The blob with this name (`{account}/{container}/{blob}`).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Blob> {
        self.blobs.get(name)
    }

    /// Creates a container.
    ///
    /// # Errors
    /// It exists, or was deleted a moment ago.
    pub fn create_container(&mut self, name: &str, made: Container, now: Timestamp) -> Result<(), StorageError> {
        if self.container(name).is_some() {
            return Err(StorageError::CONTAINER_EXISTS);
        }
        self.deleted.retain(|_, until| *until > now);
        if self.deleted.contains_key(name) {
            return Err(StorageError::CONTAINER_BEING_DELETED);
        }
        self.containers.insert(name.to_owned(), made);
        Ok(())
    }

    /// Removes a container with everything in it; its name stays reserved until `until`.
    ///
    /// # Errors
    /// There is no container of this name.
    pub fn delete_container(&mut self, name: &str, until: Timestamp) -> Result<(), StorageError> {
        self.container(name).ok_or(StorageError::CONTAINER_NOT_FOUND)?;
        let is_inside = |blob: &str| blob.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'));
        self.blobs.retain(|blob, _| !is_inside(blob));
        self.blocks.retain(|blob, _| !is_inside(blob));
        self.containers.remove(name);
        self.deleted.insert(name.to_owned(), until);
        Ok(())
    }

    /// The container `{account}/{container}`, whether a call, a workspace or a blob in it created it.
    #[must_use]
    pub fn container(&self, name: &str) -> Option<Container> {
        let is_implied = || {
            let is_used = self.blobs_in(name).next().is_some();
            is_used || (name.ends_with(&format!("/{OF_WORKSPACE}")) && !self.deleted.contains_key(name))
        };
        let implied = || Container { etag: "\"0x0\"".to_owned(), last_modified: UNKNOWN, metadata: Vec::new() };
        self.containers.get(name).cloned().or_else(|| is_implied().then(implied))
    }

    /// Names and containers of an account, in order of name.
    #[must_use]
    pub fn containers_of(&self, account: &str) -> Vec<(String, Container)> {
        let names = self.containers.keys().chain(self.blobs.keys()).filter_map(|name| {
            let (owner, rest) = name.split_once('/')?;
            (owner == account).then(|| rest.split('/').next().unwrap_or_default())
        });
        let names: BTreeSet<&str> = names.chain([OF_WORKSPACE]).collect();
        let found =
            names.into_iter().filter_map(|name| Some((name.to_owned(), self.container(&format!("{account}/{name}"))?)));
        found.collect()
    }

    /// The blobs of a container by their names in it, in order.
    pub fn blobs_in(&self, container: &str) -> impl Iterator<Item = (&str, &Blob)> {
        let start = format!("{container}/");
        let length = start.len();
        let from = self.blobs.range(start.clone()..);
        from.take_while(move |(name, _)| name.starts_with(&start))
            .filter_map(move |(name, blob)| Some((name.get(length..)?, blob)))
    }

    /// Removes a blob, and returns whether there was one.
    pub fn delete(&mut self, name: &str) -> bool {
        self.blobs.remove(name).is_some()
    }

    /// Names and sizes in bytes, in order of name.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.blobs.iter().map(|(name, blob)| (name.as_str(), blob.received.length))
    }

    /// Commits a blob and forgets its uncommitted blocks.
    ///
    /// # Errors
    /// It exists, and `only_if_absent` was requested.
    pub fn put(&mut self, name: &str, blob: Blob, only_if_absent: bool) -> Result<(), StorageError> {
        if only_if_absent && self.blobs.contains_key(name) {
            return Err(StorageError::BLOB_EXISTS);
        }
        self.blocks.remove(name);
        self.blobs.insert(name.to_owned(), blob);
        Ok(())
    }

    /// Writes a text of the simulator's own, such as a build log.
    pub fn write(&mut self, name: &str, text: &str, etag: String, now: Timestamp) {
        let content = Content::Memory(Bytes::from(text.to_owned()));
        let received = Received { content, length: text.len() as u64, md5: md5_of(text.as_bytes()) };
        let content_type = "text/plain; charset=utf-8".to_owned();
        let blob = Blob { received, etag, last_modified: now, content_type, metadata: Vec::new() };
        self.blobs.insert(name.to_owned(), blob);
    }

    /// Keeps a block until a block list names it.
    ///
    /// # Errors
    /// The ids of one blob's blocks must have one length.
    pub fn put_block(&mut self, name: &str, id: &str, block: Received) -> Result<(), StorageError> {
        let blocks = self.blocks.entry(name.to_owned()).or_default();
        if blocks.keys().any(|other| other.len() != id.len()) {
            return Err(StorageError::INVALID_QUERY);
        }
        blocks.insert(id.to_owned(), block);
        Ok(())
    }

    /// The blocks that a list names, in its order.
    ///
    /// # Errors
    /// One of them was never sent.
    pub fn blocks(&self, name: &str, ids: &[String]) -> Result<Vec<Content>, StorageError> {
        let sent = self.blocks.get(name);
        ids.iter()
            .map(|id| sent.and_then(|blocks| blocks.get(id)).map(|block| block.content.clone()))
            .map(|found| found.ok_or(StorageError::INVALID_BLOCK_LIST))
            .collect()
    }
}

/// The canonical resource that a signature is about.
pub(super) fn resource(name: &str) -> String {
    format!("/blob/{name}")
}
