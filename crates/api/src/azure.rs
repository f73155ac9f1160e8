//! What both kinds share.

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Whether acivnet manages an Azure resource or only reads it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Management {
    /// It is created if it doesn't exist, kept as described, and deleted with the object.
    #[default]
    Create,
    /// It is only read. It must exist, and is never changed or deleted.
    Reference,
}

/// A tag in Azure Resource Manager.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!self.name.startsWith('acivnet-')").message("tags that begin with acivnet- are the controller's own marks"))]
pub struct Tag {
    /// Name of the tag, at most 512 characters (Azure Resource Manager, "Use tags to organize your Azure resources").
    #[schemars(length(min = 1, max = 512))]
    pub name: String,
    /// Value of the tag, at most 256 characters. Put anything that looks like a number or a boolean in quotes: `"42"`.
    #[schemars(length(max = 256))]
    pub value: String,
}

/// A name and a value, as in the properties of a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[x_kube(validation = Rule::new("!self.name.startsWith('acivnet-')").message("names that begin with acivnet- are the controller's own marks"))]
pub struct NamedValue {
    /// Name, unique within the list.
    #[schemars(length(min = 1, max = 256))]
    pub name: String,
    /// Value.
    #[schemars(length(max = 1024))]
    pub value: String,
}

/// What to do when Azure differs from the spec.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DriftMode {
    /// Change it back.
    #[default]
    Correct,
    /// Report it in `status.drift` and in the condition `DriftDetected`, and change nothing.
    Detect,
    /// Neither look for differences nor report them.
    Ignore,
}

/// What to do about drift, and how often to look for it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Drift {
    /// What to do about drift. Defaults to `Correct`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<DriftMode>,
    /// Seconds between two looks at Azure while nothing changes. Defaults to 300.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 30, max = 86400))]
    pub interval_seconds: Option<i32>,
}

impl Drift {
    /// Seconds between two looks at Azure if the spec names none.
    pub const DEFAULT_INTERVAL_SECONDS: i32 = 300;
}

/// What to do about an existing resource that doesn't carry the owner mark of this object. An adopted resource is
/// recorded as `Adopted`, gets the mark if it can carry tags, and is made to match the spec. It is not deleted with the
/// object, unless `deletion.adopted: Delete`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Adoption {
    /// Leave it alone. The object waits.
    #[default]
    Never,
    /// Adopt it if it carries no mark of another object or cluster.
    IfUnowned,
    /// Adopt it whoever's mark it carries, such as one left by an orphaned object. Two objects that both say `Force`
    /// take it from each other.
    Force,
}

/// What happens to the Azure resources when the object is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// Those that belong to the object are deleted.
    #[default]
    Delete,
    /// They stay.
    Orphan,
}

/// What happens to adopted resources when the object is deleted with `policy: Delete`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdoptedPolicy {
    /// They stay, and keep the owner mark.
    #[default]
    Retain,
    /// They are deleted like those that acivnet created.
    Delete,
}

/// What happens in Azure when the object is deleted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deletion {
    /// Whether the Azure resources are deleted. Defaults to `Delete`. With `Orphan` nothing is written to Azure and the
    /// owner marks stay: the same object finds its resources again, another one needs `adoption: Force`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<DeletionPolicy>,
    /// What happens to adopted resources. Defaults to `Retain`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adopted: Option<AdoptedPolicy>,
    /// Give up a blocked deletion this many seconds after it was requested: the object goes, and an event lists what
    /// stays in Azure. If absent, the object waits for ever.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 60, max = 31536000))]
    pub orphan_after_seconds: Option<i32>,
}

/// How an Azure resource came to belong to the object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Origin {
    /// acivnet created it, and a read has shown the owner mark.
    Created,
    /// It existed and was adopted, as `adoption` allows.
    Adopted,
    /// It is only read.
    Referenced,
}

/// An Azure resource of this object. It is recorded before it is created, so that a crash leaks nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
#[serde(rename_all = "camelCase")]
pub struct ResourceStatus {
    /// Kind of the resource, such as `Subnet`.
    #[schemars(length(max = 64))]
    pub kind: String,
    /// Azure resource id.
    #[schemars(length(max = ResourceStatus::LONGEST_ID))]
    pub id: String,
    /// How it came to belong to the object. Absent until a read has shown the resource with its owner mark.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// `Absent`, `Busy`, `Failed`, `Drifted`, `Settled` or `Unread`, as last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub state: Option<String>,
    /// What acivnet wrote: tag keys, optional fields and service endpoints of a subnet, rules of an adopted security
    /// group. If you remove one of them from the spec, it goes from Azure. What others added stays.
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

/// A step that acivnet would take, or waits to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct PlannedAction {
    /// `Create`, `Update`, `Replace` or `Delete`.
    #[schemars(length(max = 32))]
    pub action: String,
    /// Kind and name, such as `WebService/aciservice`.
    #[schemars(length(max = LONGEST_LABEL))]
    pub resource: String,
    /// Path of the field that causes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub field: Option<String>,
    /// The value in Azure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub from: Option<String>,
    /// The value in the spec.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = LONGEST_VALUE))]
    pub to: Option<String>,
}

/// Steps that wait for approval, or because of the drift mode or `suspend`. Empty if there are none.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct PlanStatus {
    /// Hash of the object's uid, its generation and the destructive steps. To approve them, set the annotation
    /// `acivnet.dev/approve-plan` to this value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub hash: Option<String>,
    /// The steps that wait. If there are too many to list, the last entry says how many are left out.
    #[serde(default)]
    #[schemars(length(max = PlanStatus::MOST))]
    pub actions: Vec<PlannedAction>,
}

impl PlanStatus {
    /// The most steps that are listed.
    pub const MOST: usize = 64;
}

/// One field in which Azure differs from the spec.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, KubeSchema)]
pub struct DriftItem {
    /// Kind and name, such as `NetworkSecurityGroup/amlnsg`.
    #[schemars(length(max = LONGEST_LABEL))]
    pub resource: String,
    /// Path of the field in Azure's representation.
    #[schemars(length(max = LONGEST_VALUE))]
    pub field: String,
    /// The value in the spec.
    #[schemars(length(max = LONGEST_VALUE))]
    pub want: String,
    /// The value in Azure.
    #[schemars(length(max = LONGEST_VALUE))]
    pub have: String,
}

impl DriftItem {
    /// The most fields that are listed. The last entry counts the rest.
    pub const MOST: usize = 128;
}
