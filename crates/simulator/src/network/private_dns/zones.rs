//! Zones ("Private Zones - Create Or Update" …).

use super::writes::{self, check_settled, failure};
use super::{LINK, ZONE, check_global, conditions, invalid, is_record, records, shown, shown_with_etag};
use crate::arm::{groups, nothing, paging, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response};
use crate::store::Resource;
use crate::tags::Tags;
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// What a zone holds at most, and how many zones a subscription ("Azure subscription and service limits", Azure Private
/// DNS limits; of the first three, recorded bodies say the same).
pub(super) const RECORD_SETS: usize = 25_000;
pub(super) const LINKS: usize = 1_000;
pub(super) const REGISTRATION_LINKS: usize = 100;
const ZONES: usize = 1_000;
/// Longest name of a zone and of a label in it (RFC 1035).
const NAME_LIMIT: usize = 253;
const LABEL_LIMIT: usize = 63;
/// Most labels of a zone's name ("Naming rules and restrictions for Azure resources").
const MOST_LABELS: usize = 34;

/// Zones of a subscription or group.
///
/// # Errors
/// `404 ResourceGroupNotFound`, `403 AuthorizationFailed`, `405`.
pub(super) fn list(world: &World, call: &Call, raw_path: &str, scope: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let action = format!("{ZONE}/read");
    let visible = paging::visible(world, call, &action, scope)?;
    if scope.to_ascii_lowercase().contains("/resourcegroups/") {
        world.existing_group(scope)?;
    }
    let found = world.resources.children(scope, ZONE).into_iter().filter(|zone| visible(&zone.id));
    let items = found.map(|zone| (zone.id.clone(), body(world, zone, call.api_version()))).collect();
    paging::page_body(world, call, raw_path, items).map(|body| shown(StatusCode::OK, &body))
}

/// GET, PUT, PATCH (tags), DELETE.
///
/// # Errors
/// The 404 family, `403`, `409 ScopeLocked`, `CannotDeleteResource`, `Conflict`, `400`, `405`.
pub(super) fn one(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    call.enter(world, ZONE, id)?;
    match call.method {
        Method::GET => {
            let zone = world.find(id, ZONE)?;
            Ok(shown_with_etag(StatusCode::OK, &zone.etag, &body(world, zone, call.api_version())))
        }
        Method::PUT => put(world, call, id),
        Method::PATCH => patch(world, call, id),
        Method::DELETE => delete(world, call, id),
        _ => Err(wrong_verb(call)),
    }
}

fn put(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    let group = groups::for_write(world, id)?.id.clone();
    let document = call.json()?;
    check_global(&document, ZONE)?;
    let name = id.rsplit('/').next().unwrap_or_default();
    check_name(name)?;
    let present = world.resource(id, ZONE).cloned();
    check_settled(present.as_ref())?;
    if present.is_none() {
        let subscription = format!("/subscriptions/{}", call.path.subscription().unwrap_or_default());
        check_room(world.resources.children(&subscription, ZONE).len(), ZONES, "zones in the subscription")?;
    }
    let unmet = condition(call, name, present.as_ref());
    let wanted = Resource {
        id: present.as_ref().map_or_else(|| format!("{group}/providers/{ZONE}/{name}"), |there| there.id.clone()),
        name: present.as_ref().map_or_else(|| name.to_owned(), |there| there.name.clone()),
        kind: ZONE,
        location: Some("global".to_owned()),
        tags: Tags::put(&document, present.as_ref().map(|there| &there.tags))?,
        etag: world.ids.guid("etag"),
        guid: present.map_or_else(|| world.ids.guid("resource"), |there| there.guid),
        ..Resource::default()
    };
    Ok(writes::upsert(world, call, "UpsertPrivateDnsZone", wanted, unmet, records::add_authority))
}

/// Replaces the tags. That it is answered as a PUT is not recorded; the description allows 200 as well.
fn patch(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let document = call.json()?;
    let there = world.find(id, ZONE)?.clone();
    check_settled(Some(&there))?;
    let unmet = condition(call, &there.name, Some(&there));
    let wanted = Resource { etag: world.ids.guid("etag"), tags: there.tags.patched(&document)?, ..there };
    Ok(writes::upsert(world, call, "UpsertPrivateDnsZone", wanted, unmet, |_, _| {}))
}

fn delete(world: &mut World, call: &Call, id: &str) -> Result<Response, Refusal> {
    groups::for_write(world, id)?;
    let Some(zone) = world.resource(id, ZONE).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    check_settled(Some(&zone))?;
    let links: Vec<&str> = world.resources.children(id, LINK).iter().map(|link| link.id.as_str()).collect();
    if !links.is_empty() {
        let message = format!(
            "Cannot delete resource while nested resources exist. Some existing nested resource IDs include: '{}'. \
             Please delete all nested resources before deleting this resource.",
            links.join(", ")
        );
        return Err(Refusal::gateway(StatusCode::CONFLICT, "CannotDeleteResource", message));
    }
    let unmet = condition(call, &zone.name, Some(&zone));
    Ok(writes::delete(world, call, "DeletePrivateDnsZone", &zone.id, unmet))
}

fn condition(call: &Call, name: &str, present: Option<&Resource>) -> Option<Value> {
    let what = format!("Zone {name}");
    let unmet = conditions::unmet(call, (&what, &what), present.map(|there| there.etag.as_str()));
    unmet.map(|message| failure("PreconditionFailed", message))
}

/// Checks that one more can be created (the refusal is not confirmed).
pub(super) fn check_room(standing: usize, most: usize, what: &str) -> Result<(), Refusal> {
    if standing < most {
        return Ok(());
    }
    Err(invalid(format!("The limit of {most} {what} has been reached.")))
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let is_label = |label: &str| {
        (1..=LABEL_LIMIT).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let labels = name.split('.').count();
    if name.len() <= NAME_LIMIT && (2..=MOST_LABELS).contains(&labels) && name.split('.').all(is_label) {
        return Ok(());
    }
    Err(invalid(format!(
        "The domain name '{name}' is invalid. The provided domain name must have 2 to {MOST_LABELS} labels of letters, digits, '_' \
         and '-', each of at most {LABEL_LIMIT} characters."
    )))
}

/// What GET shows in this api-version.
pub(crate) fn body(world: &World, zone: &Resource, api_version: &str) -> Value {
    let records = world.resources.below(&zone.id).filter(|child| is_record(child)).count();
    let links = world.resources.children(&zone.id, LINK);
    let registers = |link: &&&Resource| link.properties.get("registrationEnabled") == Some(&Value::Bool(true));
    let mut properties = json!({
        "maxNumberOfRecordSets": RECORD_SETS,
        "maxNumberOfVirtualNetworkLinks": LINKS,
        "maxNumberOfVirtualNetworkLinksWithRegistration": REGISTRATION_LINKS,
        "numberOfRecordSets": records,
        "numberOfVirtualNetworkLinks": links.len(),
        "numberOfVirtualNetworkLinksWithRegistration": links.iter().filter(registers).count(),
        "provisioningState": zone.state,
    });
    if api_version >= "2020-01-01"
        && let Some(properties) = properties.as_object_mut()
    {
        let internal = STANDARD.encode(format!("ImmutableZoneIdentity;{};0", zone.guid));
        properties.insert("internalId".to_owned(), json!(internal));
    }
    tracked(zone, ZONE, properties)
}

/// A zone or link: `id, name, type, etag, location, tags?, properties`.
pub(super) fn tracked(resource: &Resource, kind: &str, properties: Value) -> Value {
    let mut body = Map::new();
    for (name, value) in [
        ("id", json!(resource.id)),
        ("name", json!(resource.name)),
        ("type", json!(kind)),
        ("etag", json!(resource.etag)),
        ("location", json!("global")),
        ("properties", properties),
    ] {
        body.insert(name.to_owned(), value);
    }
    resource.tags.show(&mut body);
    Value::Object(body)
}
