//! Azure ML workspaces as Resource Manager shows them ("Workspaces - Get"); they come from the seed.

use super::{paging, unknown_type, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::ids::guid_of;
use crate::store::Resource;
use crate::world::{World, not_found};
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// The type.
pub const KIND: &str = "Microsoft.MachineLearningServices/workspaces";

/// Creates a workspace in a group, unless one of this name exists.
pub fn stand(world: &mut World, group: &str, name: &str, location: &str, storage_account: &str) {
    let id = format!("{group}/providers/{KIND}/{name}");
    if world.resources.get(&id).is_some() {
        return;
    }
    let tenant = tenant_of(world, group);
    let properties = properties(world, group, (name, &id), storage_account, &tenant);
    world.resources.insert(Resource {
        guid: guid_of(&id),
        id,
        name: name.to_owned(),
        kind: KIND,
        location: Some(location.to_owned()),
        properties,
        state: "Succeeded".to_owned(),
        ..Resource::default()
    });
}

fn tenant_of(world: &World, group: &str) -> String {
    let subscription = group.split('/').nth(2).unwrap_or_default().to_ascii_lowercase();
    world.subscriptions.get(&subscription).map(|found| found.tenant.clone()).unwrap_or_default()
}

fn properties(
    world: &World,
    group: &str,
    (name, id): (&str, &str),
    storage_account: &str,
    tenant: &str,
) -> Map<String, Value> {
    let base = &world.base_url;
    let document = json!({
        "friendlyName": name,
        "description": "",
        "storageAccount": format!("{group}/providers/Microsoft.Storage/storageAccounts/{storage_account}"),
        "keyVault": format!("{group}/providers/Microsoft.Keyvault/vaults/{name}"),
        "applicationInsights": format!("{group}/providers/Microsoft.insights/components/{name}"),
        "containerRegistry": null,
        "hbiWorkspace": false,
        "tenantId": tenant,
        "imageBuildCompute": null,
        "workspaceId": guid_of(id),
        "managedNetwork": {"isolationMode": "Disabled", "changeableIsolationModes": []},
        "v1LegacyMode": false,
        "softDeleteEnabled": false,
        "publicNetworkAccess": "Enabled",
        "privateLinkCount": 0,
        "privateEndpointConnections": [],
        "discoveryUrl": format!("{base}/discovery"),
        "mlFlowTrackingUri": format!("{}/mlflow/v1.0{id}", base.replacen("https://", "azureml://", 1)),
        "notebookInfo": null,
        "creationTime": world.now.to_string(),
        "ipAllowlist": [],
        "allowPublicAccessWhenBehindVnet": false,
        "systemDatastoresAuthMode": "accesskey",
    });
    match document {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// The account name of a workspace's storage.
pub fn storage_account(workspace: &Resource) -> &str {
    let id = workspace.properties.get("storageAccount").and_then(Value::as_str).unwrap_or_default();
    id.rsplit('/').next().unwrap_or_default()
}

/// Lists at subscription or group, and one workspace. Writes are not simulated.
///
/// # Errors
/// The 404 family, `403 AuthorizationFailed`, `405`.
pub fn route(world: &World, call: &Call, raw_path: &str, scope: &str, rest: &[&str]) -> Result<Response, Refusal> {
    let action = format!("{KIND}/read");
    match rest {
        _ if rest.len() < 2 && call.method != Method::GET => Err(wrong_verb(call)),
        [] => {
            let visible = paging::visible(world, call, &action, scope)?;
            if scope.to_ascii_lowercase().contains("/resourcegroups/") {
                world.existing_group(scope)?;
            }
            let found = world.resources.children(scope, KIND).into_iter().filter(|found| visible(&found.id));
            paging::page(world, call, raw_path, found.map(|found| (found.id.clone(), body(found))).collect())
        }
        [name] => {
            let id = format!("{scope}/providers/{KIND}/{name}");
            call.enter(world, KIND, &id)?;
            world.existing_group(&id)?;
            let found = world.resource(&id, KIND).ok_or_else(|| not_found(&id, KIND))?;
            Ok(pretty(&body(found)))
        }
        _ => Err(unknown_type("microsoft.machinelearningservices", &with_type(rest), call)),
    }
}

fn with_type<'a>(rest: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["workspaces"];
    all.extend(rest);
    all
}

/// The provider prints its bodies indented.
fn pretty(body: &Value) -> Response {
    let mut response = json_response(StatusCode::OK, body);
    if let Ok(text) = serde_json::to_string_pretty(body) {
        *response.body_mut() = axum::body::Body::from(text);
    }
    response
}

pub(crate) fn body(workspace: &Resource) -> Value {
    let mut properties = workspace.properties.clone();
    properties.insert("provisioningState".to_owned(), json!(workspace.state));
    json!({
        "id": workspace.id,
        "name": workspace.name,
        "type": KIND,
        "location": workspace.location,
        "tags": workspace.tags.map(),
        "etag": null,
        "properties": properties,
        "identity": {
            "type": "SystemAssigned",
            "principalId": guid_of(&format!("principal of {}", workspace.id)),
            "tenantId": workspace.properties.get("tenantId"),
        },
        "kind": "Default",
        "sku": {"name": "Basic", "tier": "Basic"},
        "systemData": {"createdAt": workspace.properties.get("creationTime"), "createdByType": "Application"},
    })
}
