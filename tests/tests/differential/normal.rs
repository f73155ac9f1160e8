//! What was sent, without what differs from run to run.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::GzDecoder;
use regex_lite::Regex;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use std::{collections::BTreeMap, io::Read as _};

/// The requests of a recording that change something, in order, in a form that is the same in every run.
pub fn requests(sent: &[Value]) -> Vec<Value> {
    let normal = Normal::of(sent);
    let changes = sent.iter().filter(|one| !changes_nothing(one));
    let mut requests: Vec<Value> = changes.map(|one| normal.request(one)).collect();
    // the files of a directory are sent one after another, by the SDK in the order of its disk
    for uploads in requests.chunk_by_mut(|one, other| is_file(one) && is_file(other)) {
        uploads.sort_by_key(|one| text(one, "request").to_owned());
    }
    requests
}

/// Azure is asked whether it would take something, or for its keys.
fn changes_nothing(request: &Value) -> bool {
    let path = text(request, "path");
    path.contains("/services/validate") || path.ends_with("/listkeys")
}

fn is_file(request: &Value) -> bool {
    text(request, "request").starts_with("PUT {blob container}")
}

fn text<'v>(value: &'v Value, member: &str) -> &'v str {
    value.get(member).and_then(Value::as_str).unwrap_or_default()
}

struct Normal {
    driver: String,
    patterns: Vec<(Regex, &'static str)>,
}

impl Normal {
    fn of(sent: &[Value]) -> Self {
        // what Azure refuses beforehand, the SDK only asks about
        let places = [
            "/json/environmentImageRequest/driverProgram",
            "/json/createRequest/environmentImageRequest/driverProgram",
        ];
        let named = |one: &Value| places.iter().find_map(|place| Some(one.pointer(place)?.as_str()?.to_owned()));
        let driver = sent.iter().find_map(named);
        let pattern = |text: &str| Regex::new(text).expect("a pattern");
        Self {
            driver: driver.unwrap_or_else(|| "no driver".to_owned()),
            patterns: vec![
                (pattern("/subscriptions/[^/]+/resourceGroups/[^/]+/providers/[^/]+/workspaces/[^/]+"), "{workspace}"),
                (pattern("LocalUpload/[^/]+"), "LocalUpload/{container}"),
                (pattern("//[^/]+/[^/]+/LocalUpload"), "{blob container}/LocalUpload"),
                (pattern("[^/]+[.]tar[.]gz"), "{folder}.tar.gz"),
                (pattern("aml://asset/.+"), "aml://asset/{asset}"),
                (pattern("(?s)-----BEGIN CERTIFICATE.*"), "{certificate}"),
                (pattern("(?s)-----BEGIN [A-Z ]*PRIVATE KEY.*"), "{private key}"),
            ],
        }
    }

    fn text(&self, text: &str) -> String {
        let text = text.replace(&self.driver, "{driver}");
        self.patterns.iter().fold(text, |text, (pattern, word)| pattern.replace_all(&text, *word).into_owned())
    }

    fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => self.text(text).into(),
            Value::Array(list) => list.iter().map(|one| self.value(one)).collect(),
            Value::Object(members) => members.iter().map(|(name, one)| (name.clone(), self.value(one))).collect(),
            other => other.clone(),
        }
    }

    fn request(&self, request: &Value) -> Value {
        let what = format!("{} {}", text(request, "verb"), self.text(text(request, "path")));
        let content_type = request.get("contentType").cloned().unwrap_or_default();
        json!({"request": what, "contentType": content_type, "body": self.body(request, &what)})
    }

    fn body(&self, request: &Value, what: &str) -> Value {
        match (request.get("json"), request.get("base64").and_then(Value::as_str)) {
            (Some(json), _) => sorted_paths(self.value(json)),
            (None, Some(bytes)) => file(what, &STANDARD.decode(bytes).expect("base64")),
            (None, None) => Value::Null,
        }
    }
}

/// A batch of files, in the order of their names.
fn sorted_paths(mut body: Value) -> Value {
    if let Some(Value::Array(paths)) = body.get_mut("paths") {
        paths.sort_by_key(|one| text(one, "path").to_owned());
    }
    body
}

/// A file that was uploaded. The driver is each side's own.
fn file(what: &str, bytes: &[u8]) -> Value {
    match what {
        what if what.ends_with("{driver}") => "the driver".into(),
        what if what.ends_with(".tar.gz") => entries(bytes),
        _ => json!({"bytes": bytes.len(), "sha256": digest(bytes)}),
    }
}

/// The files of a packed folder, by their names in it.
fn entries(packed: &[u8]) -> Value {
    let mut archive = tar::Archive::new(GzDecoder::new(packed));
    let mut files = BTreeMap::new();
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let name = entry.path().expect("a name").display().to_string();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("its content");
        if entry.header().entry_type().is_file() {
            files.insert(name, digest(&content));
        }
    }
    json!(files)
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// One place in which two values differ. What is absent reads as such.
#[derive(Debug)]
pub struct Difference {
    /// JSON pointer, list places as numbers.
    pub at: String,
    /// What the SDK sends.
    pub sdk: String,
    /// What the operator sends.
    pub operator: String,
}

/// Every place in which two values differ, member by member.
pub fn differences(at: &str, sdk: Option<&Value>, operator: Option<&Value>) -> Vec<Difference> {
    match (sdk, operator) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => members(at, one, other),
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            let places = 0..one.len().max(other.len());
            places.flat_map(|n| differences(&format!("{at}/{n}"), one.get(n), other.get(n))).collect()
        }
        (one, other) if one == other => Vec::new(),
        (one, other) => vec![Difference { at: at.to_owned(), sdk: said(one), operator: said(other) }],
    }
}

fn members(at: &str, one: &Map<String, Value>, other: &Map<String, Value>) -> Vec<Difference> {
    let names = one.keys().chain(other.keys().filter(|name| !one.contains_key(*name)));
    names.flat_map(|name| differences(&format!("{at}/{name}"), one.get(name), other.get(name))).collect()
}

fn said(value: Option<&Value>) -> String {
    value.map_or_else(|| "absent".to_owned(), ToString::to_string)
}
