//! Files of a workspace: an artifact's metadata, and its bytes in blob storage.
//!
//! The artifact's name comes from its content, so a second upload meets the first: the name is refused, or the blob is
//! there already, and its length and MD5 tell whether it is the same.

use crate::{
    answer::Answer,
    carry_out::{PayloadStream, Payloads},
    connector::Azure,
    error::{Refusal, unreachable},
    gate::WritePermit,
    machine_learning::{discovery::Endpoints, segment},
    observe::Class,
    request::{Call, STORAGE_VERSION},
};
use acivnet_api::conditions::reasons;
use acivnet_core::{blueprint::Payload, failure::Failure, id::ResourceId, retry::Retry};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use http::Method;
use md5::{Digest as _, Md5};
use serde_json::{Value, json};
use sha2::Sha256;
use std::time::Duration;
use url::Url;

/// What the SDK says a batch of paths is (`azureml-core` 1.61).
const BATCH_TYPE: &str = "application/json-patch+json; charset=utf-8";
/// Bytes in one request: a payload up to this size is one Put Blob, a longer one is put in blocks. One block is in
/// memory at a time.
const BLOCK: usize = 4 << 20;
/// How long one request may take: 4 MiB at 14 kB/s.
const BLOCK_LIMIT: Duration = Duration::from_secs(300);
/// Paths in one call for metadata: the most that Azure ML takes (`azureml-core` 1.61, `ArtifactsClient`).
const BATCH: usize = 50;

/// Where artifacts are made, and the permit to make them.
struct Place<'a> {
    permit: &'a WritePermit,
    endpoints: &'a Endpoints,
    workspace: &'a ResourceId,
}

impl Azure {
    /// Makes sure that the artifacts of these payloads are there with these bytes.
    pub(crate) async fn upload(
        &self,
        permit: &WritePermit,
        endpoints: &Endpoints,
        workspace: &ResourceId,
        files: &[Payload],
        payloads: &dyn Payloads,
    ) -> Result<(), Failure> {
        let place = Place { permit, endpoints, workspace };
        let containers = files.chunk_by(|one, next| one.container == next.container);
        for batch in containers.flat_map(|files| files.chunks(BATCH)) {
            let urls = self.new_artifacts(&place, batch).await?;
            for (payload, url) in batch.iter().zip(urls) {
                self.fill(&place, payload, url, payloads).await?;
            }
        }
        Ok(())
    }

    /// Puts the bytes of an artifact that is new, or makes sure that the one that exists has them.
    async fn fill(
        &self,
        place: &Place<'_>,
        payload: &Payload,
        new: Option<Url>,
        payloads: &dyn Payloads,
    ) -> Result<(), Failure> {
        let Place { permit, endpoints, workspace } = place;
        if let Some(url) = new {
            return self.put(permit, &url, payload, payloads).await;
        }
        let url = self.content_uri(endpoints, workspace, payload, "contentinfo").await?;
        if self.stands(&url, payload, None, payloads).await? {
            return Ok(());
        }
        // an earlier try stopped between metadata and bytes
        let url = self.content_uri(endpoints, workspace, payload, "write").await?;
        self.put(permit, &url, payload, payloads).await
    }

    /// Makes the metadata of artifacts of one container and gives the signed URLs to write to; none for one that exists.
    async fn new_artifacts(&self, place: &Place<'_>, batch: &[Payload]) -> Result<Vec<Option<Url>>, Failure> {
        let Some(first) = batch.first() else { return Ok(Vec::new()) };
        let Place { permit, endpoints, workspace } = place;
        let url = endpoints.artifacts(workspace, &format!("batch/metadata/LocalUpload/{}", segment(&first.container)));
        let paths: Vec<Value> = batch.iter().map(|payload| json!({"path": payload.path})).collect();
        let call = Call::write(permit, Method::POST, url, Class::MachineLearning, about(workspace, first))
            .json(BATCH_TYPE, &json!({"paths": paths}));
        let answer = self.send(&call).await?;
        if matches!(answer.status, 400 | 409) && is_conflict(&Refusal::read(&answer)) {
            return self.one_by_one(place, batch).await;
        }
        let body = self.object(&call, answer).await?;
        batch.iter().map(|payload| self.new_artifact(&call, &body, payload)).collect()
    }

    /// One of a batch exists, and the answer does not say which: each is asked for by itself.
    async fn one_by_one(&self, place: &Place<'_>, batch: &[Payload]) -> Result<Vec<Option<Url>>, Failure> {
        let mut urls = Vec::new();
        for payload in batch {
            let url = match batch.len() {
                1 => vec![None],
                _ => Box::pin(self.new_artifacts(place, std::slice::from_ref(payload))).await?,
            };
            urls.extend(url);
        }
        Ok(urls)
    }

    fn new_artifact(&self, call: &Call, body: &Value, payload: &Payload) -> Result<Option<Url>, Failure> {
        if let Some(error) = body.get("errors").and_then(|errors| errors.get(&payload.path)) {
            let refusal = Refusal::of_json(error);
            let refused = || refusal.failure(400, &call.what(), None, Class::MachineLearning, &self.scrubber);
            return if is_conflict(&refusal) { Ok(None) } else { Err(refused()) };
        }
        let info = body.get("artifactContentInformation").and_then(|all| all.get(&payload.path));
        self.blob_url(call, info).map(Some)
    }

    /// The signed URL of an artifact that exists: `contentinfo` to read, `write` to write (published as
    /// `Artifacts_GetContentInformation` and `Artifacts_GetSas`; that the latter has the former's layout in version 2.0
    /// is not confirmed).
    async fn content_uri(
        &self,
        endpoints: &Endpoints,
        workspace: &ResourceId,
        payload: &Payload,
        what: &str,
    ) -> Result<Url, Failure> {
        let path = payload.path.split('/').map(segment).collect::<Vec<_>>().join("/");
        let url = endpoints.artifacts(workspace, &format!("{what}/LocalUpload/{}/{path}", segment(&payload.container)));
        let call = Call::get(url, Class::MachineLearning, about(workspace, payload));
        let body = self.object(&call, self.send(&call).await?).await?;
        self.blob_url(&call, Some(&body))
    }

    fn blob_url(&self, call: &Call, info: Option<&Value>) -> Result<Url, Failure> {
        let text = info.and_then(|info| info.get("contentUri")).and_then(Value::as_str).unwrap_or_default();
        let url = Url::parse(text).map_err(|_| unreachable(&call.what(), "an artifact without a usable contentUri"))?;
        if self.connector.cloud.is_blob(&url) { Ok(url) } else { Err(self.foreign_host(&url, &call.what())) }
    }

    async fn put(
        &self,
        permit: &WritePermit,
        url: &Url,
        payload: &Payload,
        payloads: &dyn Payloads,
    ) -> Result<(), Failure> {
        let mut blocks = Blocks::new(payloads.open(payload).await?);
        let (answer, call) = if payload.size <= BLOCK as u64 {
            let bytes = blocks.next(payload).await?.unwrap_or_default();
            blocks.end(payload).await?;
            let call =
                self.blob(Method::PUT, url, payload).header("x-ms-blob-type", "BlockBlob").header("if-none-match", "*");
            let call = call.header("content-md5", &md5_of(&bytes)).body("application/octet-stream", bytes);
            (self.write_blob(permit, &call).await?, call)
        } else {
            let list = self.put_blocks(permit, url, payload, &mut blocks).await?;
            let call = self.blob(Method::PUT, &with_query(url, "comp=blocklist"), payload).header("if-none-match", "*");
            let call = call.header("x-ms-blob-content-md5", &blocks.md5()).body("application/xml", list);
            (self.write_blob(permit, &call).await?, call)
        };
        if !matches!(answer.status, 409 | 412) {
            return self.accepted(&call, answer).map(drop);
        }
        if self.stands(url, payload, Some(blocks.md5()), payloads).await? {
            return Ok(());
        }
        Err(self.refused(&call, &answer))
    }

    /// Puts every block and gives the block list, which commits them (Azure Storage, "Put Block List").
    async fn put_blocks(
        &self,
        permit: &WritePermit,
        url: &Url,
        payload: &Payload,
        blocks: &mut Blocks,
    ) -> Result<String, Failure> {
        let mut list = String::from(r#"<?xml version="1.0" encoding="utf-8"?><BlockList>"#);
        for number in 0u32.. {
            let Some(bytes) = blocks.next(payload).await? else { break };
            // six digits are eight characters of base64 that need no escape in a URL
            let id = STANDARD.encode(format!("{number:06}"));
            let call = self.blob(Method::PUT, &with_query(url, &format!("comp=block&blockid={id}")), payload);
            let call = call.header("content-md5", &md5_of(&bytes)).body("application/octet-stream", bytes);
            let answer = self.write_blob(permit, &call).await?;
            self.accepted(&call, answer)?;
            list.push_str(&format!("<Latest>{id}</Latest>"));
        }
        blocks.end(payload).await?;
        list.push_str("</BlockList>");
        Ok(list)
    }

    async fn write_blob(&self, _: &WritePermit, call: &Call) -> Result<Answer, Failure> {
        self.send_plain(call).await
    }

    /// Whether the blob is there with these bytes. `false` when it is not there.
    async fn stands(
        &self,
        url: &Url,
        payload: &Payload,
        md5: Option<String>,
        payloads: &dyn Payloads,
    ) -> Result<bool, Failure> {
        let call = self.blob(Method::HEAD, url, payload);
        let answer = self.send_plain(&call).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        let answer = self.accepted(&call, answer)?;
        let length = answer.header("content-length").and_then(|text| text.parse::<u64>().ok());
        let same = length == Some(payload.size)
            && match answer.header("content-md5") {
                Some(found) => found == self.expected_md5(payload, md5, payloads).await?,
                None => true,
            };
        if same {
            return Ok(true);
        }
        let message =
            format!("artifact {} holds other bytes than its name says; delete it in Azure ML", payload.artifact_id());
        Err(Failure::local("ArtifactDiffers", self.scrubber.clean(&message), Retry::Slowly, reasons::AZURE_REFUSED))
    }

    async fn expected_md5(
        &self,
        payload: &Payload,
        known: Option<String>,
        payloads: &dyn Payloads,
    ) -> Result<String, Failure> {
        if let Some(known) = known {
            return Ok(known);
        }
        let mut blocks = Blocks::new(payloads.open(payload).await?);
        while blocks.next(payload).await?.is_some() {}
        blocks.end(payload).await?;
        Ok(blocks.md5())
    }

    fn blob(&self, method: Method, url: &Url, payload: &Payload) -> Call {
        let call = Call::blob(method, url.clone(), payload.artifact_id());
        call.header("x-ms-version", STORAGE_VERSION).limit(BLOCK_LIMIT)
    }
}

fn about(workspace: &ResourceId, payload: &Payload) -> String {
    format!("{workspace}/artifacts/{}", payload.artifact_id())
}

/// `Resource Conflict: ArtifactId … already exists.`
fn is_conflict(refusal: &Refusal) -> bool {
    refusal.mentions("already exists") || refusal.mentions("Resource Conflict")
}

/// A signed URL with one more parameter, its own query untouched.
fn with_query(url: &Url, more: &str) -> Url {
    let mut url = url.clone();
    let query = url.query().map_or_else(|| more.to_owned(), |query| format!("{query}&{more}"));
    url.set_query(Some(&query));
    url
}

fn md5_of(bytes: &[u8]) -> String {
    STANDARD.encode(Md5::digest(bytes))
}

/// Cuts a stream into blocks, counts and hashes it.
struct Blocks {
    stream: PayloadStream,
    rest: BytesMut,
    size: u64,
    sha256: Sha256,
    md5: Md5,
}

impl Blocks {
    fn new(stream: PayloadStream) -> Self {
        Self { stream, rest: BytesMut::new(), size: 0, sha256: Sha256::new(), md5: Md5::new() }
    }

    /// The next block, full but for the last; `None` at the end. A payload longer than announced ends it early.
    async fn next(&mut self, payload: &Payload) -> Result<Option<Bytes>, Failure> {
        while self.rest.len() < BLOCK && self.size <= payload.size {
            let Some(bytes) = self.stream.next().await else { break };
            let bytes = bytes.map_err(|error| unreachable(&payload.path, &format!("broke off: {error}")))?;
            self.size += bytes.len() as u64;
            self.sha256.update(&bytes);
            self.md5.update(&bytes);
            self.rest.extend_from_slice(&bytes);
        }
        let length = self.rest.len().min(BLOCK);
        Ok((length > 0).then(|| self.rest.split_to(length).freeze()))
    }

    /// Makes sure that all was read and that it is what was planned for.
    async fn end(&mut self, payload: &Payload) -> Result<(), Failure> {
        if self.next(payload).await?.is_some() || self.size != payload.size {
            return Err(changed(payload, "has another size than when it was planned"));
        }
        let digest: String = self.sha256.clone().finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        if payload.digest.strip_prefix("sha256:") == Some(digest.as_str()) {
            Ok(())
        } else {
            Err(changed(payload, "has other bytes than when it was planned"))
        }
    }

    fn md5(&self) -> String {
        STANDARD.encode(self.md5.clone().finalize())
    }
}

fn changed(payload: &Payload, what: &str) -> Failure {
    let message = format!("{} {what}; it is read again", payload.path);
    Failure::local("PayloadChanged", acivnet_core::scrub::clean(&message), Retry::Soon, reasons::MODEL_UNREADABLE)
}

#[cfg(test)]
mod tests;
