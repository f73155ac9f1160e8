//! The article's two objects, and what tests change in them.

use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use serde_json::{Value, json};

pub const CLUSTER: &str = "6f1c9a00-0000-4000-8000-000000000001";
pub const GROUP: &str = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/amlrg";
pub const SERVICE: &str = "aciservice";

pub fn network() -> String {
    format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/amlvnet1")
}

pub fn subnet_id(name: &str) -> String {
    format!("{}/subnets/{name}", network())
}

pub fn group_id(name: &str) -> String {
    format!("{GROUP}/providers/Microsoft.Network/networkSecurityGroups/{name}")
}

pub fn workspace() -> String {
    format!("{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/amlws")
}

pub fn subnet_json() -> Value {
    json!({
        "apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
        "metadata": {"name": "amlsubnet1", "namespace": "ml", "uid": "subnet-uid", "generation": 1,
            "creationTimestamp": "2026-11-22T00:00:00Z"},
        "spec": {
            "azure": {"subscriptionID": "00000000-0000-0000-0000-000000000001", "resourceGroup": "amlrg", "location": "japaneast"},
            "virtualNetwork": {"name": "amlvnet1", "addressPrefixes": ["10.0.0.0/16"]},
            "subnet": {"name": "amlsubnet1", "addressPrefix": "10.0.1.0/24"},
            "clientSubnet": {"name": "default", "addressPrefix": "10.0.0.0/24",
                "networkSecurityGroup": {"name": "amlnsg", "preset": "ComputeInstance"}},
        },
    })
}

pub fn deployment_json() -> Value {
    let file = |key: &str| json!({"configMap": {"name": "churn", "key": key}});
    json!({
        "apiVersion": "acivnet.dev/v1alpha1", "kind": "AciVnetDeployment",
        "metadata": {"name": SERVICE, "namespace": "ml", "uid": "deployment-uid", "generation": 1},
        "spec": {
            "backend": {"type": "AzureMLWebService"},
            "network": {"subnetRef": {"name": "amlsubnet1"}},
            "workspace": {"name": "amlws"},
            "model": {"name": "mymodel", "source": file("model.pkl")},
            "scoring": {"script": file("score.py")},
            "environment": {"name": "myenv", "conda": file("myenv.yml")},
            "resources": {"cpu": "1", "memory": "1G"},
            "probe": {"request": file("sample.json")},
        },
    })
}

/// The subnet, with parts of the spec replaced: `("/clientSubnet", null)` takes one away.
pub fn subnet(changes: &[(&str, Value)]) -> DelegatedSubnet {
    serde_json::from_value(changed(subnet_json(), changes)).unwrap()
}

pub fn deployment(changes: &[(&str, Value)]) -> AciVnetDeployment {
    serde_json::from_value(changed(deployment_json(), changes)).unwrap()
}

/// The same object with another spec: a new generation.
pub fn edited<T: serde::Serialize + serde::de::DeserializeOwned>(object: &T, changes: &[(&str, Value)]) -> T {
    let mut object = changed(serde_json::to_value(object).unwrap(), changes);
    object["metadata"]["generation"] = (object["metadata"]["generation"].as_i64().unwrap() + 1).into();
    serde_json::from_value(object).unwrap()
}

/// The same object, being deleted.
pub fn deleted<T: serde::Serialize + serde::de::DeserializeOwned>(object: &T) -> T {
    let mut object = edited(object, &[]);
    let mut value = serde_json::to_value(&mut object).unwrap();
    value["metadata"]["deletionTimestamp"] = "2026-11-22T12:00:00Z".into();
    serde_json::from_value(value).unwrap()
}

pub fn annotated(cr: &AciVnetDeployment, name: &str, value: &str) -> AciVnetDeployment {
    let mut cr = cr.clone();
    cr.metadata.annotations.get_or_insert_default().insert(name.into(), value.into());
    cr
}

fn changed(mut object: Value, changes: &[(&str, Value)]) -> Value {
    for (path, value) in changes {
        let path = if path.starts_with("/metadata") { (*path).to_owned() } else { format!("/spec{path}") };
        let (parent, name) = path.rsplit_once('/').unwrap();
        ensure(&mut object, parent);
        let parent = object.pointer_mut(parent).unwrap().as_object_mut().unwrap();
        match value {
            Value::Null => drop(parent.remove(name)),
            value => drop(parent.insert(name.to_owned(), value.clone())),
        }
    }
    object
}

fn ensure(object: &mut Value, path: &str) {
    let mut at = object;
    for part in path.split('/').skip(1) {
        at = at.as_object_mut().unwrap().entry(part).or_insert_with(|| json!({}));
    }
}

/// A condition list as a fact of another object.
pub fn condition(type_: &str, status: &str, reason: &str) -> Condition {
    Condition {
        type_: type_.into(),
        status: status.into(),
        reason: reason.into(),
        message: "m".into(),
        observed_generation: Some(1),
        last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
    }
}
