//! The end state, in a form in which two runs can be compared: ids that Azure made are numbered in the order in
//! which they appear; times and versions are left out.

use super::{
    api_server::{
        resources::{ACI_VNET_DEPLOYMENTS, CONFIG_MAPS, DELEGATED_SUBNETS, NAMESPACES, SECRETS, SERVICE_ACCOUNTS},
        store::name,
    },
    azure::dump,
    bed::Bed,
    campaign::Wrong,
};
use regex_lite::{Captures, Regex};
use serde_json::{Map, Value};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

/// Members that say when and how often something was written, not what exists.
const INCIDENTAL: [&str; 6] =
    ["resourceVersion", "uid", "creationTimestamp", "deletionTimestamp", "lastTransitionTime", "managedFields"];

/// Length of the hash of a plan.
const HASH_LENGTH: usize = 12;

/// Replaces a digest that includes fingerprints of Secrets' values.
const OF_SECRETS: &str = "<digest with Secrets>";

/// How many characters of a differing value are shown.
const SHOWN: usize = 400;

/// The end of a case.
#[derive(Clone, Debug, PartialEq)]
pub struct EndState {
    /// Everything in Azure.
    pub azure: Value,
    /// Every object in Kubernetes but events.
    pub kubernetes: Value,
}

impl EndState {
    /// The present state.
    pub async fn of(bed: &Bed) -> Self {
        let (azure, kubernetes) = (dump(&bed.azure).await, kubernetes(bed));
        let versions = digests_of_secrets(&kubernetes);
        // in Azure the salt stands behind a dot
        let is_known = |text: &str| versions.contains(text.split('.').next().unwrap_or(text));
        let known = |text: &str| if is_known(text) { OF_SECRETS.to_owned() } else { text.to_owned() };
        let normal = |value: &Value| normal(&rewrite(value, &mut |text| known(text)));
        Self { azure: normal(&azure), kubernetes: normal(&kubernetes) }
    }

    /// The differences of another end state, with their paths; empty if there are none.
    pub fn differences(&self, other: &Self) -> Vec<(Wrong, String)> {
        let mut found = Vec::new();
        differences("azure", &self.azure, &other.azure, &mut found);
        differences("kubernetes", &self.kubernetes, &other.kubernetes, &mut found);
        found
    }
}

fn kubernetes(bed: &Bed) -> Value {
    let resources = [&ACI_VNET_DEPLOYMENTS, &CONFIG_MAPS, &DELEGATED_SUBNETS, &NAMESPACES, &SECRETS, &SERVICE_ACCOUNTS];
    let of_type = |resource: &'static super::api_server::resources::ResourceType| {
        let objects = bed.cluster.list(resource).into_iter();
        let objects = objects.map(|one| (format!("{}/{}", namespace(&one), name(&one)), without_incidentals(&one)));
        (resource.plural.to_owned(), Value::Object(objects.collect()))
    };
    Value::Object(resources.into_iter().map(of_type).collect())
}

/// What deployments with variables from Secrets say of what they serve. The salt in it is another one of each process.
fn digests_of_secrets(kubernetes: &Value) -> BTreeSet<String> {
    let deployments = kubernetes[ACI_VNET_DEPLOYMENTS.plural].as_object().into_iter().flat_map(Map::values);
    let reading = deployments.filter(|one| one["spec"].to_string().contains("secretKeyRef"));
    reading.filter_map(|one| one["status"]["revisionDigest"].as_str().map(str::to_owned)).collect()
}

fn namespace(object: &Value) -> &str {
    object["metadata"]["namespace"].as_str().unwrap_or_default()
}

fn without_incidentals(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let kept = members.iter().filter(|(name, _)| !INCIDENTAL.contains(&name.as_str()));
            Value::Object(kept.map(|(name, value)| (name.clone(), without_incidentals(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_incidentals).collect()),
        other => other.clone(),
    }
}

/// Numbers ids in the order of their first appearance, in an order of members and items that does not depend on them.
fn normal(value: &Value) -> Value {
    let mut numbers = BTreeMap::new();
    rewrite(&sorted(value), &mut |text| numbered(text, &mut numbers))
}

/// Members by name and lists of objects by content, both as they are without made-up ids.
fn sorted(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().map(|(name, value)| (name.clone(), sorted(value))).collect();
            members.sort_by_cached_key(|(name, value)| (blank(name), blank(&value.to_string())));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(items) => {
            let mut items: Vec<_> = items.iter().map(sorted).collect();
            if items.iter().all(Value::is_object) {
                items.sort_by_cached_key(|item| blank(&item.to_string()));
            }
            Value::Array(items)
        }
        other => other.clone(),
    }
}

fn rewrite(value: &Value, text: &mut impl FnMut(&str) -> String) -> Value {
    match value {
        Value::Object(members) => {
            let mut all = Map::new();
            for (name, value) in members {
                let name = text(name);
                all.insert(name, rewrite(value, text));
            }
            Value::Object(all)
        }
        Value::Array(items) => Value::Array(items.iter().map(|item| rewrite(item, text)).collect()),
        Value::String(found) => Value::String(text(found)),
        other => other.clone(),
    }
}

/// GUIDs, hashes of plans, public addresses (which the simulator numbers in the order of creation), and times. Ids that
/// begin with zeros are the bed's own, the same in every run.
fn made_up() -> &'static Regex {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    PATTERN.get_or_init(|| {
        let guid = r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b";
        let time = r"\b\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})";
        // of a plan; it comes from the object's uid
        let hash = r"\b[0-9a-f]{12}\b";
        let public = r"\b198\.1[89]\.\d{1,3}\.\d{1,3}\b";
        Regex::new(&format!("(?<id>{guid}|{hash}|{public})|(?<time>{time})")).expect("a pattern")
    })
}

/// All but a hash and an address has a dash. Most texts have none, and are not looked at more closely.
fn may_be_made_up(text: &str) -> bool {
    text.contains('-') || text.len() == HASH_LENGTH || text.contains("198.1")
}

fn blank(text: &str) -> String {
    if !may_be_made_up(text) {
        return text.to_owned();
    }
    made_up().replace_all(text, "…").into_owned()
}

fn numbered(text: &str, numbers: &mut BTreeMap<String, usize>) -> String {
    if !may_be_made_up(text) {
        return text.to_owned();
    }
    let number = |found: &Captures<'_>| match found.name("id") {
        Some(id) if id.as_str().starts_with("00000000-0000-") => id.as_str().to_owned(),
        Some(id) => {
            let next = numbers.len() + 1;
            format!("<id {}>", numbers.entry(id.as_str().to_ascii_lowercase()).or_insert(next))
        }
        None => "<time>".to_owned(),
    };
    made_up().replace_all(text, number).into_owned()
}

fn differences(path: &str, want: &Value, have: &Value, found: &mut Vec<(Wrong, String)>) {
    match (want, have) {
        (Value::Object(wanted), Value::Object(had)) => {
            let names: BTreeSet<&String> = wanted.keys().chain(had.keys()).collect();
            for name in names {
                let path = format!("{path}.{name}");
                match (wanted.get(name), had.get(name)) {
                    (Some(want), Some(have)) => differences(&path, want, have, found),
                    (None, have) => found.push((surplus(&path, Wrong::Leak), difference(&path, None, have))),
                    (want, have) => found.push((Wrong::Different, difference(&path, want, have))),
                }
            }
        }
        (Value::Array(wanted), Value::Array(had)) if wanted.len() == had.len() => {
            let pairs = wanted.iter().zip(had).enumerate();
            pairs.for_each(|(at, (want, have))| differences(&format!("{path}[{at}]"), want, have, found));
        }
        (Value::Array(wanted), Value::Array(had)) if wanted.len() < had.len() => {
            let kind = if wanted.is_empty() { Wrong::Leak } else { Wrong::Duplicate };
            found.push((surplus(path, kind), difference(path, Some(want), Some(have))));
        }
        (want, have) if want != have => found.push((Wrong::Different, difference(path, Some(want), Some(have)))),
        _ => {}
    }
}

/// What is too much in Azure is a leak or a duplicate; in Kubernetes it is a difference.
fn surplus(path: &str, kind: Wrong) -> Wrong {
    if path.starts_with("azure") { kind } else { Wrong::Different }
}

fn difference(path: &str, want: Option<&Value>, have: Option<&Value>) -> String {
    let shown = |value: Option<&Value>| {
        value.map_or_else(|| "nothing".to_owned(), |value| value.to_string().chars().take(SHOWN).collect())
    };
    format!("{path}: undisturbed {}, here {}", shown(want), shown(have))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ONE: &str = "11111111-1111-4111-8111-111111111111";
    const TWO: &str = "22222222-2222-4222-8222-222222222222";

    #[test]
    fn other_ids_compare_equal_and_other_relations_do_not() {
        let state = |asset: &str, model: &str, other: &str| {
            let assets = json!([{"id": asset, "name": "a"}, {"id": other, "name": "b"}]);
            let azure = json!({"assets": assets, "models": [{"url": format!("aml://asset/{model}"), "at": "2026-11-22T12:00:00Z"}]});
            EndState { azure: normal(&azure), kubernetes: Value::Null }
        };
        assert_eq!(state(ONE, ONE, TWO), state(TWO, TWO, ONE));
        assert_eq!(state(ONE, ONE, TWO).differences(&state(ONE, TWO, TWO)).len(), 1, "the model is another asset's");
    }

    #[test]
    fn the_hash_of_a_plan_is_made_up_wherever_it_stands() {
        let state = |hash: &str| {
            let message = format!("acivnet.dev/approve-plan={hash}");
            EndState {
                azure: Value::Null,
                kubernetes: normal(&json!({"approved": hash, "message": message, "other": "97a1"})),
            }
        };
        assert_eq!(state("97a125a6333a"), state("0a4d9da475f3"));
        assert_ne!(state("97a125a6333a"), state("none"));
    }

    #[test]
    fn what_there_is_twice_differs() {
        let state = |azure: Value| EndState { azure: normal(&azure), kubernetes: Value::Null };
        let once = state(json!({"models": [{"id": ONE}]}));
        let twice = once.differences(&state(json!({"models": [{"id": ONE}, {"id": TWO}]})));
        assert_eq!(twice.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(), [Wrong::Duplicate]);
        assert_eq!(once.differences(&once), []);
    }
}
