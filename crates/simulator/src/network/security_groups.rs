//! Network security groups. A PUT replaces all rules.

use super::tracked::{self, Kind};
use super::{entries, security_rules, writable};
use crate::error::Refusal;
use crate::store::Resource;
use crate::world::World;
use serde_json::{Map, Value};

/// The type.
pub const KIND: &str = "Microsoft.Network/networkSecurityGroups";
/// Members of `properties` that only the service writes.
const READ_ONLY: &[&str] =
    &["provisioningState", "resourceGuid", "defaultSecurityRules", "subnets", "networkInterfaces", "flowLogs"];

/// What is special about the type.
pub(super) static GROUPS: Kind = Kind {
    name: KIND,
    put: ("PutNetworkSecurityGroupOperation", 2.0),
    delete: ("DeleteNetworkSecurityGroupOperation", 3.0),
    retry_after: 3.0,
    members: &[],
    normalised,
    check,
    in_use,
    show,
    settled: |_| {},
    kept: &[],
    entries: Some(&security_rules::RULES),
};

/// Writable members, rules with nothing but name and writable properties; no rules where none are given.
fn normalised(document: &Value) -> Map<String, Value> {
    let mut properties = writable(document, READ_ONLY);
    entries::normalise(&security_rules::RULES, &mut properties);
    properties
}

fn check(_: &World, wanted: &Resource) -> Result<(), Refusal> {
    security_rules::check_all(&wanted.id, entries::stored(&security_rules::RULES, &wanted.properties))
}

fn in_use(group: &Resource, users: &[String]) -> Refusal {
    let message = format!(
        "Network security group {} cannot be deleted because it is in use by the following resources: {}. In order to \
         delete the Network security group, remove the association with the resource(s). To learn how to do this, see \
         aka.ms/deletensg.",
        group.id,
        users.join(", ")
    );
    Refusal::bad_request("InUseNetworkSecurityGroupCannotBeDeleted", message)
}

fn show(world: &World, group: &Resource, properties: &mut Map<String, Value>) {
    properties.insert("defaultSecurityRules".to_owned(), security_rules::defaults(group));
    tracked::show_subnets(world, group, properties);
}
