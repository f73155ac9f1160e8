//! A simulator with one workspace, one delegated subnet, and a client of each role.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use acivnet_simulator::run::{Runner, Scripted};
use acivnet_simulator::specs::{Checked, Checker};
use acivnet_simulator::{Config, ManualClock, SigningKey, Simulator, StaticIssuerKeys};
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use serde_json::{Value, json};
use tower::Service;

pub const SUBSCRIPTION: &str = "11111111-1111-1111-1111-111111111111";
const TENANT: &str = "22222222-2222-2222-2222-222222222222";
pub const GROUP: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ml";
pub const WORKSPACE: &str = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ml/providers/Microsoft.MachineLearningServices/workspaces/ws";
pub const BASE: &str = "https://localhost:8443";

pub struct Bed {
    pub simulator: Simulator,
    specs: Option<Arc<Checker>>,
    clock: Arc<ManualClock>,
    token: String,
    uploads: u32,
}

#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap_or_else(|e| panic!("{e}: {}", self.text()))
    }
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    pub fn detail(&self) -> String {
        self.json()["details"][0]["code"].as_str().unwrap_or_default().to_owned()
    }
    pub fn operation(&self) -> String {
        assert_eq!(self.status, StatusCode::ACCEPTED, "{}", self.text());
        self.header("operation-location").rsplit('/').next().unwrap().to_owned()
    }
}

fn seed() -> Value {
    let application = |client: &str, object: &str| {
        json!({"tenantId": TENANT, "clientId": client, "objectId": object, "displayName": client, "secrets": ["secret"],
               "federatedCredentials": []})
    };
    json!({
        "tenants": [TENANT],
        "subscriptions": [{"subscriptionId": SUBSCRIPTION, "tenantId": TENANT, "displayName": "test"}],
        "resourceGroups": [{"subscriptionId": SUBSCRIPTION, "name": "ml", "location": "japaneast"}],
        "workspaces": [{"subscriptionId": SUBSCRIPTION, "resourceGroup": "ml", "name": "ws", "location": "japaneast",
                        "storageAccount": "amlstorage"}],
        "applications": [application("33333333-3333-3333-3333-333333333333", "44444444-4444-4444-4444-444444444444"),
                         application("55555555-5555-5555-5555-555555555555", "66666666-6666-6666-6666-666666666666")],
        "roleAssignments": [
            {"principalId": "44444444-4444-4444-4444-444444444444", "role": "Contributor", "scope": GROUP},
            {"principalId": "66666666-6666-6666-6666-666666666666", "role": "Reader", "scope": GROUP},
            {"principalId": "66666666-6666-6666-6666-666666666666", "role": "Storage Blob Data Reader", "scope": GROUP}],
    })
}

fn key() -> Arc<SigningKey> {
    static KEY: OnceLock<Arc<SigningKey>> = OnceLock::new();
    KEY.get_or_init(|| Arc::new(SigningKey::generate().unwrap())).clone()
}

/// What is checked in all these tests, where Microsoft's descriptions are at hand.
static SPECS: LazyLock<Option<Checker>> = LazyLock::new(|| {
    let folder = std::env::var_os("ACIVNET_AZURE_SPECS")?;
    Some(Checker::read(folder.as_ref()).unwrap())
});

impl Bed {
    pub async fn new() -> Self {
        Self::with_pages_of(100).await
    }

    pub async fn with_pages_of(page_size: usize) -> Self {
        Self::with(page_size, Arc::new(Scripted)).await
    }

    pub async fn with(page_size: usize, runner: Arc<dyn Runner>) -> Self {
        let clock = Arc::new(ManualClock::new("2026-11-22T08:00:00Z".parse().unwrap()));
        let config = Config {
            base_url: BASE.into(),
            time_scale: 1.0,
            page_size,
            seed: serde_json::from_value(seed()).unwrap(),
            id_seed: 1,
            key: key(),
            runner,
            issuers: Arc::new(StaticIssuerKeys(BTreeMap::new())),
        };
        let simulator = Simulator::new(config, clock.clone());
        let specs = SPECS.as_ref().map(|specs| Arc::new(specs.afresh()));
        let mut bed = Self { simulator, specs, clock, token: String::new(), uploads: 0 };
        bed.sign_in("33333333-3333-3333-3333-333333333333").await;
        bed.network("10.0.1.0/24").await;
        bed
    }

    async fn sign_in(&mut self, client: &str) {
        self.token = self.token_for(client, "management.azure.com").await;
    }

    async fn token_for(&self, client: &str, host: &str) -> String {
        let form = format!(
            "grant_type=client_credentials&client_id={client}&client_secret=secret&scope=https%3A%2F%2F{host}%2F.default"
        );
        let request = Request::post(format!("{BASE}/{TENANT}/oauth2/v2.0/token"))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(form));
        let answer = self.exchange(request.unwrap()).await;
        answer.json()["access_token"].as_str().expect("a token").to_owned()
    }

    /// Tokens of the contributor and of the one who may read blobs, for this host.
    pub async fn tokens(&self, host: &str) -> [String; 2] {
        let clients = ["33333333-3333-3333-3333-333333333333", "55555555-5555-5555-5555-555555555555"];
        [self.token_for(clients[0], host).await, self.token_for(clients[1], host).await]
    }

    pub async fn as_reader(&mut self) {
        self.sign_in("55555555-5555-5555-5555-555555555555").await;
    }

    pub fn signed_out(&mut self) {
        self.token.clear();
    }

    pub fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub async fn exchange(&self, request: Request<Body>) -> Answer {
        let Ok(response) = Checked::new(self.simulator.clone(), self.specs.clone()).call(request).await;
        if let Some(specs) = &self.specs {
            assert_eq!(specs.ledger().violations, [], "of Microsoft's specs");
        }
        let (parts, body) = response.into_parts();
        let bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap().to_vec();
        Answer { status: parts.status, headers: parts.headers, bytes }
    }

    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let uri = if path.starts_with("http") { path.to_owned() } else { format!("{BASE}{path}") };
        let mut request = Request::builder().method(method).uri(uri).header("content-type", "application/json");
        if !self.token.is_empty() {
            request = request.header("authorization", format!("Bearer {}", self.token));
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        self.exchange(request.body(body).unwrap()).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, None).await
    }

    /// Below the workspace in model management.
    pub async fn mm(&self, method: Method, rest: &str, body: Option<Value>) -> Answer {
        self.send(method, &format!("/modelmanagement/v1.0{WORKSPACE}/{rest}"), body).await
    }

    pub async fn network(&self, subnet_prefix: &str) {
        let delegation =
            json!([{"name": "aci", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}]);
        let body = json!({"location": "japaneast", "properties": {
        "addressSpace": {"addressPrefixes": ["10.0.0.0/16"]},
        "subnets": [
            {"name": "default", "properties": {"addressPrefix": "10.0.0.0/24"}},
            {"name": "aci", "properties": {"addressPrefix": subnet_prefix, "delegations": delegation}},
        ]}});
        let path = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet?api-version=2024-05-01");
        let answer = self.send(Method::PUT, &path, Some(body)).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        self.pass(120);
    }

    pub async fn put_blob(&self, url: &str, content: &[u8]) -> Answer {
        let request = Request::put(url)
            .header("x-ms-blob-type", "BlockBlob")
            .header("if-none-match", "*")
            .header("content-length", content.len());
        self.exchange(request.body(Body::from(content.to_vec())).unwrap()).await
    }

    /// Artifact and blob; gives the artifact's id.
    pub async fn upload(&mut self, path: &str, content: &[u8]) -> String {
        self.uploads += 1;
        let container = format!("{:08}", self.uploads);
        let url = format!("/artifact/v2.0{WORKSPACE}/artifacts/batch/metadata/LocalUpload/{container}");
        let answer = self.send(Method::POST, &url, Some(json!({"paths": [{"path": path}]}))).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        let body = answer.json();
        assert_eq!(body["errors"], json!({}));
        let target = body["artifactContentInformation"][path]["contentUri"].as_str().unwrap().to_owned();
        assert_eq!(self.put_blob(&target, content).await.status, StatusCode::CREATED);
        body["artifacts"][path]["artifactId"].as_str().unwrap().to_owned()
    }

    /// Registers a model of this content; gives its id.
    pub async fn model(&mut self, name: &str, content: &[u8], properties: Value) -> String {
        let artifact = self.upload("model.pkl", content).await;
        let asset = json!({"name": name, "artifacts": [{"prefix": artifact}]});
        let asset = self.mm(Method::POST, "assets", Some(asset)).await.json()["id"].as_str().unwrap().to_owned();
        let body = json!({"name": name, "url": format!("aml://asset/{asset}"), "mimeType": "application/json",
                          "unpack": false, "datasets": [], "properties": properties});
        let answer = self.mm(Method::POST, "models", Some(body)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// `environmentImageRequest` with a driver and a script of this text.
    pub async fn image_request(&mut self, model: &str, script: &str) -> Value {
        let driver = self.upload("driver.py", b"driver").await;
        let score = self.upload("score.py", script.as_bytes()).await;
        json!({
            "driverProgram": "driver.py",
            "assets": [
                {"id": "driver.py", "mimeType": "application/x-python", "url": format!("aml://artifact/{driver}")},
                {"id": "score.py", "mimeType": "application/octet-stream", "url": format!("aml://artifact/{score}")}],
            "modelIds": [model],
            "environment": environment("scikit-learn==1.3.2"),
        })
    }

    /// The body of the classic flow's service.
    pub async fn service_body(&mut self, name: &str) -> Value {
        let model = self.model("mymodel", b"weights", json!({})).await;
        let image = self.image_request(&model, "script").await;
        json!({
            "containerResourceRequirements": {"cpu": 1, "memoryInGB": 1}, "cname": null, "dnsNameLabel": null,
            "vnetConfiguration": {"vnetName": "vnet", "subnetName": "aci"}, "name": name, "description": null,
            "kvTags": null, "properties": {}, "keys": {"primaryKey": null, "secondaryKey": null}, "computeType": "ACI",
            "environmentImageRequest": image, "location": "japaneast",
        })
    }

    /// Creates a service and waits until it is healthy.
    pub async fn healthy_service(&mut self, name: &str) -> Value {
        let body = self.service_body(name).await;
        self.mm(Method::POST, "services", Some(body)).await.operation();
        self.pass(200);
        let service = self.service(name).await;
        assert_eq!(service["state"], "Healthy", "{service}");
        service
    }

    pub async fn service(&self, name: &str) -> Value {
        let answer = self.mm(Method::GET, &format!("services/{name}?expand=true"), None).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text());
        answer.json()
    }

    pub async fn operation(&self, id: &str) -> Value {
        self.mm(Method::GET, &format!("operations/{id}"), None).await.json()
    }

    /// Sets the script of a service's container through the admin interface.
    pub async fn script(&self, service: &str, script: Value) {
        let answer = self.send(Method::PUT, &format!("/simulator/containers/{service}"), Some(script)).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }

    /// A scoring request inside the network.
    pub async fn score(&self, url: &str, key: Option<&str>) -> Answer {
        let mut request = Request::post(url).header("content-type", "application/json");
        if let Some(key) = key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        self.exchange(request.body(Body::from(r#"{"data":[1]}"#)).unwrap()).await
    }
}

pub fn environment(package: &str) -> Value {
    json!({
        "name": "myenv", "version": null,
        "environmentVariables": {"AZUREML_ENTRY_SCRIPT": "score.py"},
        "python": {"userManagedDependencies": false, "condaDependencies": {
            "name": "project_environment", "channels": ["conda-forge"],
            "dependencies": ["python=3.11", {"pip": ["azureml-defaults", package]}]}},
        "docker": {"baseImage": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04", "baseDockerfile": null},
        "inferencingStackVersion": null,
    })
}
