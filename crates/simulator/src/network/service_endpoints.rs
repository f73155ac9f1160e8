//! Service endpoints of a subnet ("Virtual network service endpoints").

use crate::error::Refusal;
use crate::store::Resource;
use serde_json::{Map, Value, json};

/// Services that have endpoints.
const SERVICES: &[&str] = &[
    "Microsoft.AzureActiveDirectory",
    "Microsoft.AzureCosmosDB",
    "Microsoft.CognitiveServices",
    "Microsoft.ContainerRegistry",
    "Microsoft.EventHub",
    "Microsoft.KeyVault",
    "Microsoft.ServiceBus",
    "Microsoft.Sql",
    "Microsoft.Storage",
    "Microsoft.Storage.Global",
    "Microsoft.Web",
];

fn of(properties: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let list = properties.get_mut("serviceEndpoints").and_then(Value::as_array_mut).into_iter().flatten();
    list.filter_map(Value::as_object_mut)
}

/// Takes out what only the service writes.
pub(super) fn normalise(properties: &mut Map<String, Value>) {
    for endpoint in of(properties) {
        endpoint.retain(|name, value| name != "provisioningState" && !value.is_null());
    }
}

/// Each service is known and named once (the codes are not confirmed).
pub(super) fn check(subnet: &Resource) -> Result<(), Refusal> {
    let list = subnet.properties.get("serviceEndpoints").and_then(Value::as_array).map(Vec::as_slice);
    let services: Vec<&str> =
        list.unwrap_or_default().iter().map(|one| one.get("service").and_then(Value::as_str).unwrap_or("")).collect();
    for (position, service) in services.iter().enumerate() {
        if !SERVICES.iter().any(|known| known.eq_ignore_ascii_case(service)) {
            let message = format!("Service endpoint '{service}' of subnet {} is not supported.", subnet.id);
            return Err(Refusal::bad_request("ServiceEndpointNotSupported", message));
        }
        if services.iter().skip(position + 1).any(|other| other.eq_ignore_ascii_case(service)) {
            let message = format!("Subnet {} names the service endpoint '{service}' twice.", subnet.id);
            return Err(Refusal::bad_request("DuplicateServiceEndpoint", message));
        }
    }
    Ok(())
}

/// Adds what the service writes. Which regions it fills in where none are named differs by service; `*` is its word
/// for all.
pub(super) fn show(properties: &mut Map<String, Value>) {
    for endpoint in of(properties) {
        endpoint.insert("provisioningState".to_owned(), json!("Succeeded"));
        endpoint.entry("locations").or_insert_with(|| json!(["*"]));
    }
}
