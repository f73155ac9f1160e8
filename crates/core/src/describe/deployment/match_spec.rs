//! Conda's match specifications, as far as needed here: the package, and the version if there is one.
//!
//! The steps follow conda's own parser (conda/conda, `conda/models/match_spec.py`, `_parse_spec_str`).

/// A parsed match specification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchSpec {
    /// The package in lower case, as conda compares names. `*` if it names none.
    pub name: String,
    /// The text before `::`, such as `conda-forge` or `conda-forge/linux-64`.
    pub channel: Option<String>,
    /// The version, without spaces. For a file, the version in its name.
    pub version: Option<String>,
    /// Whether brackets add more, such as a build.
    pub brackets: bool,
}

impl MatchSpec {
    /// Parses any text; conda itself refuses what is invalid.
    pub fn parse(text: &str) -> Self {
        let text = text.trim();
        if let Some(file) = package_file(text) {
            return file;
        }
        let text = text.split('#').next().unwrap_or_default().trim();
        let (text, inside) = brackets(text);
        let said = |key: &str| inside.iter().find(|(name, _)| name == key).map(|(_, value)| value.clone());
        let (channel, text) = text.rsplit_once("::").map_or((None, text), |(above, rest)| (Some(above), rest));
        let text = text.rsplit_once(':').map_or(text, |(_, rest)| rest).trim();
        let end = text.find(|c: char| " =<>!~".contains(c)).unwrap_or(text.len());
        let (name, rest) = text.split_at_checked(end).unwrap_or((text, ""));
        Self {
            name: said("name").unwrap_or_else(|| name.to_owned()).to_lowercase(),
            channel: said("channel").or_else(|| channel.map(|one| one.trim().to_owned())),
            version: said("version").or_else(|| version(rest)),
            brackets: !inside.is_empty(),
        }
    }

    /// The version, if exactly one is pinned: `=3.11`, `==3.11.4` or `3.11.*`, with or without a build.
    pub fn pin(&self) -> Option<&str> {
        let version = self.version.as_deref()?.trim_start_matches('=');
        let version = version.strip_suffix(".*").or_else(|| version.strip_suffix('*')).unwrap_or(version);
        let exact = !version.is_empty() && version.chars().all(|c| c.is_ascii_alphanumeric() || ".!+_".contains(c));
        exact.then_some(version)
    }
}

/// The version after the name: `=3.11`, `==3.11.4`, `=3.11.4=h955ad1f_0`, ` 3.11.* *_cpython`, ` >=3.9, <3.12`.
fn version(rest: &str) -> Option<String> {
    let rest = rest.trim();
    let split = |operator: &str| rest.strip_prefix(operator).filter(|rest| !rest.starts_with('='));
    let text = match split("==").or_else(|| split("=")) {
        Some(version) => version.trim_start().split(['=', ' ']).next().unwrap_or_default().to_owned(),
        None if rest.starts_with(|c: char| c.is_ascii_digit() || c == '*') => {
            rest.split(['=', ' ']).next().unwrap_or_default().to_owned()
        }
        None => rest.chars().filter(|c| !c.is_whitespace()).collect(),
    };
    (!text.is_empty()).then_some(text)
}

/// A package file, by URL or path: `python-3.11.4-h955ad1f_0.conda`. Its digest may follow after `#`.
fn package_file(text: &str) -> Option<MatchSpec> {
    let file = text.split('#').next()?.trim();
    let stem = file.strip_suffix(".conda").or_else(|| file.strip_suffix(".tar.bz2"))?;
    let stem = stem.rsplit(['/', '\\']).next()?;
    let mut parts = stem.rsplitn(3, '-');
    let (_build, version, name) = (parts.next()?, parts.next()?, parts.next()?);
    let name = name.to_lowercase();
    Some(MatchSpec { name, channel: None, version: Some(version.to_owned()), brackets: false })
}

/// Splits off `[key='value', key=value]` at the end.
fn brackets(text: &str) -> (&str, Vec<(String, String)>) {
    let Some((before, inside)) = text.strip_suffix(']').and_then(|text| text.split_once('[')) else {
        return (text, Vec::new());
    };
    (before.trim(), pairs(inside))
}

/// Commas inside quotes belong to the value.
fn pairs(inside: &str) -> Vec<(String, String)> {
    let mut quote = None;
    let parts = inside.split(|c: char| {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            _ => {}
        }
        quote.is_none() && c == ','
    });
    let pair = |part: &str| {
        let (key, value) = part.split_once('=')?;
        let value = value.trim().trim_matches(['\'', '"']);
        Some((key.trim().to_lowercase(), value.to_owned()))
    };
    parts.filter_map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Most forms are those of conda's documentation ("Package match specifications") and of its own tests
    /// (conda/conda, `tests/models/test_match_spec.py`).
    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn table() {
        for (text, name, channel, version, pin) in [
            ("python", "python", None, None, None),
            ("Python", "python", None, None, None),
            ("python=3.11", "python", None, Some("3.11"), Some("3.11")),
            ("python==3.11.4", "python", None, Some("3.11.4"), Some("3.11.4")),
            ("python = 3.11", "python", None, Some("3.11"), Some("3.11")),
            ("python=3.11.7=h955ad1f_0", "python", None, Some("3.11.7"), Some("3.11.7")),
            ("python 3.11.*", "python", None, Some("3.11.*"), Some("3.11")),
            ("python 3.11.* *_cpython", "python", None, Some("3.11.*"), Some("3.11")),
            ("python >=3.9,<3.12", "python", None, Some(">=3.9,<3.12"), None),
            ("python>=3.9, <3.12", "python", None, Some(">=3.9,<3.12"), None),
            ("python~=3.11", "python", None, Some("~=3.11"), None),
            ("python!=3.11", "python", None, Some("!=3.11"), None),
            ("python=3.11|3.12", "python", None, Some("3.11|3.12"), None),
            ("python *", "python", None, Some("*"), None),
            ("conda-forge::python=3.11", "python", Some("conda-forge"), Some("3.11"), Some("3.11")),
            ("conda-forge/linux-64::python=3.11", "python", Some("conda-forge/linux-64"), Some("3.11"), Some("3.11")),
            ("https://conda.example.org/my::python", "python", Some("https://conda.example.org/my"), None, None),
            ("conda-forge::Python", "python", Some("conda-forge"), None, None),
            ("defaults:ns:python=3.11", "python", None, Some("3.11"), Some("3.11")),
            ("python[version='3.11']", "python", None, Some("3.11"), Some("3.11")),
            ("python[version=\">=3.9,<3.12\"]", "python", None, Some(">=3.9,<3.12"), None),
            ("python [version='3.11.*', build='*_cpython']", "python", None, Some("3.11.*"), Some("3.11")),
            ("python[channel=conda-forge]", "python", Some("conda-forge"), None, None),
            ("*[name=python, version=3.11]", "python", None, Some("3.11"), Some("3.11")),
            ("python=3.11 # the newest that works", "python", None, Some("3.11"), Some("3.11")),
            (
                "https://conda.anaconda.org/conda-forge/linux-64/python-3.11.4-hab00c5b_0_cpython.conda",
                "python",
                None,
                Some("3.11.4"),
                Some("3.11.4"),
            ),
            (
                "https://x/linux-64/python-3.11.4-h0_0.tar.bz2#d41d8cd98f00b204e9800998ecf8427e",
                "python",
                None,
                Some("3.11.4"),
                Some("3.11.4"),
            ),
            ("python-dateutil=2.9", "python-dateutil", None, Some("2.9"), Some("2.9")),
            ("python_abi=3.11", "python_abi", None, Some("3.11"), Some("3.11")),
            (
                "https://x/noarch/python-dateutil-2.9.0-pyhd8ed1ab_0.conda",
                "python-dateutil",
                None,
                Some("2.9.0"),
                Some("2.9.0"),
            ),
            ("ipython", "ipython", None, None, None),
            ("", "", None, None, None),
        ] {
            let spec = MatchSpec::parse(text);
            let read = (spec.name.as_str(), spec.channel.as_deref(), spec.version.as_deref(), spec.pin());
            assert_eq!(read, (name, channel, version, pin), "{text}");
        }
    }

    proptest! {
        #[test]
        fn never_panics(text in ".{0,48}") {
            let _ = MatchSpec::parse(&text).pin();
        }

        #[test]
        fn name_and_pin_are_read_in_any_spelling(
            name in "[a-z][a-z0-9_-]{0,12}", version in "[1-9][0-9]?(\\.[0-9]{1,2}){0,2}",
            form in prop::sample::select(vec!["{n}={v}", "{n}=={v}", "{n} = {v}", "{n} {v}", "{n}={v}=b_0", "c::{n}={v}", "{n}[version='{v}']", "{n}[version={v},build=b]"]),
            upper: bool,
        ) {
            let written = if upper { name.to_uppercase() } else { name.clone() };
            let spec = MatchSpec::parse(&form.replace("{n}", &written).replace("{v}", &version));
            prop_assert_eq!((spec.name.as_str(), spec.pin()), (name.as_str(), Some(version.as_str())));
        }
    }
}
