//! Lists of a region: usage, capabilities, cached images.

use super::put::MOST_CORES;
use super::{KIND, cores, standing};
use crate::arm::{groups, unknown_type, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::store::subscription_of;
use crate::windows::CONTAINER_GROUPS;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Value, json};

/// `GET …/locations/{location}/usages`, `capabilities`, `cachedImages`.
///
/// # Errors
/// `403 AuthorizationFailed`, `404` for another list, `400` for an unknown region, `405`.
pub(super) fn route(world: &World, call: &Call, scope: &str, location: &str, list: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("Microsoft.ContainerInstance/locations/{list}/read"), scope)?;
    let location = groups::location_of(location);
    if !groups::LOCATIONS.contains(&location.as_str()) {
        let message = format!("The location '{location}' is not available for '{KIND}'.");
        return Err(Refusal::gateway(StatusCode::BAD_REQUEST, "LocationNotAvailableForResourceType", message));
    }
    let value = match list {
        "usages" => usages(world, subscription_of(scope), &location),
        "capabilities" => capabilities(&location),
        "cachedimages" => json!([
            {"osType": "Linux", "image": "alpine:latest"},
            {"osType": "Windows", "image": "microsoft/nanoserver:latest"},
        ]),
        _ => return Err(unknown_type(super::NAMESPACE, &["locations", "", list], call)),
    };
    Ok(json_response(StatusCode::OK, &json!({"value": value})))
}

fn usages(world: &World, subscription: &str, region: &str) -> Value {
    let usage = |name: &str, shown: &str, used: f64, limit: f64| {
        json!({
            "id": format!(
                "/subscriptions/{subscription}/providers/Microsoft.ContainerInstance/locations/{region}/usages/{name}"
            ),
            "name": {"value": name, "localizedValue": shown}, "unit": "Count", "currentValue": used as u64,
            "limit": limit as u64,
        })
    };
    json!([
        usage(
            "ContainerGroups",
            "Container Groups",
            standing(world, subscription, region) as f64,
            CONTAINER_GROUPS as f64
        ),
        usage("StandardCores", "Standard Cores", cores(world, subscription, region).ceil(), MOST_CORES),
    ])
}

/// The largest group that is possible: 31 cores and 240 GB ("Resource availability & quota limits").
fn capabilities(region: &str) -> Value {
    let of = |system: &str, address: &str| {
        json!({
            "resourceType": "containerGroups", "osType": system, "location": region, "ipAddressType": address,
            "gpu": "None", "capabilities": {"maxMemoryInGB": 240, "maxCpu": 31, "maxGpuCount": 0},
        })
    };
    json!([of("Linux", "Public"), of("Linux", "Private"), of("Windows", "Public"), of("Windows", "Private")])
}
