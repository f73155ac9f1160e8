//! The scoring script, alone or with extra files.

use super::files::{absent_map, empty, file, payload};
use crate::{
    archive,
    blueprint::{Payload, PayloadSource},
    failure::Cause,
    observed::{Fact, Observed},
    questions::{ClusterQuestion, Question, SourceDirectory},
};
use acivnet_api::{AciVnetDeployment, conditions::reasons};
use serde_json::Value;

/// The scoring script, and how it gets into the container.
pub(super) struct Script {
    /// The upload: the file, or the packed directory that holds it.
    pub payload: Payload,
    /// Its path in the container, below the application root.
    pub entry: String,
    /// Whether the payload is a packed directory.
    pub packed: bool,
}

/// Name of the directory with the script and the extra files. The SDK uses the name of a local folder, which does not exist
/// here; the ConfigMap's name would change with every hash that kustomize appends.
pub const SOURCE_DIRECTORY: &str = "source";

pub(super) fn source_directory(cr: &AciVnetDeployment) -> Option<SourceDirectory> {
    let extra = cr.spec.scoring.extra_files.as_ref()?.config_map.name.clone();
    Some(SourceDirectory { script: cr.spec.scoring.script.config_map.clone(), extra })
}

impl Script {
    pub(super) fn of(cr: &AciVnetDeployment, observed: &Observed) -> Result<Self, Cause> {
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
        let payload = match observed.fact(&Question::Cluster(ClusterQuestion::SourceDirectory(directory.clone()))) {
            Fact::Present(fact) => packed(directory, &fact).ok_or_else(|| absent_map(&extra)),
            Fact::Absent => Err(absent_map(&extra)),
            Fact::Unread(failure) => Err(Cause::from(&failure)),
        }?;
        Ok(Self { entry: format!("{SOURCE_DIRECTORY}/{}", key.key), payload, packed: true })
    }
}

/// The archive as an upload, named as the SDK names it: by eight hex digits.
fn packed(directory: SourceDirectory, fact: &Value) -> Option<Payload> {
    let hex = fact.get("digest")?.as_str()?.strip_prefix("sha256:")?.get(..8)?.to_owned();
    payload(&format!("{hex}.tar.gz"), PayloadSource::SourceDirectory(directory), fact)
}

/// Refuses extra files that can't be placed beside the script.
fn usable(observed: &Observed, directory: &SourceDirectory) -> Result<(), Cause> {
    let SourceDirectory { script, extra } = directory;
    let files = match observed.fact(&Question::Cluster(ClusterQuestion::ConfigMapFiles { name: extra.clone() })) {
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
