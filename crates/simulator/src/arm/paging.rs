//! Lists: `{"value":[…],"nextLink":"…"}`, filtered by what the caller may see.

use super::wrong_verb;
use crate::call::Call;
use crate::error::{Refusal, Response, json_response};
use crate::store::{Resource, key};
use crate::world::World;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{Method, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

/// One page of `items` as an answer, see [`page_body`].
///
/// # Errors
/// As [`page_body`].
pub fn page(world: &World, call: &Call, raw_path: &str, items: Vec<(String, Value)>) -> Result<Response, Refusal> {
    page_body(world, call, raw_path, items).map(|body| json_response(StatusCode::OK, &body))
}

/// One page of the resources of a type, at a subscription or group, that the caller may see.
///
/// # Errors
/// `404 ResourceGroupNotFound`, `403 AuthorizationFailed`, `405`, and as [`page_body`].
pub fn resources(
    world: &World,
    call: &Call,
    raw_path: &str,
    (scope, kind): (&str, &str),
    body: impl Fn(&Resource) -> Value,
) -> Result<Response, Refusal> {
    if call.method != Method::GET {
        return Err(wrong_verb(call));
    }
    let action = format!("{kind}/read");
    let visible = visible(world, call, &action, scope)?;
    if scope.to_ascii_lowercase().contains("/resourcegroups/") {
        world.existing_group(scope)?;
    }
    let found = world.resources.children(scope, kind).into_iter().filter(|found| visible(&found.id));
    page(world, call, raw_path, found.map(|found| (found.id.clone(), body(found))).collect())
}

/// One page of `items` (id and body), in order of id. A list is not a snapshot: a page begins after the last id of the
/// previous page, whatever was added or removed meanwhile.
///
/// # Errors
/// `400 InvalidSkipToken` for a token that was not issued (code not confirmed).
pub fn page_body(
    world: &World,
    call: &Call,
    raw_path: &str,
    mut items: Vec<(String, Value)>,
) -> Result<Value, Refusal> {
    items.sort_by_key(|(id, _)| key(id));
    if let Some(token) = call.query.get("$skiptoken") {
        let last = decoded(token)?;
        items.retain(|(id, _)| key(id) > last);
    }
    let size =
        call.query.get("$top").and_then(|top| top.parse().ok()).unwrap_or(world.page_size).clamp(1, world.page_size);
    let rest = items.split_off(size.min(items.len()));
    let next = items.last().filter(|_| !rest.is_empty()).map(|(id, _)| next_link(world, call, raw_path, id));
    let values: Vec<Value> = items.into_iter().map(|(_, body)| body).collect();
    let mut body = json!({"value": values});
    if let (Some(next), Some(object)) = (next, body.as_object_mut()) {
        object.insert("nextLink".to_owned(), Value::String(next));
    }
    Ok(body)
}

fn decoded(token: &str) -> Result<String, Refusal> {
    let bytes = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    bytes.ok_or_else(|| {
        let message = "The skip token is not valid. Follow nextLink as it was given out.";
        Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidSkipToken", message)
    })
}

fn next_link(world: &World, call: &Call, raw_path: &str, last: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let kept = call.query.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("$skiptoken"));
    let mut query: Vec<String> = kept.map(|(name, value)| format!("{}={}", plain(name), plain(value))).collect();
    query.push(format!("%24skiptoken={}", encode(&URL_SAFE_NO_PAD.encode(key(last)))));
    return format!("{}{raw_path}?{}", world.base_url, query.join("&"));

    fn plain(text: &str) -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }
}

/// Who sees what in a list at `scope`: everything with a role there, else what roles further down show; nothing at all
/// without one (that Azure trims lists in this way is not documented for every provider).
///
/// # Errors
/// `403 AuthorizationFailed`.
pub fn visible<'a>(
    world: &'a World,
    call: &'a Call,
    action: &'a str,
    scope: &str,
) -> Result<impl Fn(&str) -> bool + 'a, Refusal> {
    if !world.may_somewhere(&call.caller, action, scope) {
        world.authorize(&call.caller, action, scope)?;
    }
    Ok(move |id: &str| world.may(&call.caller, action, id))
}
