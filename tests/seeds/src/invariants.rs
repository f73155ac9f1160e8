//! Invariants that hold at every moment, whatever broke.

use acivnet_tests::in_process::{
    api_server::{
        resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS},
        store::{finalizers, name},
    },
    azure::dump,
    bed::{Bed, NAMESPACE},
};
use futures::FutureExt as _;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The operator's finalizer.
const FINALIZER: &str = "acivnet.dev/azure";

/// What does not hold, in a sentence each.
pub fn broken(bed: &Bed) -> Vec<String> {
    let dump = dump(&bed.azure).now_or_never().expect("a look waits for nothing");
    let mut found = unheld(&dump, &held(bed));
    found.extend(twice(&dump));
    found
}

/// `namespace/name` of every object that our finalizer holds.
fn held(bed: &Bed) -> BTreeSet<String> {
    bed.api().with(|store| {
        let ours = [&DELEGATED_SUBNETS, &ACI_VNET_DEPLOYMENTS].into_iter().flat_map(|kind| store.list(kind, NAMESPACE));
        let held = ours.filter(|object| finalizers(object).contains(&FINALIZER));
        held.map(|object| format!("{NAMESPACE}/{}", name(object))).collect()
    })
}

/// Marks in Azure whose object is not there, or is not held. Assets stay for good: Azure ML has no way to delete them.
fn unheld(dump: &Value, held: &BTreeSet<String>) -> Vec<String> {
    let mut found = Vec::new();
    let ours = json!([dump["resources"], dump["models"], dump["services"]]);
    marks("", &ours, &mut |path, owner| {
        let kept = match owner.split_once('/') {
            Some((_, object)) => held.contains(object),
            // a virtual network names the cluster, and a delegation a hash
            None => !held.is_empty(),
        };
        if !kept {
            found.push(format!("{path} carries the mark {owner}, and no object holds it"));
        }
    });
    found
}

fn marks(path: &str, value: &Value, tell: &mut impl FnMut(&str, &str)) {
    match value {
        Value::Object(members) => {
            for (name, value) in members {
                let text = value.as_str().unwrap_or_default();
                let delegation = name == "name" && path.contains("/delegations/") && text.starts_with("acivnet-");
                if delegation || name == "acivnet-owner" && !text.is_empty() {
                    tell(path, text);
                }
                marks(&format!("{path}/{name}"), value, tell);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, item)| marks(&format!("{path}/{at}"), item, tell));
        }
        _ => {}
    }
}

/// Model versions of the same owner and content; services of the same owner.
fn twice(dump: &Value) -> Vec<String> {
    let keys = |list: &str, pointer: &str| -> Vec<String> {
        let items = dump[list].as_array().into_iter().flatten();
        items.filter_map(|item| item.pointer(pointer)?.as_str().map(|key| format!("{list} {key}"))).collect()
    };
    let mut seen = BTreeSet::new();
    let all = keys("models", "/properties/acivnet-key").into_iter().chain(keys("services", "/kvTags/acivnet-owner"));
    all.filter(|key| !seen.insert(key.clone())).map(|key| format!("there are two {key}")).collect()
}
