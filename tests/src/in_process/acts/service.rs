//! What people change of a web service beside its content and its size.

use super::{Done, done};
use crate::{examples, in_process::bed::Bed};
use serde_json::json;

/// Application Insights, and a property.
pub fn telemetry(bed: &Bed) -> Done<'_> {
    let told = examples::deployment().with("/spec/telemetry/applicationInsights", "Enabled");
    let property = json!([{"name": "team/area", "value": "churn"}]);
    bed.apply(told.with("/spec/backend/azureMLWebService/properties", property).0);
    done()
}

/// Data collection and a key of one's own: the service is replaced, and that is approved beforehand.
pub fn data_collection(bed: &Bed) -> Done<'_> {
    let approved = examples::deployment().with("/spec/rollout", json!({"replaceApproval": "Automatic"}));
    let collecting = approved.with("/spec/telemetry/dataCollection", "Enabled");
    bed.apply(collecting.with("/spec/encryption/keyVaultKey", examples::key_vault_key()).0);
    done()
}
