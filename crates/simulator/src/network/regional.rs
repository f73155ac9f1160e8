//! What Microsoft.Network offers in a region: services that a subnet can be delegated to ("Available Delegations - List"), and
//! those with service endpoints ("Available Endpoint Services - List").

use super::{delegations, service_endpoints};
use crate::arm::{paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response};
use crate::store::subscription_of;
use crate::world::World;
use http::Method;
use serde_json::{Value, json};

/// `…/locations/{region}/availableDelegations`.
///
/// # Errors
/// `403 AuthorizationFailed`, `405`.
pub(super) fn delegations(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    let item = |subscription: &str, service: &str| {
        let name = service.replace('/', ".");
        let id = format!("/subscriptions/{subscription}/providers/Microsoft.Network/availableDelegations/{name}");
        let actions = json!(["Microsoft.Network/virtualNetworks/subnets/action"]);
        json!({
            "name": name, "id": id, "type": "Microsoft.Network/availableDelegations", "serviceName": service,
            "actions": actions,
        })
    };
    list(world, call, raw_path, scope, "availableDelegations", delegations::SERVICES, item)
}

/// `…/locations/{region}/virtualNetworkAvailableEndpointServices`.
///
/// # Errors
/// `403 AuthorizationFailed`, `405`.
pub(super) fn endpoint_services(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    let item = |subscription: &str, service: &str| {
        let kind = "Microsoft.Network/virtualNetworkEndpointServices";
        json!({"name": service, "id": format!("/subscriptions/{subscription}/providers/{kind}/{service}"), "type": kind})
    };
    let collection = "locations/virtualNetworkAvailableEndpointServices";
    list(world, call, raw_path, scope, collection, service_endpoints::SERVICES, item)
}

fn list(
    world: &World,
    call: &Call,
    raw_path: &str,
    scope: &str,
    collection: &str,
    services: &[&str],
    item: impl Fn(&str, &str) -> Value,
) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    world.authorize(&call.caller, &format!("Microsoft.Network/{collection}/read"), scope)?;
    let subscription = subscription_of(scope);
    let items = services.iter().map(|service| ((*service).to_owned(), item(subscription, service)));
    paging::page(world, call, raw_path, items.collect())
}
