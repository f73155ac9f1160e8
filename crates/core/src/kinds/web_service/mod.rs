//! A web service of Azure Machine Learning v1 with compute type ACI.

pub mod arguments;
pub mod keys;
mod patch;

pub use patch::{changes_content, patch, sealed};

use crate::{
    drift::{Difference, Rule, differences},
    id::ResourceId,
    kind::{Adoptable, Kind, OnFailure, Phase, Write, strip},
    owner::{CONTENT_TAG, OWNER_TAG, TLS_TAG},
};
use serde_json::{Map, Value, json};

/// The kind.
pub static WEB_SERVICE: Kind = Kind {
    phase,
    rules: &[
        Rule::Keys("kvTags"),
        Rule::Loose("location"),
        Rule::Loose("computeType"),
        Rule::IfAnswered("authEnabled"),
        Rule::IfAnswered("image"),
        Rule::IfAnswered("image.baseImage"),
        Rule::IfAnswered("image.inferencingStackVersion"),
        Rule::IfAnswered("vnetConfiguration"),
        Rule::Loose("vnetConfiguration.vnetName"),
        Rule::Loose("vnetConfiguration.subnetName"),
        Rule::IfAnswered("appInsightsEnabled"),
        Rule::IfAnswered("dataCollection"),
        Rule::Loose("encryptionProperties.vaultBaseUrl"),
        Rule::IfAnswered("sslEnabled"),
        Rule::IfAnswered("cname"),
        Rule::WriteOnly("sslCertificate"),
        Rule::WriteOnly("sslKey"),
        Rule::WriteOnly("keys"),
        Rule::WriteOnly("environmentImageRequest"),
    ],
    change: patch::change,
    write: Write::Service,
    normalise,
    spec_field,
    still_runs,
    on_failure: OnFailure::Hold,
    adoptable: Adoptable::Named,
    ..Kind::machine_learning("WebService", "Microsoft.MachineLearningServices/workspaces/services")
};

/// Name of the uploaded driver script.
pub const DRIVER_NAME: &str = "acivnet_driver.py";
/// Text of the driver script.
pub const DRIVER: &str = include_str!("driver.py");

/// The id of a web service.
pub fn id(workspace: &ResourceId, name: &str) -> ResourceId {
    workspace.child("services", name)
}

/// TLS of a web service. Certificate and key are filled in when they are sent.
pub struct Tls<'a> {
    /// `cname`.
    pub hostname: &'a str,
    /// Digest of the certificate.
    pub digest: String,
}

/// Everything that a web service's body is made from.
pub struct Service<'a> {
    /// Name in the workspace.
    pub name: &'a str,
    /// Free text.
    pub description: Option<&'a str>,
    /// User's tags.
    pub tags: Map<String, Value>,
    /// User's properties; Azure adds its own.
    pub properties: Map<String, Value>,
    /// Owner mark.
    pub owner: &'a str,
    /// Region.
    pub location: &'a str,
    /// Name of the virtual network, in the workspace's resource group.
    pub virtual_network: &'a str,
    /// Name of the subnet.
    pub subnet: &'a str,
    /// Cores, in tenths.
    pub cpu_tenths: u64,
    /// GB of 10^9 bytes, in tenths.
    pub memory_tenths: u64,
    /// Whether a request needs a key.
    pub needs_key: bool,
    /// TLS; none means plain HTTP.
    pub tls: Option<Tls<'a>>,
    /// Whether it reports to Application Insights.
    pub app_insights: bool,
    /// Whether inputs and predictions are stored.
    pub data_collection: bool,
    /// `encryptionProperties`; null without a customer-managed key. Azure answers null for "none" (azureml-core 1.61
    /// reads it from the answer), so an answer without it is compared too.
    pub encryption: Value,
    /// Content: driver, script, model, environment.
    pub image: Value,
    /// Digest of the content's inputs.
    pub content: &'a str,
}

impl Service<'_> {
    /// The fields that we set (Azure ML v1, `POST …/services`), with the content in comparable form as `image`.
    pub fn body(&self) -> Value {
        let mut tags = self.tags.clone();
        tags.insert(OWNER_TAG.into(), self.owner.into());
        tags.insert(CONTENT_TAG.into(), self.content.into());
        let mut body = json!({
            "name": self.name, "computeType": "ACI", "description": self.description, "location": self.location,
            "kvTags": tags, "properties": self.properties, "authEnabled": self.needs_key,
            "appInsightsEnabled": self.app_insights, "encryptionProperties": self.encryption,
            "dataCollection": {"storageEnabled": self.data_collection, "eventHubEnabled": false},
            "containerResourceRequirements": {"cpu": tenths(self.cpu_tenths), "memoryInGB": tenths(self.memory_tenths)},
            "vnetConfiguration": {"vnetName": self.virtual_network, "subnetName": self.subnet},
            "environmentImageRequest": self.image, "image": comparable_image(&self.image), "sslEnabled": false,
        });
        if let Some(tls) = &self.tls {
            tls.fill(&mut body);
        }
        body
    }
}

impl Tls<'_> {
    fn fill(&self, body: &mut Value) {
        if let Some(tags) = body.get_mut("kvTags").and_then(Value::as_object_mut) {
            tags.insert(TLS_TAG.into(), self.digest.clone().into());
        }
        if let Some(body) = body.as_object_mut() {
            body.insert("sslEnabled".into(), true.into());
            body.insert("cname".into(), self.hostname.into());
            body.extend(["sslCertificate", "sslKey"].map(|name| (name.to_owned(), "".into())));
        }
    }
}

/// A number of tenths as JSON. Whole numbers stay integers.
fn tenths(count: u64) -> Value {
    if count.is_multiple_of(10) { (count / 10).into() } else { (count as f64 / 10.0).into() }
}

fn phase(body: &Value) -> Phase {
    match state(body) {
        "Healthy" => Phase::Settled,
        "Failed" | "Unhealthy" | "Unschedulable" => Phase::Failed(error_text(body)),
        _ => Phase::Busy,
    }
}

/// `Transitioning`, `Healthy`, `Unhealthy`, `Failed` or `Unschedulable`.
pub fn state(body: &Value) -> &str {
    body.get("state").and_then(Value::as_str).unwrap_or_default()
}

/// Whether it answers.
pub(crate) fn is_healthy(body: &Value) -> bool {
    state(body) == "Healthy"
}

/// Digest of its certificate, from the tag.
pub(crate) fn certificate(body: &Value) -> Option<&str> {
    body.get("kvTags")?.get(TLS_TAG)?.as_str()
}

/// Whether Azure gave up on it, or its container exits again and again.
pub fn has_failed(body: &Value) -> bool {
    matches!(phase(body), Phase::Failed(_))
}

fn error_text(body: &Value) -> String {
    let message = body.pointer("/error/message").and_then(Value::as_str);
    message.map_or_else(|| format!("state is {}", state(body)), str::to_owned)
}

/// With the content in comparable form as `image`, if Azure answers it.
fn normalise(body: &Value) -> Value {
    let mut body = body.clone();
    let image = body.get("environmentImageRequest").and_then(comparable_image);
    if let (Some(image), Value::Object(body)) = (image, &mut body) {
        body.insert("image".into(), image);
    }
    body
}

/// Model, script and environment of an `environmentImageRequest`, in which a change by another client shows. The driver
/// is left out, so that a new release with a new driver changes nothing.
pub fn comparable_image(image: &Value) -> Option<Value> {
    let driver = image.get("driverProgram").cloned().unwrap_or_default();
    let assets = image.get("assets")?.as_array()?;
    let urls: Vec<&Value> =
        assets.iter().filter(|one| one.get("id") != Some(&driver)).filter_map(|one| one.get("url")).collect();
    let environment = |path: &str| image.pointer(&format!("/environment/{path}"));
    Some(json!({
        "modelIds": image.get("modelIds"), "assets": urls, "conda": environment("python/condaDependencies"),
        "baseImage": environment("docker/baseImage"), "inferencingStackVersion": environment("inferencingStackVersion"),
    }))
}

/// The body of a creation as `azureml-core` 1.61 sends it: without `image`, which is only for comparison, and without
/// settings that are off, but with null for names and keys that Azure chooses.
pub fn creation(body: &Value) -> Value {
    let mut body = body.clone();
    let collects = body.pointer("/dataCollection/storageEnabled") == Some(&Value::Bool(true));
    let encrypts = body.get("encryptionProperties").is_some_and(Value::is_object);
    strip(&mut body, &["image"]);
    if !collects {
        strip(&mut body, &["dataCollection"]);
    }
    if !encrypts {
        strip(&mut body, &["encryptionProperties"]);
    }
    if let Value::Object(members) = &mut body {
        let keys = json!({"primaryKey": null, "secondaryKey": null});
        for (name, left) in [("cname", Value::Null), ("dnsNameLabel", Value::Null), ("keys", keys)] {
            members.entry(name).or_insert(left);
        }
    }
    if !has_tls(&body) {
        strip(&mut body, &["sslEnabled"]);
    }
    body
}

/// Whether a web service has TLS.
pub fn has_tls(body: &Value) -> bool {
    body.get("sslEnabled") == Some(&Value::Bool(true))
}

/// Whether a failed service still has its container, which Azure restarts, so that a patch may heal it. One that failed
/// during its creation is deleted and created: whether Azure accepts a patch for it is not confirmed.
pub(crate) fn still_runs(body: &Value) -> bool {
    state(body) == "Unhealthy"
}

/// Its models, as `name:version`.
pub fn model_ids(body: &Value) -> Vec<&str> {
    let list = body.pointer("/environmentImageRequest/modelIds").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).collect()
}

/// The spec's name of a field of the body, and its unit there.
fn spec_field(path: &str) -> (String, &'static str) {
    let tag = path.strip_prefix("kvTags.").filter(|tag| *tag != CONTENT_TAG);
    let property = path.strip_prefix("properties.");
    if let Some(property) = property {
        return (format!("backend.azureMLWebService.properties[{property}]"), "");
    }
    let name = match path {
        "containerResourceRequirements.memoryInGB" => return ("resources.memory".into(), "G"),
        "containerResourceRequirements.cpu" => "resources.cpu",
        "image.modelIds" => "model",
        "image.assets" => "scoring.script",
        "image.conda" => "environment.conda",
        "authEnabled" => "auth.type",
        "sslEnabled" => "tls",
        "cname" => "tls.hostname",
        path if path.strip_prefix("kvTags.") == Some(TLS_TAG) => "tls.secretRef",
        "appInsightsEnabled" => "telemetry.applicationInsights",
        path if path.starts_with("dataCollection") => "telemetry.dataCollection",
        path if path.starts_with("encryptionProperties") => "encryption.keyVaultKey",
        "image.baseImage" => "environment.baseImage",
        "image.inferencingStackVersion" => "environment.inferencingStackVersion",
        path if path.starts_with("vnetConfiguration") || path == "location" => "network.subnetRef",
        path => return (tag.map_or_else(|| path.to_owned(), |tag| format!("azure.tags[{tag}]")), ""),
    };
    (name.into(), "")
}

/// The differences of an existing web service from a body.
pub fn differs(body: &Value, actual: &Value, written: &[String]) -> Vec<Difference> {
    differences(body, &normalise(actual), WEB_SERVICE.rules, written)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::Change;

    fn service(content: &str, model: &str) -> Value {
        let image = json!({"driverProgram": "d.py", "modelIds": [model], "assets": [{"id": "d.py", "url": "aml://artifact/d"}, {"id": "score.py", "url": "aml://artifact/s"}],
            "environment": {"python": {"condaDependencies": {"dependencies": ["python=3.10"]}}}});
        Service {
            name: "svc",
            description: None,
            tags: Map::new(),
            properties: Map::new(),
            owner: "o",
            location: "japaneast",
            virtual_network: "v",
            subnet: "s",
            cpu_tenths: 10,
            memory_tenths: 15,
            needs_key: false,
            tls: None,
            app_insights: false,
            data_collection: false,
            encryption: Value::Null,
            image,
            content,
        }
        .body()
    }

    fn answer(body: &Value) -> Value {
        let mut answer = creation(body);
        answer["state"] = "Healthy".into();
        answer["location"] = "Japan East".into();
        answer["properties"] = json!({"hasHttps": "False"});
        answer
    }

    #[test]
    fn azures_own_form_is_no_drift() {
        let want = service("c1", "m:1");
        assert_eq!(differs(&want, &answer(&want), &[]), vec![]);
        let mut without = answer(&want);
        for optional in ["environmentImageRequest", "vnetConfiguration", "authEnabled"] {
            without.as_object_mut().unwrap().remove(optional);
        }
        assert_eq!(differs(&want, &without, &[]), vec![]);
    }

    #[test]
    fn each_field_has_its_change() {
        let want = service("c2", "m:2");
        let actual = answer(&service("c1", "m:1"));
        let found = differs(&want, &actual, &[]);
        let paths: Vec<_> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["kvTags.acivnet-content", "image.modelIds"]);
        assert!(found.iter().all(|one| (WEB_SERVICE.change)(&one.path) == Change::Roll));
        let operations = patch(&want, &actual, &found, true, &[]);
        let touched: Vec<_> = operations.as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
        assert_eq!(touched, ["/environmentImageRequest", "/kvTags"]);
        for (path, expected) in [
            ("containerResourceRequirements.cpu", Change::Replace),
            ("vnetConfiguration.subnetName", Change::Replace),
            ("dataCollection.storageEnabled", Change::Replace),
            ("encryptionProperties", Change::Replace),
            ("appInsightsEnabled", Change::Roll),
            ("properties.team", Change::Live),
            ("kvTags.acivnet-restart", Change::Roll),
            ("description", Change::Live),
            ("kvTags.team", Change::Live),
        ] {
            assert_eq!((WEB_SERVICE.change)(path), expected, "{path}");
        }
    }

    #[test]
    fn whole_numbers_stay_whole() {
        let body = service("c", "m:1");
        assert_eq!(body["containerResourceRequirements"].to_string(), r#"{"cpu":1,"memoryInGB":1.5}"#);
    }
}
