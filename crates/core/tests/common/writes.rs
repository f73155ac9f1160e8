//! What writes do to the little Azure, and what time does.

use super::{
    objects::subnet_id,
    world::{World, failure},
};
use acivnet_api::conditions::reasons;
use acivnet_core::{
    blueprint::Node,
    failure::Failure,
    kinds::web_service::keys,
    plan::{Plan, Progress, Request},
    retry::Retry,
};
use serde_json::{Value, json};

impl World {
    /// Carries out what a plan writes.
    pub fn act(&mut self, plan: &mut Plan) {
        for step in &mut plan.steps {
            let Some(request) = step.request() else { continue };
            let node = &step.node;
            let verb = match request {
                Request::Put { .. } => "PUT",
                Request::Delete { .. } => "DELETE",
                Request::RegisterModel { .. } | Request::CreateService { .. } => "POST",
                Request::PatchModel { .. } | Request::PatchService { .. } => "PATCH",
                Request::ChangeKey { which, .. } => which.in_azure(),
                Request::KeepKeys { .. } => "KEEP",
            };
            self.writes.push(format!("{verb} {}", node.label()));
            let result = match (self.refuse)(node, request) {
                Some(failure) => Err(failure),
                None => self.carry_out(node, request),
            };
            step.result = Some(result);
        }
    }

    #[expect(clippy::too_many_lines, reason = "one arm for each request")]
    fn carry_out(&mut self, node: &Node, request: &Request) -> Result<Progress, Failure> {
        self.count += 1;
        match request {
            Request::Put { body, .. } => {
                let stands = self.arm.contains_key(&node.id.folded());
                assert!(node.kind.name != "ComputeInstance" || !stands, "a PUT over one that stands overwrites it");
                let mut body = body.clone();
                body["properties"]["provisioningState"] = "Updating".into();
                body["etag"] = format!("W/\"{}\"", self.count).into();
                self.arm.insert(node.id.folded(), body);
                Ok(Progress::Running(None))
            }
            Request::Delete { .. } => self.delete(node),
            Request::RegisterModel { body, payloads } => {
                let digest = &body["properties"]["acivnet-digest"];
                assert!(payloads.len() > 1 || payloads[0].digest == *digest, "the digest is that of the file");
                self.register(body);
                Ok(Progress::Carried)
            }
            Request::PatchModel { operations } => {
                let found = |body: &&mut Value| {
                    let label = format!("{}:{}", body["name"].as_str().unwrap(), body["version"]);
                    label == node.id.name()
                };
                let model = self.models.iter_mut().find(found).expect("the model does not stand");
                apply(model, operations);
                Ok(Progress::Carried)
            }
            Request::ChangeKey { which, value } => {
                let at = usize::from(*which == keys::WhichKey::Secondary);
                self.keys[at] = self.secrets[&value.name].1[&value.key].clone();
                Ok(Progress::Running(None))
            }
            Request::KeepKeys { secret } => {
                let [primary, secondary] = self.keys.clone();
                self.secret(secret, &[("primary", &primary), ("secondary", &secondary)]);
                Ok(Progress::Carried)
            }
            Request::CreateService { body, payloads, sealed } => {
                for (at, place) in ["/keys/primaryKey", "/keys/secondaryKey"].into_iter().enumerate() {
                    if let Some(one) = sealed.iter().find(|one| one.at == place) {
                        self.keys[at] = self.secrets[&one.value.name].1[&one.value.key].clone();
                    }
                }
                assert_eq!(payloads.len(), 2, "driver and script");
                assert!(body.get("image").is_none(), "`image` is for comparing only");
                assert!(!self.services.contains_key(node.id.name()), "409");
                let time = self.now().to_string();
                let mut service = body.clone();
                service["createdTime"] = time.into();
                // Azure says what is collected whether or not it was asked to
                let collects = &mut service["dataCollection"];
                if collects.is_null() {
                    *collects = json!({"storageEnabled": false, "eventHubEnabled": false});
                }
                self.services.insert(node.id.name().into(), service);
                self.begin(node.id.name());
                Ok(Progress::Running(None))
            }
            Request::PatchService { operations, payloads, .. } => {
                let rolls = operations.to_string().contains("/environmentImageRequest");
                assert_eq!(payloads.len(), if rolls { 2 } else { 0 }, "files go with new content only");
                apply(self.services.get_mut(node.id.name()).unwrap(), operations);
                self.begin(node.id.name());
                Ok(Progress::Running(None))
            }
        }
    }

    fn begin(&mut self, name: &str) {
        let (operation, time) = (format!("operation-{}", self.count), self.now().to_string());
        let service = self.services.get_mut(name).unwrap();
        service["state"] = "Transitioning".into();
        service["operationId"] = operation.clone().into();
        service["updatedTime"] = time.into();
        service.as_object_mut().unwrap().remove("error");
        let details = json!({"subOperationType": "BuildEnvironment"});
        self.operations.insert(operation, json!({"state": "Running", "operationDetails": details}));
    }

    pub fn register(&mut self, body: &Value) -> u64 {
        let same = self.models.iter().filter(|one| one["name"] == body["name"]);
        let version = same.filter_map(|one| one["version"].as_u64()).max().unwrap_or_default() + 1;
        let mut model = body.clone();
        model["version"] = version.into();
        self.models.push(model);
        version
    }

    fn delete(&mut self, node: &Node) -> Result<Progress, Failure> {
        match node.kind.name {
            "ModelVersion" => {
                self.models
                    .retain(|one| format!("{}:{}", one["name"].as_str().unwrap(), one["version"]) != node.id.name());
                Ok(Progress::Carried)
            }
            "WebService" => {
                self.services.remove(node.id.name());
                self.sync_subnet();
                Ok(Progress::Carried)
            }
            _ => {
                let body = self.arm.get_mut(&node.id.folded()).unwrap();
                let held = ["ipConfigurations", "serviceAssociationLinks"]
                    .iter()
                    .any(|name| body["properties"].get(name).is_some());
                if held {
                    return Err(failure(400, "InUseSubnetCannotBeDeleted", reasons::SUBNET_IN_USE, Retry::Backoff));
                }
                body["properties"]["provisioningState"] = "Deleting".into();
                Ok(Progress::Running(None))
            }
        }
    }

    /// Time goes on: operations end, and what was deleted goes.
    pub fn tick(&mut self) {
        self.now += 20;
        self.arm.retain(|_, body| body["properties"]["provisioningState"] != "Deleting");
        for body in self.arm.values_mut() {
            body["properties"]["provisioningState"] = "Succeeded".into();
        }
        for (at, service) in self.services.values_mut().enumerate().filter(|(_, one)| one["state"] == "Transitioning") {
            for (name, value) in self.ending.as_object().unwrap() {
                service[name] = value.clone();
            }
            if service["state"] == "Healthy" {
                let ip = format!("10.0.1.{}", at + 4);
                let tls = service["sslEnabled"] == true;
                let host = if tls { service["cname"].as_str().unwrap().to_owned() } else { ip.clone() };
                service["publicIp"] = tls.then_some(ip).into();
                service["scoringUri"] = format!("{}://{host}/score", if tls { "https" } else { "http" }).into();
            }
        }
        self.link = self.link.saturating_sub(1);
        self.sync_subnet();
    }

    /// The delegated subnet shows who holds addresses, and the link of container groups.
    pub fn sync_subnet(&mut self) {
        let holders =
            self.services.keys().map(|name| json!({"id": format!("/x/containerGroups/{name}-abc/ipConfigurations/i")}));
        let (holders, link) = (holders.collect::<Vec<_>>(), self.link > 0);
        let Some(body) = self.arm.get_mut(&subnet_id("amlsubnet1").to_lowercase()) else { return };
        let properties = body["properties"].as_object_mut().unwrap();
        properties.remove("ipConfigurations");
        properties.remove("serviceAssociationLinks");
        if !holders.is_empty() {
            properties.insert("ipConfigurations".into(), holders.clone().into());
        }
        if link || !holders.is_empty() {
            properties.insert("serviceAssociationLinks".into(), json!([{"name": "acisal"}]));
        }
    }
}

fn apply(body: &mut Value, operations: &Value) {
    let operations = operations.as_array().unwrap();
    assert!(!operations.is_empty(), "a patch of nothing");
    for one in operations {
        let path = one["path"].as_str().unwrap().trim_start_matches('/');
        match (one["op"].as_str(), path.strip_prefix("properties/")) {
            (Some("replace"), None) => body[path] = one["value"].clone(),
            (Some("add"), Some(key)) => {
                body["properties"][key.replace("~1", "/").replace("~0", "~")] = one["value"].clone();
            }
            other => panic!("no such operation: {other:?}"),
        }
    }
}
