//! What a file of a workspace holds, by its digest: files that others uploaded have names that tell nothing.

use crate::{
    answer::Answer,
    connector::Azure,
    error::{Refusal, unreachable},
    machine_learning::{ABOVE, discovery::Endpoints, fact, segment},
    observe::{Class, Sent},
    request::Call,
};
use acivnet_core::{failure::Failure, id::ResourceId, observed::Fact};
use http::Method;
use http_body_util::BodyExt as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Files above this size are not read, in bytes.
const LARGEST: u64 = 256 << 20;

/// How long the reading of one may take: 256 MiB at 0.45 MB/s.
const TIME: Duration = Duration::from_secs(600);

impl Azure {
    /// The one file behind `aml://artifact/{id}` or `aml://asset/{id}`: `{"digest":"sha256:…","size":n}`, without `digest`
    /// when it is larger than 256 MiB. Absent when Azure ML knows none, or when it is not one file.
    pub async fn file_digest(&self, workspace: &ResourceId, url: &str) -> Fact {
        fact(self.digest_behind(workspace, url).await)
    }

    async fn digest_behind(&self, workspace: &ResourceId, url: &str) -> Result<Option<Value>, Failure> {
        let Some(endpoints) = self.endpoints(workspace).await? else { return Ok(None) };
        let artifact = match (url.strip_prefix("aml://artifact/"), url.strip_prefix("aml://asset/")) {
            (Some(artifact), _) => Some(artifact.to_owned()),
            (_, Some(asset)) => self.artifact_of(&endpoints, workspace, asset).await?,
            (None, None) => None,
        };
        let Some(artifact) = artifact else { return Ok(None) };
        match self.content_of(&endpoints, workspace, &artifact).await? {
            Some(url) => self.digest_of(&url, &artifact).await,
            None => Ok(None),
        }
    }

    /// The only artifact of an asset.
    async fn artifact_of(
        &self,
        endpoints: &Endpoints,
        workspace: &ResourceId,
        asset: &str,
    ) -> Result<Option<String>, Failure> {
        let url = endpoints.model_management(workspace, &format!("assets/{}", segment(asset)));
        let Some(body) =
            self.told(Call::get(url, Class::MachineLearning, format!("{workspace}/assets/{asset}"))).await?
        else {
            return Ok(None);
        };
        let artifacts = body.get("artifacts").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        let [one] = artifacts else { return Ok(None) };
        Ok(one.get("id").or_else(|| one.get("prefix")).and_then(Value::as_str).map(str::to_owned))
    }

    /// The signed URL by which an artifact is read; none when it is no file.
    async fn content_of(
        &self,
        endpoints: &Endpoints,
        workspace: &ResourceId,
        artifact: &str,
    ) -> Result<Option<Url>, Failure> {
        let path = artifact.split('/').map(segment).collect::<Vec<_>>().join("/");
        let url = endpoints.artifacts(workspace, &format!("contentinfo/{path}"));
        let call = Call::get(url, Class::MachineLearning, format!("{workspace}/artifacts/{artifact}"));
        let what = call.what();
        let Some(body) = self.told(call).await? else { return Ok(None) };
        let text = body.get("contentUri").and_then(Value::as_str).unwrap_or_default();
        let url = Url::parse(text).map_err(|_| unreachable(&what, "an artifact without a usable contentUri"))?;
        if self.connector.cloud.is_blob(&url) { Ok(Some(url)) } else { Err(self.foreign_host(&url, &what)) }
    }

    /// The body of an answer; none when Azure ML says that there is no such thing.
    async fn told(&self, call: Call) -> Result<Option<Value>, Failure> {
        let answer = self.send(&call).await?;
        if answer.status == 404 && is_known_absent(&answer) {
            return Ok(None);
        }
        self.object(&call, answer).await.map(Some)
    }

    /// Reads a blob through, a frame in memory at a time.
    async fn digest_of(&self, url: &Url, artifact: &str) -> Result<Option<Value>, Failure> {
        let call = Call::blob(Method::GET, url.clone(), artifact).limit(TIME);
        let broken = |why: &str| unreachable(&call.what(), why);
        let request = self.request(&call, None, &self.connector.random.uuid());
        let request = request.map_err(|error| broken(&self.scrubber.clean(&error.to_string())))?;
        let begin = Instant::now();
        let answer = self.connector.http.send(request).await;
        let status = answer.as_ref().map_or(0, |answer| answer.status().as_u16());
        let time = begin.elapsed();
        self.connector.observer.answered(&Sent { verb: "GET", class: Class::Blob, status, remaining: None, time });
        tracing::debug!(verb = "GET", id = %call.about, status, correlation_id = %self.correlation, "azure answered");
        if status == 404 {
            return Ok(None);
        }
        let answer = answer.map_err(|error| broken(&self.scrubber.clean(&error.to_string())))?;
        if !answer.status().is_success() {
            return Err(broken(&format!("the file was answered {status}")));
        }
        let mut body = answer.into_body();
        let (mut hasher, mut size) = (Sha256::new(), 0u64);
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| broken(&format!("the file broke off: {error}")))?;
            let Ok(data) = frame.into_data() else { continue };
            size = size.saturating_add(data.len() as u64);
            if size > LARGEST {
                return Ok(Some(json!({"size": size})));
            }
            hasher.update(&data);
        }
        let digest: String = hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Some(json!({"digest": format!("sha256:{digest}"), "size": size})))
    }
}

/// Whether a 404 names the thing itself: artifacts answer `{"error":{…}}`, model management the flat form. What a
/// gateway answers has neither.
fn is_known_absent(answer: &Answer) -> bool {
    let refusal = Refusal::read(answer);
    !refusal.codes().is_empty() && !refusal.says(ABOVE)
}

#[cfg(test)]
mod tests;
