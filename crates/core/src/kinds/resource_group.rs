//! `Microsoft.Resources/resourceGroups`: read only, the proof that a group is or is not there.

use crate::kind::Kind;

/// The kind.
pub static RESOURCE_GROUP: Kind = Kind::arm("ResourceGroup", "Microsoft.Resources/resourceGroups", "2021-04-01");
