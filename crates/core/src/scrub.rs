//! Scrubs foreign text on its way to status, events and logs: build logs, Python tracebacks, Azure's messages.

use regex_lite::Regex;
use std::sync::LazyLock;

/// Longest text that leaves the scrubber, in characters: one or two sentences, several of which fit a message (see `fit`).
pub const LONGEST: usize = 256;
/// How much of a long text's beginning, and of its end, is read, in bytes: searching for secrets takes time, and only 256
/// characters are kept.
pub const LOOKED_AT: usize = 8 << 10;

/// A form that secrets have.
struct Pattern {
    /// One of these stands in every match, whatever its case. Most texts have none of them, and searching for a pattern took
    /// a tenth of a reconcile's processor time.
    hints: &'static [&'static str],
    form: Regex,
    instead: &'static str,
}

static PATTERNS: LazyLock<Vec<Pattern>> = LazyLock::new(|| {
    let patterns: [(&[&str], &str, &str); 7] = [
        // user info in URLs
        (&["@"], r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@'\x22]+@", "${1}***@"),
        // the query of a shared access signature; only `sig` is secret, but the rest helps nobody
        (&["sig="], r"\?[^\s'\x22]*\bsig=[^\s'\x22]*", "?***"),
        (
            &["sig", "code", "token", "password", "pwd", "secret", "key", "client_assertion"],
            r"(?i)\b(sig|code|token|password|pwd|secret|accountkey|sharedaccesskey|client_secret|client_assertion|api[_-]?key)(\s*[=:]\s*)[^\s&;,'\x22]+",
            "${1}${2}***",
        ),
        (&["bearer", "basic"], r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", "${1} ***"),
        (&["eyj"], r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "***"),
        (&["-----begin "], r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)", "***"),
        // storage account keys: 64 bytes in base64
        (&["=="], r"[A-Za-z0-9+/]{86}==", "***"),
    ];
    let compiled = |(hints, form, instead)| Some(Pattern { hints, form: Regex::new(form).ok()?, instead });
    patterns.into_iter().filter_map(compiled).collect()
});

/// Removes secrets: by their form, and the values it was given.
#[derive(Clone, Default)]
pub struct Scrubber {
    secrets: Vec<String>,
}

impl Scrubber {
    /// A scrubber that also knows these values. Values of less than four characters are ignored: they would hide
    /// harmless text.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        Self { secrets: secrets.into_iter().filter(|secret| secret.len() >= 4).collect() }
    }

    /// The text without the known values.
    pub fn hide(&self, text: &str) -> String {
        let hide = |text: String, secret: &String| match text.contains(secret.as_str()) {
            true => text.replace(secret.as_str(), "***"),
            false => text,
        };
        self.secrets.iter().fold(text.to_owned(), hide)
    }

    /// Adds the values that another scrubber knows.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.secrets.extend(other.secrets);
        self
    }

    /// One line of at most [`LONGEST`] characters without secrets and control characters. If it is longer, Azure ids
    /// are shortened to kind and name, and then the middle is cut: what was tried is at the beginning, and what went
    /// wrong at the end. Of a text beyond 16 KiB only both ends are read.
    pub fn clean(&self, text: &str) -> String {
        let mut text = ends(self.hide(text));
        let folded = text.to_ascii_lowercase();
        for Pattern { hints, form, instead } in PATTERNS.iter() {
            if hints.iter().any(|hint| folded.contains(hint)) {
                text = form.replace_all(&text, *instead).into_owned();
            }
        }
        let line = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        fitted(line, LONGEST)
    }
}

/// Beginning and end of a long text, in whole words: a secret that is cut can't be recognised by its form.
fn ends(text: String) -> String {
    if text.len() <= 2 * LOOKED_AT {
        return text;
    }
    let (head, tail) = (text.floor_char_boundary(LOOKED_AT), text.ceil_char_boundary(text.len() - LOOKED_AT));
    let (head, tail) = (text.get(..head).unwrap_or_default(), text.get(tail..).unwrap_or_default());
    let head = head.rsplit_once(char::is_whitespace).map_or("", |(whole, _)| whole);
    let tail = tail.split_once(char::is_whitespace).map_or("", |(_, whole)| whole);
    format!("{head} … {tail}")
}

/// A text of at most `longest` characters: with short ids if it is longer, and cut in the middle if it still is.
pub fn fitted(text: String, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text;
    }
    let text = short_ids(&text);
    let length = text.chars().count();
    if length <= longest {
        return text;
    }
    let tail = longest / 3;
    let head = text.chars().take(longest.saturating_sub(tail + 1));
    let tail = text.chars().skip(length - tail);
    head.chain(['…']).chain(tail).collect()
}

/// Shortens Azure Resource Manager ids to kinds and names, such as `networkSecurityGroups/g/securityRules/r`.
fn short_ids(text: &str) -> String {
    static ID: LazyLock<Option<Regex>> = LazyLock::new(|| {
        let id =
            r"(?i)/subscriptions/[^/\s'\x22]+/(?:resourceGroups/[^/\s'\x22]+/providers/[^/\s'\x22]+/)?([^\s'\x22,;)]+)";
        Regex::new(id).ok()
    });
    match &*ID {
        Some(id) => id.replace_all(text, "$1").into_owned(),
        None => text.to_owned(),
    }
}

/// `before`, as many items as fit into one line of at most [`LONGEST`] characters, how many more there are, and `after`.
pub fn list(before: &str, items: &[String], after: &str) -> String {
    let more = |left: usize| if left == 0 { String::new() } else { format!(" and {left} more") };
    let text = |shown: usize| {
        let some = items.iter().take(shown).map(String::as_str).collect::<Vec<_>>().join(", ");
        format!("{before}{some}{}{after}", more(items.len() - shown))
    };
    let fits = |shown: &usize| text(*shown).chars().count() <= LONGEST;
    // as many as fit; if not even one does, its beginning
    let shown = (1..=items.len().min(LONGEST / 2)).take_while(fits).last().unwrap_or(1).min(items.len());
    clean(&text(shown))
}

/// [`Scrubber::clean`] without known values.
pub fn clean(text: &str) -> String {
    Scrubber::default().clean(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        let scrubber = Scrubber::new(["hunter22".to_owned()]);
        for (text, expected) in [
            ("pip: https://bob:pw@example.org/simple failed", "pip: https://***@example.org/simple failed"),
            (
                "GET https://a.blob.core.windows.net/c/b?sv=1&sig=abc%3D&se=2 403",
                "GET https://a.blob.core.windows.net/c/b?*** 403",
            ),
            ("Authorization: Bearer abcdefgh.ijkl", "Authorization: Bearer ***"),
            ("token eyJhbGciOiJSUzI1NiJ9.eyJhIjoxfQ.c2ln end", "token *** end"),
            ("AccountKey=Zm9v; x", "AccountKey=***; x"),
            ("client_secret=hunter22&x=1", "client_secret=***&x=1"),
            ("it says hunter22", "it says ***"),
            ("ValueError: bad\n\tshape", "ValueError: bad shape"),
        ] {
            assert_eq!(scrubber.clean(text), expected);
        }
    }

    #[test]
    fn the_point_outlives_the_cut() {
        let group = "/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/a-resource-group-of-a-team/providers/Microsoft.Network/networkSecurityGroups/rulensg";
        let said = format!(
            "PUT rulensg: 400 SecurityRuleInvalidPortRange: Security rule {group}/securityRules/web has invalid Port range. Value provided: 80,443. \
             Value should be an integer OR integer range with '-' delimiter. Valid range 0-65535."
        );
        let cleaned = clean(&said);
        assert!(cleaned.contains("Security rule networkSecurityGroups/rulensg/securityRules/web has"), "{cleaned}");
        assert!(cleaned.contains("80,443") && cleaned.ends_with("Valid range 0-65535."), "{cleaned}");
        let long = clean(&format!("PUT x: {} the disk is full", "filler ".repeat(100)));
        assert!(long.starts_with("PUT x: filler") && long.ends_with("the disk is full"), "{long}");
        assert_eq!(long.chars().count(), LONGEST);
        let short = format!("{group} is not there");
        assert_eq!(clean(&short), short, "what fits keeps the whole id");
        let scope = format!(
            "role on /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/g, {}",
            "x".repeat(300)
        );
        assert!(clean(&scope).starts_with("role on resourceGroups/g, x"), "{}", clean(&scope));
    }

    #[test]
    fn of_a_text_without_end_begin_and_end_are_looked_at() {
        assert_eq!(ends("é".repeat(LOOKED_AT)), "é".repeat(LOOKED_AT), "what is no longer is whole");
        let long = format!("PUT x: {}sig=abcdef is wrong", "é ".repeat(1 << 17));
        assert!(ends(long.clone()).len() < 2 * LOOKED_AT + 8);
        let cleaned = clean(&long);
        assert!(cleaned.starts_with("PUT x: é") && cleaned.ends_with("é sig=*** is wrong"), "{cleaned}");
    }

    #[test]
    fn a_list_says_how_many_more_there_are() {
        let names: Vec<String> =
            (0..99).map(|n| format!("NetworkSecurityGroup/nsg-mr properties.securityRules[rule-{n}]")).collect();
        let text = list("Azure differs in ", &names, "; see status.drift");
        assert!(text.chars().count() <= LONGEST && text.ends_with(" more; see status.drift"), "{text}");
        assert_eq!(list("a ", &names[..1], ""), format!("a {}", names[0]));
        assert_eq!(list("a ", &[], "."), "a .");
        let long = list("a ", &["ü".repeat(999), "b".to_owned()], " end");
        assert!(long.chars().count() == LONGEST && long.ends_with("ü and 1 more end"), "{long}");
    }

    proptest! {
        #[test]
        fn nothing_is_longer_than_allowed(text in ".{0,900}", longest in 1usize..300) {
            prop_assert!(fitted(text, longest).chars().count() <= longest);
        }


        #[test]
        fn a_canary_never_leaves(before in ".{0,300}", after in ".{0,300}") {
            let cleaned = Scrubber::new(["c4nary-c4nary".to_owned()]).clean(&format!("{before}c4nary-c4nary{after}"));
            prop_assert!(!cleaned.contains("c4nary-c4nary") && cleaned.chars().count() <= LONGEST);
        }
    }
}
