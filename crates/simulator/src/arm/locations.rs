//! `GET {SUB}/locations` ("Subscriptions - List Locations"): regions with the names that people see.

use super::wrong_verb;
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// Name, name shown to people, and the part of the world it is shown under.
const REGIONS: &[(&str, &str, &str)] = &[
    ("australiaeast", "Australia East", "Asia Pacific"),
    ("brazilsouth", "Brazil South", "South America"),
    ("canadacentral", "Canada Central", "Canada"),
    ("centralindia", "Central India", "Asia Pacific"),
    ("centralus", "Central US", "US"),
    ("eastasia", "East Asia", "Asia Pacific"),
    ("eastus", "East US", "US"),
    ("eastus2", "East US 2", "US"),
    ("francecentral", "France Central", "Europe"),
    ("germanywestcentral", "Germany West Central", "Europe"),
    ("italynorth", "Italy North", "Europe"),
    ("japaneast", "Japan East", "Asia Pacific"),
    ("koreacentral", "Korea Central", "Asia Pacific"),
    ("northcentralus", "North Central US", "US"),
    ("northeurope", "North Europe", "Europe"),
    ("norwayeast", "Norway East", "Europe"),
    ("polandcentral", "Poland Central", "Europe"),
    ("southafricanorth", "South Africa North", "Africa"),
    ("southcentralus", "South Central US", "US"),
    ("southeastasia", "Southeast Asia", "Asia Pacific"),
    ("spaincentral", "Spain Central", "Europe"),
    ("swedencentral", "Sweden Central", "Europe"),
    ("switzerlandnorth", "Switzerland North", "Europe"),
    ("uaenorth", "UAE North", "Middle East"),
    ("uksouth", "UK South", "Europe"),
    ("ukwest", "UK West", "Europe"),
    ("westcentralus", "West Central US", "US"),
    ("westeurope", "West Europe", "Europe"),
    ("westus", "West US", "US"),
    ("westus2", "West US 2", "US"),
    ("westus3", "West US 3", "US"),
];

/// Regions and their pairs ("Azure region pairs"), both ways; regions of newer design have none.
const PAIRS: &[(&str, &str)] = &[
    ("australiaeast", "australiasoutheast"),
    ("brazilsouth", "southcentralus"),
    ("canadacentral", "canadaeast"),
    ("centralindia", "southindia"),
    ("centralus", "eastus2"),
    ("eastasia", "southeastasia"),
    ("eastus", "westus"),
    ("francecentral", "francesouth"),
    ("germanywestcentral", "germanynorth"),
    ("japaneast", "japanwest"),
    ("koreacentral", "koreasouth"),
    ("northcentralus", "southcentralus"),
    ("northeurope", "westeurope"),
    ("norwayeast", "norwaywest"),
    ("southafricanorth", "southafricawest"),
    ("swedencentral", "swedensouth"),
    ("switzerlandnorth", "switzerlandwest"),
    ("uaenorth", "uaecentral"),
    ("uksouth", "ukwest"),
    ("westcentralus", "westus2"),
    ("westus3", "eastus"),
];

/// The pair of a region, if it has one.
pub fn pair(region: &str) -> Option<&'static str> {
    let forth = PAIRS.iter().find(|(one, _)| *one == region).map(|(_, other)| *other);
    // Brazil South and West US 3 are paired one way only; from the end, the pair of both ways comes first.
    forth.or_else(|| PAIRS.iter().rev().find(|(_, other)| *other == region).map(|(one, _)| *one))
}

/// The names that people see.
pub fn display_names() -> Vec<&'static str> {
    REGIONS.iter().map(|(_, display, _)| *display).collect()
}

/// The regions of a subscription.
///
/// # Errors
/// `403 AuthorizationFailed`, `405`.
pub fn list(world: &World, call: &Call, subscription: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let scope = format!("/subscriptions/{subscription}");
    if !world.has_role_within(&call.caller, &scope) {
        world.authorize(&call.caller, "Microsoft.Resources/subscriptions/locations/read", &scope)?;
    }
    let values: Vec<Value> = REGIONS.iter().map(|region| body(&scope, *region)).collect();
    Ok(json_response(StatusCode::OK, &json!({"value": values})))
}

fn body(scope: &str, (name, display, part): (&str, &str, &str)) -> Value {
    json!({
        "id": format!("{scope}/locations/{name}"), "name": name, "type": "Region", "displayName": display,
        "regionalDisplayName": format!("({part}) {display}"),
        "metadata": {"regionType": "Physical", "regionCategory": "Recommended", "geographyGroup": part},
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arm::groups::{LOCATIONS, location_of};

    #[test]
    fn every_region_has_its_names() {
        let names: Vec<&str> = REGIONS.iter().map(|(name, _, _)| *name).collect();
        assert_eq!(names, LOCATIONS);
        assert!(REGIONS.iter().all(|(name, display, _)| location_of(display) == *name));
    }
}
