//! Blob storage behind `https://{account}.blob.{host}` (Azure Storage, "Blob service REST API"): Put Blob, Put Block, Put
//! Block List, HEAD and GET with a shared access signature or a token, Delete Blob with a token; containers and lists.

mod containers;
mod error;
mod listing;
mod sas;
mod store;
mod token;
mod upload;

use axum::body::Body;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, Method, StatusCode};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

pub use error::StorageError;
pub use store::{Blob, Blobs};

use crate::Simulator;
use crate::call::Query;
use crate::error::{Response, empty_response, set_header};
use crate::run::Content;
use crate::world::World;
use sas::Need;
use token::Access;
use upload::Received;

/// A block list names at most 50,000 blocks (Azure Storage, "Put Block List"); ids have at most 88 characters.
const BLOCK_LIST_LIMIT: usize = 50_000 * 120;
/// Largest body of Put Blob and of Put Block (Azure Storage, "Scalability targets", since version 2019-12-12).
const BLOB_LIMIT: u64 = 5_000 * 1024 * 1024;
const BLOCK_LIMIT: u64 = 4_000 * 1024 * 1024;
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/');

/// A request to a storage account.
struct Request<'a> {
    simulator: &'a Simulator,
    /// `{account}/{container}/{blob}`.
    name: String,
    query: Query,
    parts: Parts,
}

/// Answers a request to the storage account `account`.
pub async fn route(simulator: &Simulator, account: &str, request: http::Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy().into_owned();
    let query = Query::parse(parts.uri.query());
    let request = Request { simulator, name: format!("{}{path}", account.to_ascii_lowercase()), query, parts };
    let is_head = request.parts.method == Method::HEAD;
    let mut response = request.answer(body).await.unwrap_or_else(StorageError::into_response);
    if is_head {
        *response.body_mut() = Body::empty();
    }
    let (now, id) = simulator.with(|world| (world.now, world.ids.guid("storage request")));
    set_header(&mut response, "x-ms-request-id", &id);
    set_header(&mut response, "x-ms-version", "2021-08-06");
    set_header(&mut response, "date", &http_date(now));
    response
}

/// Name and size of every blob.
pub fn dump(world: &World) -> Value {
    world.blobs.sizes().map(|(name, size)| json!({"name": name, "size": size})).collect()
}

/// The address of a blob with a signature that grants `permissions` (letters of `rcw`).
pub fn address(world: &mut World, name: &str, permissions: &str) -> String {
    let (account, path) = name.split_once('/').unwrap_or((name, ""));
    let place = format!("https://{account}.blob.{}/{}", world.blob_suffix, utf8_percent_encode(path, PATH));
    let now = world.now;
    let query = world.blobs.signer(&mut world.ids).query(&store::resource(name), permissions, now);
    format!("{place}?{query}")
}

impl Request<'_> {
    async fn answer(&self, body: Body) -> Result<Response, StorageError> {
        // `/` and `restype` are about containers, everything else is about a blob.
        if self.query.get("restype").is_some() || self.container_name().is_empty() {
            return self.about_containers();
        }
        match (&self.parts.method, self.query.get("comp")) {
            (&Method::PUT, None) => self.put_blob(body).await,
            (&Method::PUT, Some("block")) => self.put_block(body).await,
            (&Method::PUT, Some("blocklist")) => self.put_block_list(body).await,
            (&Method::GET | &Method::HEAD, None) => self.read().await,
            (&Method::DELETE, None) => self.delete(),
            (&Method::PUT | &Method::GET | &Method::HEAD | &Method::DELETE, Some(_)) => {
                Err(StorageError::INVALID_QUERY)
            }
            _ => Err(StorageError::UNSUPPORTED_VERB),
        }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.parts.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn only_if_absent(&self) -> bool {
        self.header("if-none-match") == Some("*")
    }

    fn length(&self) -> Result<u64, StorageError> {
        let length = self.header("content-length").ok_or(StorageError::MISSING_LENGTH)?;
        length.parse().map_err(|_| StorageError::INVALID_HEADER)
    }

    /// Checks signature or token, and `If-None-Match`, and returns the file for the body.
    fn may_write(&self) -> Result<Option<std::path::PathBuf>, StorageError> {
        self.simulator.with(|world| {
            let exists = world.blobs.get(&self.name).is_some();
            if self.has_token() {
                self.may_with_token(world, Access::Write)?;
            } else {
                let need = if exists && !self.only_if_absent() { Need::Write } else { Need::Create };
                world.blobs.check(&self.query, &self.name, need, world.now)?;
            }
            if exists && self.only_if_absent() {
                return Err(StorageError::BLOB_EXISTS);
            }
            Ok(world.blobs.next_file())
        })
    }

    /// By signature, else by a token.
    fn may_read(&self, world: &World) -> Result<(), StorageError> {
        match self.has_token() {
            true => self.may_with_token(world, Access::Read),
            false => world.blobs.check(&self.query, &self.name, Need::Read, world.now),
        }
    }

    fn has_token(&self) -> bool {
        self.query.get("sig").is_none() && self.parts.headers.contains_key(http::header::AUTHORIZATION)
    }

    /// Checks the right, and that the container exists (signatures are issued only for existing ones).
    fn may_with_token(&self, world: &World, access: Access) -> Result<(), StorageError> {
        token::may(world, self, access)?;
        let mut parts = self.name.split('/');
        let container = [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()].join("/");
        world.blobs.container(&container).map(drop).ok_or(StorageError::CONTAINER_NOT_FOUND)
    }

    /// Signatures here carry no right to delete.
    fn delete(&self) -> Result<Response, StorageError> {
        self.simulator.with(|world| {
            if !self.has_token() {
                world.blobs.check(&self.query, &self.name, Need::Delete, world.now)?;
            } else {
                self.may_with_token(world, Access::Write)?;
            }
            let blob = world.blobs.get(&self.name).ok_or(StorageError::BLOB_NOT_FOUND)?;
            if self.header("if-match").is_some_and(|etag| etag != "*" && etag != blob.etag) {
                return Err(StorageError::CONDITION_NOT_MET);
            }
            world.blobs.delete(&self.name);
            let mut response = empty_response(StatusCode::ACCEPTED);
            set_header(&mut response, "x-ms-delete-type-permanent", "true");
            Ok(response)
        })
    }

    async fn receive(&self, body: Body, most: u64) -> Result<Received, StorageError> {
        let file = self.may_write()?;
        let length = self.length()?;
        if length > most {
            return Err(StorageError::BODY_TOO_LARGE);
        }
        let received = upload::receive(body, file.as_deref(), length).await?;
        match self.header("content-md5") {
            Some(md5) if md5 != received.md5 => Err(StorageError::MD5_MISMATCH),
            _ => Ok(received),
        }
    }

    async fn put_blob(&self, body: Body) -> Result<Response, StorageError> {
        match self.header("x-ms-blob-type") {
            None => return Err(StorageError::MISSING_HEADER),
            Some(kind) if kind != "BlockBlob" => return Err(StorageError::INVALID_HEADER),
            Some(_) => {}
        }
        let received = self.receive(body, BLOB_LIMIT).await?;
        self.commit(received)
    }

    async fn put_block(&self, body: Body) -> Result<Response, StorageError> {
        let id = self.query.get("blockid").filter(|id| STANDARD.decode(id).is_ok_and(|id| id.len() <= 64));
        let id = id.ok_or(StorageError::INVALID_QUERY)?;
        let block = self.receive(body, BLOCK_LIMIT).await?;
        let md5 = block.md5.clone();
        self.simulator.with(|world| world.blobs.put_block(&self.name, id, block))?;
        let mut response = empty_response(StatusCode::CREATED);
        set_header(&mut response, "content-md5", &md5);
        set_header(&mut response, "x-ms-request-server-encrypted", "true");
        Ok(response)
    }

    async fn put_block_list(&self, body: Body) -> Result<Response, StorageError> {
        let file = self.may_write()?;
        let xml = axum::body::to_bytes(body, BLOCK_LIST_LIMIT).await.map_err(|_| StorageError::INCOMPLETE_BODY)?;
        let ids = block_ids(std::str::from_utf8(&xml).map_err(|_| StorageError::INVALID_XML)?)?;
        let parts = self.simulator.with(|world| world.blobs.blocks(&self.name, &ids))?;
        self.commit(upload::concatenate(parts, file.as_deref()).await?)
    }

    fn commit(&self, received: Received) -> Result<Response, StorageError> {
        let kind = self.header("x-ms-blob-content-type").or_else(|| self.header("content-type"));
        let content_type = kind.unwrap_or("application/octet-stream").to_owned();
        let metadata = metadata(&self.parts.headers);
        let md5 = received.md5.clone();
        let (etag, last_modified) = self.simulator.with(|world| {
            let etag = format!("\"0x{}\"", world.ids.hex("blob etag", 15).to_ascii_uppercase());
            let blob = Blob { received, etag: etag.clone(), last_modified: world.now, content_type, metadata };
            world.blobs.put(&self.name, blob, self.only_if_absent())?;
            Ok::<_, StorageError>((etag, world.now))
        })?;
        let mut response = empty_response(StatusCode::CREATED);
        set_header(&mut response, "etag", &etag);
        set_header(&mut response, "last-modified", &http_date(last_modified));
        set_header(&mut response, "content-md5", &md5);
        set_header(&mut response, "x-ms-request-server-encrypted", "true");
        Ok(response)
    }

    async fn read(&self) -> Result<Response, StorageError> {
        let blob = self.simulator.with(|world| {
            self.may_read(world)?;
            world.blobs.get(&self.name).cloned().ok_or(StorageError::BLOB_NOT_FOUND)
        })?;
        if self.header("if-match").is_some_and(|etag| etag != "*" && etag != blob.etag) {
            return Err(StorageError::CONDITION_NOT_MET);
        }
        let length = blob.received.length;
        let asked = self.header("x-ms-range").or_else(|| self.header("range")).and_then(range);
        let (first, last) = match asked {
            None => (0, length),
            Some((first, _)) if first >= length => return Err(StorageError::INVALID_RANGE),
            Some((first, last)) => (first, last.map_or(length, |last| last.saturating_add(1).min(length))),
        };
        let body = match self.parts.method {
            Method::HEAD => Body::empty(),
            _ => stream(&blob.received.content, first, last).await?,
        };
        let mut response = Response::new(body);
        describe(&mut response, &blob);
        set_header(&mut response, "content-length", &(last - first).to_string());
        if asked.is_some() {
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set_header(&mut response, "content-range", &format!("bytes {first}-{}/{length}", last.saturating_sub(1)));
            set_header(&mut response, "x-ms-blob-content-md5", &blob.received.md5);
        } else {
            set_header(&mut response, "content-md5", &blob.received.md5);
        }
        Ok(response)
    }
}

fn describe(response: &mut Response, blob: &Blob) {
    set_header(response, "etag", &blob.etag);
    set_header(response, "last-modified", &http_date(blob.last_modified));
    set_header(response, "content-type", &blob.content_type);
    set_header(response, "x-ms-blob-type", "BlockBlob");
    set_header(response, "accept-ranges", "bytes");
    for (name, value) in &blob.metadata {
        if let (Ok(name), Ok(value)) = (http::HeaderName::try_from(name), http::HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
}

fn metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    let named = headers.iter().filter(|(name, _)| name.as_str().starts_with("x-ms-meta-"));
    named.filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned()))).collect()
}

/// `bytes=first-` or `bytes=first-last`; other forms are ignored, as a server may.
fn range(header: &str) -> Option<(u64, Option<u64>)> {
    let (first, last) = header.strip_prefix("bytes=")?.split_once('-')?;
    let last = if last.is_empty() { None } else { Some(last.parse().ok()?) };
    let first = first.parse().ok()?;
    last.is_none_or(|last| last >= first).then_some((first, last))
}

/// The ids of a block list in their order.
fn block_ids(xml: &str) -> Result<Vec<String>, StorageError> {
    let inner = xml.split_once("<BlockList>").and_then(|(_, rest)| rest.split_once("</BlockList>"));
    let (mut rest, _) = inner.ok_or(StorageError::INVALID_XML)?;
    let mut ids = Vec::new();
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>').ok_or(StorageError::INVALID_XML)?;
        if !matches!(tag, "Latest" | "Uncommitted" | "Committed") {
            return Err(StorageError::INVALID_XML);
        }
        let (id, after) = after.split_once(&format!("</{tag}>")).ok_or(StorageError::INVALID_XML)?;
        ids.push(id.trim().to_owned());
        rest = after;
    }
    Ok(ids)
}

async fn stream(content: &Content, first: u64, last: u64) -> Result<Body, StorageError> {
    use tokio::io::{AsyncReadExt, AsyncSeekExt};
    match content {
        Content::Memory(bytes) => {
            let whole = usize::try_from(first).ok().zip(usize::try_from(last).ok());
            let (first, last) = whole.ok_or(StorageError::INVALID_RANGE)?;
            Ok(Body::from(bytes.slice(first.min(bytes.len())..last.min(bytes.len()))))
        }
        Content::Stored(path) => {
            let mut file = tokio::fs::File::open(path).await.map_err(|_| StorageError::INTERNAL)?;
            file.seek(std::io::SeekFrom::Start(first)).await.map_err(|_| StorageError::INTERNAL)?;
            let limited = file.take(last - first);
            Ok(Body::from_stream(futures::stream::try_unfold(limited, |mut file| async move {
                let mut chunk = bytes::BytesMut::with_capacity(64 * 1024);
                let read = file.read_buf(&mut chunk).await?;
                Ok::<_, std::io::Error>((read > 0).then(|| (chunk.freeze(), file)))
            })))
        }
    }
}

fn http_date(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_are_none_are_ignored() {
        assert_eq!(range("bytes=0-3"), Some((0, Some(3))));
        assert_eq!(range("bytes=5-"), Some((5, None)));
        for other in ["bytes=-5", "bytes=4-2", "items=0-1", "bytes=a-b"] {
            assert_eq!(range(other), None, "{other}");
        }
    }

    #[test]
    fn a_block_list_keeps_its_order() {
        let xml = "<?xml version=\"1.0\"?>\n<BlockList>\n <Latest>Yg==</Latest><Committed>YQ==</Committed></BlockList>";
        assert_eq!(block_ids(xml).unwrap(), ["Yg==", "YQ=="]);
        assert!(block_ids("<BlockList><Other>x</Other></BlockList>").is_err());
        assert!(block_ids("<BlockList><Latest>x</BlockList>").is_err());
        assert!(block_ids("").is_err());
    }
}
