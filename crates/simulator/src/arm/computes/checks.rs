//! Checks of a compute instance. The codes of these refusals are not confirmed, except the two about the name,
//! which have none.

use super::KIND;
use crate::arm::groups;
use crate::call::Call;
use crate::error::Refusal;
use crate::network::{addresses, subnets};
use crate::store::{Resource, parent_of, same_id, subscription_of};
use crate::world::World;
use serde_json::Value;

/// Fewest and most characters of a name.
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 3..=24;

/// Form of the name, and that no other compute instance of the region has it, in whatever subscription.
///
/// # Errors
/// `400` with a message only, as `MicrosoftDocs/pipelines-azureml#19` shows it.
pub(super) fn check_name(world: &World, id: &str, location: &str) -> Result<(), Refusal> {
    let name = id.rsplit('/').next().unwrap_or_default();
    if !is_name(name) {
        let rule = "A name for an Azure ML Compute Instance must be between 3 and 24 characters in length and must use \
                    only numbers, letters and minus symbol (-), must start with letters. Numbers cannot be the ending \
                    of the name if the previous character is a minus symbol (-). Please specify a different Azure ML \
                    Instance name";
        return Err(unavailable(name, "Invalid", rule));
    }
    let taken = |other: &Resource| {
        other.kind == KIND
            && other.name.eq_ignore_ascii_case(name)
            && other.location.as_deref() == Some(location)
            && !same_id(&other.id, id)
    };
    if world.resources.iter().any(taken) {
        let rule = format!("The specified name {name} is already in use and is therefore unavailable");
        return Err(unavailable(name, "AlreadyExists", &rule));
    }
    Ok(())
}

fn is_name(name: &str) -> bool {
    let without_digits = name.trim_end_matches(|character: char| character.is_ascii_digit());
    NAME_LENGTH.contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
        && !without_digits.ends_with('-')
}

fn unavailable(name: &str, reason: &str, rule: &str) -> Refusal {
    Refusal::bad_request("", format!("Compute name '{name}' is not available. Reason: {reason}. Message: {rule}"))
}

/// The region, which is that of the workspace.
pub(super) fn check_location(document: &Value, workspace: &Resource) -> Result<String, Refusal> {
    let there = workspace.location.clone().unwrap_or_default();
    let wanted = document.get("location").and_then(Value::as_str).map(groups::location_of);
    match wanted {
        None => Err(groups::location_required()),
        Some(wanted) if wanted == there => Ok(there),
        Some(wanted) => Err(invalid(format!(
            "The location '{wanted}' of the compute is not that of the workspace, '{there}'. Use the workspace's."
        ))),
    }
}

/// Members that must be there, or have one of some values.
pub(super) fn check_members(document: &Value) -> Result<(), Refusal> {
    let text = |pointer: &str| document.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let kind = text("/properties/computeType");
    if kind != "ComputeInstance" {
        return Err(invalid(format!("computeType '{kind}' is not simulated; only ComputeInstance is.")));
    }
    if text("/properties/properties/vmSize").is_empty() {
        return Err(invalid("vmSize is required.".to_owned()));
    }
    let user = document.pointer("/properties/properties/personalComputeInstanceSettings/assignedUser");
    let is_whole =
        |user: &Value| ["objectId", "tenantId"].iter().all(|name| user.get(name).is_some_and(Value::is_string));
    if user.is_some_and(|user| !user.is_null() && !is_whole(user)) {
        return Err(invalid("assignedUser needs objectId and tenantId.".to_owned()));
    }
    let has_subnet = document.pointer("/properties/properties/subnet/id").is_some();
    let is_private = document.pointer("/properties/properties/enableNodePublicIp") == Some(&Value::Bool(false));
    if is_private && !has_subnet {
        return Err(invalid("A compute instance without a public IP address needs a subnet.".to_owned()));
    }
    Ok(())
}

/// The subnet exists, in the subscription and region of the workspace, is delegated to nobody, has an address left, and
/// the caller may join it. That `privateLinkServiceNetworkPolicies` must be off without a public IP address is an older
/// rule (Azure/terraform#85, 2022) and not kept here.
pub(super) fn check_subnet(world: &World, call: &Call, id: &str, subnet: &str, location: &str) -> Result<(), Refusal> {
    if !subscription_of(subnet).eq_ignore_ascii_case(subscription_of(id)) {
        return Err(invalid(format!("The subnet {subnet} is not in the subscription of the workspace.")));
    }
    let join = (&*format!("{}/join/action", subnets::KIND), subnet);
    world.authorize_link(&call.caller, &call.action(KIND), id, join)?;
    let found = addresses::existing_subnet(world, subnet)?;
    let network = parent_of(&found.id).and_then(|network| world.resources.get(network));
    let region = network.and_then(|network| network.location.as_deref()).unwrap_or_default();
    if region != location {
        return Err(invalid(format!(
            "The subnet {subnet} is in region '{region}', the workspace in '{location}'. Both must be in the same region."
        )));
    }
    let delegated = found.properties.get("delegations").and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    if delegated {
        return Err(invalid(format!("The subnet {subnet} is delegated. A compute instance needs one that is not.")));
    }
    addresses::first_free(world, subnet).map(|_| ())
}

pub(super) fn invalid(message: String) -> Refusal {
    Refusal::bad_request("BadRequest", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        for (name, fits) in [
            ("ci1", true),
            ("a-b", true),
            ("cpu-cluster-1", false),
            ("cpu-cluster-a1", true),
            ("ab", false),
            ("1ab", false),
            ("a_b", false),
            ("abc-", false),
            ("abcdefghijklmnopqrstuvwx", true),
            ("abcdefghijklmnopqrstuvwxy", false),
        ] {
            assert_eq!(is_name(name), fits, "{name}");
        }
    }
}
