//! The blobs of all storage accounts, by name.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bytes::Bytes;
use jiff::Timestamp;

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

/// Everything in blob storage.
#[derive(Default)]
pub struct Blobs {
    signer: Option<Signer>,
    directory: Option<PathBuf>,
    files: u64,
    blobs: BTreeMap<String, Blob>,
    blocks: BTreeMap<String, BTreeMap<String, Received>>,
}

impl Blobs {
    /// Bodies that come from now on go to files below `directory`; without it they stay in memory.
    pub fn keep_in(&mut self, directory: PathBuf) {
        self.directory = Some(directory);
    }

    /// Signs addresses of blobs; the key is made at the first use.
    pub fn signer(&mut self, ids: &mut Ids) -> &Signer {
        self.signer.get_or_insert_with(|| Signer::new(ids.hex("storage account key", 64).as_bytes()))
    }

    /// Whether the query of a request allows `need` on the blob with this name.
    ///
    /// # Errors
    /// Azure Storage's answer; nothing has been signed yet counts as a wrong signature.
    pub fn check(&self, query: &Query, name: &str, need: Need, now: Timestamp) -> Result<(), StorageError> {
        let signer = self.signer.as_ref().ok_or(StorageError::AUTHENTICATION_FAILED)?;
        signer.check(query, &resource(name), need, now)
    }

    /// Where the next body goes; none when bodies stay in memory.
    pub fn next_file(&mut self) -> Option<PathBuf> {
        self.files += 1;
        self.directory.as_ref().map(|directory| directory.join(format!("{:08}", self.files)))
    }

    /// The blob with this name (`{account}/{container}/{blob}`).
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Blob> {
        self.blobs.get(name)
    }

    /// Names and sizes in bytes, in order of name.
    pub fn sizes(&self) -> impl Iterator<Item = (&str, u64)> {
        self.blobs.iter().map(|(name, blob)| (name.as_str(), blob.received.length))
    }

    /// Commits a blob; blocks that were sent for it are forgotten.
    ///
    /// # Errors
    /// One stands and `only_if_absent` was asked for.
    pub fn put(&mut self, name: &str, blob: Blob, only_if_absent: bool) -> Result<(), StorageError> {
        if only_if_absent && self.blobs.contains_key(name) {
            return Err(StorageError::BLOB_EXISTS);
        }
        self.blocks.remove(name);
        self.blobs.insert(name.to_owned(), blob);
        Ok(())
    }

    /// Writes a text that the simulator makes itself, such as a build log.
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
