//! What a deployment is made from.

use super::{
    conda,
    model::Source,
    variables::{self, Fingerprints},
    web_service::image,
};
use crate::{
    archive,
    blueprint::{Payload, PayloadSource},
    failure::Cause,
    observed::{Fact, Observed},
    questions::{Question, SourceDirectory},
    scrub,
};
use acivnet_api::{AciVnetDeployment, ConfigMapKey, SecretKeyRef, conditions::reasons};
use serde_json::Value;

/// What a deployment is made from.
pub(super) struct Inputs {
    pub model: Source,
    pub script: Script,
    conda: Value,
}

/// The scoring script, and how the container gets it.
pub(super) struct Script {
    /// What is uploaded: the file, or the packed directory that it lies in.
    pub payload: Payload,
    /// Where it lies in the container, from the application root.
    pub entry: String,
    /// Whether the payload is a packed directory.
    pub packed: bool,
}

/// Name of the directory with the script and the files beside it. The SDK takes the name of a local folder, which there is
/// none of here; that of the ConfigMap would change with every hash that kustomize appends.
pub const SOURCE_DIRECTORY: &str = "source";

/// The files a deployment is made of.
pub(super) fn questions(cr: &AciVnetDeployment) -> Vec<Question> {
    let text = |key: &ConfigMapKey, text| Question::ConfigMap { key: key.clone(), text };
    let script = text(&cr.spec.scoring.script.config_map, false);
    let conda = text(&cr.spec.environment.conda.config_map, true);
    let probe = cr.spec.probe.as_ref().map(|probe| text(&probe.request.config_map, false));
    let extra = source_directory(cr).into_iter().flat_map(|directory| {
        let files = Question::ConfigMapFiles { name: directory.extra.clone() };
        [files, Question::SourceDirectory(directory)]
    });
    let expected = super::expectation::question(cr);
    super::model::files(cr).into_iter().chain([script, conda]).chain(probe).chain(expected).chain(extra).collect()
}

fn source_directory(cr: &AciVnetDeployment) -> Option<SourceDirectory> {
    let extra = cr.spec.scoring.extra_files.as_ref()?.config_map.name.clone();
    Some(SourceDirectory { script: cr.spec.scoring.script.config_map.clone(), extra })
}

impl Inputs {
    /// Reads them; the cause names the first that is missing or can't be used.
    pub(super) fn of(cr: &AciVnetDeployment, observed: &Observed) -> Result<Self, Cause> {
        Ok(Self {
            model: Source::of(cr, observed)?,
            script: Script::of(cr, observed)?,
            conda: parsed(observed, &cr.spec.environment.conda.config_map)?,
        })
    }

    /// The content tag of the web service, with this model (`name:version`).
    pub(super) fn content(&self, cr: &AciVnetDeployment, observed: &Observed, model: &str) -> String {
        match Fingerprints::of(cr, observed) {
            Some(told) => {
                let digest = image::content(cr, &self.script, model, &self.conda, |key| told.stand_in(key));
                format!("{digest}.{}", told.salt)
            }
            // without such variables, or before anything can be written
            None => image::content(cr, &self.script, model, &self.conda, |_| String::new()),
        }
    }

    /// The content tag as releases wrote it that took the version of a Secret for one of its content; none without such
    /// variables.
    pub(super) fn content_by_versions(
        &self,
        cr: &AciVnetDeployment,
        observed: &Observed,
        model: &str,
    ) -> Option<String> {
        let version = |key: &SecretKeyRef| variables::version_of(observed, key);
        let has_some = !variables::keys(cr).is_empty();
        has_some.then(|| image::content(cr, &self.script, model, &self.conda, version))
    }

    /// `environmentImageRequest` with this model.
    pub(super) fn image(&self, cr: &AciVnetDeployment, model: &str) -> Value {
        image::request(cr, &self.script, model, &self.conda)
    }
}

impl Script {
    fn of(cr: &AciVnetDeployment, observed: &Observed) -> Result<Self, Cause> {
        let key = &cr.spec.scoring.script.config_map;
        let payload = file(observed, key, false)?;
        if payload.size == 0 {
            return Err(empty(key, "a scoring script needs init() and run(data)"));
        }
        let Some(directory) = source_directory(cr) else {
            return Ok(Self { entry: payload.path.clone(), payload, packed: false });
        };
        usable(observed, &directory)?;
        let extra = directory.extra.clone();
        let payload = match observed.fact(&Question::SourceDirectory(directory.clone())) {
            Fact::Present(fact) => packed(directory, &fact).ok_or_else(|| absent_map(&extra)),
            Fact::Absent => Err(absent_map(&extra)),
            Fact::Unread(failure) => Err(Cause::from(&failure)),
        }?;
        Ok(Self { entry: format!("{SOURCE_DIRECTORY}/{}", key.key), payload, packed: true })
    }
}

/// The archive as an upload, called as the SDK calls it: eight hex digits.
fn packed(directory: SourceDirectory, fact: &Value) -> Option<Payload> {
    let hex = fact.get("digest")?.as_str()?.strip_prefix("sha256:")?.get(..8)?.to_owned();
    image::payload(&format!("{hex}.tar.gz"), PayloadSource::SourceDirectory(directory), fact)
}

/// Refuses files that can't lie beside the script.
fn usable(observed: &Observed, directory: &SourceDirectory) -> Result<(), Cause> {
    let SourceDirectory { script, extra } = directory;
    let files = match observed.fact(&Question::ConfigMapFiles { name: extra.clone() }) {
        Fact::Present(files) => files,
        Fact::Absent => return Err(absent_map(extra)),
        Fact::Unread(failure) => return Err(Cause::from(&failure)),
    };
    let keys: Vec<&str> = files.as_array().into_iter().flatten().filter_map(|file| file.get("key")?.as_str()).collect();
    let refused = |what: String| {
        Cause::person(reasons::INVALID_SPEC, format!("ConfigMap {extra} of spec.scoring.extraFiles {what}"))
    };
    if script.name != *extra && keys.contains(&script.key.as_str()) {
        return Err(refused(format!("has a key {}, which is the script's name; rename one of them", script.key)));
    }
    match keys.iter().find(|key| key.len() > archive::LONGEST_NAME) {
        Some(long) => {
            Err(refused(format!("has a key of {} characters; shorten it to {}", long.len(), archive::LONGEST_NAME)))
        }
        None => Ok(()),
    }
}

/// A file of a ConfigMap, as an upload.
pub(super) fn file(observed: &Observed, key: &ConfigMapKey, text: bool) -> Result<Payload, Cause> {
    let payload = |fact| image::payload(&key.key, PayloadSource::ConfigMap(key.clone()), &fact);
    match observed.fact(&Question::ConfigMap { key: key.clone(), text }) {
        Fact::Present(fact) => payload(fact).ok_or_else(|| config_map_missing(key)),
        Fact::Absent => Err(config_map_missing(key)),
        Fact::Unread(failure) => Err(Cause::from(&failure)),
    }
}

fn parsed(observed: &Observed, key: &ConfigMapKey) -> Result<Value, Cause> {
    file(observed, key, true)?;
    let fact = observed.body(&Question::ConfigMap { key: key.clone(), text: true });
    let text = fact.and_then(|fact| fact.get("text")).and_then(Value::as_str);
    if text.is_some_and(|text| text.trim().is_empty()) {
        return Err(empty(key, "a conda environment file lists its packages as `dependencies`"));
    }
    let size = fact.and_then(|fact| fact.get("size")).and_then(Value::as_u64);
    let text = text.ok_or_else(|| conda::not_text(size.unwrap_or_default()));
    text.and_then(conda::parse).map_err(|why| {
        let message = format!("ConfigMap {} key {}: {why}", key.name, key.key);
        Cause::person(reasons::CONDA_FILE_INVALID, scrub::clean(&message))
    })
}

/// A file of which nothing can be made.
pub(super) fn empty(key: &ConfigMapKey, needs: &str) -> Cause {
    let message = format!("ConfigMap {} key {} is empty; {needs}", key.name, key.key);
    Cause::person(reasons::FILE_EMPTY, message)
}

/// A file that the spec names is not there.
pub(super) fn config_map_missing(key: &ConfigMapKey) -> Cause {
    let (name, key) = (&key.name, &key.key);
    Cause::person(
        reasons::CONFIG_MAP_NOT_FOUND,
        format!("ConfigMap {name} with key {key} does not exist in this namespace; apply it, or correct the reference"),
    )
}

/// A ConfigMap of which all keys are needed is not there.
pub(super) fn absent_map(name: &str) -> Cause {
    Cause::person(
        reasons::CONFIG_MAP_NOT_FOUND,
        format!("ConfigMap {name} does not exist in this namespace; apply it, or correct the reference"),
    )
}
