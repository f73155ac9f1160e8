//! Tags of subscriptions, groups and resources: what Resource Manager checks for every type, and how they
//! are shown.
//!
//! Case in names is ignored; which spelling is shown is the provider's choice ("Use tags to organize your Azure
//! resources"), and here the older one stays, as users report it of many (hashicorp/terraform-provider-azurerm#14841,
//! #11228). Limits: the same page. `{}` is answered with `{}`, and no tags with none, as recorded for every type
//! (`net-Fluent-Tests-Network-RouteTable-CreateUpdate`, 1 and 3).

use crate::error::Refusal;
use http::StatusCode;
use serde_json::{Map, Value, json};

/// Most tags of a resource.
const MOST: usize = 50;
/// Longest name and longest value, in characters.
const NAME_LIMIT: usize = 512;
const VALUE_LIMIT: usize = 256;
/// Characters that no name may hold, besides control characters.
const RESERVED: &[char] = &['<', '>', '%', '&', '\\', '?', '/'];
/// Names with this prefix are Azure's own links between resources and may hold any character
/// (`hidden-link:/subscriptions/…`).
const LINKS: &[&str] = &["hidden", "link"];
/// Prefixes that Microsoft reserves (Resource Manager RPC, "Common API details", tags).
const RESERVED_PREFIXES: &[&str] = &["microsoft", "azure", "windows"];

/// The tags of something; [`Default`] is none, which differs from an empty map.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tags(Option<Map<String, Value>>);

impl From<Map<String, Value>> for Tags {
    fn from(map: Map<String, Value>) -> Self {
        Self(Some(map))
    }
}

impl Tags {
    /// The tags after a PUT of `document`, which replaces: without the member there are none.
    ///
    /// # Errors
    /// As [`Tags::read`].
    pub fn put(document: &Value, present: Option<&Self>) -> Result<Self, Refusal> {
        let Some(given) = Self::read(document.get("tags"))? else { return Ok(Self::default()) };
        Ok(Self(Some(present.map_or_else(|| given.clone(), |present| present.spelled(&given)))))
    }

    /// The tags after a PATCH of `document`: replaced by the member where it is there.
    ///
    /// # Errors
    /// As [`Tags::read`].
    pub fn patched(&self, document: &Value) -> Result<Self, Refusal> {
        let given = Self::read(document.get("tags"))?;
        Ok(given.map_or_else(|| self.clone(), |given| Self(Some(self.spelled(&given)))))
    }

    /// The tags, merged with those of `given`.
    ///
    /// # Errors
    /// As [`Tags::read`], of the whole.
    pub fn merged(&self, given: Map<String, Value>) -> Result<Self, Refusal> {
        let mut whole = self.map();
        for (name, value) in given {
            let name = self.spelling(&name).unwrap_or(&name).to_owned();
            whole.insert(name, value);
        }
        check(&whole)?;
        Ok(Self(Some(whole)))
    }

    /// The tags without those that `given` names with the value that they have.
    #[must_use]
    pub fn without(&self, given: &Map<String, Value>) -> Self {
        let mut kept = self.map();
        let is_given = |name: &str, value: &Value| {
            given.iter().any(|(other, wanted)| other.eq_ignore_ascii_case(name) && wanted == value)
        };
        kept.retain(|name, value| !is_given(name, value));
        Self(Some(kept))
    }

    /// Reads and checks the member `tags` of a request; `null` counts as absent.
    ///
    /// # Errors
    /// `400 InvalidTagNameCharacters`, `InvalidTagName`, `InvalidTagValueLength` (the texts are from scripts that repeat
    /// Azure's); not confirmed: the codes for too many tags, for one name twice in different case, for a reserved
    /// prefix, and for a value that is not a string.
    pub fn read(given: Option<&Value>) -> Result<Option<Map<String, Value>>, Refusal> {
        match given {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(map)) => {
                let map = map.iter().map(|(name, value)| Ok((name.clone(), text(name, value)?)));
                let map = map.collect::<Result<Map<_, _>, Refusal>>()?;
                check(&map).map(|()| Some(map))
            }
            Some(_) => {
                Err(refused("InvalidRequestContent", "The tags of a resource are an object of texts.".to_owned()))
            }
        }
    }

    /// Reads tags without checks, for the seed and the admin interface.
    pub fn unchecked(document: &Value) -> Self {
        Self(document.get("tags").and_then(Value::as_object).cloned())
    }

    /// The value of a tag, whose name is compared without case.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.as_ref()?.iter().find(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Name and value of each; empty where there are none.
    pub fn map(&self) -> Map<String, Value> {
        self.0.clone().unwrap_or_default()
    }

    /// Adds the member `tags` to a body, where they were ever sent.
    pub fn show(&self, body: &mut Map<String, Value>) {
        if let Some(tags) = &self.0 {
            body.insert("tags".to_owned(), json!(tags));
        }
    }

    fn spelling(&self, name: &str) -> Option<&str> {
        self.0.as_ref()?.keys().find(|there| there.eq_ignore_ascii_case(name)).map(String::as_str)
    }

    /// The given tags, in the existing spelling of their names.
    fn spelled(&self, given: &Map<String, Value>) -> Map<String, Value> {
        given.iter().map(|(name, value)| (self.spelling(name).unwrap_or(name).to_owned(), value.clone())).collect()
    }
}

/// The value as Azure stores it: numbers and booleans become strings, null becomes an empty one.
fn text(name: &str, value: &Value) -> Result<Value, Refusal> {
    match value {
        Value::String(_) => Ok(value.clone()),
        Value::Null => Ok(json!("")),
        Value::Bool(_) | Value::Number(_) => Ok(json!(value.to_string())),
        Value::Array(_) | Value::Object(_) => {
            Err(refused("InvalidRequestContent", format!("The value of the tag '{name}' is not a text.")))
        }
    }
}

fn check(tags: &Map<String, Value>) -> Result<(), Refusal> {
    if tags.len() > MOST {
        let message = format!("A resource can have at most {MOST} tags; {} were requested.", tags.len());
        return Err(refused("TagsLimitExceeded", message));
    }
    for (position, (name, value)) in tags.iter().enumerate() {
        check_name(name)?;
        if value.as_str().unwrap_or_default().chars().count() > VALUE_LIMIT {
            let message = format!(
                "Tag value too large. Following tag value '{}' exceeded the maximum length. Maximum allowed length for \
                 tag value - '{VALUE_LIMIT}' characters.",
                value.as_str().unwrap_or_default()
            );
            return Err(refused("InvalidTagValueLength", message));
        }
        if let Some(other) = tags.keys().skip(position + 1).find(|other| other.eq_ignore_ascii_case(name)) {
            let message = format!("The tag names '{name}' and '{other}' are the same: names of tags have no case.");
            return Err(refused("DuplicateTagNames", message));
        }
    }
    Ok(())
}

fn check_name(name: &str) -> Result<(), Refusal> {
    let folded = name.to_ascii_lowercase();
    let is_reserved = |character: char| RESERVED.contains(&character) || character.is_control();
    let is_link = LINKS.iter().any(|prefix| folded.starts_with(prefix));
    if name.is_empty() || !is_link && name.chars().any(is_reserved) {
        let message =
            format!("The tag names '{name}' have reserved characters '<,>,%,&,\\,?,/' or control characters.");
        return Err(refused("InvalidTagNameCharacters", message));
    }
    if name.chars().count() > NAME_LIMIT {
        let message = format!(
            "Tag key too large. Following tag name '{name}' exceeded the maximum length. Maximum allowed length for tag \
             name - '{NAME_LIMIT}' characters."
        );
        return Err(refused("InvalidTagName", message));
    }
    if let Some(prefix) = RESERVED_PREFIXES.iter().find(|prefix| folded.starts_with(**prefix)) {
        let message = format!("The tag name '{name}' begins with '{prefix}', which is reserved.");
        return Err(refused("InvalidTagNamePrefix", message));
    }
    Ok(())
}

fn refused(code: &'static str, message: String) -> Refusal {
    Refusal::gateway(StatusCode::BAD_REQUEST, code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(tags: &Value, present: &Value) -> Result<Map<String, Value>, String> {
        let present = Tags::from(present.as_object().cloned().unwrap());
        let tags = Tags::put(&json!({"tags": tags}), Some(&present));
        tags.map(|tags| tags.map()).map_err(|refusal| refusal.code.into_owned())
    }

    #[test]
    fn names_have_no_case_and_keep_the_older_spelling() {
        let there = json!({"CostCenter": "42", "b": "1"});
        assert_eq!(json!(put(&json!({"costcenter": "43"}), &there).unwrap()), json!({"CostCenter": "43"}));
        let tags = Tags::from(there.as_object().cloned().unwrap());
        let merged = tags.merged(json!({"COSTCENTER": "1", "c": "2"}).as_object().cloned().unwrap()).unwrap();
        assert_eq!(json!(merged.map()), json!({"CostCenter": "1", "b": "1", "c": "2"}));
        let without = tags.without(json!({"costcenter": "42", "b": "other"}).as_object().unwrap());
        assert_eq!(json!(without.map()), json!({"b": "1"}));
        assert_eq!(tags.get("costCENTER"), Some(&json!("42")));
        assert_eq!(put(&json!({"a": "1", "A": "2"}), &json!({})).unwrap_err(), "DuplicateTagNames");
    }

    #[test]
    fn none_and_empty_differ() {
        let show = |tags: &Tags| {
            let mut body = Map::new();
            tags.show(&mut body);
            Value::Object(body)
        };
        let empty = Tags::put(&json!({"tags": {}}), None).unwrap();
        assert_eq!(show(&empty), json!({"tags": {}}));
        assert_eq!(show(&empty.patched(&json!({})).unwrap()), json!({"tags": {}}));
        assert_eq!(show(&Tags::put(&json!({}), Some(&empty)).unwrap()), json!({}));
        assert_eq!(show(&Tags::put(&json!({"tags": null}), Some(&empty)).unwrap()), json!({}));
    }

    #[test]
    fn what_azure_refuses() {
        for name in ["app.kubernetes.io/name", "a<b", "a>b", "100%", "a&b", "a\\b", "why?", "a\tb", ""] {
            assert_eq!(put(&json!({name: "x"}), &json!({})).unwrap_err(), "InvalidTagNameCharacters", "{name}");
        }
        for (tags, code) in [
            (json!({"n".repeat(513): "x"}), "InvalidTagName"),
            (json!({"n": "x".repeat(257)}), "InvalidTagValueLength"),
            (json!({"Microsoft.Thing": "x"}), "InvalidTagNamePrefix"),
            (json!({"azure": "x"}), "InvalidTagNamePrefix"),
            (json!({"n": {}}), "InvalidRequestContent"),
            (json!([]), "InvalidRequestContent"),
            ((0..51).map(|number| (number.to_string(), json!("x"))).collect(), "TagsLimitExceeded"),
        ] {
            assert_eq!(put(&tags, &json!({})).unwrap_err(), code, "{tags}");
        }
        let most: Value = (0..50).map(|number| (number.to_string(), json!("x"))).collect();
        assert!(put(&most, &json!({})).is_ok());
        let longest = json!({"n".repeat(512): "ü".repeat(256), "a:b+c.d-e_f ü": "", "hidden-link:/a/b": "", "n": 1});
        assert_eq!(put(&longest, &json!({})).unwrap()["n"], "1");
    }
}
