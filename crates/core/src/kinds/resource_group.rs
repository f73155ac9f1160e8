//! `Microsoft.Resources/resourceGroups`: only read, to prove that a group exists or not.

use crate::kind::Kind;

/// The kind.
pub static RESOURCE_GROUP: Kind = Kind::arm("ResourceGroup", "Microsoft.Resources/resourceGroups", "2021-04-01");
