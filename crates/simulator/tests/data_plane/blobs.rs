//! Blob storage and artifacts.

use axum::body::Body;
use http::{Method, Request, StatusCode};
use serde_json::json;

use crate::bed::{Answer, Bed, WORKSPACE};

async fn target(bed: &Bed, path: &str) -> String {
    let url = format!("/artifact/v2.0{WORKSPACE}/artifacts/batch/metadata/LocalUpload/c1");
    let answer = bed.send(Method::POST, &url, Some(json!({"paths": [{"path": path}]}))).await.json();
    answer["artifactContentInformation"][path]["contentUri"].as_str().expect("an address").to_owned()
}

async fn ask(bed: &Bed, method: Method, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut request = Request::builder().method(method).uri(url).header("content-length", body.len());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    bed.exchange(request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn a_blob_is_written_once_and_read_whole_or_in_part() {
    let bed = Bed::new().await;
    let url = target(&bed, "dir/model.pkl").await;
    assert!(url.starts_with("https://amlstorage.blob.localhost:8443/azureml/LocalUpload/c1/dir/model.pkl?"), "{url}");
    assert_eq!(ask(&bed, Method::HEAD, &url, &[], "").await.header("x-ms-error-code"), "BlobNotFound");
    assert_eq!(bed.put_blob(&url, b"0123456789").await.status, StatusCode::CREATED);
    let twice = bed.put_blob(&url, b"0123456789").await;
    assert_eq!((twice.status, twice.header("x-ms-error-code")), (StatusCode::CONFLICT, "BlobAlreadyExists"));
    assert!(twice.text().contains("<Error><Code>BlobAlreadyExists</Code><Message>"), "{}", twice.text());
    let head = ask(&bed, Method::HEAD, &url, &[], "").await;
    assert_eq!(
        (head.status, head.header("content-length"), head.header("x-ms-blob-type")),
        (StatusCode::OK, "10", "BlockBlob")
    );
    assert_eq!(head.header("content-md5"), "eB5eJF1ptWaXm4bijSPyxw==");
    assert!(
        head.bytes.is_empty()
            && head.header("etag").starts_with("\"0x")
            && head.header("last-modified").ends_with(" GMT")
    );
    assert_eq!(ask(&bed, Method::GET, &url, &[], "").await.text(), "0123456789");
    let part = ask(&bed, Method::GET, &url, &[("x-ms-range", "bytes=2-4")], "").await;
    assert_eq!((part.status, part.text().as_str()), (StatusCode::PARTIAL_CONTENT, "234"));
    assert_eq!(part.header("content-range"), "bytes 2-4/10");
    let whole = ask(&bed, Method::GET, &url, &[("x-ms-range", "bytes=0-33554431")], "").await;
    assert_eq!((whole.status, whole.header("content-range")), (StatusCode::PARTIAL_CONTENT, "bytes 0-9/10"));
    let beyond = ask(&bed, Method::GET, &url, &[("range", "bytes=10-")], "").await;
    assert_eq!(beyond.header("x-ms-error-code"), "InvalidRange");
}

#[tokio::test]
async fn bad_uploads_leave_nothing() {
    let bed = Bed::new().await;
    let url = target(&bed, "a").await;
    let kind = ("x-ms-blob-type", "BlockBlob");
    let put = async |headers: &[(&str, &str)], body: &str| ask(&bed, Method::PUT, &url, headers, body).await;
    assert_eq!(put(&[], "x").await.header("x-ms-error-code"), "MissingRequiredHeader");
    assert_eq!(put(&[("x-ms-blob-type", "Page")], "x").await.header("x-ms-error-code"), "InvalidHeaderValue");
    assert_eq!(put(&[kind, ("content-md5", "AAAA")], "x").await.header("x-ms-error-code"), "Md5Mismatch");
    let short = Request::put(&url).header("x-ms-blob-type", "BlockBlob").header("content-length", "5");
    let short = bed.exchange(short.body(Body::from("x")).unwrap()).await;
    assert_eq!(short.header("x-ms-error-code"), "IncompleteBody");
    let unsized_body = Request::put(&url).header("x-ms-blob-type", "BlockBlob").body(Body::from("x")).unwrap();
    assert_eq!(bed.exchange(unsized_body).await.status, StatusCode::LENGTH_REQUIRED);
    assert_eq!(ask(&bed, Method::HEAD, &url, &[], "").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn blocks_become_a_blob_in_the_order_of_the_list() {
    let bed = Bed::new().await;
    let url = target(&bed, "big").await;
    for (id, content) in [("Yg%3D%3D", "world"), ("YQ%3D%3D", "hello ")] {
        let block = ask(&bed, Method::PUT, &format!("{url}&comp=block&blockid={id}"), &[], content).await;
        assert_eq!(block.status, StatusCode::CREATED, "{}", block.text());
    }
    let other_length = ask(&bed, Method::PUT, &format!("{url}&comp=block&blockid=YWFhYWFh"), &[], "x").await;
    assert_eq!(other_length.header("x-ms-error-code"), "InvalidQueryParameterValue");
    let list = async |xml: &str| {
        ask(&bed, Method::PUT, &format!("{url}&comp=blocklist"), &[("if-none-match", "*")], xml).await
    };
    let unknown = list("<BlockList><Latest>Yw==</Latest></BlockList>").await;
    assert_eq!(unknown.header("x-ms-error-code"), "InvalidBlockList");
    let xml = "<BlockList><Latest>YQ==</Latest><Latest>Yg==</Latest></BlockList>";
    assert_eq!(list(xml).await.status, StatusCode::CREATED);
    assert_eq!(list(xml).await.header("x-ms-error-code"), "BlobAlreadyExists");
    assert_eq!(ask(&bed, Method::GET, &url, &[], "").await.text(), "hello world");
}

#[tokio::test]
async fn signatures_are_checked() {
    let bed = Bed::new().await;
    let url = target(&bed, "a").await;
    bed.put_blob(&url, b"x").await;
    let code = async |url: &str| ask(&bed, Method::GET, url, &[], "").await;
    let other = url.replace("LocalUpload/c1/a?", "LocalUpload/c1/b?");
    assert_eq!(code(&other).await.status, StatusCode::FORBIDDEN);
    assert_eq!(code(&url.replace("sp=rcw", "sp=rcwd")).await.header("x-ms-error-code"), "AuthenticationFailed");
    let read_only = format!("/artifact/v2.0{WORKSPACE}/artifacts/contentinfo/LocalUpload/c1/a");
    let read_only = bed.get(&read_only).await.json()["contentUri"].as_str().unwrap().to_owned();
    assert_eq!(code(&read_only).await.text(), "x");
    let write = ask(&bed, Method::PUT, &read_only, &[("x-ms-blob-type", "BlockBlob")], "y").await;
    assert_eq!(
        (write.status, write.header("x-ms-error-code")),
        (StatusCode::FORBIDDEN, "AuthorizationPermissionMismatch")
    );
    bed.pass(9 * 3600);
    assert_eq!(code(&url).await.header("x-ms-error-code"), "AuthenticationFailed");
}

#[tokio::test]
async fn an_artifact_is_made_once_and_found_by_prefix() {
    let mut bed = Bed::new().await;
    let id = bed.upload("folder/a.bin", b"a").await;
    let container = id.split('/').nth(1).unwrap().to_owned();
    let url = format!("/artifact/v2.0{WORKSPACE}/artifacts");
    let again = json!({"paths": [{"path": "folder/a.bin"}, {"path": "folder/b.bin"}]});
    let again =
        bed.send(Method::POST, &format!("{url}/batch/metadata/LocalUpload/{container}"), Some(again)).await.json();
    let message = again["errors"]["folder/a.bin"]["error"]["message"].as_str().unwrap();
    assert_eq!(message, format!("Resource Conflict: ArtifactId {id} already exists."));
    assert!(again["artifacts"].get("folder/b.bin").is_some());
    let found = bed.get(&format!("{url}/prefix/contentinfo/LocalUpload/{container}/folder/")).await.json();
    assert_eq!(found["value"].as_array().unwrap().len(), 2);
    let metadata = bed.get(&format!("{url}/metadata/LocalUpload/{container}/folder/a.bin")).await.json();
    assert_eq!(metadata["artifactId"], id.as_str());
    let missing = bed.get(&format!("{url}/metadata/LocalUpload/{container}/none")).await;
    assert_eq!((missing.status, missing.json()["error"]["code"].clone()), (StatusCode::NOT_FOUND, json!("UserError")));
}

#[tokio::test]
async fn a_token_for_storage_reads_with_a_role_that_has_data_actions() {
    let bed = Bed::new().await;
    let signed = target(&bed, "a").await;
    assert_eq!(bed.put_blob(&signed, b"x").await.status, StatusCode::CREATED);
    let url = signed.split('?').next().unwrap();
    let [contributor, reader] = bed.tokens("storage.azure.com").await;
    let [_, for_arm] = bed.tokens("management.azure.com").await;
    let get = async |token: &str, more: &[(&str, &str)]| {
        let bearer = format!("Bearer {token}");
        let headers: Vec<_> = [("authorization", bearer.as_str())].iter().chain(more).copied().collect();
        ask(&bed, Method::GET, url, &headers, "").await
    };
    let version = ("x-ms-version", "2021-08-06");
    let found = get(&reader, &[version]).await;
    assert_eq!((found.status, found.text()), (StatusCode::OK, "x".into()));
    let same = get(&reader, &[version, ("if-match", found.header("etag"))]).await;
    assert_eq!(same.status, StatusCode::OK);
    for (token, headers, status, code) in [
        (&contributor, vec![version], 403, "AuthorizationPermissionMismatch"),
        (&for_arm, vec![version], 401, "InvalidAuthenticationInfo"),
        (&reader, vec![], 401, "InvalidAuthenticationInfo"),
        (&reader, vec![("x-ms-version", "2016-05-31")], 401, "InvalidAuthenticationInfo"),
        (&reader, vec![version, ("if-match", "\"other\"")], 412, "ConditionNotMet"),
        (&"none".to_owned(), vec![version], 401, "InvalidAuthenticationInfo"),
    ] {
        let answer = get(token, &headers).await;
        assert_eq!((answer.status.as_u16(), answer.header("x-ms-error-code")), (status, code), "{headers:?}");
    }
}
