//! Equality of values in O(n log n): both are brought into a form that can be sorted and compared.

use serde_json::Value;
use std::{borrow::Cow, collections::BTreeMap};

/// Null, `""`, `[]` and `{}` are the same. Numbers compare as numbers, lists as multisets, objects by the members that the
/// wanted ones have.
pub(super) fn same(want: &Value, have: &Value, loose: bool) -> bool {
    let mut shape = Shape::default();
    shape.add(want);
    Form::of(want, &shape, loose) == Form::of(have, &shape, loose)
}

/// The members that are compared. All elements of a list share one shape: the members that any of them wants.
#[derive(Default)]
struct Shape<'v> {
    object: bool,
    members: BTreeMap<&'v str, Shape<'v>>,
    elements: Option<Box<Shape<'v>>>,
}

impl<'v> Shape<'v> {
    fn add(&mut self, want: &'v Value) {
        match want {
            Value::Object(members) => {
                self.object = true;
                for (name, value) in members {
                    self.members.entry(name).or_default().add(value);
                }
            }
            Value::Array(list) => {
                let elements = self.elements.get_or_insert_default();
                list.iter().for_each(|one| elements.add(one));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
        }
    }
}

/// A value's comparable part. The order only has to be total.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Form<'v> {
    Nothing,
    Bool(bool),
    /// Bits of the number as a double.
    Number(u64),
    Text(Text<'v>),
    /// Sorted.
    List(Vec<Form<'v>>),
    /// Members that are not nothing, by name.
    Object(Vec<(&'v str, Form<'v>)>),
}

impl<'v> Form<'v> {
    fn of(value: &'v Value, shape: &Shape<'v>, loose: bool) -> Self {
        match value {
            Value::Null => Self::Nothing,
            Value::String(text) if text.is_empty() => Self::Nothing,
            Value::Bool(value) => Self::Bool(*value),
            // zero has two bit patterns; adding 0.0 leaves one
            Value::Number(number) => Self::Number((number.as_f64().unwrap_or_default() + 0.0).to_bits()),
            Value::String(text) => Self::Text(Text::of(text, loose)),
            Value::Array(list) => Self::list(list, shape, loose),
            Value::Object(members) => {
                let wanted = shape.members.iter();
                let of = |(name, shape): (&&'v str, &Shape<'v>)| {
                    let form = Form::of(members.get(*name)?, shape, loose);
                    (form != Self::Nothing).then_some((*name, form))
                };
                let form: Vec<_> = wanted.filter_map(of).collect();
                if members.is_empty() || shape.object && form.is_empty() { Self::Nothing } else { Self::Object(form) }
            }
        }
    }

    fn list(list: &'v [Value], shape: &Shape<'v>, loose: bool) -> Self {
        let whole = Shape::default();
        let shape = shape.elements.as_deref().unwrap_or(&whole);
        let mut forms: Vec<_> = list.iter().map(|one| Self::of(one, shape, loose)).collect();
        forms.sort_unstable();
        if forms.is_empty() { Self::Nothing } else { Self::List(forms) }
    }
}

#[derive(PartialEq, Eq)]
struct Text<'v>(Cow<'v, str>);

impl<'v> Text<'v> {
    fn of(text: &'v str, loose: bool) -> Self {
        Self(if loose { Cow::Owned(folded(text)) } else { Cow::Borrowed(text) })
    }
}

impl Ord for Text<'_> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        #[cfg(test)]
        tests::COMPARISONS.set(tests::COMPARISONS.get() + 1);
        self.0.cmp(&other.0)
    }
}

impl PartialOrd for Text<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// A text without case and spaces.
pub(crate) fn folded(text: &str) -> String {
    text.chars().filter(|c| *c != ' ').flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::json;
    use std::cell::Cell;

    thread_local! {
        /// Number of comparisons of texts while sorting.
        pub(super) static COMPARISONS: Cell<u64> = const { Cell::new(0) };
    }

    #[test]
    fn table() {
        for (want, have, expected) in [
            (json!(null), json!([]), true),
            (json!({}), json!(""), true),
            (json!(0), json!(-0.0), true),
            (json!(1), json!(true), false),
            (json!(1), json!("1"), false),
            (json!(["a", "b"]), json!(["b", "a"]), true),
            (json!(["a", "a", "b"]), json!(["a", "b", "b"]), false),
            (json!(["a", "a", "b"]), json!(["a", "b", "a"]), true),
            (json!([{"id": "x"}, {"id": "y"}]), json!([{"id": "y", "etag": 1}, {"id": "x", "zones": []}]), true),
            (json!([{"id": "x"}]), json!([{"id": "x"}, {"id": "x"}]), false),
            (json!(["n", {"pip": ["a", "b"]}]), json!([{"pip": ["b", "a"]}, "n"]), true),
            (json!(["n", {"pip": ["a", "b"]}]), json!([{"pip": ["b", "c"]}, "n"]), false),
            (json!([{"a": null, "b": 1}]), json!([{"b": 1.0}]), true),
            (json!([{"a": 1}]), json!([{"a": 2}]), false),
            (json!([{"a": 1}]), json!([1]), false),
            (json!(null), json!({"a": 1}), false),
            (json!([{}]), json!([{"a": 1}]), true),
            (json!({"a": null}), json!({"b": 1}), true),
            (json!([["b", "a"], []]), json!([null, ["a", "b"]]), true),
        ] {
            assert_eq!(same(&want, &have, false), expected, "{want} {have}");
        }
        assert!(same(&json!([{"r": "Japan East"}, "B"]), &json!(["b", {"r": "japaneast"}]), true));
    }

    /// Lines of a conda file, in one of two orders.
    fn conda(lines: usize, other: bool) -> Value {
        let name = |at: usize| format!("p{}", if other { lines - 1 - at } else { at });
        json!({"dependencies": [{"pip": (0..lines).map(name).collect::<Vec<_>>()}]})
    }

    #[test]
    fn long_lists_cost_little_more_than_short_ones() {
        let comparisons = |lines| {
            COMPARISONS.set(0);
            assert!(same(&conda(lines, false), &conda(lines, true), false));
            COMPARISONS.get()
        };
        for lines in [1_000, 20_000] {
            let most = 4 * (lines as f64 * (lines as f64).log2()) as u64;
            assert!(comparisons(lines) <= most, "{} of {lines} lines, more than {most}", comparisons(lines));
        }
    }
}
