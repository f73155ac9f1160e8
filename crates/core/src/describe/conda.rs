//! A conda environment file, as the environment definition takes it.

use serde_json::{Map, Value, json};

/// Python that is added when the file names none, as `azureml-core` 1.61 does.
pub const DEFAULT_PYTHON: &str = "python=3.10.18";

/// Reads a conda file. `Err` says what is wrong with it and where.
pub fn parse(text: &str) -> Result<Value, String> {
    let mut file: Value =
        serde_saphyr::from_str(text).map_err(|error| format!("not YAML: {}", first_line(&error.to_string())))?;
    let Some(dependencies) = file.get_mut("dependencies") else {
        return Err("`dependencies` is missing; a conda environment file lists its packages there".into());
    };
    let Value::Array(list) = dependencies else {
        return Err("`dependencies` is not a list".into());
    };
    for (at, one) in list.iter().enumerate() {
        check(one).map_err(|why| format!("dependencies[{at}]: {why}"))?;
    }
    let named = list
        .iter()
        .filter_map(Value::as_str)
        .any(|name| name.split(['=', '<', '>', ' ', '!']).next() == Some("python"));
    if !named {
        list.insert(0, DEFAULT_PYTHON.into());
    }
    no_user_info(&file)?;
    Ok(file)
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
            Err("`pip` must be the only key and hold a list of texts".into())
        }
        _ => Err("must be a text such as `numpy=1.26`, or `pip:` with a list of texts".into()),
    }
}

/// An index URL with user info would put a password into Azure's environment definition, readable by all who see it.
fn no_user_info(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) => {
            let authority = text.split_once("://").map(|(_, rest)| rest.split('/').next().unwrap_or_default());
            if authority.is_some_and(|authority| authority.contains('@')) {
                return Err("a URL in it carries user info (`user:password@`), which Azure ML would store readable; use an index without, or the workspace's connection".into());
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

/// The environment definition with these conda dependencies (`azureml-core` 1.61 `Environment`, serialised).
pub fn environment(
    name: &str,
    conda: &Value,
    base_image: &str,
    entry_script: &str,
    variables: &[(String, String)],
) -> Value {
    let mut environment = Map::from_iter([("EXAMPLE_ENV_VAR".to_owned(), "EXAMPLE_VALUE".into())]);
    environment.extend(variables.iter().map(|(name, value)| (name.clone(), value.clone().into())));
    environment.insert("AZUREML_ENTRY_SCRIPT".into(), entry_script.into());
    json!({
        "name": name, "version": null, "environmentVariables": environment,
        "python": {"userManagedDependencies": false, "interpreterPath": "python", "condaDependenciesFile": null, "baseCondaEnvironment": null, "condaDependencies": conda},
        "docker": {"enabled": false, "baseImage": base_image, "baseDockerfile": null, "buildContext": null, "sharedVolumes": true, "shmSize": "2g", "arguments": [],
            "baseImageRegistry": {"address": null, "username": null, "password": null, "registryIdentity": null},
            "platform": {"os": "Linux", "architecture": "amd64"}},
        "spark": {"repositories": [], "packages": [], "precachePackages": true},
        "databricks": {"mavenLibraries": [], "pypiLibraries": [], "rcranLibraries": [], "jarLibraries": [], "eggLibraries": []},
        "r": null, "inferencingStackVersion": null, "assetId": null
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table() {
        for (text, expected) in [
            (
                "dependencies:\n- python=3.11\n- pip:\n  - azureml-defaults\n",
                Ok(json!({"dependencies": ["python=3.11", {"pip": ["azureml-defaults"]}]})),
            ),
            ("name: x\ndependencies: [numpy]", Ok(json!({"name": "x", "dependencies": [DEFAULT_PYTHON, "numpy"]}))),
            ("name: x", Err("`dependencies` is missing")),
            ("dependencies: numpy", Err("`dependencies` is not a list")),
            ("dependencies: [{pip: numpy}]", Err("dependencies[0]: `pip` must")),
            ("dependencies: [1]", Err("dependencies[0]: must be a text")),
            ("dependencies: [{pip: [--index-url, 'https://u:p@x/simple']}]", Err("a URL in it carries user info")),
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
    fn secrets_of_a_refused_file_do_not_show() {
        let refused = parse("dependencies: ['https://bob:hunter22@x/simple']").unwrap_err();
        assert!(!refused.contains("hunter22"));
    }
}
