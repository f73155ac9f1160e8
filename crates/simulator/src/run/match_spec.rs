//! Conda's way to name a package and its versions (conda documentation, "Package match specification").

use super::conda::Refused;

/// `[channel[/subdir]::]name[version[build]]`, or with `[key=value,…]` at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MatchSpec {
    /// In lower case, as conda compares.
    pub name: String,
    /// PEP 440 specifiers joined by commas; empty for any version. Builds and channels don't exist on the Python index.
    pub version: String,
}

impl MatchSpec {
    /// Reads one.
    ///
    /// # Errors
    /// It has no name, or says something that has no equivalent on the Python index.
    pub fn parse(spec: &str) -> Result<Self, Refused> {
        let text = spec.split('#').next().unwrap_or_default().trim();
        let (text, mut version) = match text.split_once('[') {
            None => (text, None),
            Some((before, inside)) => (before.trim(), bracketed(spec, inside)?),
        };
        let bare = text.rsplit(':').next().unwrap_or(text).trim();
        let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(bare.len());
        let (name, rest) = bare.split_at_checked(end).unwrap_or((bare, ""));
        if name.is_empty() {
            let what = format!("conda dependency {spec:?} can't be read; write name, name=version or name>=version");
            return Err(Refused::Mistake(what));
        }
        if version.is_none() {
            version = Some(rest.trim().to_owned());
        }
        let version = version.unwrap_or_default();
        if version.contains(['|', '(', '^']) {
            let what = format!(
                "conda dependency {spec:?}: alternative versions are not supported by this simulator; name one"
            );
            return Err(Refused::Limit(what));
        }
        Ok(Self { name: name.to_ascii_lowercase(), version: specifiers(&version) })
    }
}

/// The version in `version='>=1',build=…]`.
fn bracketed(spec: &str, inside: &str) -> Result<Option<String>, Refused> {
    let unreadable = || Refused::Mistake(format!("conda dependency {spec:?} can't be read: a bracket is not closed"));
    let inside = inside.strip_suffix(']').ok_or_else(unreadable)?;
    let mut rest = inside;
    while let Some((key, after)) = rest.split_once('=') {
        let after = after.trim_start();
        let quote = after.chars().next().filter(|first| ['\'', '"'].contains(first));
        let (value, more) = match quote {
            Some(quote) => after.get(1..).and_then(|value| value.split_once(quote)).ok_or_else(unreadable)?,
            None => {
                after.split_once(',').map_or((after, ""), |(value, _)| (value, after.get(value.len()..).unwrap_or("")))
            }
        };
        if key.trim_matches([',', ' ']) == "version" {
            return Ok(Some(value.trim().to_owned()));
        }
        rest = more;
    }
    Ok(Some(String::new()))
}

/// Each part between commas by itself.
fn specifiers(version: &str) -> String {
    let parts = version.split(',').map(|part| specifier(part.trim())).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join(",")
}

fn specifier(version: &str) -> String {
    let operator = version.find(|c: char| !"=<>!~".contains(c)).unwrap_or(version.len());
    let (operator, rest) = version.split_at_checked(operator).unwrap_or(("", version));
    // What follows the version is its build.
    let number = rest.trim().split(['=', ' ']).next().unwrap_or_default();
    match (operator, number) {
        (_, "" | "*") => String::new(),
        ("==" | "", exact) => format!("=={}", dotted(exact)),
        ("=", prefix) => {
            // `=1.3` is 1.3 and everything below it; three parts name a release.
            let whole = prefix.matches('.').count() >= 2 || prefix.ends_with('*');
            if whole { format!("=={}", dotted(prefix)) } else { format!("=={prefix}.*") }
        }
        ("!=", other) => format!("!={}", dotted(other)),
        // A star adds nothing after these.
        (operator, other) => format!("{operator}{}", other.trim_end_matches(['*', '.'])),
    }
}

/// `1.3*` is `1.3.*` (nearly: it is 1.30 too).
fn dotted(version: &str) -> String {
    match version.strip_suffix('*') {
        Some(start) => format!("{}.*", start.trim_end_matches('.')),
        None => version.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_has_its_specifier() {
        for (spec, name, version) in [
            ("numpy", "numpy", ""),
            ("scikit-learn=1.3.2", "scikit-learn", "==1.3.2"),
            ("scikit-learn=1.3", "scikit-learn", "==1.3.*"),
            ("scikit-learn=1.3.*", "scikit-learn", "==1.3.*"),
            ("scikit-learn 1.3.*", "scikit-learn", "==1.3.*"),
            ("scikit-learn=1.3*", "scikit-learn", "==1.3.*"),
            ("numpy==1.26.4", "numpy", "==1.26.4"),
            ("numpy=1.26.4=py311h64a7726_0", "numpy", "==1.26.4"),
            ("numpy==1.26.4=py311h64a7726_0", "numpy", "==1.26.4"),
            ("numpy 1.26.4", "numpy", "==1.26.4"),
            ("numpy 1.26.4 py311_0", "numpy", "==1.26.4"),
            ("numpy =1.26", "numpy", "==1.26.*"),
            ("numpy *", "numpy", ""),
            ("conda-forge::numpy>=1.20, <2", "numpy", ">=1.20,<2"),
            ("conda-forge/linux-64::Python=3.11", "python", "==3.11.*"),
            ("defaults:ns:python >= 3.9", "python", ">=3.9"),
            ("PYTHON!=3.9.*", "python", "!=3.9.*"),
            ("python~=3.10", "python", "~=3.10"),
            ("python>=3.8.*", "python", ">=3.8"),
            ("python[version='>=3.9,<3.12',build=x]", "python", ">=3.9,<3.12"),
            ("conda-forge::python[build=x, version=3.11]", "python", "==3.11"),
            ("python[channel=conda-forge]", "python", ""),
            ("numpy=1.26  # why", "numpy", "==1.26.*"),
        ] {
            let read = MatchSpec::parse(spec).unwrap();
            assert_eq!((read.name.as_str(), read.version.as_str()), (name, version), "{spec}");
        }
        assert!(matches!(MatchSpec::parse("numpy=1.24|1.26"), Err(Refused::Limit(_))));
        for spec in ["", "=1.0", "::", "numpy[version='>1'", "numpy[version='>1]"] {
            assert!(matches!(MatchSpec::parse(spec), Err(Refused::Mistake(_))), "{spec}");
        }
    }
}
