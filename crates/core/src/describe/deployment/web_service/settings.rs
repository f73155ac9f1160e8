//! What a spec says of its web service beside content, size and place.

use acivnet_api::{AciVnetDeployment, Switch, Telemetry};
use serde_json::{Map, Value, json};

/// `properties`.
pub(in crate::describe::deployment) fn properties(cr: &AciVnetDeployment) -> Map<String, Value> {
    let settings = cr.spec.backend.azure_ml_web_service.iter();
    let properties = settings.flat_map(|settings| &settings.properties);
    properties.map(|one| (one.name.clone(), one.value.clone().into())).collect()
}

/// `appInsightsEnabled`.
pub(in crate::describe::deployment) fn app_insights(cr: &AciVnetDeployment) -> bool {
    is_on(cr, |telemetry| telemetry.application_insights)
}

/// `dataCollection.storageEnabled`.
pub(in crate::describe::deployment) fn data_collection(cr: &AciVnetDeployment) -> bool {
    is_on(cr, |telemetry| telemetry.data_collection)
}

fn is_on(cr: &AciVnetDeployment, switch: fn(&Telemetry) -> Option<Switch>) -> bool {
    cr.spec.telemetry.as_ref().and_then(switch) == Some(Switch::Enabled)
}

/// `encryptionProperties`, null without a key.
pub(in crate::describe::deployment) fn encryption(cr: &AciVnetDeployment) -> Value {
    let key = cr.spec.encryption.as_ref().map(|encryption| &encryption.key_vault_key);
    key.map_or(
        Value::Null,
        |key| json!({"vaultBaseUrl": key.vault_base_url, "keyName": key.name, "keyVersion": key.version}),
    )
}
