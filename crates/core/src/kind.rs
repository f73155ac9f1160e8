//! What decisions know of an Azure type: data, not a trait, so that most kinds are a few literals.

use crate::{
    drift::{Rule, folded},
    id::ResourceId,
};
use serde_json::Value;
use std::{cmp::Ordering, fmt};

/// Which protocol carries a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Plane {
    /// Azure Resource Manager.
    Arm,
    /// The Azure Machine Learning data plane, v1.
    MachineLearning,
}

/// The state of an existing resource.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// An operation on it is running.
    Busy,
    /// The last operation on it failed; the text is Azure's.
    Failed(String),
    /// No operation is running, and the last one succeeded.
    Settled,
}

/// The cost of changing a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// No container is touched.
    Live,
    /// The container restarts or gets a new image.
    Roll,
    /// The resource is deleted and created.
    Replace,
}

/// How a kind is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// PUT of the existing body with our fields merged into it, under `If-Match`.
    Merge,
    /// PUT only while it is proven absent. A change is a DELETE, and then a PUT.
    Once,
    /// Register or patch a model version: artifact, blob, asset, model.
    Model,
    /// Upload its files, then create or patch a web service.
    Service,
    /// Change a key of a web service, or store its keys in a Secret.
    Keys,
    /// Never written.
    Never,
}

/// What to do if the last operation on a resource failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// Write it again.
    Write,
    /// Leave it until its content changes, or another try is due: the same content would fail again.
    Hold,
}

/// What an object's owner can do about an existing resource that is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoptable {
    /// Adopt it, or refer to it.
    Referable,
    /// Adopt it, or give ours another name.
    Named,
    /// Nothing: it holds somebody's work.
    Never,
}

/// An Azure type: [`Kind::arm`] or [`Kind::machine_learning`], with what is special about it.
pub struct Kind {
    /// Short name, in status, metrics and events.
    pub name: &'static str,
    /// `Namespace/type`, with its parents' types.
    pub arm_type: &'static str,
    /// ARM api-version; empty for the data plane, which has none.
    pub api_version: &'static str,
    /// Which protocol carries it.
    pub plane: Plane,
    /// The phase of a body.
    pub phase: fn(&Value) -> Phase,
    /// How fields compare.
    pub rules: &'static [Rule],
    /// The cost of changing the field at a path.
    pub change: fn(&str) -> Change,
    /// How it is written.
    pub write: Write,
    /// Brings an answered body into the form that is compared with ours, and sent back by [`Write::Merge`].
    pub normalise: fn(&Value) -> Value,
    /// The spec's name of the field at a path, and its unit there.
    pub spec_field: fn(&str) -> (String, &'static str),
    /// Whether a failed one still runs, so that it is changed and replaced like a healthy one.
    pub still_runs: fn(&Value) -> bool,
    /// What to do if it failed.
    pub on_failure: OnFailure,
    /// What can be done if it is not ours.
    pub adoptable: Adoptable,
    /// Whether `status.resources` remembers it.
    pub is_recorded: bool,
    /// Name and value of the query parameter that its DELETE needs.
    pub delete_query: Option<(&'static str, &'static str)>,
}

impl Kind {
    /// A kind of Azure Resource Manager that is only read.
    pub const fn arm(name: &'static str, arm_type: &'static str, api_version: &'static str) -> Self {
        Self {
            name,
            arm_type,
            api_version,
            plane: Plane::Arm,
            phase: provisioning_state,
            rules: &[],
            change: always_live,
            write: Write::Never,
            normalise: Clone::clone,
            spec_field: as_it_is,
            still_runs: never,
            on_failure: OnFailure::Write,
            adoptable: Adoptable::Referable,
            is_recorded: true,
            delete_query: None,
        }
    }

    /// A kind of the Azure Machine Learning data plane that is only read, and has no operations.
    pub const fn machine_learning(name: &'static str, arm_type: &'static str) -> Self {
        Self { plane: Plane::MachineLearning, phase: always_settled, ..Self::arm(name, arm_type, "") }
    }

    /// The virtual network in which Azure serialises writes of a resource of this kind.
    pub fn network_of(&self, id: &ResourceId) -> Option<ResourceId> {
        match self.arm_type.strip_prefix("Microsoft.Network/virtualNetworks")? {
            "" => Some(id.clone()),
            _ => id.parent(),
        }
    }
}

/// The phase by `properties.provisioningState` (Azure Resource Manager RPC, "Asynchronous operations"): absent means
/// `Succeeded`, and any word that is not terminal means that an operation is running.
pub fn provisioning_state(body: &Value) -> Phase {
    let state = body.pointer("/properties/provisioningState").and_then(Value::as_str).unwrap_or("Succeeded");
    match state.to_ascii_lowercase().as_str() {
        "succeeded" => Phase::Settled,
        "failed" | "canceled" => Phase::Failed(format!("provisioningState is {state}")),
        _ => Phase::Busy,
    }
}

fn always_live(_path: &str) -> Change {
    Change::Live
}

fn always_settled(_body: &Value) -> Phase {
    Phase::Settled
}

fn as_it_is(path: &str) -> (String, &'static str) {
    (path.to_owned(), "")
}

fn never(_body: &Value) -> bool {
    false
}

/// Removes members of an object.
pub(crate) fn strip(value: &mut Value, names: &[&str]) {
    if let Value::Object(map) = value {
        map.retain(|name, _| !names.contains(&name.as_str()));
    }
}

/// The region of a body, if it differs from `location`. Azure answers both `Japan East` and `japaneast`.
pub(crate) fn elsewhere(body: &Value, location: &str) -> Option<String> {
    let actual = folded(body.get("location").and_then(Value::as_str)?);
    (actual != folded(location)).then_some(actual)
}

impl fmt::Debug for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Kind {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Kind {}

impl PartialOrd for Kind {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Kind {
    fn cmp(&self, other: &Self) -> Ordering {
        self.name.cmp(other.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::{network_security_group, subnet, virtual_network};

    #[test]
    fn subnets_wait_for_their_network() {
        let group = ResourceId::group_id("s", "g");
        let vnet = virtual_network::id(&group, "v");
        let security_group = network_security_group::id(&group, "g");
        assert_eq!(virtual_network::VIRTUAL_NETWORK.network_of(&vnet), Some(vnet.clone()));
        assert_eq!(subnet::SUBNET.network_of(&subnet::id(&vnet, "n")), Some(vnet));
        assert_eq!(network_security_group::NETWORK_SECURITY_GROUP.network_of(&security_group), None);
    }
}
