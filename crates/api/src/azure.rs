//! Blocks that both kinds share.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who makes and removes an Azure resource.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Management {
    /// Made here if it is not there, kept as described, removed with the object.
    #[default]
    Create,
    /// Read only: it must exist; it is never changed and never deleted.
    Reference,
}

/// One ARM tag.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!self.name.startsWith('acivnet-')").message("tags that begin with acivnet- are the controller's own marks"))]
pub struct Tag {
    /// Tag name, at most 512 characters (Azure Resource Manager, "Use tags to organize your Azure resources").
    #[schemars(length(min = 1, max = 512))]
    pub name: String,
    /// Tag value, at most 256 characters. What looks like a number or like `true` stands in quotes: `"42"`.
    #[schemars(length(max = 256))]
    pub value: String,
}

/// One named text, as in `properties` of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!self.name.startsWith('acivnet-')").message("names that begin with acivnet- are the controller's own marks"))]
pub struct NamedValue {
    /// Name, unique in its list.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Value.
    #[schemars(length(max = 1024))]
    pub value: String,
}

/// What to do when Azure differs from the spec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftMode {
    /// Put it back.
    #[default]
    Correct,
    /// Report it in `status.drift` and the condition `DriftDetected`; change nothing.
    Detect,
    /// Neither look for differences nor report them.
    Ignore,
}

/// How drift is treated and how often Azure is looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// What to do about a difference; `Correct` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<DriftMode>,
    /// Seconds between two looks when nothing changes; 300 when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30, max = 86400))]
    pub interval_seconds: Option<i32>,
}

impl Drift {
    /// Seconds between two looks when the spec names none.
    pub const DEFAULT_INTERVAL_SECONDS: i32 = 300;
}

/// What is done about a resource that exists and does not carry our mark. What is taken is recorded as `Adopted`, gets our
/// mark where it can carry tags, is brought to what the spec says like any other, and is not deleted with the object
/// unless `deletion.adopted: Delete`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Adoption {
    /// It is left alone, and the object waits.
    #[default]
    Never,
    /// It is taken if no mark of another object or cluster is on it.
    IfUnowned,
    /// It is taken whoever's mark is on it: what an object that was orphaned left, for instance. Two objects that both say
    /// so take it from each other.
    Force,
}

/// What happens to the Azure resources when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// They are deleted, each only if it is ours.
    #[default]
    Delete,
    /// They stay.
    Orphan,
}

/// What happens to adopted resources when the object is deleted with `policy: Delete`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdoptedPolicy {
    /// They stay, with our mark.
    #[default]
    Retain,
    /// They are deleted like those that were made here.
    Delete,
}

/// How deletion works.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// `Delete` when absent. With `Orphan` nothing is written to Azure, so that marks stay: the same object finds its
    /// resources again, another one takes them with `adoption: Force`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<DeletionPolicy>,
    /// What happens to adopted resources; `Retain` when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<AdoptedPolicy>,
    /// A deletion that something holds so many seconds after it was asked for is given up: the object goes, and an event
    /// lists what stays in Azure. Never when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 31536000))]
    pub orphan_after_seconds: Option<i32>,
}

/// Who made an Azure resource that stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Origin {
    /// Made here; a read has shown the mark.
    Created,
    /// It existed and was taken, as `adoption` allows.
    Adopted,
    /// Read only.
    Referenced,
}

/// One Azure resource that this object knows of. Recorded before it is created, so that a crash leaks nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// The kind's short name, e.g. `Subnet`.
    #[schemars(length(max = 64))]
    pub kind: String,
    /// Azure resource id.
    #[schemars(length(max = ResourceStatus::LONGEST_ID))]
    pub id: String,
    /// Absent until a read has shown the resource with its mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// `Absent`, `Busy`, `Failed`, `Drifted`, `Settled` or `Unread`, as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub state: Option<String>,
    /// Tag keys last written, of a subnet optional fields and services, of an adopted security group its rules: what is
    /// dropped from the spec goes, what a policy or somebody else added stays.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = ResourceStatus::MOST_KEYS))]
    pub keys: Vec<String>,
}

impl ResourceStatus {
    /// Most keys: those of the last spec and those of the next, each at most 100 security rules, the one of the preset, 40
    /// tags, and 9 marks of our own.
    pub const MOST_KEYS: usize = 2 * (100 + 1 + 40 + 9);
    /// Longest id, in characters.
    pub const LONGEST_ID: usize = 1024;
}

/// Longest `Kind/name` in a status, in characters.
pub const LONGEST_LABEL: usize = 512;
/// Longest value, path or name from elsewhere in a status, in characters.
pub const LONGEST_VALUE: usize = 256;

/// One thing that the controller would do, or waits to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct PlannedAction {
    /// `Create`, `Update`, `Replace` or `Delete`.
    #[schemars(length(max = 32))]
    pub action: String,
    /// Kind and name, e.g. `WebService/aciservice`.
    #[schemars(length(max = LONGEST_LABEL))]
    pub resource: String,
    /// Path of the field that asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub field: Option<String>,
    /// What stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub from: Option<String>,
    /// What is wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub to: Option<String>,
}

/// What stands still because of approval, drift mode or suspend; empty when nothing does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct PlanStatus {
    /// Covers uid, generation and the destructive steps; what the annotation `acivnet.dev/approve-plan` must say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub hash: Option<String>,
    /// The steps that wait; of more than fit the last one tells how many.
    #[serde(default)]
    #[schemars(length(max = PlanStatus::MOST))]
    pub actions: Vec<PlannedAction>,
}

impl PlanStatus {
    /// Most steps that are listed.
    pub const MOST: usize = 64;
}

/// One field in which Azure differs from the spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct DriftItem {
    /// Kind and name, e.g. `NetworkSecurityGroup/amlnsg`.
    #[schemars(length(max = LONGEST_LABEL))]
    pub resource: String,
    /// Path inside the Azure body.
    #[schemars(length(max = LONGEST_VALUE))]
    pub field: String,
    /// What the spec wants.
    #[schemars(length(max = LONGEST_VALUE))]
    pub want: String,
    /// What Azure has.
    #[schemars(length(max = LONGEST_VALUE))]
    pub have: String,
}

impl DriftItem {
    /// Most fields that are listed; of more the last one tells how many.
    pub const MOST: usize = 128;
}
