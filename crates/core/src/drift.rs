//! What differs between the fields we set and what stands. Azure changes case, adds defaults, reorders sets: only what
//! we set is compared, and the rules of a kind say how.

mod same;

use same::same;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How a field compares. Paths are dotted, from the body's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Text without regard to case and spaces: ids, enums, regions.
    Loose(&'static str),
    /// A list of objects that is a set by this dotted key; extras are a difference.
    Exact(&'static str, &'static str),
    /// A list of objects that is a set by this dotted key; extras are somebody else's, but for those we once wrote.
    Subset(&'static str, &'static str),
    /// A map of which only our keys, and keys we once wrote, are compared.
    Keys(&'static str),
    /// Compared only when Azure answers it.
    IfAnswered(&'static str),
    /// Never compared: Azure does not answer it, or it stays as it was first written.
    WriteOnly(&'static str),
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Dotted path; an element of a keyed list is named by its key.
    pub path: String,
    /// What we want; `Null` when it should not be there.
    pub want: Value,
    /// What stands; `Null` when it does not.
    pub have: Value,
}

/// The fields of `want` in which `have` differs. `written` are the map keys that we wrote before.
pub fn differences(want: &Value, have: &Value, rules: &[Rule], written: &[String]) -> Vec<Difference> {
    let mut found = Vec::new();
    Comparison { rules, written, found: &mut found }.value("", "", want, have);
    found
}

struct Comparison<'a> {
    rules: &'a [Rule],
    written: &'a [String],
    found: &'a mut Vec<Difference>,
}

impl Comparison<'_> {
    /// `rule` is the path without list keys, `shown` the one for people.
    fn value(&mut self, rule: &str, shown: &str, want: &Value, have: &Value) {
        let ruled = rule_at(rule, self.rules);
        match (ruled, want, have) {
            (Some(Rule::WriteOnly(_)), _, _) | (Some(Rule::IfAnswered(_)), _, Value::Null) => {}
            (Some(Rule::Keys(_)), Value::Object(want), _) => self.keys(shown, want, have),
            (Some(Rule::Exact(_, key)), Value::Array(want), _) => self.keyed(rule, shown, want, have, key, &|_| true),
            (Some(Rule::Subset(_, key)), Value::Array(want), _) => {
                let written = Written::of(self.written);
                self.keyed(rule, shown, want, have, key, &|one| written.has(one));
            }
            (_, Value::Object(want), have) => self.object(rule, shown, want, have),
            (loose, want, have) => {
                if !same(want, have, matches!(loose, Some(Rule::Loose(_)))) {
                    self.found.push(Difference { path: shown.to_owned(), want: want.clone(), have: have.clone() });
                }
            }
        }
    }

    fn object(&mut self, rule: &str, shown: &str, want: &Map<String, Value>, have: &Value) {
        for (name, wanted) in want {
            self.value(&join(rule, name), &join(shown, name), wanted, have.get(name).unwrap_or(&Value::Null));
        }
    }

    fn keys(&mut self, shown: &str, want: &Map<String, Value>, have: &Value) {
        for (name, wanted) in want {
            let stands = have.get(name).unwrap_or(&Value::Null);
            if !same(wanted, stands, false) {
                self.found.push(Difference { path: join(shown, name), want: wanted.clone(), have: stands.clone() });
            }
        }
        for name in self.written.iter().filter(|name| !want.contains_key(*name)) {
            if let Some(stands) = have.get(name) {
                self.found.push(Difference { path: join(shown, name), want: Value::Null, have: stands.clone() });
            }
        }
    }

    /// `exact` tells by its key whether an extra is a difference.
    fn keyed(
        &mut self,
        rule: &str,
        shown: &str,
        want: &[Value],
        have: &Value,
        key: &str,
        exact: &dyn Fn(&str) -> bool,
    ) {
        let have = have.as_array().map(Vec::as_slice).unwrap_or_default();
        let stands = by_key(have, key);
        for wanted in want {
            let name = key_of(wanted, key);
            let at = format!("{shown}[{name}]");
            match stands.get(&name.to_ascii_lowercase()) {
                Some(stands) => {
                    let before = self.found.len();
                    self.value(&format!("{rule}[]"), &at, wanted, stands);
                    let of_element = self.found.split_off(before);
                    self.found.extend(of_element.into_iter().filter(|one| one.path != join(&at, key)));
                }
                None => self.found.push(Difference { path: at, want: wanted.clone(), have: Value::Null }),
            }
        }
        let wanted = by_key(want, key);
        for extra in have {
            let name = key_of(extra, key);
            if exact(&name) && !wanted.contains_key(&name.to_ascii_lowercase()) {
                let path = format!("{shown}[{name}]");
                self.found.push(Difference { path, want: Value::Null, have: extra.clone() });
            }
        }
    }
}

impl Rule {
    /// The path that it is about.
    pub fn path(&self) -> &'static str {
        match self {
            Self::Loose(path) | Self::Exact(path, _) | Self::Subset(path, _) | Self::Keys(path) => path,
            Self::IfAnswered(path) | Self::WriteOnly(path) => path,
        }
    }
}

fn rule_at(at: &str, rules: &[Rule]) -> Option<Rule> {
    rules.iter().copied().find(|rule| rule.path() == at && !at.is_empty())
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn key_of(value: &Value, key: &str) -> String {
    let found = value.pointer(&format!("/{}", key.replace('.', "/")));
    found.map(|found| found.as_str().map_or_else(|| found.to_string(), str::to_owned)).unwrap_or_default()
}

fn empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

fn folded(text: &str) -> String {
    text.chars().filter(|c| *c != ' ').flat_map(char::to_lowercase).collect()
}

/// The elements of a list by their key in lower case; of several with one key the first.
fn by_key<'v>(list: &'v [Value], key: &str) -> BTreeMap<String, &'v Value> {
    list.iter().rev().map(|one| (key_of(one, key).to_ascii_lowercase(), one)).collect()
}

/// What we wrote before, elements of lists without their brackets, in lower case.
struct Written(BTreeSet<String>);

impl Written {
    fn of(written: &[String]) -> Self {
        let element = |one: &str| one.strip_prefix('[').and_then(|one| one.strip_suffix(']')).map(str::to_owned);
        Self(written.iter().map(|one| element(one).unwrap_or_else(|| one.clone()).to_ascii_lowercase()).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(&name.to_ascii_lowercase())
    }
}

/// The keys, in brackets, of the elements of a body's lists that are compared as a whole.
pub fn elements(body: &Value, rules: &[Rule]) -> Vec<String> {
    let of = |rule: &Rule| match *rule {
        Rule::Exact(path, key) => {
            let list = body.pointer(&format!("/{}", path.replace('.', "/"))).and_then(Value::as_array);
            list.into_iter().flatten().map(|one| format!("[{}]", key_of(one, key))).collect()
        }
        _ => Vec::new(),
    };
    rules.iter().flat_map(of).collect()
}

/// `over` laid on `base`: objects merge, elements of a [`Rule::Subset`] too, everything else replaces. Map keys and
/// elements once written and no longer wanted go, members that are to be null too; what is [`Rule::WriteOnly`] stays as it
/// stands.
pub fn merged(base: &Value, over: &Value, rules: &[Rule], written: &[String]) -> Value {
    let mut body = base.clone();
    lay("", &mut body, over, rules, written);
    body
}

fn lay(at: &str, base: &mut Value, over: &Value, rules: &[Rule], written: &[String]) {
    let rule = rule_at(at, rules);
    match (rule, &mut *base, over) {
        (Some(Rule::WriteOnly(_)), stands, _) if !empty(stands) => {}
        (Some(Rule::Subset(_, key)), Value::Array(base), Value::Array(over)) => {
            let (wanted, written) = (by_key(over, key), Written::of(written));
            base.retain(|one| {
                let name = key_of(one, key);
                wanted.contains_key(&name.to_ascii_lowercase()) || !written.has(&name)
            });
            lay_list(at, base, over, key, rules);
        }
        (_, Value::Object(base), Value::Object(over)) => {
            let keys: BTreeSet<&String> = written.iter().filter(|_| matches!(rule, Some(Rule::Keys(_)))).collect();
            let ours = |name: &String| keys.contains(name);
            base.retain(|name, _| over.get(name).map_or(!ours(name), |wanted| !wanted.is_null()));
            for (name, value) in over.iter().filter(|(_, value)| !value.is_null()) {
                lay(&join(at, name), base.entry(name.clone()).or_insert(Value::Null), value, rules, written);
            }
        }
        _ => *base = over.clone(),
    }
}

fn lay_list(at: &str, base: &mut Vec<Value>, over: &[Value], key: &str, rules: &[Rule]) {
    let name = |one: &Value| key_of(one, key).to_ascii_lowercase();
    let mut places: BTreeMap<String, usize> = base.iter().enumerate().rev().map(|(at, one)| (name(one), at)).collect();
    for wanted in over {
        match places.get(&name(wanted)).and_then(|place| base.get_mut(*place)) {
            Some(stands) => lay(&format!("{at}[]"), stands, wanted, rules, &[]),
            None => {
                places.insert(name(wanted), base.len());
                base.push(wanted.clone());
            }
        }
    }
}

/// A value as people read it, whole: what is foreign is scrubbed before it is cut.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => "absent".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    const RULES: &[Rule] = &[
        Rule::Loose("location"),
        Rule::Keys("tags"),
        Rule::Exact("rules", "name"),
        Rule::Subset("links", "properties.service"),
        Rule::Loose("rules[].protocol"),
        Rule::WriteOnly("secret"),
        Rule::WriteOnly("links[].name"),
        Rule::IfAnswered("opt"),
    ];

    fn paths(want: Value, have: Value) -> Vec<String> {
        differences(&want, &have, RULES, &["old".into()]).into_iter().map(|one| one.path).collect()
    }

    #[test]
    fn table() {
        for (want, have, expected) in [
            (json!({"a": 1}), json!({"a": 1.0, "b": 2}), &[][..]),
            (json!({"a": null, "b": "", "c": []}), json!({}), &[]),
            (json!({"a": "x"}), json!({"a": "X"}), &["a"]),
            (json!({"location": "japaneast"}), json!({"location": "Japan East"}), &[]),
            (json!({"p": ["a", "b"]}), json!({"p": ["b", "a"]}), &[]),
            (json!({"p": ["a"]}), json!({"p": ["a", "b"]}), &["p"]),
            (json!({"tags": {"x": "1"}}), json!({"tags": {"x": "1", "policy": "y"}}), &[]),
            (json!({"tags": {"x": "1"}}), json!({"tags": {"x": "2", "old": "y"}}), &["tags.x", "tags.old"]),
            (
                json!({"rules": [{"name": "a", "protocol": "Tcp"}]}),
                json!({"rules": [{"name": "A", "protocol": "tcp", "etag": "e"}]}),
                &[],
            ),
            (json!({"rules": [{"name": "a"}]}), json!({"rules": [{"name": "b"}]}), &["rules[a]", "rules[b]"]),
            (json!({"rules": []}), json!({"rules": [{"name": "b"}]}), &["rules[b]"]),
            (
                json!({"links": [{"properties": {"service": "s"}}]}),
                json!({"links": [{"name": "0", "properties": {"service": "S"}}, {"name": "1"}]}),
                &[],
            ),
            (json!({"secret": "a"}), json!({}), &[]),
            (json!({"o": {"a": 1}}), json!({"o": null}), &["o.a"]),
            (json!({"p": ["a", "a"]}), json!({"p": ["a", "b"]}), &["p"]),
            (json!({"opt": {"a": 1}}), json!({}), &[]),
            (json!({"opt": {"a": 1}}), json!({"opt": {"a": 2}}), &["opt.a"]),
        ] {
            assert_eq!(paths(want.clone(), have.clone()), expected, "{want} {have}");
        }
    }

    #[test]
    fn merge_keeps_what_is_not_ours() {
        let base = json!({"tags": {"policy": "y", "old": "1"}, "properties": {"subnets": [1], "a": 1}});
        let over = json!({"tags": {"x": "2"}, "properties": {"a": 2}});
        let got = merged(&base, &over, RULES, &["old".into()]);
        assert_eq!(got, json!({"tags": {"policy": "y", "x": "2"}, "properties": {"subnets": [1], "a": 2}}));
    }

    #[test]
    fn of_a_subset_what_was_once_written_goes_and_null_takes_a_member_away() {
        let link = |service: &str| json!({"properties": {"service": service}});
        let base = json!({"links": [link("Old"), link("theirs")], "group": {"id": 1}, "other": 2});
        let over = json!({"links": [], "group": null});
        let old = ["old".to_owned()];
        let mut found: Vec<_> = differences(&over, &base, RULES, &old).into_iter().map(|one| one.path).collect();
        found.sort();
        assert_eq!(found, ["group", "links[Old]"]);
        assert_eq!(merged(&base, &over, RULES, &old), json!({"links": [link("theirs")], "other": 2}));
    }

    #[test]
    fn merge_adds_to_a_subset_and_renames_nothing() {
        let link = |name: &str, service: &str| json!({"name": name, "properties": {"service": service}});
        let base = json!({"links": [link("0", "S"), link("1", "t")]});
        let over = json!({"links": [link("ours", "s"), link("new", "u")]});
        let got = merged(&base, &over, RULES, &[]);
        assert_eq!(got, json!({"links": [link("0", "s"), link("1", "t"), link("new", "u")]}));
    }

    fn json_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i32>().prop_map(Value::from),
            "[a-c]{0,3}".prop_map(Value::from)
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop::collection::btree_map("[a-d]", inner, 0..4).prop_map(|map| map.into_iter().collect())
        })
    }

    proptest! {
        #[test]
        fn what_was_merged_no_longer_differs(base in json_value(), over in json_value()) {
            prop_assert_eq!(differences(&over, &merged(&base, &over, &[], &[]), &[], &[]), vec![]);
        }
    }
}
