//! Changes a web service in place (Azure ML v1, `PATCH …/services/{name}`), and says what a change costs.

use super::{WEB_SERVICE, has_tls};
use crate::{
    blueprint::Sealed,
    drift::{Difference, merged},
    kind::Change,
    owner::{CONTENT_TAG, RESTART_TAG, TLS_TAG},
};
use serde_json::{Value, json};

/// Fields that no operation of the protocol can change: the service has to be deleted and created.
const FIXED: [&str; 6] = [
    "containerResourceRequirements",
    "vnetConfiguration",
    "location",
    "computeType",
    "dataCollection",
    "encryptionProperties",
];
/// Fields that the container depends on: it restarts.
const ROLLING: [&str; 7] =
    ["image", "authEnabled", "appInsightsEnabled", "sslEnabled", "sslCertificate", "sslKey", "cname"];
/// Tags whose change means that the container restarts.
const ROLLING_TAGS: [&str; 3] = [CONTENT_TAG, RESTART_TAG, TLS_TAG];
/// Fields that are sent together when TLS is turned on or changed.
const TLS: [&str; 4] = ["sslEnabled", "sslCertificate", "sslKey", "cname"];
/// Fields that are sent whole, in the order in which they are sent.
const WHOLE: [&str; 3] = ["description", "authEnabled", "appInsightsEnabled"];

/// The cost of changing the field at a path.
pub(super) fn change(path: &str) -> Change {
    let below = |root: &&str| is_below(path, root);
    if FIXED.iter().any(below) {
        Change::Replace
    } else if ROLLING_TAGS.iter().any(|tag| is_tag(path, tag)) || ROLLING.iter().any(below) {
        Change::Roll
    } else {
        Change::Live
    }
}

/// Whether the content differs: driver, script, model or environment.
pub fn changes_content<'d>(differs: impl IntoIterator<Item = &'d Difference>) -> bool {
    let tells = |path: &str| [CONTENT_TAG, RESTART_TAG].iter().any(|tag| is_tag(path, tag));
    differs.into_iter().any(|one| tells(&one.path) || is_below(&one.path, "image"))
}

/// The JSON patch that removes the differences, including the content with `new_content`. Tags are sent whole, with
/// those of others; properties are only added.
pub fn patch(body: &Value, actual: &Value, differs: &[Difference], new_content: bool, written: &[String]) -> Value {
    let touched = |root: &str| differs.iter().any(|one| is_below(&one.path, root));
    let mut operations = Vec::new();
    if new_content {
        operations.push(operation("replace", "/environmentImageRequest", body.get("environmentImageRequest")));
    }
    if touched("kvTags") {
        operations.push(operation("replace", "/kvTags", tags(body, actual, written).get("kvTags")));
    }
    for root in WHOLE.into_iter().filter(|root| touched(root)) {
        operations.push(operation("replace", &format!("/{root}"), body.get(root)));
    }
    if touched("sslEnabled") || touched("cname") || differs.iter().any(|one| is_tag(&one.path, TLS_TAG)) {
        operations.extend(tls(body));
    }
    let added = differs.iter().filter_map(|one| Some((one.path.strip_prefix("properties.")?, &one.want)));
    operations.extend(added.map(|(key, value)| operation("add", &property(key), Some(value))));
    operations.into()
}

/// Translates places in a body that have to be filled in into places in a patch's operations.
pub fn sealed(operations: &Value, of_body: &[Sealed]) -> Vec<Sealed> {
    let place = |one: &Sealed, at: usize, operation: &Value| {
        let path = operation.get("path")?.as_str()?;
        let rest = one.at.strip_prefix(path).filter(|rest| rest.is_empty() || rest.starts_with('/'))?;
        Some(Sealed { at: format!("/{at}/value{rest}"), value: one.value.clone() })
    };
    let operations: Vec<_> = operations.as_array().into_iter().flatten().enumerate().collect();
    of_body.iter().flat_map(|one| operations.iter().filter_map(move |(at, of)| place(one, *at, of))).collect()
}

/// The operations for TLS. Turning it off needs only `sslEnabled` (azureml-core 1.61, `AciWebservice.update`).
fn tls(body: &Value) -> impl Iterator<Item = Value> {
    let fields = if has_tls(body) { &TLS[..] } else { &TLS[..1] };
    fields.iter().map(|field| operation("replace", &format!("/{field}"), body.get(field)))
}

fn tags(body: &Value, actual: &Value, written: &[String]) -> Value {
    let only = |of: &Value| json!({"kvTags": of.get("kvTags")});
    merged(&only(actual), &only(body), WEB_SERVICE.rules, written)
}

/// Path of a property, its key escaped (RFC 6901, section 4).
fn property(key: &str) -> String {
    format!("/properties/{}", key.replace('~', "~0").replace('/', "~1"))
}

fn operation(op: &str, path: &str, value: Option<&Value>) -> Value {
    json!({"op": op, "path": path, "value": value})
}

fn is_tag(path: &str, tag: &str) -> bool {
    path.strip_prefix("kvTags.") == Some(tag)
}

fn is_below(path: &str, root: &str) -> bool {
    path.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_added_one_by_one() {
        let one = |path: &str, want: &str| Difference { path: path.into(), want: want.into(), have: Value::Null };
        let differs = [one("properties.team", "churn"), one("properties.a/b~c", "d"), one("description", "new")];
        let body = json!({"description": "new"});
        assert_eq!(
            patch(&body, &json!({}), &differs, false, &[]),
            json!([
                {"op": "replace", "path": "/description", "value": "new"},
                {"op": "add", "path": "/properties/team", "value": "churn"},
                {"op": "add", "path": "/properties/a~1b~0c", "value": "d"},
            ])
        );
    }

    #[test]
    fn the_content_is_sent_only_when_it_changed() {
        let switch = Difference { path: "appInsightsEnabled".into(), want: true.into(), have: false.into() };
        let body = json!({"appInsightsEnabled": true, "environmentImageRequest": {}});
        let switched = json!([{"op": "replace", "path": "/appInsightsEnabled", "value": true}]);
        assert_eq!(patch(&body, &json!({}), std::slice::from_ref(&switch), changes_content([&switch]), &[]), switched);
    }
}
