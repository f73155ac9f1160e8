//! Differences between the fields we set and Azure's body. Azure changes case, adds defaults and reorders sets, so only the
//! fields we set are compared, and a kind's rules say how.

mod beside;
mod same;

pub(crate) use same::folded;

use crate::id::fold;
use same::same;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// How a field compares. The first text is its path, dotted, from the body's root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Text, ignoring case and spaces: ids, enums, regions.
    Loose(&'static str),
    /// A list of objects that is a set by this dotted key; additional ones are a difference.
    Exact(&'static str, &'static str),
    /// A list of objects that is a set by this dotted key; additional ones are somebody else's, except those we once wrote.
    Subset(&'static str, &'static str),
    /// A map in which only our keys, and keys we once wrote, are compared.
    Keys(&'static str),
    /// The same for keys whose case Azure Resource Manager ignores ("Use tags to organize your Azure resources": "Tag
    /// names are case-insensitive for operations"). Azure's spelling is kept.
    Tags(&'static str),
    /// Text that may also be the only element of the first of these sibling lists, but never both, and never together with
    /// anything in the other lists.
    Sole(&'static str, &'static [&'static str]),
    /// Text that may also be an element of this sibling list, but never both. Other elements are somebody else's.
    Among(&'static str, &'static str),
    /// Compared only if Azure's answer has it.
    IfAnswered(&'static str),
    /// Never compared: Azure does not answer it, or it can't change after the first write.
    WriteOnly(&'static str),
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// Dotted path, with the key of a list's element in brackets.
    pub path: String,
    /// What we want; `Null` if it should not exist.
    pub want: Value,
    /// What Azure has; `Null` if nothing.
    pub have: Value,
}

/// The fields of `want` in which `have` differs. `written` are the map keys and list elements that we wrote before.
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
    /// `rule` is the path without list keys; `shown` is the path for people.
    fn value(&mut self, rule: &str, shown: &str, want: &Value, have: &Value) {
        let ruled = rule_at(rule, self.rules);
        match (ruled, want, have) {
            (Some(Rule::WriteOnly(_)), _, _) | (Some(Rule::IfAnswered(_)), _, Value::Null) => {}
            (Some(Rule::Keys(_) | Rule::Tags(_)), Value::Object(want), _) => {
                self.keys(shown, want, have, matches!(ruled, Some(Rule::Tags(_))));
            }
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
            let (at, shown) = (join(rule, name), join(shown, name));
            match rule_at(&at, self.rules) {
                Some(rule @ (Rule::Sole(..) | Rule::Among(..))) => {
                    let actual = beside::differs(rule, name, wanted, have);
                    self.found.extend(actual.map(|have| Difference { path: shown, want: wanted.clone(), have }));
                }
                _ => self.value(&at, &shown, wanted, member(have, name, true)),
            }
        }
    }

    fn keys(&mut self, shown: &str, want: &Map<String, Value>, have: &Value, fold: bool) {
        for (name, wanted) in want {
            let actual = member(have, name, fold);
            if !same(wanted, actual, false) {
                self.found.push(Difference { path: join(shown, name), want: wanted.clone(), have: actual.clone() });
            }
        }
        let (ours, written) = (Names::of(want.keys(), fold), Names::of(self.written, fold));
        for (name, actual) in have.as_object().into_iter().flatten() {
            if written.has(name) && !ours.has(name) {
                self.found.push(Difference { path: join(shown, name), want: Value::Null, have: actual.clone() });
            }
        }
    }

    /// `exact` says whether an additional element with this key is a difference.
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
        let actual = by_key(have, key);
        for wanted in want {
            let name = key_of(wanted, key);
            let at = format!("{shown}[{name}]");
            match actual.get(&fold(&name)) {
                Some(actual) => {
                    let before = self.found.len();
                    self.value(&format!("{rule}[]"), &at, wanted, actual);
                    let of_element = self.found.split_off(before);
                    self.found.extend(of_element.into_iter().filter(|one| one.path != join(&at, key)));
                }
                None => self.found.push(Difference { path: at, want: wanted.clone(), have: Value::Null }),
            }
        }
        let wanted = by_key(want, key);
        for extra in have {
            let name = key_of(extra, key);
            if exact(&name) && !wanted.contains_key(&fold(&name)) {
                let path = format!("{shown}[{name}]");
                self.found.push(Difference { path, want: Value::Null, have: extra.clone() });
            }
        }
    }
}

impl Rule {
    /// The path of the field.
    pub fn path(&self) -> &'static str {
        match self {
            Self::Loose(path) | Self::Exact(path, _) | Self::Subset(path, _) | Self::Keys(path) => path,
            Self::Tags(path) | Self::Sole(path, _) | Self::Among(path, _) => path,
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

/// A set of names, with or without case.
struct Names {
    all: BTreeSet<String>,
    fold: bool,
}

impl Names {
    fn of<'n>(names: impl IntoIterator<Item = &'n String>, fold: bool) -> Self {
        let form = |name: &String| if fold { name.to_ascii_lowercase() } else { name.clone() };
        Self { all: names.into_iter().map(form).collect(), fold }
    }

    fn has(&self, name: &str) -> bool {
        if self.fold { self.all.contains(&name.to_ascii_lowercase()) } else { self.all.contains(name) }
    }
}

/// A member's name in its existing spelling. Azure Resource Manager and its providers ignore the case of names, and API
/// versions spell them differently.
fn existing_name<'m>(members: &'m Map<String, Value>, name: &str, fold: bool) -> Option<&'m str> {
    let exact = members.get_key_value(name).map(|(name, _)| name.as_str());
    exact.or_else(|| members.keys().map(String::as_str).find(|one| fold && one.eq_ignore_ascii_case(name)))
}

/// A member of an object; null if there is none.
fn member<'v>(of: &'v Value, name: &str, fold: bool) -> &'v Value {
    let members = of.as_object();
    let found = members.and_then(|members| members.get(existing_name(members, name, fold)?));
    found.unwrap_or(&Value::Null)
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

/// The elements of a list by their key in lower case, a name or an id. The first of several with the same key counts.
fn by_key<'v>(list: &'v [Value], key: &str) -> BTreeMap<String, &'v Value> {
    list.iter().rev().map(|one| (fold(&key_of(one, key)), one)).collect()
}

/// What we wrote before, in lower case, list elements without their brackets.
struct Written(BTreeSet<String>);

impl Written {
    fn of(written: &[String]) -> Self {
        let element = |one: &str| one.strip_prefix('[').and_then(|one| one.strip_suffix(']')).map(str::to_owned);
        Self(written.iter().map(|one| fold(&element(one).unwrap_or_else(|| one.clone()))).collect())
    }

    fn has(&self, name: &str) -> bool {
        self.0.contains(&fold(name))
    }
}

/// The keys, in brackets, of all elements of lists under [`Rule::Exact`].
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

/// Merges `over` into `base`. Objects and elements of a [`Rule::Subset`] merge, everything else replaces. Map keys and
/// elements that were once written and are no longer wanted are removed, as are members that should be null.
/// [`Rule::WriteOnly`] keeps what exists.
pub fn merged(base: &Value, over: &Value, rules: &[Rule], written: &[String]) -> Value {
    let mut body = base.clone();
    lay("", &mut body, over, rules, written);
    body
}

fn lay(at: &str, base: &mut Value, over: &Value, rules: &[Rule], written: &[String]) {
    let rule = rule_at(at, rules);
    match (rule, &mut *base, over) {
        (Some(Rule::WriteOnly(_)), actual, _) if !empty(actual) => {}
        (Some(Rule::Subset(_, key)), Value::Array(base), Value::Array(over)) => {
            let (wanted, written) = (by_key(over, key), Written::of(written));
            base.retain(|one| {
                let name = key_of(one, key);
                wanted.contains_key(&fold(&name)) || !written.has(&name)
            });
            lay_list(at, base, over, key, rules);
        }
        (_, Value::Object(base), Value::Object(over)) => lay_members(at, base, over, rules, written),
        _ => *base = over.clone(),
    }
}

fn lay_members(at: &str, base: &mut Map<String, Value>, over: &Map<String, Value>, rules: &[Rule], record: &[String]) {
    let rule = rule_at(at, rules);
    let fold = !matches!(rule, Some(Rule::Keys(_)));
    let is_map = matches!(rule, Some(Rule::Keys(_) | Rule::Tags(_)));
    let written = Names::of(record.iter().filter(|_| is_map), fold);
    let dropped = |name: &str| written.has(name);
    base.retain(|name, _| {
        let wanted = existing_name(over, name, fold).and_then(|name| over.get(name));
        wanted.map_or(!dropped(name), |wanted| !wanted.is_null())
    });
    for (name, value) in over.iter().filter(|(_, value)| !value.is_null()) {
        let below = join(at, name);
        match rule_at(&below, rules) {
            Some(rule @ (Rule::Sole(..) | Rule::Among(..))) => beside::lay(rule, name, base, value),
            _ => {
                let name = existing_name(base, name, fold).unwrap_or(name).to_owned();
                lay(&below, base.entry(name).or_insert(Value::Null), value, rules, record);
            }
        }
    }
}

fn lay_list(at: &str, base: &mut Vec<Value>, over: &[Value], key: &str, rules: &[Rule]) {
    let name = |one: &Value| fold(&key_of(one, key));
    let mut places: BTreeMap<String, usize> = base.iter().enumerate().rev().map(|(at, one)| (name(one), at)).collect();
    for wanted in over {
        match places.get(&name(wanted)).and_then(|place| base.get_mut(*place)) {
            Some(actual) => lay(&format!("{at}[]"), actual, wanted, rules, &[]),
            None => {
                places.insert(name(wanted), base.len());
                base.push(wanted.clone());
            }
        }
    }
}

/// A value for people, uncut, since foreign text is scrubbed before it is cut.
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
        Rule::Tags("tags"),
        Rule::Keys("kvTags"),
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
            (json!({"tags": {"costcenter": "42"}}), json!({"tags": {"CostCenter": "42"}}), &[]),
            (json!({"tags": {"costcenter": "a"}}), json!({"tags": {"CostCenter": "A"}}), &["tags.costcenter"]),
            (json!({"tags": {}}), json!({"tags": {"OLD": "y"}}), &["tags.OLD"]),
            (json!({"tags": {"Old": "y"}}), json!({"tags": {"oLD": "y"}}), &[]),
            (json!({"kvTags": {"a": "1"}}), json!({"kvTags": {"A": "1"}}), &["kvTags.a"]),
            (json!({"publicIpAddress": {"Id": 1}}), json!({"publicIPAddress": {"id": 1}}), &[]),
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
    fn merge_keeps_the_spelling_that_stands() {
        let base = json!({"tags": {"CostCenter": "1", "OLD": "x"}, "kvTags": {"A": "1", "OLD": "x"}, "publicIPs": [1]});
        let over = json!({"tags": {"costcenter": "2", "new": "3"}, "kvTags": {"a": "2"}, "publicIps": [2]});
        let expected = json!({"tags": {"CostCenter": "2", "new": "3"}, "kvTags": {"A": "1", "OLD": "x", "a": "2"}, "publicIPs": [2]});
        assert_eq!(merged(&base, &over, RULES, &["old".into()]), expected);
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
