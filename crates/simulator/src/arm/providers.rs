//! Resource providers; all that the simulator knows are registered.

use super::{locations, paging, version, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Namespace and its types.
const PROVIDERS: &[(&str, &[&str])] = &[
    ("Microsoft.Authorization", &["locks", "roleAssignments", "roleDefinitions"]),
    ("Microsoft.ContainerInstance", &["containerGroups", "serviceAssociationLinks"]),
    ("Microsoft.MachineLearningServices", &["workspaces", "workspaces/computes", "workspaces/services"]),
    ("Microsoft.ManagedIdentity", &["userAssignedIdentities", "userAssignedIdentities/federatedIdentityCredentials"]),
    (
        "Microsoft.Network",
        &[
            "virtualNetworks",
            "virtualNetworks/subnets",
            "virtualNetworks/virtualNetworkPeerings",
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

const READ: &str = "Microsoft.Resources/subscriptions/providers/read";

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
        (&Method::GET, []) => READ.to_owned(),
        (&Method::POST, ["register"]) => format!("{name}/register/action"),
        _ => return Err(wrong_verb(call)),
    };
    world.authorize(&call.caller, &action, scope)?;
    Ok(json_response(StatusCode::OK, &body(scope, name, types)))
}

/// `GET {SUB}/providers`.
///
/// # Errors
/// `403 AuthorizationFailed`, `405`.
pub fn list(world: &World, call: &Call, raw_path: &str, subscription: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let scope = format!("/subscriptions/{subscription}");
    world.authorize(&call.caller, READ, &scope)?;
    let items = PROVIDERS.iter().map(|(name, types)| (format!("{scope}/providers/{name}"), body(&scope, name, types)));
    paging::page(world, call, raw_path, items.collect())
}

fn body(scope: &str, name: &str, types: &[&str]) -> Value {
    let types: Vec<Value> = types
        .iter()
        .map(|kind| {
            let mut versions = version::listed(name, kind).to_vec();
            versions.reverse();
            json!({"resourceType": kind, "locations": locations::display_names(), "apiVersions": versions})
        })
        .collect();
    json!({
        "id": format!("{scope}/providers/{name}"), "namespace": name, "registrationState": "Registered",
        "registrationPolicy": "RegistrationRequired", "resourceTypes": types,
    })
}
