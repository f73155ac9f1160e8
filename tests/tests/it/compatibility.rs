//! Today's definitions against those of each release: nothing is removed, tightened or given another default, so that what
//! is stored stays valid and means the same, whichever version of the operator looks at it.

use acivnet_tests::repository;
use serde_json::{Value, json};
use std::{collections::BTreeSet, fs};

/// Breaks that are meant, by the text they are told in, each with its reason. Until the first release to the public there
/// is nobody to break.
const MEANT: [(&str, &str); 0] = [];

/// Bounds that must not sink, and bounds that must not rise.
const MOST: [&str; 4] = ["maxLength", "maxItems", "maximum", "maxProperties"];
const LEAST: [&str; 4] = ["minLength", "minItems", "minimum", "minProperties"];
/// What must stay as it is wherever a release says it.
const SAME: [&str; 6] = [
    "type",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-map-type",
    "x-kubernetes-preserve-unknown-fields",
    "x-kubernetes-int-or-string",
];
/// What refuses more wherever it is new or another.
const REFUSES: [&str; 2] = ["pattern", "format"];

fn texts<'v>(value: &'v Value, name: &str) -> BTreeSet<&'v str> {
    value[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

/// What of an old schema a new one breaks.
#[expect(clippy::too_many_lines, reason = "a table")]
fn breaks(old: &Value, new: &Value, place: &str, found: &mut Vec<String>) {
    let mut say = |what: String| found.push(format!("{place}: {what}"));
    for name in SAME {
        if old[name] != new[name] && !(name.starts_with("x-") && old[name].is_null() && new[name] == json!(true)) {
            say(format!("{name} was {}, is {}", old[name], new[name]));
        }
    }
    for name in REFUSES {
        if !new[name].is_null() && old[name] != new[name] {
            say(format!("{name} was {}, is {}", old[name], new[name]));
        }
    }
    for (names, tighter) in [(MOST, f64::lt as fn(&f64, &f64) -> bool), (LEAST, f64::gt)] {
        for name in names {
            let Some(now) = new[name].as_f64() else { continue };
            if old[name].as_f64().is_none_or(|before| tighter(&now, &before)) {
                say(format!("{name} was {}, is {}", old[name], new[name]));
            }
        }
    }
    if old["nullable"] == true && new["nullable"] != true {
        say("null is refused".into());
    }
    if old["default"] != new["default"] {
        say(format!("default was {}, is {}", old["default"], new["default"]));
    }
    let values = |schema: &Value| schema["enum"].as_array().cloned();
    match (values(old), values(new)) {
        (None, Some(_)) => say("enum is new".into()),
        (Some(before), Some(now)) => {
            before.iter().filter(|one| !now.contains(one)).for_each(|one| say(format!("enum lacks {one}")));
        }
        (_, None) => {}
    }
    let rule = |one: &Value| one["rule"].as_str().unwrap_or_default().to_owned();
    let rules = |schema: &Value| -> BTreeSet<String> {
        schema["x-kubernetes-validations"].as_array().into_iter().flatten().map(rule).collect()
    };
    rules(new).difference(&rules(old)).for_each(|rule| say(format!("rule is new: {rule}")));
    for name in texts(new, "required").difference(&texts(old, "required")) {
        if new["properties"][name]["default"].is_null() {
            say(format!("{name} is required"));
        }
    }
    for (name, before) in old["properties"].as_object().into_iter().flatten() {
        match &new["properties"][name] {
            Value::Null => found.push(format!("{place}.{name}: is gone")),
            now => breaks(before, now, &format!("{place}.{name}"), found),
        }
    }
    for (name, sign) in [("items", "[]"), ("additionalProperties", ".*")] {
        if old[name].is_object() {
            breaks(&old[name], &new[name], &format!("{place}{sign}"), found);
        }
    }
}

/// What of an old definition a new one breaks.
fn definition_breaks(old: &Value, new: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for place in ["/spec/group", "/spec/scope", "/spec/names/kind", "/spec/names/plural", "/spec/names/singular"] {
        if old.pointer(place) != new.pointer(place) {
            found.push(format!("{place} is another"));
        }
    }
    for list in ["shortNames", "categories"] {
        let (before, now) = (texts(&old["spec"]["names"], list), texts(&new["spec"]["names"], list));
        before.difference(&now).for_each(|name| found.push(format!("{list} lacks {name}")));
    }
    let versions = |crd: &Value| crd["spec"]["versions"].as_array().cloned().unwrap_or_default();
    for before in versions(old) {
        let name = before["name"].as_str().unwrap_or_default().to_owned();
        let Some(now) = versions(new).into_iter().find(|one| one["name"] == before["name"]) else {
            found.push(format!("version {name} is gone"));
            continue;
        };
        for what in ["served", "storage", "subresources"] {
            if before[what] != now[what] {
                found.push(format!("version {name}: {what} was {}, is {}", before[what], now[what]));
            }
        }
        let schema = "/schema/openAPIV3Schema";
        let [before, now] = [&before, &now].map(|one| one.pointer(schema).cloned().unwrap_or_default());
        breaks(&before, &now, &name, &mut found);
    }
    found
}

fn definitions() -> Vec<Value> {
    acivnet_api::crds().iter().map(|crd| serde_json::to_value(crd).expect("JSON")).collect()
}

/// The definitions of each release, by version and name of the file.
fn released() -> Vec<(String, Value)> {
    let folder = repository().join("tests/releases");
    let entries = |folder: &std::path::Path| -> Vec<_> {
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect()
    };
    let files = entries(&folder).into_iter().filter(|one| one.is_dir()).flat_map(|folder| entries(&folder));
    files
        .filter(|file| file.extension().is_some_and(|ending| ending == "yaml"))
        .map(|file| {
            let text = fs::read_to_string(&file).expect("a definition");
            let name = file.strip_prefix(&folder).expect("below the folder").display().to_string();
            (name, serde_saphyr::from_str(&text).expect("YAML"))
        })
        .collect()
}

#[test]
fn every_release_is_taken() {
    let (now, released) = (definitions(), released());
    assert!(released.len() >= now.len(), "{released:?}");
    for (file, old) in released {
        let new = now.iter().find(|one| one["metadata"]["name"] == old["metadata"]["name"]);
        let found = new.map_or_else(|| vec!["the definition is gone".into()], |new| definition_breaks(&old, new));
        let unmeant: Vec<_> = found.into_iter().filter(|one| !MEANT.iter().any(|(meant, _)| meant == one)).collect();
        assert!(
            unmeant.is_empty(),
            "objects of {file} are not safe any more: {unmeant:#?}\nadd what is new beside what stands instead"
        );
    }
}

/// Changes a place in a copy of a definition, and tells what breaks.
fn planted(crd: &Value, place: &str, change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut new = crd.clone();
    change(new.pointer_mut(place).unwrap_or_else(|| panic!("{place} is not there")));
    definition_breaks(crd, &new)
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_kind_of_break_is_found() {
    let [deployment, subnet] = &definitions()[..] else { panic!("two definitions") };
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let at = |rest: &str| format!("{spec}{rest}");
    let remove = |name: &'static str| move |one: &mut Value| drop(one.as_object_mut().expect("an object").remove(name));
    let set = |name: &'static str, value: Value| move |one: &mut Value| one[name] = value;
    let location = at("/properties/azure/properties/location");
    let finds = |found: Vec<String>, wanted: &str| {
        assert!(found.len() == 1 && found[0].contains(wanted), "{wanted}: {found:#?}");
    };
    finds(planted(subnet, &at("/properties/azure/properties"), remove("tags")), "spec.azure.tags: is gone");
    finds(
        planted(subnet, &at("/properties"), |all| {
            let moved = all.as_object_mut().and_then(|all| all.remove("drift")).expect("a property");
            all["driftPolicy"] = moved;
        }),
        "spec.drift: is gone",
    );
    finds(planted(subnet, &location, set("pattern", json!("^[a-z]+$"))), "pattern was null");
    finds(planted(subnet, &location, set("maxLength", json!(10))), "maxLength was 64, is 10");
    finds(
        planted(subnet, &at("/properties/azure/properties/tags"), set("minItems", json!(1))),
        "minItems was null, is 1",
    );
    finds(planted(subnet, &location, set("type", json!("integer"))), "type was");
    finds(planted(subnet, &location, set("default", json!("japaneast"))), "default was null");
    finds(planted(subnet, &location, set("enum", json!(["japaneast"]))), "enum is new");
    finds(planted(subnet, &location, set("format", json!("hostname"))), "format was null");
    finds(
        planted(subnet, spec, |one| one["required"].as_array_mut().expect("a list").push(json!("drift"))),
        "drift is required",
    );
    let backend = at("/properties/backend/properties/type");
    finds(planted(deployment, &backend, |one| one["enum"] = json!(["Another"])), "enum lacks");
    let rule = json!({"rule": "self.azure.location != ''", "message": "m"});
    finds(
        planted(subnet, spec, |one| match one["x-kubernetes-validations"].as_array_mut() {
            Some(rules) => rules.push(rule),
            None => one["x-kubernetes-validations"] = json!([rule]),
        }),
        "rule is new",
    );
    let conditions = "/spec/versions/0/schema/openAPIV3Schema/properties/status/properties/conditions";
    finds(planted(subnet, conditions, set("x-kubernetes-list-type", json!("atomic"))), "x-kubernetes-list-type was");
    finds(
        planted(subnet, &format!("{conditions}/items/properties"), remove("reason")),
        "status.conditions[].reason: is gone",
    );
    finds(planted(subnet, "/spec/versions/0", set("served", json!(false))), "served was true");
    finds(planted(subnet, "/spec/versions/0", set("name", json!("v1beta1"))), "version v1alpha1 is gone");
    finds(planted(subnet, "/spec/names", set("shortNames", json!([]))), "shortNames lacks dsub");
}

#[test]
fn what_is_added_breaks_nothing() {
    let [_, subnet] = &definitions()[..] else { panic!("two definitions") };
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec";
    let added = planted(subnet, spec, |one| {
        one["properties"]["more"] = json!({"type": "string", "maxLength": 3, "default": "a", "pattern": "^a"});
        one["required"].as_array_mut().expect("a list").push(json!("more"));
        one["properties"]["azure"]["properties"]["location"]["maxLength"] = json!(128);
        one["properties"]["azure"]["properties"]["location"]["description"] = json!("Another.");
    });
    assert!(added.is_empty(), "{added:#?}");
}
