//! Text from elsewhere on its way to status, events and logs: build logs, Python tracebacks, Azure's messages.

use regex_lite::Regex;
use std::sync::LazyLock;

/// Longest text that leaves the scrubber, in characters.
pub const LONGEST: usize = 256;

static PATTERNS: LazyLock<Vec<(Regex, &'static str)>> = LazyLock::new(|| {
    let patterns = [
        // user info in URLs
        (r"([A-Za-z][A-Za-z0-9+.-]*://)[^/\s@'\x22]+@", "${1}***@"),
        // the query of a shared access signature; `sig` alone is the secret, the rest tells nobody anything
        (r"\?[^\s'\x22]*\bsig=[^\s'\x22]*", "?***"),
        (
            r"(?i)\b(sig|code|token|password|pwd|secret|accountkey|sharedaccesskey|client_secret|client_assertion|api[_-]?key)(\s*[=:]\s*)[^\s&;,'\x22]+",
            "${1}${2}***",
        ),
        (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", "${1} ***"),
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*", "***"),
        (r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)", "***"),
        // storage account keys: 64 bytes in base64
        (r"[A-Za-z0-9+/]{86}==", "***"),
    ];
    patterns.into_iter().filter_map(|(pattern, with)| Regex::new(pattern).ok().map(|regex| (regex, with))).collect()
});

/// Removes what must not be seen: secrets by form, and the secret values it was told.
#[derive(Clone, Default)]
pub struct Scrubber {
    secrets: Vec<String>,
}

impl Scrubber {
    /// A scrubber that also knows these values; values under four characters are not secrets.
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        Self { secrets: secrets.into_iter().filter(|secret| secret.len() >= 4).collect() }
    }

    /// The text without the values it was told.
    pub fn hide(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| text.replace(secret.as_str(), "***"))
    }

    /// The same scrubber, which knows what another one knows as well.
    #[must_use]
    pub fn with(mut self, other: Self) -> Self {
        self.secrets.extend(other.secrets);
        self
    }

    /// One line of at most [`LONGEST`] characters without secrets and control characters.
    pub fn clean(&self, text: &str) -> String {
        let mut text = self.hide(text);
        for (pattern, with) in PATTERNS.iter() {
            text = pattern.replace_all(&text, *with).into_owned();
        }
        let line = text
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        if line.chars().count() <= LONGEST {
            return line;
        }
        line.chars().take(LONGEST - 1).chain(['…']).collect()
    }
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

    proptest! {
        #[test]
        fn a_canary_never_leaves(before in ".{0,300}", after in ".{0,300}") {
            let cleaned = Scrubber::new(["c4nary-c4nary".to_owned()]).clean(&format!("{before}c4nary-c4nary{after}"));
            prop_assert!(!cleaned.contains("c4nary-c4nary") && cleaned.chars().count() <= LONGEST);
        }
    }
}
