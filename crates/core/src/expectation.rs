//! What the answer to a sample request must say, and how an answer differs from it.

use crate::{
    owner::sha256_hex,
    scrub::{self, Scrubber},
};
use regex_lite::{Regex, RegexBuilder};
use serde_json::{Number, Value};

/// Longest expected JSON, in bytes. It is part of a question, which is kept in memory and compared.
pub const LONGEST: usize = 16 << 10;
/// Longest answer that is read and compared as JSON, in bytes. A message states it.
pub const LONGEST_ANSWER: usize = 64 << 10;
/// How much of an answer a pattern is searched in, in bytes: see [`COMPILED`].
pub const SEARCHED: usize = 16 << 10;
/// Largest compiled pattern, in bytes: a search takes time in proportion to this and to the answer's length.
pub const COMPILED: usize = 10 << 10;
/// Longest text of a value in a message, in characters: both sides of a difference have to fit one line.
pub const SHOWN: usize = 60;

/// What an answer must say besides its status.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expectation {
    /// JSON that it must contain.
    pub json: Option<String>,
    /// By how much numbers may differ (see [`tolerance`]).
    pub tolerance: String,
    /// A pattern that must match somewhere in it.
    pub pattern: Option<String>,
}

/// Reads a tolerance: a number from 0 to 1, or a string with one. `Err` says how to write it.
pub fn tolerance(value: &Value) -> Result<f64, String> {
    let number = match value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| (0.0..=1.0).contains(number));
    number.ok_or_else(|| "must be a number from 0 to 1, such as 0.001 or \"1e-6\"".to_owned())
}

/// Compiles a pattern. `Err` says what is wrong with it.
pub fn pattern(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(COMPILED).build().map_err(|error| scrub::clean(&error.to_string()))
}

impl Expectation {
    /// Whether anything is expected besides the status.
    pub fn is_some(&self) -> bool {
        self.json.is_some() || self.pattern.is_some()
    }

    /// Identifies an expectation in little memory.
    pub fn digest(&self) -> String {
        let texts = [self.json.as_deref(), Some(self.tolerance.as_str()), self.pattern.as_deref()];
        let parts = texts.map(|text| text.map_or(String::new(), |text| format!("={text}")));
        sha256_hex(&parts.each_ref().map(|part| part.as_bytes()))
    }

    /// How an answer differs, in a few words; none if it is as expected. `body` is none if it is longer than
    /// [`LONGEST_ANSWER`]. A script may answer with its input: values that the scrubber knows are not shown.
    pub fn unlike(&self, body: Option<&[u8]>, scrubber: &Scrubber) -> Option<String> {
        if !self.is_some() {
            return None;
        }
        let Some(body) = body else { return Some("the answer is longer than 64 KiB".to_owned()) };
        self.unlike_pattern(body, scrubber).or_else(|| self.unlike_json(body, scrubber))
    }

    fn unlike_pattern(&self, body: &[u8], scrubber: &Scrubber) -> Option<String> {
        let text = self.pattern.as_deref()?;
        let body = String::from_utf8_lossy(body.get(..SEARCHED).unwrap_or(body));
        let matches = pattern(text).is_ok_and(|pattern| pattern.is_match(&body));
        (!matches).then(|| format!("the answer does not match {}: {}", short(text, scrubber), short(&body, scrubber)))
    }

    fn unlike_json(&self, body: &[u8], scrubber: &Scrubber) -> Option<String> {
        let expected: Value = serde_json::from_str(self.json.as_deref()?).ok()?;
        let tolerance = self.tolerance.parse().unwrap_or_default();
        match serde_json::from_slice(body) {
            Ok(received) => Comparison { tolerance, scrubber }.differs(&expected, &received, "$"),
            Err(_) => Some(no_json(&String::from_utf8_lossy(body), scrubber)),
        }
    }
}

/// The difference of an answer that is not JSON. Python writes NaN and infinities as words that JSON lacks (`json.dumps`,
/// `allow_nan`).
fn no_json(body: &str, scrubber: &Scrubber) -> String {
    match ["NaN", "Infinity"].iter().find(|word| has_word(body, word)) {
        Some(word) => format!("the answer contains {word}, which is not JSON: {}", short(body, scrubber)),
        None if body.trim().is_empty() => "the answer is empty, which is not JSON".to_owned(),
        None => format!("the answer is not JSON: {}", short(body, scrubber)),
    }
}

/// Whether a word occurs outside quotes.
fn has_word(body: &str, word: &str) -> bool {
    body.replace("\\\"", "").split('"').step_by(2).any(|outside| outside.contains(word))
}

struct Comparison<'s> {
    tolerance: f64,
    scrubber: &'s Scrubber,
}

impl Comparison<'_> {
    /// The first difference, with its place.
    fn differs(&self, expected: &Value, received: &Value, at: &str) -> Option<String> {
        match (expected, received) {
            (Value::Object(expected), Value::Object(received)) => expected.iter().find_map(|(name, value)| {
                let at = format!("{at}.{name}");
                match received.get(name) {
                    Some(received) => self.differs(value, received, &at),
                    None => Some(format!("{} is missing, expected {}", self.place(&at), self.shown(value))),
                }
            }),
            (Value::Array(expected), Value::Array(received)) if expected.len() == received.len() => {
                expected.iter().zip(received).enumerate().find_map(|(number, (expected, received))| {
                    self.differs(expected, received, &format!("{at}[{number}]"))
                })
            }
            (Value::Array(expected), Value::Array(received)) => {
                Some(format!("{} has {} items, expected {}", self.place(at), received.len(), expected.len()))
            }
            (Value::Number(expected), Value::Number(received)) if self.same(expected, received) => None,
            (expected, received) if expected == received => None,
            (expected, received) => Some(format!(
                "{} is {}, expected {}{}",
                self.place(at),
                self.shown(received),
                self.shown(expected),
                hint(expected, received)
            )),
        }
    }

    fn place(&self, at: &str) -> String {
        let inside = at.trim_start_matches("$.").trim_start_matches('$');
        if at == "$" { "the answer".to_owned() } else { short(inside, self.scrubber) }
    }

    fn shown(&self, value: &Value) -> String {
        short(&value.to_string(), self.scrubber)
    }

    /// Compares integers as integers, since long ids would lose digits as floats.
    fn same(&self, expected: &Number, received: &Number) -> bool {
        if self.tolerance == 0.0 && expected.is_f64() == received.is_f64() && !expected.is_f64() {
            return expected == received;
        }
        let (Some(expected), Some(received)) = (expected.as_f64(), received.as_f64()) else { return false };
        (expected - received).abs() <= self.tolerance * expected.abs().max(1.0)
    }
}

/// A hint for scripts that return `json.dumps(…)`: the server encodes the result again, so clients get a string.
fn hint(expected: &Value, received: &Value) -> &'static str {
    let Value::String(text) = received else { return "" };
    let inside = serde_json::from_str::<Value>(text).is_ok_and(|inside| inside.is_object() || inside.is_array());
    if !expected.is_string() && inside {
        " (a string that contains JSON: return the value, not json.dumps of it)"
    } else {
        ""
    }
}

fn short(text: &str, scrubber: &Scrubber) -> String {
    // only this much can be shown after scrubbing; the rest of an answer need not be processed. Known values are hidden
    // first, so that none is cut and missed
    let begin: String = scrubber.hide(text).chars().take(4 * SHOWN).collect();
    let clean = scrub::clean(&begin);
    match clean.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", clean.get(..end).unwrap_or_default()),
        None => clean,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn unlike(expectation: &Expectation, body: Option<&[u8]>) -> Option<String> {
        expectation.unlike(body, &Scrubber::default())
    }

    fn contains(expected: Value, tolerance: f64) -> Expectation {
        Expectation { json: Some(expected.to_string()), tolerance: tolerance.to_string(), pattern: None }
    }

    fn matching(pattern: &str) -> Expectation {
        Expectation { pattern: Some(pattern.to_owned()), ..Expectation::default() }
    }

    #[test]
    fn what_contains_the_expected_json_passes() {
        for (expected, tolerance, received) in [
            (json!({"a": 1}), 0.0, r#"{"a": 1, "b": [2]}"#),
            (json!({}), 0.0, r#"{"a": 1}"#),
            (json!({"a": {"b": [{"c": 1}]}}), 0.0, r#"{"a": {"b": [{"c": 1, "d": 2}], "e": null}}"#),
            (json!([1, 2.5, "x", null, true]), 0.0, r#"[1.0, 2.5, "x", null, true]"#),
            (json!([152.1]), 1e-6, "[152.1000001]"),
            (json!([1000000.0]), 1e-6, "[1000000.9]"),
            (json!([1e-9]), 1e-6, "[-1e-9]"),
            (json!("text"), 0.0, "\"text\"\n"),
            (json!(9007199254740993u64), 0.0, "9007199254740993"),
            (json!({"NaN": "Infinity"}), 0.0, r#"{"NaN": "Infinity"}"#),
        ] {
            assert_eq!(unlike(&contains(expected.clone(), tolerance), Some(received.as_bytes())), None, "{expected}");
        }
        assert_eq!(unlike(&Expectation::default(), None), None, "nothing is expected");
    }

    #[test]
    fn the_first_difference_is_told_with_both_sides() {
        for (expected, tolerance, received, told) in [
            (json!({"a": 1}), 0.0, r#"{"b": 1}"#, "a is missing, expected 1"),
            (json!({"a": [1, 2]}), 0.0, r#"{"a": [1, 3]}"#, "a[1] is 3, expected 2"),
            (json!([1, 2]), 0.0, "[1]", "the answer has 1 items, expected 2"),
            (json!([[1], [2]]), 0.0, "[[1], []]", "[1] has 0 items, expected 1"),
            (json!([1.0]), 1e-6, "[1.1]", "[0] is 1.1, expected 1.0"),
            (json!([1000000.0]), 1e-6, "[1000001.1]", "[0] is 1000001.1, expected 1000000.0"),
            (json!(9007199254740993u64), 0.0, "9007199254740992", "is 9007199254740992, expected 9007199254740993"),
            (json!({"a": 1}), 0.0, r#"{"a": "1"}"#, "a is \"1\", expected 1"),
            (json!({"a": false}), 0.0, r#"{"a": null}"#, "a is null, expected false"),
            // a script that returns its error as text, as Microsoft's tutorials do (Azure/MachineLearningNotebooks#1413)
            (
                json!([1.5]),
                0.0,
                r#""name 'model' is not defined""#,
                "is \"name 'model' is not defined\", expected [1.5]",
            ),
            (json!([1.5]), 0.0, r#""[1.5]""#, "a string that contains JSON"),
            (json!([1.5]), 0.5, "[NaN]", "the answer contains NaN, which is not JSON: [NaN]"),
            (json!([1.5]), 0.5, "[-Infinity]", "contains Infinity"),
            (json!({"a": 1}), 0.0, "", "empty"),
            (json!({"a": 1}), 0.0, "<html>", "not JSON: <html>"),
            (json!("\u{0}"), 0.0, "\u{0}", "not JSON"),
        ] {
            let found = unlike(&contains(expected, tolerance), Some(received.as_bytes())).unwrap_or_default();
            assert!(found.contains(told), "{told}: {found}");
        }
        let long = unlike(&contains(json!([1]), 0.0), Some(format!("\"{}\"", "é".repeat(9000)).as_bytes())).unwrap();
        assert!(long.chars().count() < 120, "{long}");
        let secret = unlike(&contains(json!([1]), 0.0), Some(b"\"https://bob:pw@example.org/?sig=abc\"")).unwrap();
        assert!(!secret.contains("pw@") && !secret.contains("abc"), "{secret}");
        assert_eq!(unlike(&contains(json!([1]), 0.0), None).as_deref(), Some("the answer is longer than 64 KiB"));
        let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
        assert!(unlike(&contains(json!([1]), 0.0), Some(deep.as_bytes())).is_some(), "no end of nesting");
    }

    #[test]
    fn what_a_script_was_given_is_not_told_when_it_answers_it() {
        let scrubber = Scrubber::new(["hunter22-hunter22".to_owned()]);
        let lead = "x".repeat(4 * SHOWN - 5);
        for body in [
            "\"hunter22-hunter22\"",
            "{\"hunter22-hunter22\": 1}",
            "hunter22-hunter22",
            &format!("{lead}hunter22-hunter22"),
        ] {
            for expectation in [contains(json!(1), 0.0), contains(json!({"a": 1}), 0.0), matching("zzz")] {
                let told = expectation.unlike(Some(body.as_bytes()), &scrubber).unwrap();
                assert!(!told.contains("hunter"), "{told}");
            }
        }
    }

    #[test]
    fn digests_tell_expectations_apart() {
        let all =
            [Expectation::default(), matching(""), matching("1"), contains(json!(1), 0.0), contains(json!(1), 0.5)];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().enumerate().all(|(other, two)| (at == other) == (one.digest() == two.digest())));
        }
    }

    #[test]
    fn a_pattern_matches_somewhere_in_the_answer() {
        for (pattern, body, is_unlike) in [
            ("^\\[[0-9.]+", "[152.1]", false),
            ("(?i)churn", "{\"model\": \"Churn\"}", false),
            ("^\\[", "\"name 'model' is not defined\"", true),
            ("x", "", true),
        ] {
            assert_eq!(unlike(&matching(pattern), Some(body.as_bytes())).is_some(), is_unlike, "{pattern}");
        }
        assert!(
            pattern("(").is_err() && pattern("((a{0,99}){0,99}){0,99}").is_err(),
            "no pattern is compiled that is as large"
        );
        assert!(unlike(&matching("b"), Some(&[0xff, b'b'])).is_none(), "what is no UTF-8 is read as far as it is");
    }

    #[test]
    fn tolerances() {
        for (value, expected) in [
            (json!(0), Some(0.0)),
            (json!(0.001), Some(0.001)),
            (json!("1e-6"), Some(1e-6)),
            (json!(" 0.5 "), Some(0.5)),
            (json!(-0.1), None),
            (json!("1.1"), None),
            (json!("NaN"), None),
            (json!("inf"), None),
            (json!("1%"), None),
            (json!([1]), None),
        ] {
            assert_eq!(tolerance(&value).ok(), expected, "{value}");
        }
    }
}
