//! A conda environment file, in the form of Azure ML's environment definition.

use super::match_spec::MatchSpec;
use serde_json::{Map, Value, json};

/// The Python that is added if the file names none, or no version, as `azureml-core` 1.61 does
/// (`Environment.from_conda_specification`).
pub const DEFAULT_PYTHON: &str = "python=3.10.18";

/// Keys of a conda file (`azureml-core` 1.61, `CondaDependencies`, which refuses others).
const MEMBERS: [&str; 5] = ["name", "channels", "dependencies", "prefix", "variables"];

/// Longest conda file, in bytes. One with a thousand packages, versions and builds has about 50 KB.
pub const LONGEST: usize = 64 << 10;
/// Most entries of a conda file: packages, channels and variables together. `conda env export` of a whole Anaconda
/// distribution lists about 500.
pub const MOST_ENTRIES: usize = 1000;
/// Deepest nesting. A package in the list of `pip` is four levels deep; 16 leaves room and keeps the parser's stack small.
pub const DEEPEST: usize = 16;
/// Most aliases (`*name`). Each repeats its anchor's content, so that nested ones grow exponentially; real files have few.
pub const MOST_ALIASES: usize = 16;

/// Reads a conda file. `Err` says what is wrong with it and where.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut file = yaml(text)?;
    let entries = entries(&file);
    if entries > MOST_ENTRIES {
        return Err(format!("has {entries} entries, more than {MOST_ENTRIES}; list only what the script imports"));
    }
    if let Some(other) = file.as_object().and_then(|file| file.keys().find(|key| !MEMBERS.contains(&key.as_str()))) {
        return Err(format!("`{other}` is not a key of a conda environment file"));
    }
    no_user_info(&file)?;
    let Some(dependencies) = file.get_mut("dependencies") else {
        return Err("`dependencies` is missing; a conda environment file lists its packages there".into());
    };
    let Value::Array(list) = dependencies else {
        return Err("`dependencies` is not a list".into());
    };
    for (at, one) in list.iter().enumerate() {
        check(one).map_err(|why| format!("dependencies[{at}]: {why}"))?;
    }
    one_python(list)?;
    with_python(list);
    Ok(file)
}

/// Why no text was read of a file of this size, in bytes.
pub(super) fn not_text(size: u64) -> String {
    match size > LONGEST as u64 {
        true => format!("has {size} bytes, more than {LONGEST}; list only what the script imports"),
        false => "not UTF-8 text".to_owned(),
    }
}

/// Reads YAML within bounds, so that no file can expand far beyond its own length.
fn yaml(text: &str) -> Result<Value, String> {
    if text.len() > LONGEST {
        return Err(not_text(text.len() as u64));
    }
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_depth: DEEPEST, max_aliases: MOST_ALIASES },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: 2 * MOST_ENTRIES },
        with_snippet: false
    };
    let read = serde_saphyr::from_str_with_options(text, options);
    read.map_err(|error| format!("not YAML: {}", first_line(&error.to_string())))
}

/// The number of leaves.
fn entries(value: &Value) -> usize {
    match value {
        Value::Array(list) => list.iter().map(entries).sum(),
        Value::Object(map) => map.values().map(entries).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
    }
}

/// The specification of Python, if the dependency is one in any of conda's spellings.
fn python(one: &Value) -> Option<MatchSpec> {
    one.as_str().map(MatchSpec::parse).filter(|spec| spec.name == "python")
}

/// Gives Python a version, where the file names it or else at the end. A channel or brackets stay.
fn with_python(list: &mut Vec<Value>) {
    let pythons: Vec<(usize, MatchSpec)> =
        list.iter().enumerate().filter_map(|(at, one)| Some((at, python(one)?))).collect();
    if pythons.iter().any(|(_, spec)| spec.version.is_some()) {
        return;
    }
    let bare = pythons.into_iter().find(|(_, spec)| !spec.brackets);
    match bare.and_then(|(at, spec)| Some((list.get_mut(at)?, spec.channel))) {
        Some((place, None)) => *place = DEFAULT_PYTHON.into(),
        Some((place, Some(channel))) => *place = format!("{channel}::{DEFAULT_PYTHON}").into(),
        None => list.push(DEFAULT_PYTHON.into()),
    }
}

/// Refuses two versions of Python at once. Conda finds out after minutes, in words that name neither line.
fn one_python(list: &[Value]) -> Result<(), String> {
    let pins: Vec<(&str, String)> =
        list.iter().filter_map(|one| Some((one.as_str()?.trim(), python(one)?.pin()?.to_owned()))).collect();
    let Some(((first, pin), others)) = pins.split_first() else { return Ok(()) };
    let within =
        |one: &str, other: &str| one == other || one.strip_prefix(other).is_some_and(|rest| rest.starts_with('.'));
    match others.iter().find(|(_, other)| !within(pin, other) && !within(other, pin)) {
        Some((other, _)) => {
            Err(format!("dependencies: `{first}` and `{other}` ask for two versions of Python; keep one"))
        }
        None => Ok(()),
    }
}

fn check(one: &Value) -> Result<(), String> {
    match one {
        Value::String(name) if !name.trim().is_empty() => Ok(()),
        Value::Object(map)
            if map.len() == 1
                && map.get("pip").and_then(Value::as_array).is_some_and(|list| list.iter().all(Value::is_string)) =>
        {
            Ok(())
        }
        Value::Object(map) if map.contains_key("pip") => {
            Err("`pip` must be the only key and hold a list of strings".into())
        }
        _ => Err("must be a string such as `numpy=1.26`, or `pip:` with a list of strings".into()),
    }
}

/// Refuses URLs with user info: the password would stand in Azure's environment definition, readable by everyone who
/// can see it.
fn no_user_info(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let mut authorities =
                text.split("://").skip(1).map(|rest| rest.split(['/', ' ']).next().unwrap_or_default());
            if authorities.any(|authority| authority.contains('@')) {
                return Err("a URL contains user info (`user:password@`), which Azure ML would store in plain text; use an index without it, or a connection of the workspace".into());
            }
            Ok(())
        }
        Value::Array(list) => list.iter().try_for_each(no_user_info),
        Value::Object(map) => map.values().try_for_each(no_user_info),
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(160).collect()
}

/// The base of an environment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Base<'a> {
    /// The image.
    pub image: &'a str,
    /// Version of the inferencing stack that Azure ML adds.
    pub inferencing_stack: Option<&'a str>,
}

/// The environment definition with these conda dependencies (`azureml-core` 1.61 `Environment`, serialised).
pub fn environment(
    name: &str,
    conda: &Value,
    base: &Base<'_>,
    entry_script: &str,
    variables: &[(String, String)],
) -> Value {
    let mut environment = Map::from_iter([("EXAMPLE_ENV_VAR".to_owned(), "EXAMPLE_VALUE".into())]);
    environment.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone().into())));
    environment.insert("AZUREML_ENTRY_SCRIPT".into(), entry_script.into());
    json!({
        "name": name, "version": null, "environmentVariables": environment,
        "python": {"userManagedDependencies": false, "interpreterPath": "python", "condaDependenciesFile": null, "baseCondaEnvironment": null, "condaDependencies": conda},
        "docker": {"enabled": false, "baseImage": base.image, "baseDockerfile": null, "buildContext": null, "sharedVolumes": true, "shmSize": "2g", "arguments": [],
            "baseImageRegistry": {"address": null, "username": null, "password": null, "registryIdentity": null},
            "platform": {"os": "Linux", "architecture": "amd64"}},
        "spark": {"repositories": [], "packages": [], "precachePackages": true},
        "databricks": {"mavenLibraries": [], "pypiLibraries": [], "rcranLibraries": [], "jarLibraries": [], "eggLibraries": []},
        "r": null, "inferencingStackVersion": base.inferencing_stack, "assetId": null
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(clippy::too_many_lines, reason = "a table")]
    fn table() {
        for (text, expected) in [
            (
                "dependencies:\n- python=3.11\n- pip:\n  - azureml-defaults\n",
                Ok(json!({"dependencies": ["python=3.11", {"pip": ["azureml-defaults"]}]})),
            ),
            ("name: x\ndependencies: [numpy]", Ok(json!({"name": "x", "dependencies": ["numpy", DEFAULT_PYTHON]}))),
            ("dependencies: [python, numpy]", Ok(json!({"dependencies": [DEFAULT_PYTHON, "numpy"]}))),
            ("dependencies: ['python>=3.9']", Ok(json!({"dependencies": ["python>=3.9"]}))),
            ("dependencies: [python-dateutil]", Ok(json!({"dependencies": ["python-dateutil", DEFAULT_PYTHON]}))),
            (
                "dependencies: [{pip: [azureml-defaults, joblib]}]",
                Ok(json!({"dependencies": [{"pip": ["azureml-defaults", "joblib"]}, DEFAULT_PYTHON]})),
            ),
            (
                "dependencies: ['conda-forge::python=3.11', pip]",
                Ok(json!({"dependencies": ["conda-forge::python=3.11", "pip"]})),
            ),
            ("dependencies: [Python=3.11]", Ok(json!({"dependencies": ["Python=3.11"]}))),
            ("dependencies: ['python [version=3.11]']", Ok(json!({"dependencies": ["python [version=3.11]"]}))),
            ("dependencies: ['conda-forge::python']", Ok(json!({"dependencies": ["conda-forge::python=3.10.18"]}))),
            (
                "dependencies: ['python[build=*_cpython]']",
                Ok(json!({"dependencies": ["python[build=*_cpython]", DEFAULT_PYTHON]})),
            ),
            (
                "dependencies: ['https://x/linux-64/python-3.11.4-hab00c5b_0.conda']",
                Ok(json!({"dependencies": ["https://x/linux-64/python-3.11.4-hab00c5b_0.conda"]})),
            ),
            (
                "dependencies: ['python>=3.9', 'python<3.12']",
                Ok(json!({"dependencies": ["python>=3.9", "python<3.12"]})),
            ),
            (
                "dependencies: [python=3.11, python==3.11.4]",
                Ok(json!({"dependencies": ["python=3.11", "python==3.11.4"]})),
            ),
            (
                "dependencies: [python=3.1, 'conda-forge::python=3.11']",
                Err(
                    "dependencies: `python=3.1` and `conda-forge::python=3.11` ask for two versions of Python; keep one",
                ),
            ),
            ("packages: []\ndependencies: []", Err("`packages` is not a key")),
            ("name: x", Err("`dependencies` is missing")),
            ("dependencies: numpy", Err("`dependencies` is not a list")),
            ("dependencies: [{pip: numpy}]", Err("dependencies[0]: `pip` must")),
            ("dependencies: [1]", Err("dependencies[0]: must be a string")),
            ("dependencies: [{pip: [--index-url, 'https://u:p@x/simple']}]", Err("a URL contains user info")),
            (
                "dependencies: [{pip: ['--index-url https://a/s --extra-index-url https://u:p@b/s']}]",
                Err("a URL contains user info"),
            ),
            ("dependencies: [", Err("not YAML")),
        ] {
            match (parse(text), expected) {
                (Ok(got), Ok(want)) => assert_eq!(got, want),
                (Err(got), Err(want)) => assert!(got.starts_with(want), "{got}"),
                (got, _) => panic!("{text:?}: {got:?}"),
            }
        }
    }

    #[test]
    fn what_has_no_end_is_refused() {
        let pip = |lines: usize| {
            format!("dependencies:\n- pip:\n{}", (0..lines).map(|at| format!("  - p{at}\n")).collect::<String>())
        };
        assert!(parse(&pip(MOST_ENTRIES)).is_ok());
        let nested = |depth: usize| format!("dependencies: {}1{}", "[".repeat(depth), "]".repeat(depth));
        // each anchor repeats the one before nine times
        let laughs: String =
            (1..9).map(|at| format!("l{at}: &l{at} [{}]\n", vec![format!("*l{}", at - 1); 9].join(", "))).collect();
        let long = format!("a: &a {}\ndependencies: [{}]", "x".repeat(1 << 15), "*a, ".repeat(1000));
        for (text, expected) in [
            (pip(MOST_ENTRIES + 1), "has 1001 entries, more than 1000"),
            (pip(12_000), "has 120911 bytes, more than 65536"),
            (nested(10_000), "not YAML"),
            (nested(DEEPEST + 1), "not YAML"),
            (format!("l0: &l0 lol\n{laughs}"), "not YAML"),
            (long, "not YAML"),
        ] {
            let refused = parse(&text).unwrap_err();
            assert!(refused.starts_with(expected) && refused.len() < 300, "{refused}");
        }
    }

    #[test]
    fn secrets_of_a_refused_file_do_not_show() {
        let refused = parse("dependencies: ['https://bob:hunter22@x/simple']").unwrap_err();
        assert!(!refused.contains("hunter22"));
    }
}
