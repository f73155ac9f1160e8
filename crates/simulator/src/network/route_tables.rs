//! Route tables and their routes ("Route Tables - Create Or Update", "Routes - Create Or Update").

use super::entries::{self, Entries, is_named, name_of};
use super::tracked::{self, Kind};
use super::{prefixes, writable};
use crate::arm::names;
use crate::error::Refusal;
use crate::store::Resource;
use crate::world::World;
use serde_json::{Map, Value, json};
use std::net::IpAddr;

/// The type.
pub const KIND: &str = "Microsoft.Network/routeTables";
/// The type of routes.
pub const ROUTE: &str = "Microsoft.Network/routeTables/routes";
/// Most routes of a table ("Azure subscription and service limits", Networking).
const MOST_ROUTES: usize = 400;
/// Where a route may lead.
const NEXT_HOPS: &[&str] = &["VirtualNetworkGateway", "VnetLocal", "Internet", "VirtualAppliance", "None"];

/// What is special about the type. Its duration is not recorded; a network security group's is used.
pub(super) static TABLES: Kind = Kind {
    name: KIND,
    put: ("PutRouteTableOperation", 2.0),
    delete: ("DeleteRouteTableOperation", 3.0),
    retry_after: 10.0,
    members: &[],
    normalised,
    check,
    in_use,
    show,
    settled: |_| {},
    kept: &[],
    entries: Some(&ROUTES),
};

static ROUTES: Entries = Entries {
    name: ROUTE,
    member: "routes",
    put: "PutRouteOperation",
    delete: "DeleteRouteOperation",
    normalised: normalised_route,
    check: check_routes,
    show: show_route,
};

fn normalised(document: &Value) -> Map<String, Value> {
    let mut properties = writable(document, &["provisioningState", "resourceGuid", "subnets"]);
    entries::normalise(&ROUTES, &mut properties);
    properties.entry("disableBgpRoutePropagation").or_insert(json!(false));
    properties
}

fn check(_: &World, wanted: &Resource) -> Result<(), Refusal> {
    check_routes(&wanted.id, entries::stored(&ROUTES, &wanted.properties))
}

fn in_use(table: &Resource, _: &[String]) -> Refusal {
    let message = format!("Route table {} is in use and cannot be deleted.", table.name);
    Refusal::bad_request("InUseRouteTableCannotBeDeleted", message)
}

fn show(world: &World, table: &Resource, properties: &mut Map<String, Value>) {
    tracked::show_subnets(world, table, properties);
}

/// `{"name","properties"}` without read-only members, the next hop in Azure's spelling.
fn normalised_route(route: &Value) -> Value {
    let mut properties = writable(route, &["provisioningState", "hasBgpOverride"]);
    let given = properties.get("nextHopType").and_then(Value::as_str).unwrap_or_default();
    if let Some(word) = NEXT_HOPS.iter().find(|word| word.eq_ignore_ascii_case(given)) {
        properties.insert("nextHopType".to_owned(), json!(word));
    }
    json!({"name": route.get("name"), "properties": properties})
}

fn show_route(properties: &mut Map<String, Value>) {
    properties.insert("hasBgpOverride".to_owned(), json!(false));
}

/// `400 RouteConflict` for one prefix twice (Kubernetes' cloud-provider-azure has met it); the other codes are not
/// confirmed.
fn check_routes(table: &str, routes: &[Value]) -> Result<(), Refusal> {
    if routes.len() > MOST_ROUTES {
        let message = format!("Route table {table} has {} routes; it can have at most {MOST_ROUTES}.", routes.len());
        return Err(Refusal::bad_request("RouteCountLimitReached", message));
    }
    for (position, route) in routes.iter().enumerate() {
        check_route(table, route)?;
        let prefix = |route: &Value| route.pointer("/properties/addressPrefix").cloned();
        let clashes = |other: &&Value| is_named(other, name_of(route)) || prefix(other) == prefix(route);
        if let Some(other) = routes.iter().skip(position + 1).find(clashes) {
            let message = format!(
                "Route: {} conflicts with Route: {}. Routes cannot have the same AddressPrefix.",
                name_of(other),
                name_of(route)
            );
            return Err(Refusal::bad_request("RouteConflict", message));
        }
    }
    Ok(())
}

fn check_route(table: &str, route: &Value) -> Result<(), Refusal> {
    names::check(ROUTE, name_of(route))?;
    let id = format!("{table}/routes/{}", name_of(route));
    let text = |member: &str| route.pointer(&format!("/properties/{member}")).and_then(Value::as_str);
    let hop = text("nextHopType").unwrap_or_default();
    if !NEXT_HOPS.contains(&hop) {
        let message = format!("Route {id} needs a nextHopType of {}; it has '{hop}'.", NEXT_HOPS.join(", "));
        return Err(super::malformed("InvalidRouteNextHopType", message));
    }
    let prefix = text("addressPrefix").unwrap_or_default();
    let is_tag = prefix.starts_with(|first: char| first.is_ascii_alphabetic()) && !prefix.contains([':', '/']);
    if !is_tag {
        prefixes::parse(prefix, &id)?;
    }
    let address = text("nextHopIpAddress");
    let is_valid = match hop {
        "VirtualAppliance" => address.is_some_and(|text| text.parse::<IpAddr>().is_ok()),
        _ => address.is_none_or(str::is_empty),
    };
    if is_valid {
        return Ok(());
    }
    let message = format!(
        "Route {id} with next hop {hop} has nextHopIpAddress '{}': an address is needed for VirtualAppliance, and for \
         nothing else.",
        address.unwrap_or_default()
    );
    Err(Refusal::bad_request("InvalidRouteNextHopIpAddress", message))
}
