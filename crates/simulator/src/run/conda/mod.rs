//! From a conda definition (the JSON form that the SDK uploads) to what can be installed from the Python index.
//!
//! Channels are not used; a package whose conda name differs on the Python index is renamed by a small table. What Azure
//! could build and this simulator can't is reported as [`Refused::Limit`], never as a mistake in the file.

use std::fmt;

use serde_json::Value;

use super::match_spec::MatchSpec;
use super::pip_lines;
use super::pythons::Pythons;

/// What an environment needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirements {
    /// The interpreters that it allows.
    pub python: Pythons,
    /// Requirements of the Python index in the order of the definition, e.g. `scikit-learn==1.3.2`.
    pub packages: Vec<String>,
    /// Names of those of `packages` that came from a channel.
    pub from_channels: Vec<String>,
    /// Options of the pip section, as a requirements file takes them.
    pub options: Vec<String>,
    /// Options of the pip section, as arguments of `uv pip install`.
    pub arguments: Vec<String>,
    /// What was changed or left out, for the build log.
    pub notes: Vec<String>,
}

/// Why an environment can't be built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// Azure would refuse it too.
    Mistake(String),
    /// Azure might build it; this simulator does not.
    Limit(String),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistake(why) => f.write_str(why),
            Self::Limit(why) => write!(f, "a limit of this simulator; it may well build in Azure: {why}"),
        }
    }
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

/// Names of channels' packages that are no Python packages: what they bring is in the wheels of the Python index, or on
/// this machine, or missing.
const NO_PYTHON: &[&str] = &[
    "blas",
    "bzip2",
    "c-ares",
    "c-compiler",
    "ca-certificates",
    "compilers",
    "cuda",
    "cuda-toolkit",
    "cudatoolkit",
    "cudnn",
    "curl",
    "cxx-compiler",
    "expat",
    "ffmpeg",
    "fontconfig",
    "freetype",
    "gcc",
    "gfortran",
    "git",
    "git-lfs",
    "glib",
    "gmp",
    "gxx",
    "hdf5",
    "icu",
    "jpeg",
    "krb5",
    "lame",
    "lcms2",
    "lerc",
    "libblas",
    "libcblas",
    "libcurl",
    "libdeflate",
    "libedit",
    "libev",
    "libffi",
    "libgcc",
    "libgfortran",
    "libgfortran5",
    "libgomp",
    "libiconv",
    "liblapack",
    "libllvm14",
    "libnsl",
    "libopenblas",
    "libpng",
    "libpq",
    "libprotobuf",
    "libsodium",
    "libsqlite",
    "libstdcxx",
    "libtiff",
    "libuuid",
    "libwebp",
    "libwebp-base",
    "libxcb",
    "libxcrypt",
    "libxml2",
    "libzlib",
    "llvm-openmp",
    "lz4-c",
    "make",
    "mpi",
    "mpich",
    "ncurses",
    "nodejs",
    "nomkl",
    "openblas",
    "openjdk",
    "openmpi",
    "openssl",
    "perl",
    "pkg-config",
    "readline",
    "snappy",
    "sqlite",
    "tbb",
    "tk",
    "unixodbc",
    "xz",
    "zlib",
    "zstd",
];
/// Prefixes and suffixes of more such names.
const NO_PYTHON_PREFIXES: &[&str] = &["_", "r-", "xorg-"];
const NO_PYTHON_SUFFIXES: &[&str] = &["-ng", "_linux-64", "-linux-64", "-devel", "-static"];

/// Reads the `environment` member of a service or an environment as the SDK sends it.
///
/// # Errors
/// What is not supported here, or can't be read.
pub fn requirements(environment: &Value) -> Result<Requirements, Refused> {
    let docker = environment.get("docker").unwrap_or(&Value::Null);
    for member in ["baseDockerfile", "buildContext"] {
        if docker.get(member).is_some_and(|v| !v.is_null()) {
            return Err(Refused::Limit(format!(
                "docker.{member} is not supported by this simulator; use a conda definition"
            )));
        }
    }
    let mut found = Requirements {
        python: Pythons::default(),
        packages: Vec::new(),
        from_channels: Vec::new(),
        options: Vec::new(),
        arguments: Vec::new(),
        notes: Vec::new(),
    };
    let python = environment.get("python").unwrap_or(&Value::Null);
    if python.get("userManagedDependencies").and_then(Value::as_bool).unwrap_or(false) {
        found.notes.push("userManagedDependencies: only the base image's packages are installed".into());
    } else {
        conda(python.get("condaDependencies").unwrap_or(&Value::Null), &mut found)?;
    }
    if environment.get("inferencingStackVersion").is_some_and(|v| !v.is_null()) {
        found.packages.push("azureml-inference-server-http".into());
    }
    Ok(found)
}

fn conda(definition: &Value, found: &mut Requirements) -> Result<(), Refused> {
    if let Some(channels) = definition.get("channels").and_then(Value::as_array).filter(|c| !c.is_empty()) {
        let names: Vec<_> = channels.iter().filter_map(Value::as_str).collect();
        found.notes.push(format!("channels {} are not used: packages come from the Python index", names.join(", ")));
    }
    for dependency in definition.get("dependencies").and_then(Value::as_array).into_iter().flatten() {
        match dependency {
            Value::String(spec) => conda_package(&MatchSpec::parse(spec)?, found)?,
            Value::Object(map) => pip_section(map, found)?,
            other => {
                let what = format!("conda dependency {other} is neither a name nor a pip section");
                return Err(Refused::Mistake(what));
            }
        }
    }
    Ok(())
}

fn conda_package(spec: &MatchSpec, found: &mut Requirements) -> Result<(), Refused> {
    let (name, version) = (spec.name.as_str(), spec.version.as_str());
    if name == "python" {
        return found.python.narrow(version);
    }
    if is_no_python(name) {
        found.notes.push(format!(
            "conda package {name} is left out, a limit of this simulator: it is not a Python package, and channels are not used"
        ));
        return Ok(());
    }
    let index_name = RENAMED.iter().find(|(conda, _)| *conda == name).map_or(name, |(_, index)| index);
    if index_name != name {
        found.notes.push(format!("conda package {name} is {index_name} on the Python index"));
    }
    found.from_channels.push(index_name.to_owned());
    found.packages.push(format!("{index_name}{version}"));
    Ok(())
}

fn is_no_python(name: &str) -> bool {
    NO_PYTHON.contains(&name)
        || NO_PYTHON_PREFIXES.iter().any(|start| name.starts_with(start))
        || NO_PYTHON_SUFFIXES.iter().any(|end| name.ends_with(end))
}

fn pip_section(map: &serde_json::Map<String, Value>, found: &mut Requirements) -> Result<(), Refused> {
    for (key, list) in map {
        if key != "pip" {
            let what = format!("conda dependency section {key:?} is unknown; only \"pip\" is");
            return Err(Refused::Mistake(what));
        }
        let mut items = list.as_array().into_iter().flatten();
        while let Some(item) = items.next() {
            let line = item.as_str().ok_or_else(|| Refused::Mistake(format!("pip requirement {item} is not text")))?;
            match items.clone().next().and_then(Value::as_str).filter(|_| pip_lines::lacks_value(line)) {
                None => pip_lines::read(line, found)?,
                Some(value) => {
                    items.next();
                    found
                        .notes
                        .push(format!("pip option {line} has its value in the next entry; write both as one entry"));
                    pip_lines::read(&format!("{line} {value}"), found)?;
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
