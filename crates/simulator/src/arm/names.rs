//! Names of resources, by type: "Naming rules and restrictions for Azure resources". Types whose provider words it
//! differently check it themselves: zones and record sets of private DNS, container groups, compute instances, web
//! services.

use super::groups;
use crate::error::Refusal;
use crate::network::{
    nat_gateways, peerings, private_dns, public_addresses, route_tables, security_groups, security_rules, subnets,
    virtual_networks,
};
use http::StatusCode;

/// Types of Microsoft.Network and the most characters of a name. (That a virtual network needs two, as the documentation
/// has it, Azure's own refusal does not say.)
const NETWORK: &[(&str, usize)] = &[
    (virtual_networks::KIND, 64),
    (subnets::KIND, 80),
    (peerings::KIND, 80),
    (security_groups::KIND, 80),
    (security_rules::KIND, 80),
    (route_tables::KIND, 80),
    (route_tables::ROUTE, 80),
    (nat_gateways::KIND, 80),
    (public_addresses::KIND, 80),
    (private_dns::LINK, 80),
];
/// Most characters of a group's name.
const GROUP_LIMIT: usize = 90;

/// Whether a resource of this type can have this name; of types that are not known here, any.
///
/// # Errors
/// `400 InvalidResourceName` as Microsoft.Network words it (rh-mobb/documentation#204), of a group
/// `400 InvalidResourceGroup`.
pub fn check(kind: &str, name: &str) -> Result<(), Refusal> {
    if kind.eq_ignore_ascii_case(groups::ROLE_KIND) {
        return check_group(name);
    }
    let limit = NETWORK.iter().find(|(known, _)| known.eq_ignore_ascii_case(kind)).map(|(_, limit)| *limit);
    if limit.is_none_or(|limit| name.len() <= limit && is_name(name)) {
        return Ok(());
    }
    let message = format!(
        "Resource name {name} is invalid. The name can be up to {} characters long. It must begin with a word character, \
         and it must end with a word character or with '_'. The name may contain word characters or '.', '-', '_'.",
        limit.unwrap_or_default()
    );
    Err(Refusal::bad_request("InvalidResourceName", message))
}

fn is_name(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
        && name.starts_with(|first: char| first.is_ascii_alphanumeric())
        && name.ends_with(|last: char| last.is_ascii_alphanumeric() || last == '_')
}

/// Letters of any script are possible (`^[-\w\._\(\)]+$` in the API description). The texts are not confirmed.
fn check_group(name: &str) -> Result<(), Refusal> {
    let is_inner = |character: char| character.is_alphanumeric() || "-_.()".contains(character);
    let refused = |message: String| Err(Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidResourceGroup", message));
    let foreign: String = name.chars().filter(|character| !is_inner(*character)).collect();
    if !foreign.is_empty() {
        return refused(format!(
            "The provided resource group name '{name}' has these invalid characters: '{foreign}'. The name can only be a \
             letter, digit, '-', '.', '(', ')' or '_'."
        ));
    }
    if name.ends_with('.') || !(1..=GROUP_LIMIT).contains(&name.chars().count()) {
        return refused(format!(
            "The provided resource group name '{name}' is invalid: 1 to {GROUP_LIMIT} characters, the last no '.'."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fits(kind: &str, name: &str) -> bool {
        check(kind, name).is_ok()
    }

    #[test]
    fn names_of_network() {
        for (kind, limit) in NETWORK {
            for name in ["a", "1", "a_", "a.b-c_d", &"a".repeat(*limit)] {
                assert!(fits(kind, name), "{kind} {name}");
            }
            for name in ["", "bad$name", "a b", "-a", "_a", ".a", "a.", "a-", "ä", "a/b", &"a".repeat(limit + 1)] {
                assert!(!fits(kind, name), "{kind} {name}");
            }
        }
    }

    #[test]
    fn names_of_groups() {
        for name in ["g", "Gruppe-Süd_1.(alt)", "(x)", &"a".repeat(90)] {
            assert!(fits(groups::ROLE_KIND, name), "{name}");
        }
        for name in ["", "g.", "g$", "a b", "a,b", &"a".repeat(91)] {
            assert!(!fits(groups::ROLE_KIND, name), "{name}");
        }
    }
}
