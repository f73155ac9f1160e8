//! What people do: they want something, change their minds, and change things in Azure by hand.

use acivnet_simulator::Simulator;
use acivnet_tests::{
    examples,
    in_process::{
        actions::files,
        api_server::{
            resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS, ResourceType},
            store::is_deleting,
        },
        azure::URL,
        bed::{Bed, GROUP_ID},
    },
};
use axum::body::Body;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::FutureExt as _;
use http::{Method, Request};
use serde_json::{Value, json};

/// Which objects should exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stands {
    /// Subnet and deployment.
    Both,
    /// The subnet alone.
    Subnet,
    /// None.
    Nothing,
}

/// What people want.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Wish {
    /// Which objects should exist.
    pub stands: Stands,
    /// Another model than at first.
    pub other_model: bool,
    /// Another script than at first.
    pub other_script: bool,
    /// A tag on everything.
    pub tagged: bool,
    /// Twice the memory.
    pub more_memory: bool,
    /// Application Insights.
    pub telemetry: bool,
    /// A way out by a NAT gateway.
    pub egress: bool,
}

impl Wish {
    /// The how-to.
    pub const ARTICLE: Self = Self {
        stands: Stands::Both,
        other_model: false,
        other_script: false,
        tagged: false,
        more_memory: false,
        telemetry: false,
        egress: false,
    };

    /// Applies what is wanted and deletes what is not. What is being deleted is left alone: it can't be wanted again
    /// before it is gone, nor a deployment before its subnet is, which would wait for it.
    pub fn apply(&self, bed: &Bed) {
        bed.apply(self.files());
        self.insist(bed);
        for (resource, object, wanted) in self.objects() {
            match standing(bed, resource, &object) {
                Some(true) => {}
                Some(false) if !wanted => bed.api().delete(&Bed::key(resource, object.name())),
                Some(false) => bed.apply(object.0),
                None => {}
            }
        }
    }

    /// Applies what is wanted and is not there. True if there was something.
    pub fn insist(&self, bed: &Bed) -> bool {
        if standing(bed, &DELEGATED_SUBNETS, &self.subnet()) == Some(true) {
            return false;
        }
        let missing = self
            .objects()
            .into_iter()
            .filter(|(resource, object, wanted)| *wanted && standing(bed, resource, object).is_none());
        missing.map(|(_, object, _)| bed.apply(object.0)).count() > 0
    }

    fn objects(&self) -> [(&'static ResourceType, examples::Object, bool); 2] {
        [
            (&DELEGATED_SUBNETS, self.subnet(), self.stands != Stands::Nothing),
            (&ACI_VNET_DEPLOYMENTS, self.deployment(), self.stands == Stands::Both),
        ]
    }

    fn subnet(&self) -> examples::Object {
        let object = self.tags(examples::subnet());
        let egress = json!({"type": "NATGateway", "natGateway": {"name": "nat-ml", "publicIPCount": 2}});
        if self.egress { object.with("/spec/egress", egress) } else { object }
    }

    fn deployment(&self) -> examples::Object {
        let mut object = self
            .tags(examples::deployment())
            .with("/spec/rollout", json!({"replaceApproval": "Automatic"}))
            .with("/spec/resources/memory", if self.more_memory { "2G" } else { "1G" })
            .with("/spec/telemetry/applicationInsights", if self.telemetry { "Enabled" } else { "Disabled" });
        for [part, member] in
            [["model", "source"], ["scoring", "script"], ["environment", "conda"], ["probe", "request"]]
        {
            object = object.with(&format!("/spec/{part}/{member}/configMap/name"), self.map());
        }
        object
    }

    fn tags(&self, object: examples::Object) -> examples::Object {
        let tags = json!([{"name": "cost-centre", "value": "4711"}]);
        if self.tagged { object.with("/spec/azure/tags", tags) } else { object }
    }

    fn map(&self) -> &'static str {
        if self.other_model { "churn-2" } else { "churn" }
    }

    fn files(&self) -> Value {
        let mut files = files(self.map());
        if self.other_model {
            files["binaryData"]["model.pkl"] = STANDARD.encode(b"\x80\x04another model").into();
        }
        if self.other_script {
            files["data"]["score.py"] = "def init():\n    pass\n\n\ndef run(data):\n    return data\n".into();
        }
        files
    }
}

/// Whether an object stands, and whether it is being deleted.
fn standing(bed: &Bed, resource: &'static ResourceType, object: &examples::Object) -> Option<bool> {
    bed.api().with(|store| store.get(&Bed::key(resource, object.name())).map(is_deleting)).ok()
}

/// A change by hand in Azure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// The rules of the security group are gone.
    Rules,
    /// The security group lost our tag.
    GroupTag,
    /// The virtual network lost our tag.
    NetworkTag,
    /// The client subnet lost its security group.
    ClientGroup,
    /// The delegation has another name.
    Delegation,
    /// The service is gone.
    Service,
    /// The service lost our tags.
    ServiceTags,
}

impl Hand {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Rules,
        Self::GroupTag,
        Self::NetworkTag,
        Self::ClientGroup,
        Self::Delegation,
        Self::Service,
        Self::ServiceTags,
    ];

    /// Whether it takes a mark away. A mark that goes before the status says that the resource is ours makes it a
    /// stranger's, by design (`docs/internals.md`, "What is remembered").
    fn unmarks(self) -> bool {
        !matches!(self, Self::Rules | Self::Service)
    }

    /// Makes the change, if what it changes is there.
    pub fn change(self, bed: &Bed) -> bool {
        if self.unmarks() && !settled(bed) {
            return false;
        }
        let network = "/providers/Microsoft.Network";
        let service = "/providers/Microsoft.MachineLearningServices/workspaces/amlws/services/aciservice";
        let unmarked = json!({"tags": {"acivnet-owner": null}});
        let delegation =
            json!([{"name": "theirs", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}]);
        let (method, rest, body) = match self {
            Self::Rules => (
                Method::PATCH,
                format!("{network}/networkSecurityGroups/amlnsg"),
                json!({"properties": {"securityRules": []}}),
            ),
            Self::GroupTag => (Method::PATCH, format!("{network}/networkSecurityGroups/amlnsg"), unmarked),
            Self::NetworkTag => (Method::PATCH, format!("{network}/virtualNetworks/amlvnet1"), unmarked),
            Self::ClientGroup => (
                Method::PATCH,
                format!("{network}/virtualNetworks/amlvnet1/subnets/default"),
                json!({"properties": {"networkSecurityGroup": null}}),
            ),
            Self::Delegation => (
                Method::PATCH,
                format!("{network}/virtualNetworks/amlvnet1/subnets/amlsubnet1"),
                json!({"properties": {"delegations": delegation}}),
            ),
            Self::Service => (Method::DELETE, service.to_owned(), Value::Null),
            Self::ServiceTags => {
                (Method::PATCH, service.to_owned(), json!({"kvTags": {"acivnet-owner": null, "acivnet-content": null}}))
            }
        };
        edit(&bed.azure, method, &format!("{GROUP_ID}{rest}"), &body)
    }
}

/// Whether both objects are ready.
fn settled(bed: &Bed) -> bool {
    let ready = |resource: &'static ResourceType, object: examples::Object| {
        bed.api().with(|store| {
            let object = store.get(&Bed::key(resource, object.name())).cloned().unwrap_or_default();
            let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
            !is_deleting(&object) && conditions.iter().any(|one| one["type"] == "Ready" && one["status"] == "True")
        })
    };
    ready(&DELEGATED_SUBNETS, examples::subnet()) && ready(&ACI_VNET_DEPLOYMENTS, examples::deployment())
}

fn edit(azure: &Simulator, method: Method, id: &str, body: &Value) -> bool {
    let body = if body.is_null() { Body::empty() } else { Body::from(body.to_string()) };
    let request = Request::builder().method(method).uri(format!("{URL}/simulator/resources?id={id}")).body(body);
    let answer = azure.handle(request.expect("a request")).now_or_never();
    answer.expect("the admin interface waits for nothing").status().is_success()
}
