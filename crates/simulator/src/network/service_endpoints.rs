//! Service endpoints of a subnet ("Virtual network service endpoints").

use crate::arm::locations;
use crate::error::Refusal;
use crate::store::Resource;
use serde_json::{Map, Value, json};

/// The member of a stored subnet that names services whose endpoints the last write brought.
const BEGUN: &str = "begunServiceEndpoints";
/// Services that have endpoints.
pub(super) const SERVICES: &[&str] = &[
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

/// Removes what only the service writes; an empty list of regions counts as none.
pub(super) fn normalise(properties: &mut Map<String, Value>) {
    for endpoint in of(properties) {
        let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
        endpoint.retain(|name, value| name != "provisioningState" && !is_empty(value));
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

/// The services without an endpoint in the existing subnet, as a member that [`show`] reads.
pub(super) fn begun(wanted: &Map<String, Value>, present: Option<&Resource>) -> Map<String, Value> {
    let services = |properties: &Map<String, Value>| {
        let list = properties.get("serviceEndpoints").and_then(Value::as_array).into_iter().flatten();
        list.filter_map(|one| one.get("service")?.as_str()).map(str::to_ascii_lowercase).collect::<Vec<_>>()
    };
    let there = present.map(|present| services(&present.properties)).unwrap_or_default();
    let begun: Vec<String> = services(wanted).into_iter().filter(|service| !there.contains(service)).collect();
    if begun.is_empty() { Map::new() } else { Map::from_iter([(BEGUN.to_owned(), json!(begun))]) }
}

/// Adds what the service writes: the state, which is the subnet's where the last write brought the endpoint, and the
/// regions where none are named. Recorded are the
/// region and its pair for Storage, the region for Sql, and `*` for Cosmos DB
/// (`net-Samples-Tests-Sql-ManageSqlVirtualNetworkRulesTest`, 1; `net-Fluent-Tests-CosmosDB-…`, 1); that all others have
/// `*` is not.
pub(super) fn show(properties: &mut Map<String, Value>, subnet: &Resource, location: &str) {
    let begun = subnet.members.get(BEGUN).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for endpoint in of(properties) {
        let service = endpoint.get("service").and_then(Value::as_str).unwrap_or_default().to_owned();
        let regions = match service.to_ascii_lowercase().as_str() {
            "microsoft.storage" => [location].into_iter().chain(locations::pair(location)).collect(),
            "microsoft.sql" => vec![location],
            _ => vec!["*"],
        };
        endpoint.entry("locations").or_insert_with(|| json!(regions));
        let is_begun = begun.iter().any(|one| one.as_str().is_some_and(|one| one.eq_ignore_ascii_case(&service)));
        let state = if is_begun { subnet.state.as_str() } else { "Succeeded" };
        endpoint.insert("provisioningState".to_owned(), json!(state));
    }
}
