//! A property with two forms: a text, or an element of a sibling list (`addressPrefix` and `addressPrefixes`). Azure
//! answers the form that was last written, with the other one absent or empty, and refuses a request with both ("cannot
//! populate both address prefix and address prefixes": Azure/azure-cli#32005).

use super::{Rule, empty, existing_name, member, same};
use serde_json::{Map, Value};

/// The existing value, if it differs from the wanted text.
pub(super) fn differs(rule: Rule, name: &str, wanted: &Value, have: &Value) -> Option<Value> {
    let nothing = Map::new();
    let elements = elements(rule, name, have.as_object().unwrap_or(&nothing));
    let excluded = excluding(rule).iter().map(|list| member(have, list, true)).find(|list| !empty(list));
    let actual = match (elements.as_slice(), excluded) {
        ([], Some(excluded)) => excluded.clone(),
        ([], None) => Value::Null,
        ([one], _) => one.clone(),
        _ => Value::Array(elements.clone()),
    };
    (excluded.is_some() || !agrees(rule, wanted, &elements)).then_some(actual)
}

/// Writes the wanted text in the form that exists.
pub(super) fn lay(rule: Rule, name: &str, base: &mut Map<String, Value>, wanted: &Value) {
    let list = list(rule);
    let listed = existing_name(base, list, true).and_then(|list| base.get(list)).is_some_and(|list| !empty(list));
    let mut elements = elements(rule, name, base);
    if !agrees(rule, wanted, &elements) {
        put(rule, wanted, &mut elements);
    }
    let (form, value) = match elements.as_slice() {
        [one] if !listed => (name, one.clone()),
        _ => (list, Value::Array(elements)),
    };
    let form = existing_name(base, form, true).unwrap_or(form).to_owned();
    let forms = || excluding(rule).iter().copied().chain([name, list]);
    base.retain(|one, _| !forms().any(|form| form.eq_ignore_ascii_case(one)));
    base.insert(form, value);
}

fn agrees(rule: Rule, wanted: &Value, elements: &[Value]) -> bool {
    let mut same = elements.iter().map(|one| same(wanted, one, true));
    match rule {
        Rule::Among(..) => same.any(|same| same),
        _ => !elements.is_empty() && same.all(|same| same),
    }
}

/// Adds the wanted element. If there is exactly one element of its address family, somebody changed ours to it, so it is
/// replaced; otherwise all others stay.
fn put(rule: Rule, wanted: &Value, elements: &mut Vec<Value>) {
    let is_v6 = |one: &Value| one.as_str().is_some_and(|text| text.contains(':'));
    let shared = matches!(rule, Rule::Among(..));
    let alike = elements.iter().filter(|one| is_v6(one) == is_v6(wanted)).count();
    elements.retain(|one| shared && (alike != 1 || is_v6(one) != is_v6(wanted)));
    elements.push(wanted.clone());
}

/// All existing elements, in either form.
fn elements(rule: Rule, name: &str, have: &Map<String, Value>) -> Vec<Value> {
    let found =
        |name: &str| existing_name(have, name, true).and_then(|name| have.get(name)).filter(|value| !empty(value));
    let mut all: Vec<Value> = found(list(rule)).and_then(Value::as_array).cloned().unwrap_or_default();
    let alone = found(name).filter(|alone| !all.iter().any(|one| same(one, alone, true)));
    all.splice(..0, alone.cloned());
    all
}

fn list(rule: Rule) -> &'static str {
    match rule {
        Rule::Among(_, list) => list,
        Rule::Sole(_, lists) => lists.first().copied().unwrap_or_default(),
        _ => "",
    }
}

fn excluding(rule: Rule) -> &'static [&'static str] {
    match rule {
        Rule::Sole(_, lists) => lists.get(1..).unwrap_or_default(),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Difference, differences, merged};
    use super::*;
    use serde_json::json;

    const RULES: &[Rule] = &[Rule::Among("prefix", "prefixes"), Rule::Sole("port", &["ports", "groups"])];

    /// The differences, and the body that is written.
    fn put_right(want: Value, have: Value) -> (Vec<Difference>, Value) {
        let body = merged(&have, &want, RULES, &[]);
        assert_eq!(differences(&want, &body, RULES, &[]), [], "{body}");
        (differences(&want, &have, RULES, &[]), body)
    }

    #[test]
    fn a_text_among_others_keeps_them_and_the_form_that_stands() {
        for (have, differs, written) in [
            (json!({}), true, json!({"prefix": "a"})),
            (json!({"prefix": "A", "prefixes": []}), false, json!({"prefix": "A"})),
            (json!({"prefix": "b"}), true, json!({"prefix": "a"})),
            (json!({"prefix": "", "prefixes": ["a"]}), false, json!({"prefixes": ["a"]})),
            (json!({"Prefixes": ["a", "f:"]}), false, json!({"Prefixes": ["a", "f:"]})),
            (json!({"prefixes": ["b"]}), true, json!({"prefixes": ["a"]})),
            (json!({"prefixes": ["f:"]}), true, json!({"prefixes": ["f:", "a"]})),
            (json!({"prefixes": ["b", "f:"]}), true, json!({"prefixes": ["f:", "a"]})),
            (json!({"prefixes": ["b", "c"]}), true, json!({"prefixes": ["b", "c", "a"]})),
            (json!({"prefix": "f:"}), true, json!({"prefixes": ["f:", "a"]})),
            (json!({"prefix": "a", "prefixes": ["a", "f:"]}), false, json!({"prefixes": ["a", "f:"]})),
            (json!({"prefix": "a", "prefixes": ["f:"]}), false, json!({"prefixes": ["a", "f:"]})),
        ] {
            let (found, body) = put_right(json!({"prefix": "a"}), have.clone());
            assert_eq!((!found.is_empty(), body), (differs, written), "{have}");
        }
    }

    #[test]
    fn a_text_that_stands_alone_lets_nothing_stand_beside_it() {
        for (have, actual, written) in [
            (json!({"port": "1", "ports": [], "groups": []}), None, json!({"port": "1"})),
            (json!({"ports": ["1"]}), None, json!({"ports": ["1"]})),
            (json!({"port": "2"}), Some(json!("2")), json!({"port": "1"})),
            (json!({"ports": ["1", "2"]}), Some(json!(["1", "2"])), json!({"ports": ["1"]})),
            (json!({"port": "1", "ports": ["2"]}), Some(json!(["1", "2"])), json!({"ports": ["1"]})),
            (json!({"groups": [{"id": "g"}]}), Some(json!([{"id": "g"}])), json!({"port": "1"})),
            (json!({"port": "1", "groups": [{"id": "g"}]}), Some(json!("1")), json!({"port": "1"})),
        ] {
            let (found, body) = put_right(json!({"port": "1"}), have.clone());
            let found = found.into_iter().next().map(|one| one.have);
            assert_eq!((found, body), (actual, written), "{have}");
        }
    }
}
