use super::*;
use crate::script::{Bytes1000, Reply, Script, WORKSPACE, azure, discovery, id, lost, raw, reply};
use acivnet_core::blueprint::PayloadSource;
use std::sync::Arc;

const CONTENT: &[u8] = b"a model";

fn payload(content: &[u8]) -> Payload {
    let digest = format!("sha256:{}", acivnet_core::owner::sha256_hex(&[content]));
    Payload {
        source: PayloadSource::Text(""),
        container: "c1".into(),
        path: "model.pkl".into(),
        digest,
        size: content.len() as u64,
    }
}

fn batch(answer: Reply) -> (String, Reply) {
    (format!("POST history.ml.test/artifact/v2.0{WORKSPACE}/artifacts/batch/metadata/LocalUpload/c1"), answer)
}

fn made(uri: &str) -> Reply {
    reply(
        200,
        json!({"artifacts": {"model.pkl": {}}, "artifactContentInformation": {"model.pkl": {"contentUri": uri}}, "errors": {}}),
    )
}

fn conflict() -> Reply {
    let text = "Resource Conflict: ArtifactId LocalUpload/c1/model.pkl already exists.";
    reply(
        200,
        json!({"artifacts": {}, "artifactContentInformation": {}, "errors": {"model.pkl": {"error": {"code": "UserError", "message": text}}}}),
    )
}

fn info(what: &str, uri: &str) -> (String, Reply) {
    (
        format!("GET history.ml.test/artifact/v2.0{WORKSPACE}/artifacts/{what}/LocalUpload/c1/model.pkl"),
        reply(200, json!({"contentUri": uri})),
    )
}

fn exists() -> Reply {
    raw(409, "").header("x-ms-error-code", "BlobAlreadyExists")
}

fn head(length: usize, content: &[u8]) -> Reply {
    raw(200, "").header("content-length", &length.to_string()).header("content-md5", &md5_of(content))
}

const URI: &str = "https://a.blob.test/azureml/c1/model.pkl?sv=1&sig=a%2Fb%3D";
const BLOB: &str = "a.blob.test/azureml/c1/model.pkl?sv=1&sig=a%2Fb%3D";

async fn upload(script: &Arc<Script>, content: &[u8], payload: Payload) -> Result<(), Failure> {
    upload_from(script, &Bytes1000(content.to_vec()), payload).await
}

async fn upload_from(script: &Arc<Script>, source: &dyn Payloads, payload: Payload) -> Result<(), Failure> {
    let azure = azure(script);
    let workspace = id(WORKSPACE);
    let endpoints = azure.endpoints(&workspace).await.unwrap().unwrap();
    azure
        .upload(&azure.connector.gate.open().unwrap(), &endpoints, &workspace, std::slice::from_ref(&payload), source)
        .await
}

fn script(lines: impl IntoIterator<Item = (String, Reply)>) -> Arc<Script> {
    Script::new(discovery().into_iter().chain(lines))
}

#[tokio::test(start_paused = true)]
async fn a_small_file_is_one_request_without_a_token() {
    let script = script([batch(made(URI)), (format!("PUT {BLOB}"), raw(201, ""))]);
    upload(&script, CONTENT, payload(CONTENT)).await.unwrap();
    let seen = script.done();
    assert_eq!(seen[2].json(), json!({"paths": [{"path": "model.pkl"}]}));
    let put = &seen[3];
    assert_eq!(put.line, format!("PUT {BLOB}"));
    assert_eq!(put.body, CONTENT);
    assert_eq!(
        [put.header("if-none-match"), put.header("x-ms-blob-type"), put.header("content-md5")],
        [Some("*"), Some("BlockBlob"), Some(md5_of(CONTENT).as_str())]
    );
    assert_eq!((put.header("authorization"), put.header("x-ms-correlation-request-id")), (None, None));
    assert_eq!(seen[1].header("authorization"), None, "discovery takes no token");
}

/// "Put Blob" of Azure Storage: Content-Length is required, and its absence 411 MissingContentLengthHeader.
#[tokio::test(start_paused = true)]
async fn an_empty_file_says_its_length() {
    let script = script([batch(made(URI)), (format!("PUT {BLOB}"), raw(201, ""))]);
    upload(&script, b"", payload(b"")).await.unwrap();
    let put = &script.done()[3];
    assert_eq!((put.header("content-length"), put.body.is_empty()), (Some("0"), true));
    assert_eq!(put.header("content-md5"), Some(md5_of(b"").as_str()));
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_meets_itself_is_done() {
    for lines in [
        vec![batch(made(URI)), (format!("PUT {BLOB}"), exists()), (format!("HEAD {BLOB}"), head(7, CONTENT))],
        vec![batch(conflict()), info("contentinfo", URI), (format!("HEAD {BLOB}"), head(7, CONTENT))],
        vec![
            batch(conflict()),
            info("contentinfo", URI),
            (format!("HEAD {BLOB}"), raw(200, "").header("content-length", "7")),
        ],
        vec![
            batch(reply(409, json!({"error": {"code": "UserError", "message": "ArtifactId x already exists."}}))),
            info("contentinfo", URI),
            (format!("HEAD {BLOB}"), head(7, CONTENT)),
        ],
    ] {
        let script = script(lines);
        upload(&script, CONTENT, payload(CONTENT)).await.unwrap();
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn metadata_without_bytes_get_their_bytes() {
    let script = script([
        batch(conflict()),
        info("contentinfo", URI),
        (format!("HEAD {BLOB}"), raw(404, "")),
        info("write", URI),
        (format!("PUT {BLOB}"), raw(201, "")),
    ]);
    upload(&script, CONTENT, payload(CONTENT)).await.unwrap();
    script.done();
}

#[tokio::test(start_paused = true)]
async fn other_bytes_under_the_name_are_refused() {
    for found in [head(8, CONTENT), head(7, b"another"), raw(200, "")] {
        let script = script([batch(made(URI)), (format!("PUT {BLOB}"), exists()), (format!("HEAD {BLOB}"), found)]);
        assert_eq!(upload(&script, CONTENT, payload(CONTENT)).await.unwrap_err().code, "ArtifactDiffers");
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn bytes_that_changed_since_the_plan_are_not_committed() {
    for content in [&b"b model"[..], b"a longer model", b"short", b""] {
        let script = script([batch(made(URI))]);
        let failure = upload(&script, content, payload(CONTENT)).await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.retry), ("PayloadChanged", Retry::Soon));
        script.done();
    }
}

/// A payload whose source breaks off.
struct Broken;

#[async_trait::async_trait]
impl Payloads for Broken {
    fn reveal(&self, _: &acivnet_api::SecretKeyRef) -> Result<crate::Secret, Failure> {
        panic!("nothing here is secret")
    }

    async fn keep(&self, _: &str, _: &crate::Keys) -> Result<(), Failure> {
        panic!("nothing is kept")
    }

    async fn open(&self, _: &Payload) -> Result<PayloadStream, Failure> {
        let pieces = [Ok(Bytes::from_static(b"a m")), Err("connection reset".into())];
        Ok(futures::stream::iter(pieces).boxed())
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_that_breaks_off_is_a_fault_of_the_path() {
    let script = script([batch(made(URI))]);
    let failure = upload_from(&script, &Broken, payload(CONTENT)).await.unwrap_err();
    assert!(failure.retry == Retry::Backoff && failure.message.contains("broke off: connection reset"), "{failure:?}");
    script.done();
}

#[tokio::test(start_paused = true)]
async fn a_long_file_goes_in_blocks() {
    let content: Vec<u8> = (0..BLOCK * 2 + 5).map(|n| (n % 251) as u8).collect();
    let block = |number: u32| format!("PUT {BLOB}&comp=block&blockid={}", STANDARD.encode(format!("{number:06}")));
    let script = script([
        batch(made(URI)),
        (block(0), raw(201, "")),
        (block(1), raw(201, "")),
        (block(2), raw(201, "")),
        (format!("PUT {BLOB}&comp=blocklist"), raw(201, "")),
    ]);
    upload(&script, &content, payload(&content)).await.unwrap();
    let seen = script.done();
    let sent: Vec<u8> = seen[3..6].iter().flat_map(|one| one.body.to_vec()).collect();
    assert!(sent == content && seen[3].body.len() == BLOCK && seen[5].body.len() == 5);
    assert_eq!(seen[3].header("if-none-match"), None);
    let list = &seen[6];
    assert_eq!(
        [list.header("if-none-match"), list.header("x-ms-blob-content-md5")],
        [Some("*"), Some(md5_of(&content).as_str())]
    );
    let text = String::from_utf8(list.body.to_vec()).unwrap();
    assert!(
        text.ends_with(
            "<BlockList><Latest>MDAwMDAw</Latest><Latest>MDAwMDAx</Latest><Latest>MDAwMDAy</Latest></BlockList>"
        ),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_signature_is_used_in_blob_storage_only() {
    for uri in ["https://evil.test/x?sig=1", "http://a.blob.test/x?sig=1", "https://arm.test/x", "nonsense", ""] {
        let script = script([batch(made(uri))]);
        let failure = upload(&script, CONTENT, payload(CONTENT)).await.unwrap_err();
        assert!(
            ["HostNotOfCloud", "NoAnswer"].contains(&failure.code.as_str()) && !failure.message.contains("sig="),
            "{failure:?}"
        );
        script.done();
    }
}

#[tokio::test(start_paused = true)]
async fn faults_are_told_apart() {
    for (answer, code, retry) in [
        (
            raw(503, "").header("x-ms-error-code", "ServerBusy").header("retry-after", "2"),
            "ServerBusy",
            Retry::After(Duration::from_secs(2)),
        ),
        (raw(403, "").header("x-ms-error-code", "AuthenticationFailed"), "AuthenticationFailed", Retry::Backoff),
        (lost(), "NoAnswer", Retry::Backoff),
    ] {
        let script = script([batch(made(URI)), (format!("PUT {BLOB}"), answer)]);
        let failure = upload(&script, CONTENT, payload(CONTENT)).await.unwrap_err();
        assert_eq!((failure.code.as_str(), failure.retry), (code, retry));
        script.done();
    }
    let refused = json!({"errors": {"model.pkl": {"error": {"code": "UserError", "message": "path is too long"}}}});
    let script = script([batch(reply(200, refused))]);
    assert_eq!(upload(&script, CONTENT, payload(CONTENT)).await.unwrap_err().code, "UserError");
}
