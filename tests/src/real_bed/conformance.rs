//! Whether two beds see the same operator: the same writes to each resource of Azure in the same order, and the same
//! reads. How often it looks is not compared.

use crate::in_process::{
    scenario::Run,
    wire::{Sent, Side},
};
use regex_lite::Regex;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::OnceLock,
};

/// How closely two runs are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closeness {
    /// Write by write.
    Each,
    /// However often the same write was made in a row, and whatever version of a model came of it. Reads of single subnets
    /// are left out: one is asked for by itself if a look falls between its end and that of its network, on which another
    /// object works.
    Repeats,
}

/// The differences between the requests of two runs after the action; empty if there are none.
pub fn differences(simulated: &Run, real: &Run, compared: Closeness) -> Vec<String> {
    let mut found = Vec::new();
    let (one, other) = (writes(simulated, compared), writes(real, compared));
    let paths: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    for path in paths {
        if one.get(path) != other.get(path) {
            found.push(format!("writes to {path}: simulated {:?}, real {:?}", one.get(path), other.get(path)));
        }
    }
    let (one, other) = (reads(simulated, compared), reads(real, compared));
    found.extend(one.difference(&other).map(|read| format!("only on the simulated bed: {read}")));
    found.extend(other.difference(&one).map(|read| format!("only on the real bed: {read}")));
    found
}

/// The verbs of the writes to each resource.
fn writes(run: &Run, compared: Closeness) -> BTreeMap<String, Vec<String>> {
    let mut all = BTreeMap::<String, Vec<String>>::new();
    for sent in after(run).filter(|sent| sent.writes_azure()) {
        let path = plain(sent.path());
        let path = if compared == Closeness::Repeats { without_version(&path) } else { path };
        all.entry(path).or_default().push(sent.method.to_string());
    }
    if compared == Closeness::Repeats {
        all.values_mut().for_each(Vec::dedup);
    }
    all
}

/// Reads that depend on timing, so that on real time a scenario may have one more or one fewer: the lists of a
/// sweep, and the network by itself where a list from before a write no longer tells of it; the workspace, whose endpoints
/// are looked up again when they are a minute old; a container's log, which is read if a look falls between the end of its
/// image and its start.
const DUE: [&str; 8] = [
    "/networkSecurityGroups",
    "/virtualNetworks",
    "/virtualNetworks/amlvnet1",
    "/workspaces",
    "/workspaces/amlws",
    "/services",
    "/services/aciservice/logs",
    "/models?properties=acivnet-owner&count=100",
];

/// What was read, but for sign-in, polls of operations and what is due by the moment. Of a blob's URL the signature is left
/// out.
fn reads(run: &Run, compared: Closeness) -> BTreeSet<String> {
    let reads = after(run).filter(|sent| sent.side == Side::Azure && !sent.writes_azure());
    let kept = reads.filter(|sent| !sent.path().ends_with("/token") && !sent.path().contains("/operations/"));
    let kept = kept.filter(|sent| !DUE.iter().any(|list| sent.path().ends_with(list) || sent.target.ends_with(list)));
    let kept = kept.filter(|sent| compared == Closeness::Each || !sent.path().contains("/subnets/"));
    let target = |sent: &Sent| plain(if sent.path().contains(".blob.") { sent.path() } else { &sent.target });
    kept.map(|sent| format!("{} {}", sent.method, target(sent))).collect()
}

fn after(run: &Run) -> impl Iterator<Item = &Sent> {
    run.trace.iter().skip(run.acted)
}

/// The path of a model without its version.
fn without_version(path: &str) -> String {
    match path.rsplit_once("%3A") {
        Some((model, version)) if version.parse::<u32>().is_ok() => model.to_owned(),
        _ => path.to_owned(),
    }
}

/// Without the ids that Azure makes up.
fn plain(text: &str) -> String {
    static PATTERN: OnceLock<Regex> = OnceLock::new();
    let guid = || Regex::new("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").expect("a pattern");
    PATTERN.get_or_init(guid).replace_all(text, "<id>").into_owned()
}
