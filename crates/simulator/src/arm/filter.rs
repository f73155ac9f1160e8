//! `$filter` of the lists of resources and groups: comparisons joined by `and`, as `az` and the SDKs write them.

use crate::error::Refusal;
use crate::store::Resource;
use http::StatusCode;

/// Comparisons of a member with a text, all of which have to hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Filter(Vec<(String, String)>);

/// Members that can be compared.
const MEMBERS: &[&str] = &["resourceType", "name", "location", "resourceGroup", "tagName", "tagValue"];

impl Filter {
    /// Reads a filter; an empty one holds for everything.
    ///
    /// # Errors
    /// `400 InvalidFilterInQueryString` (the text is not confirmed).
    pub fn parse(text: Option<&str>) -> Result<Self, Refusal> {
        let text = text.unwrap_or_default().trim();
        if text.is_empty() {
            return Ok(Self::default());
        }
        let comparisons = text.split(" and ").map(comparison).collect::<Option<_>>();
        comparisons.map(Self).ok_or_else(|| {
            let message = format!(
                "Invalid $filter '{text}' specified in the query string: expected comparisons like \
                 resourceType eq '…' joined by and."
            );
            Refusal::gateway(StatusCode::BAD_REQUEST, "InvalidFilterInQueryString", message)
        })
    }

    /// Whether it holds for a resource.
    pub fn holds(&self, resource: &Resource) -> bool {
        let tag = self.0.iter().find(|(member, _)| member == "tagName").map(|(_, name)| name.as_str());
        self.0.iter().all(|(member, text)| match member.as_str() {
            "resourceType" => resource.kind.eq_ignore_ascii_case(text),
            "name" => resource.name.eq_ignore_ascii_case(text),
            "location" => resource.location.as_deref().is_some_and(|it| it == super::groups::location_of(text)),
            "resourceGroup" => resource.id.split('/').nth(4).is_some_and(|group| group.eq_ignore_ascii_case(text)),
            "tagName" => resource.tags.get(text).is_some(),
            _ => tag.and_then(|tag| resource.tags.get(tag)).is_some_and(|value| value == text),
        })
    }
}

fn comparison(text: &str) -> Option<(String, String)> {
    let (member, value) = text.trim().split_once(" eq ")?;
    let value = value.trim().strip_prefix('\'')?.strip_suffix('\'')?;
    let member = MEMBERS.iter().find(|known| known.eq_ignore_ascii_case(member.trim()))?;
    Some(((*member).to_owned(), value.replace("''", "'")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn comparisons() {
        let resource = Resource {
            id: "/subscriptions/s/resourceGroups/G/providers/T/t/n".to_owned(),
            name: "n".to_owned(),
            kind: "T/t",
            location: Some("westeurope".to_owned()),
            tags: json!({"a": "b'c"}).as_object().cloned().unwrap().into(),
            ..Resource::default()
        };
        for (text, holds) in [
            ("", true),
            ("resourceType eq 't/T'", true),
            ("resourceType eq 'T/t' and name eq 'N' and location eq 'West Europe'", true),
            ("name eq 'm'", false),
            ("resourceGroup eq 'g'", true),
            ("tagName eq 'a'", true),
            ("tagName eq 'a' and tagValue eq 'b''c'", true),
            ("tagname eq 'a' and tagvalue eq 'c'", false),
        ] {
            assert_eq!(Filter::parse(Some(text)).unwrap().holds(&resource), holds, "{text}");
        }
        for text in ["name = 'x'", "name eq x", "colour eq 'x'", "substringof('x', name)"] {
            assert_eq!(Filter::parse(Some(text)).unwrap_err().code, "InvalidFilterInQueryString");
        }
    }
}
