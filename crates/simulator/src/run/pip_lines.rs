//! Lines of a conda file's pip section, which Azure writes into a requirements file ("Requirements File Format").

use super::conda::{Refused, Requirements};

/// Options that uv reads in a requirements file as pip does; whether a value follows.
const OPTIONS: &[(&str, bool)] = &[
    ("--index-url", true),
    ("--extra-index-url", true),
    ("--find-links", true),
    ("--no-index", false),
    ("--no-binary", true),
    ("--only-binary", true),
];
/// Short and older names.
const ALIASES: &[(&str, &str)] = &[
    ("-i", "--index-url"),
    ("-f", "--find-links"),
    ("--pypi-url", "--index-url"),
    ("-r", "--requirement"),
    ("-e", "--editable"),
    ("-c", "--constraint"),
    ("-U", "--upgrade"),
];
/// Options without effect in a new environment; whether a value follows.
const WITHOUT_EFFECT: &[(&str, bool)] = &[
    ("--upgrade", false),
    ("--no-cache-dir", false),
    ("--prefer-binary", false),
    ("--quiet", false),
    ("--disable-pip-version-check", false),
    ("--use-feature", true),
    ("--progress-bar", true),
    ("--timeout", true),
    ("--retries", true),
];

/// Whether a line is an option whose value must be on the next line.
pub fn lacks_value(line: &str) -> bool {
    let name = long(line.trim());
    OPTIONS.iter().chain(WITHOUT_EFFECT).any(|(known, takes_value)| *known == name && *takes_value)
        || name == "--trusted-host"
}

fn long(name: &str) -> &str {
    ALIASES.iter().find(|(short, _)| *short == name).map_or(name, |(_, long)| long)
}

/// Adds what a line asks for.
///
/// # Errors
/// What Azure's build could not find either, and what is not supported here.
pub fn read(line: &str, found: &mut Requirements) -> Result<(), Refused> {
    let line = line.trim();
    let line = line.split(" #").next().unwrap_or(line).trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(());
    }
    // A variable would be expanded on the machine that builds.
    if line.contains("${") {
        let what = format!("pip requirement {:?}: this simulator does not expand environment variables", masked(line));
        return Err(Refused::Limit(what));
    }
    if line.starts_with('-') { option(line, found) } else { requirement(line, found) }
}

fn option(line: &str, found: &mut Requirements) -> Result<(), Refused> {
    let (given, value) = split(line);
    let name = long(given);
    let known = |list: &[(&str, bool)]| list.iter().find(|(known, _)| *known == name).map(|(_, takes)| *takes);
    if let Some(takes_value) = known(OPTIONS) {
        if takes_value && value.is_empty() {
            return Err(Refused::Mistake(format!("pip option {name} has no value")));
        }
        if name == "--find-links" && !is_url(value) {
            return Err(missing(name, value));
        }
        found.options.push(format!("{name} {value}").trim().to_owned());
        return Ok(());
    }
    if known(WITHOUT_EFFECT).is_some() {
        found.notes.push(format!("pip option {name} is left out: it makes no difference in a new environment"));
        return Ok(());
    }
    match name {
        "--pre" => found.arguments.extend(["--prerelease".to_owned(), "allow".to_owned()]),
        "--trusted-host" => found.arguments.extend(["--allow-insecure-host".to_owned(), value.to_owned()]),
        "--requirement" | "--constraint" if is_url(value) => {
            return Err(Refused::Limit(format!(
                "pip option {name} {}: this simulator does not fetch files",
                masked(value)
            )));
        }
        "--editable" if value.contains("://") => return requirement(value, found),
        // Only the conda file itself is sent to Azure.
        "--requirement" | "--constraint" | "--editable" => return Err(missing(name, value)),
        _ => return Err(Refused::Limit(format!("pip option {name} is not known to this simulator"))),
    }
    Ok(())
}

/// `--name=value`, `--name value`, `-nvalue`.
fn split(line: &str) -> (&str, &str) {
    let (name, value) = match line.find(['=', ' ', '\t']) {
        Some(at) => line.split_at_checked(at).unwrap_or((line, "")),
        None => (line, ""),
    };
    let value = value.trim_start_matches(['=', ' ', '\t']).trim();
    let is_glued = !name.starts_with("--") && name.len() > 2 && value.is_empty();
    if is_glued { name.split_at_checked(2).unwrap_or((name, "")) } else { (name, value) }
}

fn requirement(line: &str, found: &mut Requirements) -> Result<(), Refused> {
    let (target, is_named) = match line.split_once('@') {
        Some((name, target)) if !name.contains([':', '/']) => (target.trim(), true),
        _ => (line, false),
    };
    let is_place = is_named || target.contains("://") || target.starts_with('.') || target.contains(['/', '\\']);
    if !is_place || is_url(target) {
        found.packages.push(line.to_owned());
        return Ok(());
    }
    match target.split_once("://") {
        Some((scheme, _)) if scheme != "file" => {
            let what =
                format!("pip requirement {:?}: this simulator does not support {scheme}; use https", masked(line));
            Err(Refused::Limit(what))
        }
        _ => Err(missing("requirement", line)),
    }
}

/// What can be fetched from here.
fn is_url(text: &str) -> bool {
    ["https://", "http://", "git+https://", "git+http://"].iter().any(|scheme| text.starts_with(scheme))
}

/// A file that is missing in Azure's build too, in pip's words.
fn missing(what: &str, path: &str) -> Refused {
    Refused::Mistake(format!(
        "pip {what} {:?}: no such file or directory; Azure builds from the conda file alone, without the files beside it",
        masked(path)
    ))
}

/// Without user and password of a URL.
pub fn masked(text: &str) -> String {
    let Some((scheme, rest)) = text.split_once("://") else { return text.to_owned() };
    let end = rest.find(['/', ' ', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    let host = authority.rsplit_once('@').map_or(authority.to_owned(), |(_, host)| format!("****@{host}"));
    format!("{scheme}://{host}{}", masked(path))
}
