//! What the decisions know of one Azure type: data, not a trait. A kind with no surprises is a literal.

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

/// How far a resource that stands has come.
#[derive(Clone, Debug, PartialEq)]
pub enum Phase {
    /// An operation on it is running.
    Busy,
    /// The last operation on it failed; the text is Azure's.
    Failed(String),
    /// Nothing is going on.
    Settled,
}

/// What a change of a field costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// No container is touched.
    Live,
    /// The container restarts or gets a new image.
    Roll,
    /// Delete and create.
    Replace,
}

/// How a kind is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// PUT of what stands with our fields laid over it, under `If-Match` when it stands.
    Merge,
    /// PUT when it is proven absent, never over what stands: a change of it is a DELETE, and then a PUT.
    Once,
    /// Register or patch a model version: artifact, blob, asset, model.
    Model,
    /// Create or patch a web service, its files uploaded first.
    Service,
    /// Change a key of a web service, or keep its keys in a Secret.
    Keys,
    /// Never written.
    Never,
}

/// What is done about one whose last operation failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFailure {
    /// It is written again.
    Write,
    /// It is left as it is until its content changes, or another try is due: the same content fails again.
    Hold,
}

/// What the owner of an object can do about one that stands and is not ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Adoptable {
    /// Take it, or refer to it.
    Referable,
    /// Take it, or give ours another name.
    Named,
    /// Nothing: it is somebody's, with what is on it.
    Never,
}

/// One Azure type: [`Kind::arm`] or [`Kind::machine_learning`], and its surprises.
pub struct Kind {
    /// Short name, in status, metrics and events.
    pub name: &'static str,
    /// `Namespace/type`, with its parents' types.
    pub arm_type: &'static str,
    /// ARM api-version; empty on the data plane, which has none.
    pub api_version: &'static str,
    /// Which protocol carries it.
    pub plane: Plane,
    /// How far a body has come.
    pub phase: fn(&Value) -> Phase,
    /// How fields compare.
    pub rules: &'static [Rule],
    /// What a change of the field at a path costs.
    pub change: fn(&str) -> Change,
    /// How it is written.
    pub write: Write,
    /// A body as answered, in the form that is compared with ours (and sent back by [`Write::Merge`]).
    pub normalise: fn(&Value) -> Value,
    /// What the spec calls the field at a path, and the unit in which it writes it.
    pub spec_field: fn(&str) -> (String, &'static str),
    /// Whether one that failed runs all the same, so that it is changed and replaced like one that did not.
    pub still_runs: fn(&Value) -> bool,
    /// What is done about one that failed.
    pub on_failure: OnFailure,
    /// What can be done about one that is not ours.
    pub adoptable: Adoptable,
    /// Whether `status.resources` remembers it.
    pub is_recorded: bool,
    /// Name and value of what the query of its DELETE has to say.
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

    /// The virtual network in which Azure serialises the writes of a resource of this kind.
    pub fn network_of(&self, id: &ResourceId) -> Option<ResourceId> {
        match self.arm_type.strip_prefix("Microsoft.Network/virtualNetworks")? {
            "" => Some(id.clone()),
            _ => id.parent(),
        }
    }
}

/// Phase by `properties.provisioningState` (Azure Resource Manager RPC, "Asynchronous operations"): an absent one is
/// `Succeeded`, a word that is not terminal means the work goes on.
pub fn provisioning_state(body: &Value) -> Phase {
    let state = body.pointer("/properties/provisioningState").and_then(Value::as_str).unwrap_or("Succeeded");
    match state.to_ascii_lowercase().as_str() {
        "succeeded" => Phase::Settled,
        "failed" | "canceled" => Phase::Failed(format!("provisioningState is {state}")),
        _ => Phase::Busy,
    }
}

/// Every change is [`Change::Live`].
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

/// The region of a body, if it is another one. Azure answers `Japan East` and `japaneast`.
pub(crate) fn elsewhere(body: &Value, location: &str) -> Option<String> {
    let stands = folded(body.get("location").and_then(Value::as_str)?);
    (stands != folded(location)).then_some(stands)
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
