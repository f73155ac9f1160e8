//! Record sets ("Record Sets - Create Or Update" …): all at once, without an operation.

use super::record_types::{self, RecordType};
use super::{ZONE, conditions, invalid, shown, shown_with_etag, zones};
use crate::arm::{groups, nothing, paging, unknown_type, wrong_verb};
use crate::call::Call;
use crate::error::{Refusal, Response, empty_response};
use crate::network::parent_not_found;
use crate::store::Resource;
use crate::world::World;
use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

/// Longest and shortest time to live, in seconds.
const TTL: std::ops::RangeInclusive<u64> = 1..=2_147_483_647;

/// Record sets of one type, or of all (`ALL`); `$recordsetnamesuffix` chooses among them.
///
/// # Errors
/// The 404 family, `403 AuthorizationFailed`, `405`.
pub(super) fn list(world: &World, call: &Call, raw_path: &str, zone: &str, kind: &str) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let only = if kind == "all" { None } else { Some(known(call, kind)?) };
    let action = only.map_or_else(|| format!("{ZONE}/ALL/read"), |only| format!("{}/read", only.kind));
    world.authorize(&call.caller, &action, zone)?;
    let zone = world.find(zone, ZONE)?;
    let suffix = call.query.get("$recordsetnamesuffix").unwrap_or_default().to_ascii_lowercase();
    let wanted = |record: &&Resource| {
        record_types::of_kind(record.kind).is_some_and(|kind| only.is_none_or(|only| only.name == kind.name))
            && record.name.to_ascii_lowercase().ends_with(&suffix)
    };
    let found = world.resources.below(&zone.id).filter(wanted);
    let items = found.map(|record| (record.id.clone(), body(record))).collect();
    paging::page_body(world, call, raw_path, items).map(|body| shown(StatusCode::OK, &body))
}

fn known(call: &Call, kind: &str) -> Result<&'static RecordType, Refusal> {
    record_types::of_name(kind)
        .ok_or_else(|| unknown_type("microsoft.network", &["privateDnsZones", "", kind, ""], call))
}

/// GET, PUT, PATCH, DELETE.
///
/// # Errors
/// The 404 family, `412 PreconditionFailed`, `403`, `409 ScopeLocked`, `400`, `405`.
pub(super) fn one(world: &mut World, call: &Call, zone: &str, kind: &str, name: &str) -> Result<Response, Refusal> {
    let kind = known(call, kind)?;
    let id = format!("{zone}/{}/{name}", kind.name);
    call.enter(world, kind.kind, &id)?;
    match call.method {
        Method::GET => {
            world.find(zone, ZONE)?;
            let record = existing(world, kind, &id)?;
            Ok(shown_with_etag(StatusCode::OK, &record.etag, &body(record)))
        }
        Method::PUT => put(world, call, zone, kind, name),
        Method::PATCH => patch(world, call, zone, kind, name),
        Method::DELETE => delete(world, call, zone, kind, &id),
        _ => Err(wrong_verb(call)),
    }
}

/// The text is that of public DNS; that of private DNS is not confirmed.
fn existing<'a>(world: &'a World, kind: &RecordType, id: &str) -> Result<&'a Resource, Refusal> {
    world.resource(id, kind.kind).ok_or_else(|| {
        let mut parts = id.split('/');
        let (subscription, group) = (parts.nth(2).unwrap_or_default(), parts.nth(1).unwrap_or_default());
        let name = id.rsplit('/').next().unwrap_or_default();
        let message = format!(
            "The resource record '{name}' does not exist in resource group '{group}' of subscription '{subscription}'."
        );
        Refusal::service(StatusCode::NOT_FOUND, "NotFound", message)
    })
}

fn zone_for_write(world: &World, zone: &str, kind: &RecordType, verb: &str) -> Result<Resource, Refusal> {
    groups::for_write(world, zone)?;
    let found = world.resource(zone, ZONE).filter(|zone| zone.state != "Deleting");
    found.cloned().ok_or_else(|| parent_not_found(verb, kind.kind, zone))
}

fn put(world: &mut World, call: &Call, zone: &str, kind: &RecordType, name: &str) -> Result<Response, Refusal> {
    let zone = zone_for_write(world, zone, kind, "write")?;
    let document = call.json()?;
    let given = document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    store(world, call, &zone, kind, name, given)
}

/// What is given replaces what is there, member by member.
fn patch(world: &mut World, call: &Call, zone: &str, kind: &RecordType, name: &str) -> Result<Response, Refusal> {
    let zone = zone_for_write(world, zone, kind, "write")?;
    let document = call.json()?;
    let mut merged = existing(world, kind, &format!("{}/{}/{name}", zone.id, kind.name))?.properties.clone();
    let given = document.get("properties").and_then(Value::as_object).cloned().unwrap_or_default();
    merged.extend(given.into_iter().filter(|(_, value)| !value.is_null()));
    store(world, call, &zone, kind, name, merged)
}

/// Names of record sets come back in lower case (`net-Fluent-Tests-PrivateDns-PrivateDnsRecordSet-…`, 7).
fn store(
    world: &mut World,
    call: &Call,
    zone: &Resource,
    kind: &RecordType,
    name: &str,
    given: Map<String, Value>,
) -> Result<Response, Refusal> {
    let name = &name.to_ascii_lowercase();
    let id = format!("{}/{}/{name}", zone.id, kind.name);
    let present = world.resource(&id, kind.kind).cloned();
    check_condition(call, name, present.as_ref())?;
    check_place(world, zone, kind, name, present.is_some())?;
    let record = Resource {
        id: present.as_ref().map_or(id, |there| there.id.clone()),
        name: present.as_ref().map_or_else(|| name.to_owned(), |there| there.name.clone()),
        properties: normalised(kind, given, present.as_ref())?,
        ..new(world, kind, zone)
    };
    let status = if present.is_some() { StatusCode::OK } else { StatusCode::CREATED };
    let response = shown_with_etag(status, &record.etag, &body(&record));
    world.resources.insert(record);
    Ok(response)
}

fn new(world: &mut World, kind: &RecordType, zone: &Resource) -> Resource {
    Resource {
        id: format!("{}/{}/@", zone.id, kind.name),
        name: "@".to_owned(),
        kind: kind.kind,
        etag: world.ids.guid("etag"),
        state: "Succeeded".to_owned(),
        ..Resource::default()
    }
}

/// `metadata`, `ttl` and the records.
fn normalised(
    kind: &RecordType,
    given: Map<String, Value>,
    present: Option<&Resource>,
) -> Result<Map<String, Value>, Refusal> {
    let ttl = given.get("ttl").and_then(Value::as_u64).filter(|ttl| TTL.contains(ttl));
    let ttl = ttl.ok_or_else(|| invalid("The ttl of a record set is missing or not a number from 1 to 2147483647."))?;
    if let Some(foreign) = given.keys().find(|name| is_of_other_type(kind, name)) {
        return Err(invalid(format!("'{foreign}' can't be in a record set of type {}.", kind.name)));
    }
    let mut properties = Map::new();
    if let Some(metadata) = given.get("metadata").and_then(Value::as_object).filter(|metadata| !metadata.is_empty()) {
        properties.insert("metadata".to_owned(), json!(metadata));
    }
    properties.insert("ttl".to_owned(), json!(ttl));
    if let Some(records) = records_of(kind, &given, present) {
        kind.check(&records)?;
        properties.insert(kind.member.to_owned(), records);
    }
    Ok(properties)
}

/// The records that are given; of the zone's SOA, what is not given stays. A set of a list type may be empty.
fn records_of(kind: &RecordType, given: &Map<String, Value>, present: Option<&Resource>) -> Option<Value> {
    let records = given.get(kind.member).filter(|records| !records.is_null()).cloned();
    let before = present.and_then(|there| there.properties.get(kind.member)).filter(|_| kind.name == "SOA");
    match (records, before) {
        (Some(Value::Object(mut changed)), Some(Value::Object(before))) => {
            let mut whole = before.clone();
            whole.append(&mut changed);
            Some(Value::Object(whole))
        }
        (None, Some(before)) => Some(before.clone()),
        (None, None) if kind.is_list => Some(json!([])),
        (records, _) => records,
    }
}

/// `@`, or labels of 1 to 63 letters, digits, hyphens and underscores (RFC 1035, RFC 8552), the first of which may be `*`
/// (RFC 4592); 253 characters at most.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
    };
    let labels = name.strip_prefix("*.").unwrap_or(name);
    name.len() <= 253 && (name == "@" || name == "*" || labels.split('.').all(is_label))
}

fn is_of_other_type(kind: &RecordType, member: &str) -> bool {
    (member.ends_with("Records") || member.ends_with("Record")) && member != kind.member
}

/// Only the zone has an SOA, and a CNAME stands alone (RFC 1034, 3.6.2). The refusals are not confirmed.
fn check_place(world: &World, zone: &Resource, kind: &RecordType, name: &str, is_there: bool) -> Result<(), Refusal> {
    if !is_name(name) {
        return Err(invalid(format!("'{name}' is no name of a record set.")));
    }
    if !is_there {
        let standing = world.resources.below(&zone.id).filter(|child| super::is_record(child)).count();
        zones::check_room(standing, zones::RECORD_SETS, "record sets of the zone")?;
    }
    if kind.name == "SOA" && !is_there {
        return Err(invalid("A zone has one record set of type SOA, '@', and it is there already."));
    }
    if kind.name == "CNAME" && name == "@" {
        return Err(invalid("A record set of type CNAME can't be at the apex of a zone."));
    }
    let mut others = world.resources.below(&zone.id).filter(|other| {
        other.name.eq_ignore_ascii_case(name)
            && record_types::of_kind(other.kind)
                .is_some_and(|other| other.name != kind.name && (other.name == "CNAME" || kind.name == "CNAME"))
    });
    let Some(other) = others.next() else { return Ok(()) };
    let message = format!(
        "The record set '{name}' of type {} conflicts with {}: a CNAME can't stand beside other record sets of its name.",
        kind.name, other.id
    );
    Err(Refusal::service(StatusCode::CONFLICT, "Conflict", message))
}

/// The refusal has no `error` around it, as recorded (`net-Fluent-Tests-PrivateDns-PrivateDnsRecordSet-…`).
fn check_condition(call: &Call, name: &str, present: Option<&Resource>) -> Result<(), Refusal> {
    let what = format!("Record set {name}");
    let unmet = conditions::unmet(call, (&what, &what), present.map(|there| there.etag.as_str()));
    let refused = |message| Refusal::service(StatusCode::PRECONDITION_FAILED, "PreconditionFailed", message).bare();
    unmet.map_or(Ok(()), |message| Err(refused(message)))
}

fn delete(world: &mut World, call: &Call, zone: &str, kind: &RecordType, id: &str) -> Result<Response, Refusal> {
    zone_for_write(world, zone, kind, "delete")?;
    let Some(record) = world.resource(id, kind.kind).cloned() else { return nothing(StatusCode::NO_CONTENT) };
    if kind.name == "SOA" {
        return Err(invalid("The record set of type SOA goes with its zone."));
    }
    check_condition(call, &record.name, Some(&record))?;
    world.resources.remove(id);
    Ok(empty_response(StatusCode::OK))
}

/// Gives a new zone its SOA, as recorded.
pub(super) fn add_authority(world: &mut World, zone: &Resource) {
    let Some(kind) = record_types::of_name("SOA") else { return };
    let mut record = new(world, kind, zone);
    if world.resources.get(&record.id).is_some() {
        return;
    }
    record.properties.insert("ttl".to_owned(), json!(3600));
    let authority = json!({
        "email": "azureprivatedns-host.microsoft.com", "expireTime": 2_419_200, "host": "azureprivatedns.net",
        "minimumTtl": 10, "refreshTime": 3600, "retryTime": 300, "serialNumber": 1,
    });
    record.properties.insert(kind.member.to_owned(), authority);
    world.resources.insert(record);
}

/// What GET shows.
pub(crate) fn body(record: &Resource) -> Value {
    let zone = record.id.rsplit('/').nth(2).unwrap_or_default();
    let name = if record.name == "@" { String::new() } else { format!("{}.", record.name) };
    let mut properties = record.properties.clone();
    properties.insert("fqdn".to_owned(), json!(format!("{name}{zone}.")));
    properties.insert("isAutoRegistered".to_owned(), json!(false));
    json!({"id": record.id, "name": record.name, "type": record.kind, "etag": record.etag, "properties": properties})
}
