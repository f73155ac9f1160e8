//! `Microsoft.MachineLearningServices/workspaces/computes` of type compute instance. A PUT over an existing one
//! overwrites it and can't be undone (Azure REST, Compute - Create Or Update), and nothing can be changed in place. So
//! it is created only while proven absent, and never written again.

use crate::{
    drift::Rule,
    id::ResourceId,
    kind::{Adoptable, Change, Kind, Phase, Write, provisioning_state},
};
use acivnet_api::{ComputeInstance, PublicIP};
use serde_json::{Map, Value, json};

/// The kind.
pub static COMPUTE_INSTANCE: Kind = Kind {
    phase,
    rules: &[
        Rule::WriteOnly("location"),
        Rule::WriteOnly("tags"),
        Rule::WriteOnly("properties.disableLocalAuth"),
        Rule::WriteOnly("properties.properties.applicationSharingPolicy"),
        Rule::WriteOnly("properties.properties.computeInstanceAuthorizationType"),
        Rule::WriteOnly("properties.properties.sshSettings"),
        Rule::Loose("properties.computeType"),
        Rule::Loose("properties.properties.vmSize"),
        Rule::Loose("properties.properties.subnet.id"),
        Rule::IfAnswered("properties.properties.enableNodePublicIp"),
        Rule::Loose("properties.properties.personalComputeInstanceSettings.assignedUser.objectId"),
        Rule::Loose("properties.properties.personalComputeInstanceSettings.assignedUser.tenantId"),
    ],
    change: |_| Change::Replace,
    write: Write::Once,
    adoptable: Adoptable::Never,
    // required: otherwise a machine stays that nobody can reach (Azure REST, Compute - Delete)
    delete_query: Some(("underlyingResourceAction", "Delete")),
    ..Kind::arm("ComputeInstance", "Microsoft.MachineLearningServices/workspaces/computes", "2024-04-01")
};

/// The id of a compute instance.
pub fn id(workspace: &ResourceId, name: &str) -> ResourceId {
    workspace.child("computes", name)
}

/// The body that creates it.
pub fn body(location: &str, tags: &Map<String, Value>, subnet: &ResourceId, wanted: &ComputeInstance) -> Value {
    let user = json!({"objectId": wanted.assigned_user.object_id, "tenantId": wanted.assigned_user.tenant_id});
    let public = wanted.public_ip.unwrap_or_default() == PublicIP::Enabled;
    json!({"location": location, "tags": tags, "properties": {"computeType": "ComputeInstance", "disableLocalAuth": true,
        "properties": {"vmSize": wanted.vm_size, "subnet": {"id": subnet.as_str()}, "enableNodePublicIp": public,
            "applicationSharingPolicy": "Personal", "sshSettings": {"sshPublicAccess": "Disabled"},
            "computeInstanceAuthorizationType": "personal",
            "personalComputeInstanceSettings": {"assignedUser": user}}}})
}

/// A field of the body as the spec calls it.
pub fn field(path: &str) -> &str {
    match path.strip_prefix("properties.properties.").unwrap_or(path) {
        "enableNodePublicIp" => "publicIP",
        "subnet.id" => "clientSubnet.name",
        "personalComputeInstanceSettings.assignedUser.objectId" => "assignedUser.objectID",
        "personalComputeInstanceSettings.assignedUser.tenantId" => "assignedUser.tenantID",
        other => other,
    }
}

/// The instance's own state, e.g. `Running` or `Stopped`.
pub fn state(body: &Value) -> &str {
    body.pointer("/properties/properties/state").and_then(Value::as_str).unwrap_or_default()
}

/// Both states count (Azure REST, Compute - Get). Whether it runs or is stopped is its user's decision.
fn phase(body: &Value) -> Phase {
    match (provisioning_state(body), state(body).to_ascii_lowercase().as_str()) {
        (Phase::Failed(word), _) => Phase::Failed(why(body).unwrap_or(word)),
        (Phase::Busy, _) => Phase::Busy,
        (Phase::Settled, "createfailed" | "setupfailed" | "usersetupfailed" | "unusable") => {
            Phase::Failed(why(body).unwrap_or_else(|| format!("its state is {}", state(body))))
        }
        (Phase::Settled, "creating" | "settingup" | "usersettingup" | "deleting") => Phase::Busy,
        (Phase::Settled, _) => Phase::Settled,
    }
}

/// Azure's words for what failed.
fn why(body: &Value) -> Option<String> {
    let lists = ["/properties/provisioningErrors", "/properties/properties/errors"];
    let errors = lists.into_iter().filter_map(|place| body.pointer(place)?.as_array()).flatten();
    let text = |error: &Value, name: &str| error.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let told = errors.filter_map(|one| one.get("error")).map(|error| (text(error, "code"), text(error, "message")));
    told.map(|(code, message)| format!("{code}: {message}")).next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::differences;

    #[test]
    fn states() {
        let body = |provisioning: &str, state: &str| {
            json!({"properties": {"provisioningState": provisioning, "properties": {"state": state},
                "provisioningErrors": [{"error": {"code": "QuotaExceeded", "message": "no cores left"}}]}})
        };
        let failed = || Phase::Failed("QuotaExceeded: no cores left".into());
        for (provisioning, state, expected) in [
            ("Creating", "Creating", Phase::Busy),
            ("Succeeded", "Creating", Phase::Busy),
            ("Succeeded", "SettingUp", Phase::Busy),
            ("Deleting", "Deleting", Phase::Busy),
            ("Succeeded", "Running", Phase::Settled),
            ("Succeeded", "JobRunning", Phase::Settled),
            ("Succeeded", "Stopped", Phase::Settled),
            ("Succeeded", "Stopping", Phase::Settled),
            ("Succeeded", "Starting", Phase::Settled),
            ("Succeeded", "Restarting", Phase::Settled),
            ("Failed", "CreateFailed", failed()),
            ("Canceled", "CreateFailed", failed()),
            ("Succeeded", "createFailed", failed()),
            ("Succeeded", "Unusable", failed()),
        ] {
            assert_eq!(phase(&body(provisioning, state)), expected, "{provisioning} {state}");
        }
        let silent = json!({"properties": {"provisioningState": "Succeeded", "properties": {"state": "Unusable"}}});
        assert_eq!(phase(&silent), Phase::Failed("its state is Unusable".into()));
    }

    #[test]
    fn what_azure_adds_and_its_user_does_is_no_drift() {
        let wanted: ComputeInstance = serde_json::from_value(json!({
            "name": "amlci", "workspace": {"name": "amlws"}, "vmSize": "STANDARD_DS3_V2",
            "assignedUser": {"objectID": "0000000A-0000-4000-8000-000000000001", "tenantID": "0000000b-0000-4000-8000-000000000001"},
        }))
        .unwrap();
        let subnet = ResourceId::group_id("s", "g")
            .resource("Microsoft.Network/virtualNetworks", "v")
            .child("subnets", "Default");
        let want = body("japaneast", &Map::new(), &subnet, &wanted);
        let mut have = want.clone();
        have["tags"] = json!({"policy": "p"});
        let inner = &mut have["properties"]["properties"];
        inner["state"] = "Stopped".into();
        inner["vmSize"] = "Standard_DS3_v2".into();
        inner["subnet"]["id"] = subnet.folded().into();
        inner["sshSettings"] = json!({"sshPublicAccess": "Disabled", "sshPort": 50000});
        inner["enableNodePublicIp"] = Value::Null;
        inner["personalComputeInstanceSettings"]["assignedUser"]["objectId"] =
            "0000000a-0000-4000-8000-000000000001".into();
        assert_eq!(differences(&want, &have, COMPUTE_INSTANCE.rules, &[]), []);
        have["properties"]["properties"]["vmSize"] = "STANDARD_D2".into();
        have["properties"]["properties"]["enableNodePublicIp"] = true.into();
        let found = differences(&want, &have, COMPUTE_INSTANCE.rules, &[]);
        let mut fields: Vec<&str> = found.iter().map(|one| field(&one.path)).collect();
        fields.sort_unstable();
        assert_eq!(fields, ["publicIP", "vmSize"]);
    }
}
