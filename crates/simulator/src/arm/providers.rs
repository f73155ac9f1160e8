//! Resource providers; all that the simulator knows are registered.

use super::wrong_verb;
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Namespace and its types.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("Microsoft.ContainerInstance", &["containerGroups", "serviceAssociationLinks"]),
    ("Microsoft.MachineLearningServices", &["workspaces", "workspaces/computes", "workspaces/services"]),
    (
        "Microsoft.Network",
        &[
            "virtualNetworks",
            "virtualNetworks/subnets",
            "networkSecurityGroups",
            "routeTables",
            "natGateways",
            "publicIPAddresses",
            "privateDnsZones",
            "privateDnsZones/virtualNetworkLinks",
        ],
    ),
    ("Microsoft.Resources", &["subscriptions", "resourceGroups", "tags"]),
    ("Microsoft.Storage", &["storageAccounts"]),
];

/// The namespace in Azure's spelling, if there is such a one.
pub fn spelling(namespace: &str) -> Option<&'static str> {
    PROVIDERS.iter().map(|(name, _)| *name).find(|name| name.eq_ignore_ascii_case(namespace))
}

/// `GET {SUB}/providers/{namespace}` and `POST …/register`.
///
/// # Errors
/// `404 InvalidResourceNamespace`, `403 AuthorizationFailed`, `405`.
pub fn route(world: &World, call: &Call, scope: &str, namespace: &str, rest: &[&str]) -> Result<Response, Refusal> {
    let known = PROVIDERS.iter().find(|(name, _)| name.eq_ignore_ascii_case(namespace));
    let (name, types) = known.ok_or_else(|| super::unknown_type(namespace, rest, call))?;
    let action = match (&call.method, rest) {
        (&Method::GET, []) => "Microsoft.Resources/subscriptions/providers/read".to_owned(),
        (&Method::POST, ["register"]) => format!("{name}/register/action"),
        _ => return Err(wrong_verb(call)),
    };
    world.authorize(&call.caller, &action, scope)?;
    let types: Vec<Value> = types
        .iter()
        .map(|kind| json!({"resourceType": kind, "locations": super::groups::LOCATIONS, "apiVersions": []}))
        .collect();
    let body = json!({
        "id": format!("{scope}/providers/{name}"), "namespace": name, "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired", "resourceTypes": types,
    });
    Ok(json_response(StatusCode::OK, &body))
}
