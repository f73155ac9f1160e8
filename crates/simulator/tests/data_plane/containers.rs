//! Containers of blob storage, and writes by token.

use axum::body::Body;
use http::{Method, Request};
use serde_json::json;

use crate::bed::{Answer, Bed, GROUP, WORKSPACE};

const ACCOUNT: &str = "https://amlstorage.blob.localhost:8443";
const VERSION: (&str, &str) = ("x-ms-version", "2021-08-06");
const BLOCK_BLOB: (&str, &str) = ("x-ms-blob-type", "BlockBlob");

struct As<'a> {
    bed: &'a Bed,
    token: String,
}

impl As<'_> {
    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut request = Request::builder().method(method).uri(format!("{ACCOUNT}{path}"));
        request = request.header("content-length", body.len()).header(VERSION.0, VERSION.1);
        request = request.header("authorization", format!("Bearer {}", self.token));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.bed.exchange(request.body(Body::from(body.to_owned())).unwrap()).await
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    async fn put(&self, path: &str) -> Answer {
        self.ask(Method::PUT, path, &[], "").await
    }

    async fn upload(&self, path: &str, body: &str) -> Answer {
        self.ask(Method::PUT, path, &[BLOCK_BLOB, ("x-ms-meta-kind", "a & b")], body).await
    }
}

fn told(answer: &Answer) -> (u16, &str) {
    (answer.status.as_u16(), answer.header("x-ms-error-code"))
}

async fn is_given(bed: &Bed, role: &str, scope: &str) {
    let given = json!({"principalId": "44444444-4444-4444-4444-444444444444", "role": role, "scope": scope});
    let answer = bed.send(Method::PUT, "/simulator/seed", Some(json!({"roleAssignments": [given]}))).await;
    assert!(answer.status.is_success(), "{}", answer.text());
}

/// A contributor with the role to write blobs, in whose account the container `data` is.
async fn contributor(bed: &Bed) -> As<'_> {
    let [token, _] = bed.tokens("storage.azure.com").await;
    is_given(bed, "Storage Blob Data Contributor", GROUP).await;
    let client = As { bed, token };
    assert_eq!(told(&client.put("/data?restype=container").await), (201, ""));
    client
}

#[tokio::test]
async fn containers_come_and_go() {
    let bed = Bed::new().await;
    let client = contributor(&bed).await;
    let name = "/data?restype=container";
    assert_eq!(told(&client.put(name).await), (409, "ContainerAlreadyExists"));
    for (name, code) in [("a", "OutOfRangeInput"), ("Data", "InvalidResourceName"), ("a--b", "InvalidResourceName")] {
        assert_eq!(told(&client.put(&format!("/{name}?restype=container")).await), (400, code), "{name}");
    }
    for method in [Method::GET, Method::HEAD] {
        let found = client.ask(method, name, &[], "").await;
        assert_eq!((found.status.as_u16(), found.header("x-ms-lease-state")), (200, "available"));
        assert!(found.header("etag").starts_with("\"0x") && found.bytes.is_empty());
    }
    assert_eq!(client.upload("/data/a", "x").await.status, 201);
    let listed = client.get("/?comp=list").await;
    let names: Vec<_> =
        listed.text().split("<Name>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(names, ["azureml", "data"], "the workspace's own is there from the beginning");
    assert_eq!(client.ask(Method::DELETE, name, &[], "").await.status, 202);
    assert_eq!(told(&client.get(name).await), (404, "ContainerNotFound"));
    assert_eq!(told(&client.get("/data/a").await), (404, "ContainerNotFound"));
    assert_eq!(told(&client.put(name).await), (409, "ContainerBeingDeleted"));
    bed.pass(31);
    assert_eq!(client.put(name).await.status, 201);
    assert_eq!(told(&client.get("/data/a").await), (404, "BlobNotFound"), "what was in it is gone");
    assert_eq!(told(&client.upload("/none/a", "x").await), (404, "ContainerNotFound"));
}

#[tokio::test]
async fn blobs_are_listed_by_prefix_folder_and_page() {
    let bed = Bed::new().await;
    let client = contributor(&bed).await;
    for name in ["a.txt", "dir/1", "dir/2", "dir%20x/%26", "z"] {
        assert_eq!(told(&client.upload(&format!("/data/{name}"), "12345").await), (201, ""));
    }
    let list = "/data?restype=container&comp=list";
    let names = async |query: &str| {
        let text = client.get(&format!("{list}{query}")).await.text();
        let names: Vec<_> =
            text.split("<Name>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
        let marker = text.split("<NextMarker>").nth(1).map(|rest| rest.split('<').next().unwrap().to_owned());
        (names.join(" "), marker.unwrap_or_default())
    };
    assert_eq!(names("").await, ("a.txt dir x/&amp; dir/1 dir/2 z".into(), String::new()));
    assert_eq!(names("&prefix=dir/").await.0, "dir/1 dir/2");
    assert_eq!(names("&delimiter=/").await.0, "a.txt dir x/ dir/ z");
    assert_eq!(names("&delimiter=/&prefix=dir/").await.0, "dir/1 dir/2");
    let (mut query, mut pages) = ("&maxresults=2&delimiter=/".to_owned(), Vec::new());
    while pages.len() < 4 {
        let (page, marker) = names(&query).await;
        pages.push(page);
        if marker.is_empty() {
            break;
        }
        query = format!("&maxresults=2&delimiter=/&marker={marker}");
    }
    assert_eq!(pages, ["a.txt dir x/", "dir/ z"]);
    let text = client.get(&format!("{list}&include=metadata&prefix=a")).await.text();
    for part in [
        "ContainerName=\"data\"",
        "<Content-Length>5</Content-Length>",
        "<kind>a &amp; b</kind>",
        "<Etag>0x",
        "<NextMarker />",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(told(&client.get(&format!("{list}&maxresults=0")).await), (400, "OutOfRangeQueryParameterValue"));
    assert_eq!(told(&client.get(&format!("{list}&marker=!")).await), (400, "InvalidQueryParameterValue"));
}

#[tokio::test]
async fn a_token_writes_with_a_data_role_only() {
    let bed = Bed::new().await;
    let [token, reader] = bed.tokens("storage.azure.com").await;
    let (client, reader) = (As { bed: &bed, token }, As { bed: &bed, token: reader });
    assert_eq!(client.put("/data?restype=container").await.status, 201, "that is no data action");
    let refused = (403, "AuthorizationPermissionMismatch");
    assert_eq!(told(&client.upload("/data/a", "x").await), refused, "Contributor has no data actions");
    assert_eq!(told(&reader.upload("/data/a", "x").await), refused);
    let block = "/data/a?comp=block&blockid=YQ%3D%3D";
    assert_eq!(told(&client.put(block).await), refused);
    is_given(
        &bed,
        "Storage Blob Data Contributor",
        &format!("{GROUP}/providers/Microsoft.Storage/storageAccounts/other"),
    )
    .await;
    assert_eq!(told(&client.upload("/data/a", "x").await), refused, "a role elsewhere");
    let account = account(&bed).await;
    is_given(&bed, "Storage Blob Data Contributor", &format!("{account}/blobServices/default/containers/data")).await;
    assert_eq!(told(&client.upload("/data/a", "x").await), (201, ""));
    assert_eq!(told(&client.upload("/azureml/a", "x").await), refused, "a role for one container");
    assert_eq!(client.ask(Method::PUT, block, &[], "y").await.status, 201);
    let list = "<BlockList><Latest>YQ==</Latest></BlockList>";
    assert_eq!(client.ask(Method::PUT, "/data/a?comp=blocklist", &[], list).await.status, 201);
    assert_eq!(reader.get("/data/a").await.text(), "y");
    assert_eq!(told(&reader.ask(Method::DELETE, "/data/a", &[], "").await), refused);
    assert_eq!(client.ask(Method::DELETE, "/data/a", &[("if-match", "\"0x1\"")], "").await.status, 412);
    assert_eq!(client.ask(Method::DELETE, "/data/a", &[], "").await.status, 202);
    assert_eq!(told(&client.get("/data/a").await), (404, "BlobNotFound"));
    assert_eq!(told(&reader.put("/more?restype=container").await), refused);
    assert_eq!(reader.get("/data?restype=container").await.status, 200);
}

#[tokio::test]
async fn more_than_a_request_may_bring_is_refused() {
    let bed = Bed::new().await;
    let client = contributor(&bed).await;
    for (path, length) in
        [("/data/a", 5_000u64 * 1024 * 1024 + 1), ("/data/a?comp=block&blockid=YQ%3D%3D", 4_000 * 1024 * 1024 + 1)]
    {
        let request = Request::put(format!("{ACCOUNT}{path}")).header("content-length", length);
        let request = request.header(VERSION.0, VERSION.1).header(BLOCK_BLOB.0, BLOCK_BLOB.1);
        let request =
            request.header("authorization", format!("Bearer {}", client.token)).body(Body::from("x")).unwrap();
        assert_eq!(told(&bed.exchange(request).await), (413, "RequestBodyTooLarge"));
    }
}

/// Id of the workspace's storage account.
async fn account(bed: &Bed) -> String {
    let workspace = bed.get(&format!("{WORKSPACE}?api-version=2024-04-01")).await.json();
    workspace["properties"]["storageAccount"].as_str().unwrap().to_owned()
}
