//! Filters and pages of the lists of models, assets and services.

use serde_json::{Map, Value, json};

use super::problem::Problem;
use crate::call::Query;

/// `key` or `key=value`, several joined by commas; all must hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Pairs(Vec<(String, Option<String>)>);

impl Pairs {
    /// Reads the value of a `tags` or `properties` parameter.
    pub fn parse(text: Option<&str>) -> Self {
        let pairs = text.unwrap_or_default().split(',').filter(|pair| !pair.is_empty());
        Self(
            pairs
                .map(|pair| match pair.split_once('=') {
                    Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
                    None => (pair.to_owned(), None),
                })
                .collect(),
        )
    }

    /// Whether `map` has every key, with its value where one is asked for.
    pub fn hold(&self, map: Option<&Map<String, Value>>) -> bool {
        let has = |key: &str, value: &Option<String>| {
            let found = map.and_then(|map| map.get(key));
            found.is_some_and(|found| value.as_deref().is_none_or(|value| found.as_str() == Some(value)))
        };
        self.0.iter().all(|(key, value)| has(key, value))
    }
}

/// One page of a list.
#[derive(Debug)]
pub struct Page {
    /// What to show.
    pub items: Vec<Value>,
    /// `$skipToken` of the next page.
    pub next: Option<usize>,
}

/// Cuts the page that `count` and `$skipToken` (or `offset`) ask for; `most` is the server's own limit.
///
/// # Errors
/// A count, token or offset that is not a number.
pub fn page(items: Vec<Value>, query: &Query, most: usize) -> Result<Page, Problem> {
    let number = |name: &str| match query.get(name) {
        None | Some("") => Ok(None),
        Some(text) => text
            .parse::<usize>()
            .map(Some)
            .map_err(|_| Problem::invalid("InvalidQueryParameter", format!("{name}={text} is not a number"))),
    };
    let size = number("count")?.unwrap_or(most).clamp(1, most.max(1));
    let start = number("$skipToken")?.or(number("offset")?).unwrap_or(0);
    let end = start.saturating_add(size);
    let next = (items.len() > end).then_some(end);
    Ok(Page { items: items.into_iter().skip(start).take(size).collect(), next })
}

/// A page of the lists that a client continues by sending a token: `{"value", "continuationToken"}`.
///
/// # Errors
/// A token that was not issued.
pub fn continued(items: Vec<Value>, token: Option<&str>, most: usize) -> Result<Value, Problem> {
    let unknown =
        |token: &str| Problem::invalid("InvalidContinuationToken", format!("{token:?} is no token of a list."));
    let start = token.filter(|token| !token.is_empty());
    let start = start.map_or(Ok(0), |token| token.parse::<usize>().map_err(|_| unknown(token)))?;
    let end = start.saturating_add(most.max(1));
    let next = (items.len() > end).then(|| end.to_string());
    let value: Vec<_> = items.into_iter().skip(start).take(most.max(1)).collect();
    Ok(json!({"value": value, "continuationToken": next}))
}

/// The address of the next page: the same request with another `$skipToken`.
pub fn next_link(base_url: &str, path: &str, query: &Query, next: usize) -> String {
    let mut text = form_urlencoded::Serializer::new(String::new());
    for (name, value) in query.iter().filter(|(name, _)| *name != "$skipToken" && *name != "offset") {
        text.append_pair(name, value);
    }
    text.append_pair("$skipToken", &next.to_string());
    format!("{base_url}{path}?{}", text.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_values_must_all_hold() {
        let map = json!({"owner": "me", "hash": "abc", "empty": ""});
        let holds = |text: &str| Pairs::parse(Some(text)).hold(map.as_object());
        assert!(holds("") && holds("owner") && holds("owner=me,hash=abc") && holds("empty="));
        assert!(!holds("owner=you") && !holds("owner,absent") && !holds("hash=ab"));
        assert!(!Pairs::parse(Some("owner")).hold(None));
    }

    #[test]
    fn pages_follow_one_another_and_end() {
        let items: Vec<_> = (0..5).map(|n| json!(n)).collect();
        let cut = |query: &str| page(items.clone(), &Query::parse(Some(query)), 100).unwrap();
        let first = cut("count=2");
        assert_eq!((first.items, first.next), (vec![json!(0), json!(1)], Some(2)));
        let last = cut("count=2&$skipToken=4");
        assert_eq!((last.items, last.next), (vec![json!(4)], None));
        assert_eq!(cut("count=5").next, None);
        assert!(page(items.clone(), &Query::parse(Some("count=x")), 100).is_err());
    }

    #[test]
    fn a_token_goes_on_where_the_page_ended() {
        let items = vec![json!(1), json!(2), json!(3)];
        let first = continued(items.clone(), None, 2).unwrap();
        assert_eq!(first, json!({"value": [1, 2], "continuationToken": "2"}));
        assert_eq!(continued(items.clone(), Some("2"), 2).unwrap(), json!({"value": [3], "continuationToken": null}));
        assert!(continued(items, Some("x"), 2).is_err());
    }

    #[test]
    fn the_next_link_repeats_the_request() {
        let query = Query::parse(Some("name=m&count=1&$skipToken=1"));
        assert_eq!(next_link("https://h", "/p", &query, 2), "https://h/p?name=m&count=1&%24skipToken=2");
    }
}
