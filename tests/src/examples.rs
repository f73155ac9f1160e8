//! Objects to apply: the how-to's two, as the repository ships them, and the same with every field set.

use crate::repository;
use serde_json::{Value, json};

/// A custom resource of ours as JSON, changed field by field.
#[derive(Clone, Debug, PartialEq)]
pub struct Object(pub Value);

impl Object {
    /// The same with one field set, by JSON pointer; objects on the way are made.
    #[must_use]
    pub fn with(mut self, pointer: &str, value: impl Into<Value>) -> Self {
        let mut place = &mut self.0;
        for part in pointer.split('/').skip(1) {
            if !place.is_array() && !place.is_object() {
                *place = json!({});
            }
            place = match part.parse::<usize>() {
                Ok(at) if place.is_array() => &mut place[at],
                _ => &mut place[part],
            };
        }
        *place = value.into();
        self
    }

    /// The same without one field.
    #[must_use]
    pub fn without(mut self, pointer: &str) -> Self {
        let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
        let parent = self.0.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer} has no parent"));
        parent
            .as_object_mut()
            .and_then(|parent| parent.remove(name))
            .unwrap_or_else(|| panic!("{pointer} is not there"));
        self
    }

    /// The same under another name.
    #[must_use]
    pub fn named(self, name: &str) -> Self {
        self.with("/metadata/name", name)
    }

    /// `metadata.name`.
    pub fn name(&self) -> &str {
        self.0["metadata"]["name"].as_str().expect("a name")
    }

    /// The object as a typed one.
    pub fn typed<K: serde::de::DeserializeOwned>(&self) -> K {
        serde_json::from_value(self.0.clone()).expect("an object of this kind")
    }
}

/// The how-to's `DelegatedSubnet`.
pub fn subnet() -> Object {
    shipped("subnet.yaml")
}

/// The how-to's `AciVnetDeployment`.
pub fn deployment() -> Object {
    shipped("deployment.yaml")
}

fn shipped(file: &str) -> Object {
    let path = repository().join("deploy/examples/article").join(file);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    Object(serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
}

/// The id of something in the examples' resource group, by type and name.
pub fn network_id(what: &str) -> String {
    format!(
        "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/amlrg/providers/Microsoft.Network/{what}"
    )
}

/// A compute instance that sets every field.
pub fn compute_instance() -> Value {
    json!({
        "name": "amlci", "workspace": {"name": "amlws", "resourceGroup": "amlrg"}, "vmSize": "STANDARD_DS3_V2",
        "assignedUser": {
            "objectID": "00000000-0000-0000-0000-0000000000d1", "tenantID": "00000000-0000-0000-0000-00000000000a",
        },
        "publicIP": "Disabled", "deletion": "Retain", "replace": "Refused",
    })
}

/// A `DelegatedSubnet` that sets every field.
pub fn full_subnet() -> Object {
    let rule = json!({
        "name": "ssh", "priority": 200, "direction": "Inbound", "access": "Allow", "protocol": "Tcp",
        "sourceAddressPrefix": "10.1.0.0/24", "sourcePortRange": "*", "destinationAddressPrefix": "*",
        "destinationPortRange": "22", "description": "from the office",
    });
    subnet()
        .with("/spec/azure/tags", json!([{"name": "cost-centre", "value": "4711"}]))
        .with("/spec/virtualNetwork/resourceGroup", "rg-network")
        .with("/spec/virtualNetwork/management", "Create")
        .with("/spec/subnet/management", "Create")
        .with("/spec/subnet/networkSecurityGroupID", network_id("networkSecurityGroups/shared"))
        .with("/spec/subnet/routeTableID", network_id("routeTables/hub"))
        .with("/spec/subnet/serviceEndpoints", json!([{"service": "Microsoft.Storage"}]))
        .with("/spec/clientSubnet/management", "Create")
        .with("/spec/clientSubnet/networkSecurityGroup/management", "Create")
        .with("/spec/clientSubnet/networkSecurityGroup/securityRules", json!([rule]))
        .with("/spec/clientSubnet/computeInstance", compute_instance())
        .with("/spec/egress", json!({"type": "NATGateway", "natGateway": {"name": "nat-ml", "publicIPCount": 2}}))
        .with("/spec/drift", json!({"mode": "Correct", "intervalSeconds": 300}))
        .with("/spec/adoption", "IfUnowned")
        .with("/spec/deletion", json!({"policy": "Delete", "adopted": "Retain", "orphanAfterSeconds": 86400}))
        .with("/spec/suspend", false)
}

/// An environment variable whose value is in a Secret.
pub fn from_secret() -> Value {
    json!({"name": "STORE_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "store", "key": "password"}}})
}

/// TLS by a Secret.
pub fn tls() -> Value {
    json!({"secretRef": {"name": "churn-tls"}, "hostname": "churn.ml.corp"})
}

/// A version of a key in a vault.
pub fn key_vault_key() -> Value {
    json!({"vaultBaseURL": "https://kv.vault.azure.net", "name": "aci", "version": "0123456789abcdef"})
}

/// An `AciVnetDeployment` that sets every field.
pub fn full_deployment() -> Object {
    let named = |name: &str, value: &str| json!([{"name": name, "value": value}]);
    deployment()
        .with("/spec/backend/azureMLWebService/serviceName", "churn-service")
        .with("/spec/backend/azureMLWebService/properties", named("team", "churn"))
        .with("/spec/auth", json!({"type": "Key", "keys": {"secretRef": {"name": "churn-keys"}}}))
        .with("/spec/tls", tls())
        .with("/spec/telemetry", json!({"applicationInsights": "Enabled", "dataCollection": "Disabled"}))
        .with("/spec/encryption/keyVaultKey", key_vault_key())
        .with("/spec/workspace/resourceGroup", "amlrg")
        .with("/spec/description", "Churn model, nightly retrain")
        .with("/spec/azure", json!({"tags": named("team", "churn")}))
        .with("/spec/model/description", "trained last night")
        .with("/spec/model/framework", "ScikitLearn")
        .with("/spec/model/frameworkVersion", "1.5")
        .with("/spec/model/tags", named("stage", "test"))
        .with("/spec/model/properties", named("trained-on", "2026-11-19"))
        .with("/spec/scoring/environmentVariables", named("LOG_LEVEL", "info"))
        .with("/spec/scoring/extraFiles", json!({"configMap": {"name": "churn-helpers"}}))
        .with("/spec/environment/baseImage", "mcr.microsoft.com/azureml/minimal-ubuntu22.04:1")
        .with("/spec/environment/inferencingStackVersion", "latest")
        .with("/spec/probe/expect", json!({"statusCode": 200, "bodyMatches": "^\\["}))
        .with("/spec/probe/expect/jsonContains", json!({"value": [152.1, 97.7], "tolerance": 0.01}))
        .with("/spec/probe/intervalSeconds", 300)
        .with("/spec/probe/timeoutSeconds", 10)
        .with("/spec/rollout", json!({"replaceApproval": "Required"}))
        .with("/spec/drift", json!({"mode": "Correct", "intervalSeconds": 300}))
        .with("/spec/adoption", "IfUnowned")
        .with("/spec/deletion", json!({"policy": "Delete", "adopted": "Retain", "orphanAfterSeconds": 86400}))
        .with("/spec/suspend", false)
}

/// `AciVnetDeployment`s that together set every field: of members that exclude each other, each has one.
pub fn full_deployments() -> [Object; 3] {
    let registered = json!({"name": "mymodel", "source": {"registered": {"version": "7"}}});
    let expected = json!({"configMap": {"name": "churn", "key": "expected.json"}, "tolerance": "1e-6"});
    let uri = json!({"uri": "https://stml.blob.core.windows.net/models/model.pkl"});
    [
        full_deployment(),
        full_deployment()
            .named("registered")
            .with("/spec/model", registered)
            .with("/spec/probe/expect/jsonContains", expected),
        full_deployment().named("uri").with("/spec/model/source", uri),
    ]
}
