//! What a user of Microsoft's SDK creates in the workspace: the requests of `azureml-core` 1.61 for `Model.register` and
//! `Model.deploy`, by their own names of files and without any mark. No wire sees them.

use super::{
    azure::URL,
    bed::{Bed, CLIENT, GROUP_ID, SECRET, TENANT},
};
use crate::repository;
use axum::body::Body;
use http::{Method, Request, header};
use http_body_util::BodyExt as _;
use serde_json::{Value, json};

/// A person who is signed in.
pub struct Sdk<'b> {
    bed: &'b Bed,
    token: String,
}

impl<'b> Sdk<'b> {
    /// Signs in by client secret.
    pub async fn new(bed: &'b Bed) -> Self {
        let form = format!(
            "grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}&scope=https%3A%2F%2Fmanagement.azure.com%2F.default"
        );
        let request = Request::post(format!("{URL}/{TENANT}/oauth2/v2.0/token"))
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let mut sdk = Self { bed, token: String::new() };
        let answer = sdk.exchange(request.body(Body::from(form)).expect("a request")).await;
        sdk.token = answer["access_token"].as_str().expect("a token").to_owned();
        sdk
    }

    /// Registers the example's model under a name; its id.
    pub async fn register(&self, name: &str) -> Value {
        let model = self.upload("261122T084753-03715568", "model.pkl", file("model.pkl")).await;
        let asset =
            self.ask("modelmanagement/v1.0", "assets", json!({"name": name, "artifacts": [{"prefix": model}]})).await;
        let model = json!({
            "name": name, "datasets": [], "url": format!("aml://asset/{}", asset["id"].as_str().expect("an id")),
            "mimeType": "application/json", "unpack": false, "kvTags": {"area": "test"},
        });
        self.ask("modelmanagement/v1.0", "models", model).await["id"].clone()
    }

    /// Registers the example's model and deploys it with the example's script and environment.
    pub async fn deploy(&self) {
        let model = self.register("mymodel").await;
        let driver = self.upload("bdbcd539", "tmpti7452j1.py", b"from score import init, run\n".to_vec()).await;
        let script = self.upload("e1861209", "score.py", file("score.py")).await;
        self.ask("modelmanagement/v1.0", "services", service(&model, &driver, &script)).await;
    }

    /// The id of a new artifact.
    async fn upload(&self, container: &str, path: &str, content: Vec<u8>) -> String {
        let batch = format!("artifacts/batch/metadata/LocalUpload/{container}");
        let answer = self.ask("artifact/v2.0", &batch, json!({"paths": [{"path": path}]})).await;
        let url = answer["artifactContentInformation"][path]["contentUri"].as_str().expect("a URL");
        let request = Request::put(url)
            .header("x-ms-blob-type", "BlockBlob")
            .header("if-none-match", "*")
            .header(header::CONTENT_LENGTH, content.len());
        self.exchange(request.body(Body::from(content)).expect("a request")).await;
        answer["artifacts"][path]["artifactId"].as_str().expect("an id").to_owned()
    }

    async fn ask(&self, api: &str, rest: &str, body: Value) -> Value {
        let workspace = format!("{GROUP_ID}/providers/Microsoft.MachineLearningServices/workspaces/amlws");
        let request = Request::builder()
            .method(Method::POST)
            .uri(format!("{URL}/{api}{workspace}/{rest}"))
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token));
        self.exchange(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    /// The answer's JSON, or null without one.
    async fn exchange(&self, request: Request<Body>) -> Value {
        let about = format!("{} {}", request.method(), request.uri());
        let answer = self.bed.azure.handle(request).await;
        let status = answer.status();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        assert!(status.is_success(), "{about}: {status} {}", String::from_utf8_lossy(&body));
        serde_json::from_slice(&body).unwrap_or_default()
    }
}

fn file(name: &str) -> Vec<u8> {
    let path = repository().join("deploy/examples/article").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `POST …/services` as the SDK sends it.
fn service(model: &Value, driver: &str, script: &str) -> Value {
    let conda: Value = serde_saphyr::from_str(&String::from_utf8(file("myenv.yml")).expect("text")).expect("YAML");
    let asset = |id: &str, kind: &str, artifact: &str| json!({"id": id, "mimeType": kind, "url": format!("aml://artifact/{artifact}")});
    let environment = json!({
        "name": "myenv", "version": null,
        "environmentVariables": {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE", "AZUREML_ENTRY_SCRIPT": "score.py"},
        "python": {"userManagedDependencies": false, "interpreterPath": "python", "condaDependenciesFile": null,
            "baseCondaEnvironment": null, "condaDependencies": conda},
        "docker": {"enabled": false, "baseImage": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1",
            "baseDockerfile": null, "buildContext": null, "sharedVolumes": true, "shmSize": "2g", "arguments": [],
            "baseImageRegistry": {"address": null, "username": null, "password": null, "registryIdentity": null},
            "platform": {"os": "Linux", "architecture": "amd64"}},
        "spark": {"repositories": [], "packages": [], "precachePackages": true},
        "databricks": {"mavenLibraries": [], "pypiLibraries": [], "rcranLibraries": [], "jarLibraries": [], "eggLibraries": []},
        "r": null, "inferencingStackVersion": null, "assetId": null,
    });
    let image = json!({
        "driverProgram": "tmpti7452j1.py", "modelIds": [model], "environment": environment,
        "assets": [asset("tmpti7452j1.py", "application/x-python", driver), asset("score.py", "application/octet-stream", script)],
    });
    json!({
        "containerResourceRequirements": {"cpu": 1, "memoryInGB": 1}, "cname": null, "dnsNameLabel": null,
        "vnetConfiguration": {"vnetName": "amlvnet1", "subnetName": "amlsubnet1"}, "name": "aciservice", "description": null,
        "kvTags": null, "properties": {}, "keys": {"primaryKey": null, "secondaryKey": null}, "computeType": "ACI",
        "environmentImageRequest": image, "location": "japaneast",
    })
}
