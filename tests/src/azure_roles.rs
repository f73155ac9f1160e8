//! The custom roles of `deploy/azure/roles`, as an administrator gives them by `docs/azure-identity.md`.

use crate::repository;
use serde_json::{Value, json};

/// A role of ours, and where it is given.
pub struct Given {
    /// The file's document, as `az role definition create` takes it.
    pub role: Value,
    /// Resource group, workspace or storage account.
    pub scope: String,
}

/// All four: the network's in the resource group, those of models and compute instances at the workspace, the one for
/// models in blobs at the storage account.
pub fn all(group: &str, workspace: &str, account: &str) -> Vec<Given> {
    let workspace = format!("{group}/providers/Microsoft.MachineLearningServices/workspaces/{workspace}");
    let account = format!("{group}/providers/Microsoft.Storage/storageAccounts/{account}");
    [
        ("network", group.to_owned()),
        ("models", workspace.clone()),
        ("compute-instance", workspace),
        ("model-blobs", account),
    ]
    .map(|(name, scope)| Given { role: document(name), scope })
    .into()
}

/// The entries of a seed that give them to a principal.
pub fn assignments(principal: &str, given: &[Given]) -> Vec<Value> {
    given.iter().map(|given| assignment(principal, given)).collect()
}

fn assignment(principal: &str, Given { role, scope }: &Given) -> Value {
    json!({
        "principalId": principal, "role": role["Name"], "scope": scope,
        "actions": role["Actions"], "notActions": role["NotActions"],
        "dataActions": role["DataActions"], "notDataActions": role["NotDataActions"],
    })
}

fn document(name: &str) -> Value {
    let path = repository().join("deploy/azure/roles").join(name).with_extension("json");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|why| panic!("{}: {why}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|why| panic!("{}: {why}", path.display()))
}
