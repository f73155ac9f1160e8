//! What differs between an answer of Azure and one of the simulator, but for what differs by nature: ids, etags, times,
//! tokens, public addresses, hosts.

use regex::Regex;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::LazyLock;

const GUID: &str = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}";
/// Headers that are compared: that they are there. Of the URLs among them the form is compared too.
const HEADERS: &[&str] = &[
    "azure-asyncoperation",
    "azure-asyncnotification",
    "location",
    "retry-after",
    "etag",
    "content-type",
    "www-authenticate",
    "x-ms-request-id",
    "x-ms-correlation-request-id",
    "x-ms-routing-request-id",
    "x-ms-failure-cause",
    "x-ms-arm-service-request-id",
    "x-ms-ratelimit-remaining-subscription-reads",
    "x-ms-ratelimit-remaining-subscription-writes",
    "x-ms-ratelimit-remaining-subscription-deletes",
    "x-ms-ratelimit-remaining-subscription-resource-requests",
];

/// In what way something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    Status,
    /// Azure has it, the simulator does not.
    Missing,
    /// The simulator has it, Azure does not.
    Extra,
    Value,
    Order,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    pub what: What,
    /// `properties.subnets[].name`, `header etag`, `status`.
    pub at: String,
    pub azure: String,
    pub simulator: String,
}

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap()
}

/// A text without what differs by nature.
fn plain(text: &str) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        vec![
            (pattern(GUID), "<guid>"),
            (pattern(r"https?://(management\.azure\.com(:443)?|localhost:\d+)/"), "https://<azure>/"),
            (pattern(r#"^(W/)?"?<guid>"?$|^"[0-9a-f]{32}"$"#), "<etag or guid>"),
            (pattern(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)"), "<time>"),
            (pattern(r"\b(198\.51\.100|198\.1[89]\.\d+)\.\d+\b"), "<public address>"),
            (pattern(r"\b[A-Za-z0-9+/_-]{60,}={0,2}"), "<token>"),
        ]
    });
    RULES.iter().fold(text.to_owned(), |text, (rule, name)| rule.replace_all(&text, *name).into_owned())
}

/// A URL without what differs by nature: the ids of operations, and the signature that Azure adds since 2025.
fn form(url: &str) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(|| {
        vec![
            (pattern("&t=[^&]+&c=[^&]*&s=[^&]*&h=[^&]*"), ""),
            (pattern("api-version=[^&]+"), "api-version=<version>"),
            (pattern(r"(?i)(/(?:operations|operationresults|privatednsoperation\w+)/)[^/?]+"), "$1<id>"),
        ]
    });
    let url = RULES.iter().fold(url.to_owned(), |url, (rule, name)| rule.replace_all(&url, *name).into_owned());
    plain(&url)
}

/// All differences of two answers.
#[derive(Default)]
pub struct Comparison(pub Vec<Difference>);

impl Comparison {
    pub fn add(&mut self, what: What, at: impl Into<String>, azure: impl ToString, simulator: impl ToString) {
        self.0.push(Difference { what, at: at.into(), azure: azure.to_string(), simulator: simulator.to_string() });
    }

    pub fn bodies(&mut self, azure: Option<&Value>, simulator: Option<&Value>) {
        match (azure.filter(|body| **body != Value::String(String::new())), simulator) {
            (None, None) => {}
            (Some(azure), Some(simulator)) => self.values(azure, simulator, ""),
            (azure, simulator) => {
                let text = |body: Option<&Value>| body.map_or("none".to_owned(), Value::to_string);
                self.add(What::Value, "body", text(azure), text(simulator));
            }
        }
    }

    fn values(&mut self, azure: &Value, simulator: &Value, at: &str) {
        match (azure, simulator) {
            (Value::Object(azure), Value::Object(simulator)) => self.members(azure, simulator, at),
            (Value::Array(azure), Value::Array(simulator)) => self.entries(azure, simulator, &format!("{at}[]")),
            (Value::String(one), Value::String(other)) if plain(one) == plain(other) => {}
            (Value::Number(one), Value::Number(other)) if one.as_f64() == other.as_f64() => {}
            _ if azure == simulator => {}
            _ => self.add(What::Value, at, shown(azure), shown(simulator)),
        }
    }

    fn members(&mut self, azure: &Map<String, Value>, simulator: &Map<String, Value>, at: &str) {
        let path = |name: &str| if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") };
        for (name, value) in azure {
            match simulator.get(name) {
                Some(other) => self.values(value, other, &path(name)),
                None => self.add(What::Missing, path(name), shown(value), ""),
            }
        }
        for (name, value) in simulator.iter().filter(|(name, _)| !azure.contains_key(*name)) {
            self.add(What::Extra, path(name), "", shown(value));
        }
    }

    /// Entries with ids or names are compared by them, others by their place.
    fn entries(&mut self, azure: &[Value], simulator: &[Value], at: &str) {
        let has =
            |name: &&&str| azure.iter().chain(simulator).all(|entry| entry.get(**name).is_some_and(Value::is_string));
        let Some(key) = ["id", "name"].iter().find(has) else {
            if azure.len() != simulator.len() {
                self.add(What::Value, at, format!("{} entries", azure.len()), format!("{} entries", simulator.len()));
            }
            return azure.iter().zip(simulator).for_each(|(one, other)| self.values(one, other, at));
        };
        let key_of = |entry: &Value| entry.get(key).and_then(Value::as_str).unwrap_or_default().to_ascii_lowercase();
        let keys = |list: &[Value]| list.iter().map(key_of).collect::<Vec<_>>();
        for entry in azure {
            match simulator.iter().find(|other| key_of(other) == key_of(entry)) {
                Some(other) => self.values(entry, other, at),
                None => self.add(What::Missing, at, shown(entry), ""),
            }
        }
        for entry in simulator.iter().filter(|entry| !keys(azure).contains(&key_of(entry))) {
            self.add(What::Extra, at, "", shown(entry));
        }
        let common = |list: &[Value], other: &[Value]| {
            keys(list).into_iter().filter(|key| keys(other).contains(key)).collect::<Vec<_>>()
        };
        let (one, other) = (common(azure, simulator), common(simulator, azure));
        if one != other {
            self.add(What::Order, at, one.join(", "), other.join(", "));
        }
    }

    /// `azure` may lack what its recorder takes away: Python's every id of a request and `Retry-After`. Java's writes a
    /// `Retry-After` of 0 over what came.
    pub fn headers(&mut self, azure: &BTreeMap<String, String>, simulator: &BTreeMap<String, String>) {
        let is_cut = !azure.contains_key("x-ms-request-id");
        let is_unknown = |name: &str| match name {
            "retry-after" => is_cut || azure.get(name).is_some_and(|value| value == "0"),
            _ => is_cut && name.ends_with("request-id") && !azure.contains_key(name),
        };
        for name in HEADERS.iter().filter(|name| !is_unknown(name)) {
            let at = format!("header {name}");
            match (azure.get(*name), simulator.get(*name)) {
                (Some(one), None) => self.add(What::Missing, at, plain(one), ""),
                (None, Some(other)) if !name.starts_with("x-ms-ratelimit") => {
                    self.add(What::Extra, at, "", plain(other))
                }
                (Some(one), Some(other)) if form(one) != form(other) && is_formed(name) => {
                    self.add(What::Value, at, form(one), form(other));
                }
                _ => {}
            }
        }
    }
}

fn is_formed(name: &str) -> bool {
    ["azure-asyncoperation", "location", "content-type", "x-ms-failure-cause"].contains(&name)
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn differences(azure: &Value, simulator: &Value) -> Vec<(What, String)> {
        let mut found = Comparison::default();
        found.bodies(Some(azure), Some(simulator));
        found.0.into_iter().map(|found| (found.what, found.at)).collect()
    }

    #[test]
    fn what_differs_by_nature_is_equal() {
        let guid = |last| format!("00000000-0000-0000-0000-00000000000{last}");
        let of = |last, time, address| {
            json!({
                "etag": format!("W/\"{}\"", guid(last)), "at": time, "ip": address, "n": 1,
                "list": [{"id": "/A"}, {"id": "/b"}],
            })
        };
        let (one, mut other) =
            (of(1, "2021-01-01T00:00:00Z", "198.51.100.7"), of(2, "2026-01-01T00:00:00.123Z", "198.18.0.1"));
        other["list"] = json!([{"id": "/a"}, {"id": "/b"}]);
        other["n"] = json!(1.0);
        assert_eq!(
            differences(&one, &other),
            [(What::Value, "list[].id".to_owned())],
            "case matters but to find the entry"
        );
    }

    #[test]
    fn each_way_to_differ_is_seen() {
        let azure = json!({"a": 1, "b": {"c": "x"}, "l": [{"name": "1"}, {"name": "2"}], "p": [1, 2]});
        let simulator =
            json!({"b": {"c": "y", "d": true}, "l": [{"name": "2"}, {"name": "1"}, {"name": "3"}], "p": [1]});
        let at = |what, at: &str| (what, at.to_owned());
        assert_eq!(
            differences(&azure, &simulator),
            [
                at(What::Missing, "a"),
                at(What::Value, "b.c"),
                at(What::Extra, "b.d"),
                at(What::Extra, "l[]"),
                at(What::Order, "l[]"),
                at(What::Value, "p[]"),
            ]
        );
        let mut found = Comparison::default();
        found.bodies(Some(&json!({})), None);
        found.bodies(Some(&json!("")), None);
        assert_eq!(found.0.len(), 1, "an empty object is a body, an empty text is none");
    }

    #[test]
    fn headers_that_a_recorder_takes_are_not_missed() {
        let of = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
        };
        let ours = of(&[("x-ms-request-id", "1"), ("retry-after", "3"), ("etag", "W/\"x\"")]);
        let names = |azure: &[(&str, &str)]| {
            let mut found = Comparison::default();
            found.headers(&of(azure), &ours);
            found.0.into_iter().map(|found| (found.what, found.at)).collect::<Vec<_>>()
        };
        assert_eq!(names(&[("etag", "W/\"y\"")]), [], "a recorder that takes ids and Retry-After away");
        let extra = [(What::Extra, "header retry-after".to_owned()), (What::Extra, "header etag".to_owned())];
        assert_eq!(names(&[("x-ms-request-id", "2")]), extra);
        assert_eq!(names(&[("x-ms-request-id", "2"), ("retry-after", "0"), ("etag", "e")]), []);
        let cause = [("x-ms-request-id", "2"), ("retry-after", "9"), ("etag", "e"), ("x-ms-failure-cause", "gateway")];
        assert_eq!(names(&cause), [(What::Missing, "header x-ms-failure-cause".to_owned())]);
    }
}
