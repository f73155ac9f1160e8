//! A service as `GET {WS}/services/{name}` shows it.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::request::model_ids;
use super::state::Service;
use super::{models, set, timestamp};
use crate::ids::guid_of;
use crate::world::World;

/// Members that the SDK expects in every model of a service; tags are in `tags` there.
const MODEL_MEMBERS: &[&str] = &[
    "id",
    "name",
    "version",
    "createdTime",
    "createdBy",
    "description",
    "mimeType",
    "framework",
    "frameworkVersion",
    "properties",
    "unpack",
    "url",
    "experimentName",
    "runId",
    "datasets",
];

/// The whole object. Absent keys that must not be null are left out.
pub fn service(world: &World, workspace: &str, service: &Service, expand: bool) -> Value {
    let address = service.container.as_ref().filter(|container| container.up).map(|container| container.address);
    let public = address.filter(|_| service.network.is_none());
    // With TLS `scoringUri` has the host name, and where the private address is then is not documented: here it is
    // `publicIp`, which holds the address of the container group without a network.
    let shown = public.or(address.filter(|_| service.ssl.enabled));
    let host = address.map(|address| host(workspace, service, address));
    let scheme = if service.ssl.enabled { "https" } else { "http" };
    let uri = |path: &str| host.as_ref().map(|host| format!("{scheme}://{host}/{path}"));
    let mut body = json!({
        "id": service.name, "name": service.name, "computeType": "ACI", "state": service.state.as_str(),
        "deploymentType": "HttpRealtimeEndpoint", "description": service.description, "kvTags": service.tags,
        "properties": properties(service), "createdTime": timestamp(service.created),
        "operationId": service.operation_id, "createdBy": service.created_by,
        "containerResourceRequirements": {
            "cpu": number(service.cpu), "memoryInGB": number(service.memory_gb), "gpu": null, "fpga": null,
        },
        "location": service.location, "authEnabled": service.auth_enabled, "appInsightsEnabled": service.app_insights,
        "sslEnabled": service.ssl.enabled, "sslCertificate": service.ssl.certificate, "sslKey": "",
        "cname": service.ssl.cname,
        // In a virtual network the address itself; whether Azure shows the port is not documented.
        "scoringUri": uri("score"), "swaggerUri": uri("swagger.json"),
        "publicIp": shown.map(|ip| ip.to_string()), "publicFqdn": public.and(host.clone()),
        "environmentImageRequest": service.image_request,
        "vnetConfiguration": service.network.as_ref().map(|n| json!({"vnetName": n.vnet, "subnetName": n.subnet})),
        "encryptionProperties": null, "dataCollection": {"eventHubEnabled": false, "storageEnabled": false},
    });
    for (member, value) in &service.kept {
        set(&mut body, member, value.clone());
    }
    if let Some(updated) = service.updated {
        set(&mut body, "updatedTime", json!(timestamp(updated)));
    }
    if let Some(error) = &service.error {
        set(&mut body, "error", error.clone());
    }
    if expand {
        let ids = model_ids(&service.image_request);
        let models = ids.iter().filter_map(|id| models::find(world, workspace, id)).map(model);
        set(&mut body, "models", models.collect());
    }
    body
}

/// Name of the container group: the service's name and a hash of the workspace.
pub fn group_name(workspace: &str, service: &str) -> String {
    let digest = Sha256::digest(workspace.to_ascii_lowercase().as_bytes());
    let hash: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{service}-{hash}")
}

/// The address of a service outside every virtual network, from those reserved for documentation (RFC 5737).
pub fn public_address(workspace: &str, service: &str) -> Ipv4Addr {
    let digest = Sha256::digest(group_name(workspace, service).as_bytes());
    Ipv4Addr::new(203, 0, 113, digest.first().copied().unwrap_or_default() % 250 + 1)
}

fn host(workspace: &str, service: &Service, address: Ipv4Addr) -> String {
    if let (true, Some(cname)) = (service.ssl.enabled, service.ssl.cname.as_str()) {
        return cname.to_owned();
    }
    if service.network.is_some() {
        return address.to_string();
    }
    let label = service.dns_label.clone().unwrap_or_else(|| guid_of(&group_name(workspace, &service.name)));
    format!("{label}.{}.azurecontainer.io", service.location)
}

/// The service adds two members of its own once it has been healthy.
fn properties(service: &Service) -> Map<String, Value> {
    let mut properties = service.properties.clone();
    if service.container.as_ref().is_some_and(|container| container.up) {
        let https = if service.ssl.enabled { "True" } else { "False" };
        properties.insert("hasInferenceSchema".into(), json!("False"));
        properties.insert("hasHttps".into(), json!(https));
    }
    properties
}

fn model(stored: &Value) -> Value {
    let members =
        MODEL_MEMBERS.iter().map(|member| ((*member).to_owned(), stored.get(member).cloned().unwrap_or_default()));
    let mut model = Value::Object(members.collect());
    set(&mut model, "tags", stored.get("kvTags").cloned().unwrap_or_default());
    model
}

/// Whole numbers without a fraction, as they were sent.
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() < 1e9 { json!(value as i64) } else { json!(value) }
}
