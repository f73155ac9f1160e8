//! `/metadata/endpoints`, by which `az` and the SDKs learn a cloud's endpoints; no token.

use crate::call::Query;
use crate::error::{Response, json_response};
use crate::world::World;
use http::StatusCode;
use serde_json::{Value, json};

/// One object since 2022-09-01, a list of one before.
pub fn endpoints(world: &World, query: &Query) -> Response {
    let document = document(&world.base_url, &world.blob_suffix);
    let is_list = query.get("api-version").is_some_and(|version| version < "2022-09-01");
    let body = if is_list { Value::Array(vec![document]) } else { document };
    json_response(StatusCode::OK, &body)
}

fn document(base: &str, blob_suffix: &str) -> Value {
    let names = [
        "portal",
        "resourceManager",
        "graph",
        "graphAudience",
        "media",
        "batch",
        "gallery",
        "sqlManagement",
        "activeDirectoryDataLake",
        "vmImageAliasDoc",
        "microsoftGraphResourceId",
    ];
    let mut document = json!({
        "name": "AzureCloud",
        "authentication": {
            "loginEndpoint": base,
            "audiences": ["https://management.core.windows.net/", "https://management.azure.com/", base],
            "tenant": "common",
            "identityProvider": "AAD",
        },
        "suffixes": {
            "storage": blob_suffix,
            "keyVaultDns": "vault.invalid",
            "sqlServerHostname": "database.invalid",
            "acrLoginServer": "azurecr.invalid",
            "azureDataLakeStoreFileSystem": "azuredatalakestore.invalid",
            "azureDataLakeAnalyticsCatalogAndJob": "azuredatalakeanalytics.invalid",
        },
    });
    if let Some(object) = document.as_object_mut() {
        object.extend(names.iter().map(|name| ((*name).to_owned(), json!(base))));
    }
    document
}
