//! Receives bodies into a file if the simulator has a directory, else into memory; never both.

use std::path::{Path, PathBuf};

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::{Bytes, BytesMut};
use futures::{Stream, StreamExt};
use md5::{Digest, Md5};
use tokio::io::AsyncWriteExt;

use super::error::StorageError;
use crate::run::Content;

/// A body that was received completely.
#[derive(Debug, Clone)]
pub struct Received {
    /// Where they are.
    pub content: Content,
    /// How many.
    pub length: u64,
    /// Base64 of their MD5, as `Content-MD5` has it.
    pub md5: String,
}

enum Sink {
    Memory(BytesMut),
    File(tokio::fs::File, PathBuf),
}

/// Receives a body into `file`, or into memory if there is none. `expected` is `Content-Length`.
///
/// # Errors
/// The body was cut off or has another length, or the disk failed. A partial file is removed.
pub async fn receive(body: Body, file: Option<&Path>, expected: u64) -> Result<Received, StorageError> {
    let chunks = body.into_data_stream().map(|chunk| chunk.map_err(|_| StorageError::INCOMPLETE_BODY));
    let received = collect(chunks, file).await;
    match received {
        Ok(received) if received.length == expected => Ok(received),
        other => {
            if let Some(file) = file {
                // Nothing may refer to a partial file; one that can't be removed is only litter.
                let _ = tokio::fs::remove_file(file).await;
            }
            Err(other.err().unwrap_or(StorageError::INCOMPLETE_BODY))
        }
    }
}

/// Concatenates several contents, as a block list does.
///
/// # Errors
/// The disk failed.
pub async fn concatenate(parts: Vec<Content>, file: Option<&Path>) -> Result<Received, StorageError> {
    let chunks = futures::stream::iter(parts).then(|part| async move {
        match part {
            Content::Memory(bytes) => Ok(bytes),
            Content::Stored(path) => tokio::fs::read(path).await.map(Bytes::from).map_err(|_| StorageError::INTERNAL),
        }
    });
    collect(chunks, file).await
}

async fn collect(
    chunks: impl Stream<Item = Result<Bytes, StorageError>>,
    file: Option<&Path>,
) -> Result<Received, StorageError> {
    let mut sink = Sink::open(file).await?;
    let (mut length, mut md5) = (0u64, Md5::new());
    let mut chunks = std::pin::pin!(chunks);
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        length = length.saturating_add(chunk.len() as u64);
        md5.update(&chunk);
        sink.write(&chunk).await?;
    }
    Ok(Received { content: sink.finish().await?, length, md5: STANDARD.encode(md5.finalize()) })
}

impl Sink {
    async fn open(file: Option<&Path>) -> Result<Self, StorageError> {
        let Some(path) = file else { return Ok(Self::Memory(BytesMut::new())) };
        if let Some(parent) = path.parent() {
            tokio::fs::create_dir_all(parent).await.map_err(|_| StorageError::INTERNAL)?;
        }
        let file = tokio::fs::File::create(path).await.map_err(|_| StorageError::INTERNAL)?;
        Ok(Self::File(file, path.to_owned()))
    }

    async fn write(&mut self, chunk: &[u8]) -> Result<(), StorageError> {
        match self {
            Self::Memory(bytes) => {
                bytes.extend_from_slice(chunk);
                Ok(())
            }
            Self::File(file, _) => file.write_all(chunk).await.map_err(|_| StorageError::INTERNAL),
        }
    }

    async fn finish(self) -> Result<Content, StorageError> {
        match self {
            Self::Memory(bytes) => Ok(Content::Memory(bytes.freeze())),
            Self::File(mut file, path) => {
                file.flush().await.map_err(|_| StorageError::INTERNAL)?;
                Ok(Content::Stored(path))
            }
        }
    }
}

/// Base64 of the MD5 of `bytes`, as `Content-MD5` has it.
pub(super) fn md5_of(bytes: &[u8]) -> String {
    STANDARD.encode(Md5::digest(bytes))
}
