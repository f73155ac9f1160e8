//! Requests to Azure as golden files: what was written, in order. What is read, and how often, depends on the time that
//! passes here; the interruption tests compare every request under a clock of their own.

use crate::simulator::Entry;
use regex_lite::Regex;
use std::collections::BTreeMap;

/// Whether a request may have changed something. `validate` changes nothing.
pub fn is_write(entry: &Entry) -> bool {
    !is_read(entry) && !entry.path.ends_with("/validate")
}

fn is_read(entry: &Entry) -> bool {
    let asks = ["/oauth2/v2.0/token", "/listkeys"].iter().any(|end| entry.path.ends_with(end));
    asks || matches!(entry.verb.as_str(), "GET" | "HEAD")
}

/// Writes in order, by area, because areas go side by side. `names` are replaced.
pub fn text(entries: &[Entry], names: &[(&str, &str)]) -> String {
    let normal = Normal::new(names);
    let mut areas: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| !is_read(entry)) {
        let path = normal.path(&entry.path);
        areas.entry(area(&path)).or_default().push(format!("{} {} -> {}", entry.verb, path, entry.status));
    }
    let areas: Vec<String> =
        areas.into_iter().map(|(area, writes)| format!("# {area}\n{}\n", writes.join("\n"))).collect();
    areas.join("\n")
}

fn area(path: &str) -> &'static str {
    match path {
        path if path.contains("{network}/virtualNetworks") => "virtual network",
        path if path.contains("{network}") => "security group",
        _ => "machine learning",
    }
}

/// Takes out of a path what differs from run to run.
struct Normal {
    names: Vec<(String, String)>,
    patterns: Vec<(Regex, &'static str)>,
}

impl Normal {
    fn new(names: &[(&str, &str)]) -> Self {
        let pattern = |text: &str| Regex::new(text).expect("a pattern");
        let group = "/subscriptions/[^/]+/resourceGroups/[^/]+/providers";
        Self {
            names: names.iter().map(|(name, word)| ((*name).to_owned(), (*word).to_owned())).collect(),
            patterns: vec![
                (pattern(&format!("{group}/Microsoft.MachineLearningServices/workspaces/[^/]+")), "{workspace}"),
                (pattern(&format!("{group}/Microsoft.Network")), "{network}"),
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
