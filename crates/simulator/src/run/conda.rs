//! From a conda definition (the JSON form that the SDK uploads) to what can be installed from the Python index.
//!
//! Channels are not used; a package whose conda name differs on the Python index is renamed by a small table. What
//! has no counterpart is passed on and fails in the resolver, as a package that no channel has fails an image build.

use serde_json::Value;

/// What an environment needs: an interpreter and packages, both as PEP 440 specifiers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// Version specifier of the interpreter, e.g. `==3.11.*`.
    pub python: String,
    /// Requirements of the Python index in the order of the definition, e.g. `scikit-learn==1.3.2`.
    pub packages: Vec<String>,
    /// What was changed or left out on the way; goes into the build log.
    pub notes: Vec<String>,
}

/// Conda names that the Python index knows by another name.
const RENAMED: &[(&str, &str)] = &[
    ("matplotlib-base", "matplotlib"),
    ("msgpack-python", "msgpack"),
    ("opencv", "opencv-python"),
    ("py-lightgbm", "lightgbm"),
    ("py-opencv", "opencv-python"),
    ("py-xgboost", "xgboost"),
    ("pytables", "tables"),
    ("pytorch", "torch"),
    ("pytorch-cpu", "torch"),
    ("tensorflow-base", "tensorflow"),
];

/// Interpreters that today's packages still support; taken when the definition names no `python`.
const ANY_PYTHON: &str = ">=3.9";

/// Reads the `environment` member of a service or an environment as the SDK sends it.
///
/// # Errors
/// A message for the build log: a member that has no meaning here, or a specification that can't be read.
pub fn requirements(environment: &Value) -> Result<Requirements, String> {
    let docker = environment.get("docker").unwrap_or(&Value::Null);
    for member in ["baseDockerfile", "buildContext"] {
        if docker.get(member).is_some_and(|v| !v.is_null()) {
            return Err(format!("docker.{member} can't be built here; use a conda definition"));
        }
    }
    let mut found = Requirements { python: ANY_PYTHON.into(), packages: Vec::new(), notes: Vec::new() };
    let python = environment.get("python").unwrap_or(&Value::Null);
    if python.get("userManagedDependencies").and_then(Value::as_bool).unwrap_or(false) {
        found.notes.push("userManagedDependencies: nothing is installed besides the base image's packages".into());
    } else {
        conda(python.get("condaDependencies").unwrap_or(&Value::Null), &mut found)?;
    }
    if environment.get("inferencingStackVersion").is_some_and(|v| !v.is_null()) {
        found.packages.push("azureml-inference-server-http".into());
    }
    Ok(found)
}

fn conda(definition: &Value, found: &mut Requirements) -> Result<(), String> {
    if let Some(channels) = definition.get("channels").and_then(Value::as_array).filter(|c| !c.is_empty()) {
        let names: Vec<_> = channels.iter().filter_map(Value::as_str).collect();
        found.notes.push(format!("channels {} are not used: packages come from the Python index", names.join(", ")));
    }
    for dependency in definition.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
        match dependency {
            Value::String(spec) => conda_package(spec, found)?,
            Value::Object(map) => pip_section(map, found)?,
            other => return Err(format!("conda dependency {other} is neither a name nor a pip section")),
        }
    }
    Ok(())
}

fn conda_package(spec: &str, found: &mut Requirements) -> Result<(), String> {
    let (name, version) = split(spec)?;
    if name == "python" {
        if !version.is_empty() {
            found.python = version;
        }
        return Ok(());
    }
    let index_name = RENAMED.iter().find(|(conda, _)| *conda == name).map_or(name.as_str(), |(_, index)| index);
    if index_name != name {
        found.notes.push(format!("conda package {name} is {index_name} on the Python index"));
    }
    found.packages.push(format!("{index_name}{version}"));
    Ok(())
}

fn pip_section(map: &serde_json::Map<String, Value>, found: &mut Requirements) -> Result<(), String> {
    for (key, list) in map {
        if key != "pip" {
            return Err(format!("conda dependency section {key:?} is unknown; only \"pip\" is"));
        }
        for item in list.as_array().into_iter().flatten() {
            let line = item.as_str().map(str::trim).ok_or_else(|| format!("pip requirement {item} is not text"))?;
            // Indexes are the business of whoever runs the builder, and a path would be read outside the namespace.
            if line.starts_with('-') || line.starts_with('.') || line.contains(['/', '@', '\\']) {
                return Err(format!(
                    "pip requirement {line:?}: only packages of the Python index can be installed here"
                ));
            }
            if !line.is_empty() && !line.starts_with('#') {
                found.packages.push(line.to_owned());
            }
        }
    }
    Ok(())
}

/// `[channel::]name[version[=build]]` -> name and PEP 440 specifier (conda documentation, "Package match specifications").
fn split(spec: &str) -> Result<(String, String), String> {
    let spec = spec.trim();
    let bare = spec.rsplit_once("::").map_or(spec, |(_, name)| name);
    let end = bare.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c))).unwrap_or(bare.len());
    let (name, version) = bare.split_at_checked(end).unwrap_or((bare, ""));
    if name.is_empty() || version.contains(['[', '|', '(']) {
        return Err(format!("conda dependency {spec:?} can't be read; write name, name=version or name>=version"));
    }
    Ok((name.to_ascii_lowercase(), specifier(version.trim())))
}

fn specifier(version: &str) -> String {
    if let Some(exact) = version.strip_prefix("==") {
        return format!("=={}", without_build(exact));
    }
    if let Some(prefix) = version.strip_prefix('=') {
        let version = without_build(prefix);
        // conda's `=1.3` is 1.3 and everything below it; three parts name a release.
        let whole = version.matches('.').count() >= 2 || version.ends_with(".*");
        return if whole { format!("=={version}") } else { format!("=={version}.*") };
    }
    if version.starts_with(|c: char| c.is_ascii_digit()) {
        return format!("=={}", without_build(version));
    }
    version.split_whitespace().collect()
}

fn without_build(version: &str) -> &str {
    version.trim().split(['=', ' ']).next().unwrap_or(version)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(dependencies: Value) -> Result<Requirements, String> {
        requirements(&json!({"python": {"condaDependencies": {"channels": [], "dependencies": dependencies}}}))
    }

    #[test]
    fn conda_versions_become_specifiers_of_the_python_index() {
        for (spec, expected) in [
            ("numpy", "numpy"),
            ("scikit-learn=1.3.2", "scikit-learn==1.3.2"),
            ("scikit-learn=1.3", "scikit-learn==1.3.*"),
            ("scikit-learn=1.3.*", "scikit-learn==1.3.*"),
            ("numpy==1.26.4", "numpy==1.26.4"),
            ("numpy=1.26.4=py311h64a7726_0", "numpy==1.26.4"),
            ("numpy 1.26.4", "numpy==1.26.4"),
            ("conda-forge::numpy>=1.20, <2", "numpy>=1.20,<2"),
            ("pytorch=2.1", "torch==2.1.*"),
        ] {
            assert_eq!(read(json!([spec])).unwrap().packages, [expected], "{spec}");
        }
    }

    #[test]
    fn python_is_the_interpreter_and_pip_lines_stay_as_they_are() {
        let found =
            read(json!(["python=3.11", {"pip": ["azureml-defaults", "scikit-learn[extra]~=1.3", "# why"]}])).unwrap();
        assert_eq!(found.python, "==3.11.*");
        assert_eq!(found.packages, ["azureml-defaults", "scikit-learn[extra]~=1.3"]);
        assert_eq!(read(json!(["python=3.10.18"])).unwrap().python, "==3.10.18");
        assert_eq!(read(json!(["numpy"])).unwrap().python, ANY_PYTHON);
    }

    #[test]
    fn what_reaches_beyond_the_index_is_refused() {
        for line in ["--index-url https://x", "-r other.txt", "git+https://x/y", "./local", "a @ file:///etc/passwd"] {
            assert!(read(json!([{"pip": [line]}])).unwrap_err().contains("Python index"), "{line}");
        }
        assert!(read(json!(["numpy[version='>1']"])).is_err());
        assert!(requirements(&json!({"docker": {"baseDockerfile": "FROM x"}})).is_err());
    }

    #[test]
    fn an_inference_stack_that_is_asked_for_is_added() {
        let found = requirements(&json!({"inferencingStackVersion": "latest"})).unwrap();
        assert_eq!(found.packages, ["azureml-inference-server-http"]);
    }
}
