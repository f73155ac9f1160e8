//! Requests to Azure as golden files: what was written, in order, and what was read at all.

use crate::simulator::Entry;
use regex_lite::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// Whether a request may have changed something. `validate` changes nothing.
pub fn is_write(entry: &Entry) -> bool {
    !is_read(entry) && !is_sign_in(entry) && !entry.path.ends_with("/validate")
}

fn is_read(entry: &Entry) -> bool {
    matches!(entry.verb.as_str(), "GET" | "HEAD")
}

fn is_sign_in(entry: &Entry) -> bool {
    entry.path.ends_with("/oauth2/v2.0/token") || entry.path.contains("/.well-known/")
}

/// Writes in order, by area, because areas go side by side; then what was read, each once. `names` are replaced.
pub fn text(entries: &[Entry], names: &[(&str, &str)]) -> String {
    let normal = Normal::new(names);
    let mut areas: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut reads = BTreeSet::new();
    for entry in entries.iter().filter(|entry| !is_sign_in(entry)) {
        let path = normal.path(&entry.path);
        if is_read(entry) {
            reads.insert(format!("{} {}", entry.verb, path));
        } else {
            areas.entry(area(&path)).or_default().push(format!("{} {} -> {}", entry.verb, path, entry.status));
        }
    }
    let mut text = String::new();
    for (area, writes) in areas {
        text.push_str(&format!("# written: {area}\n{}\n\n", writes.join("\n")));
    }
    let reads: Vec<String> = reads.into_iter().collect();
    text.push_str(&format!("# read, in any order and number\n{}\n", reads.join("\n")));
    text
}

fn area(path: &str) -> &'static str {
    if path.contains("{network}") { "network" } else { "machine learning" }
}

/// Takes out of a path what differs from run to run.
struct Normal {
    names: Vec<(String, String)>,
    patterns: Vec<(Regex, &'static str)>,
}

impl Normal {
    fn new(names: &[(&str, &str)]) -> Self {
        let pattern = |text: &str| Regex::new(text).expect("a pattern");
        Self {
            names: names.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned())).collect(),
            patterns: vec![
                (pattern("/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.MachineLearningServices/workspaces/[^/]+"), "{workspace}"),
                (pattern("/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Network"), "{network}"),
                (pattern("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"), "{id}"),
                (pattern("[0-9a-f]{16,}"), "{digest}"),
            ],
        }
    }

    fn path(&self, path: &str) -> String {
        let named = self.names.iter().fold(path.to_owned(), |path, (name, word)| path.replace(name, word));
        self.patterns.iter().fold(named, |path, (pattern, word)| pattern.replace_all(&path, *word).into_owned())
    }
}
