//! The inputs of a deployment: model, script and conda file.

use super::{
    conda, expectation,
    files::{empty, file},
    model::{self, Source},
    script::{Script, source_directory},
};
use crate::{
    failure::Cause,
    observed::Observed,
    questions::{ClusterQuestion, Question},
    scrub,
};
use acivnet_api::{AciVnetDeployment, ConfigMapKey, conditions::reasons};
use serde_json::Value;

pub(super) struct Inputs {
    pub model: Source,
    pub script: Script,
    pub conda: Value,
}

/// The questions about the files of a deployment.
pub(super) fn questions(cr: &AciVnetDeployment) -> Vec<Question> {
    let text = |key: &ConfigMapKey, text| Question::config_map(key.clone(), text);
    let script = text(&cr.spec.scoring.script.config_map, false);
    let conda = text(&cr.spec.environment.conda.config_map, true);
    let probe = cr.spec.probe.as_ref().map(|probe| text(&probe.request.config_map, false));
    let extra = source_directory(cr).into_iter().flat_map(|directory| {
        let files = Question::Cluster(ClusterQuestion::ConfigMapFiles { name: directory.extra.clone() });
        [files, Question::Cluster(ClusterQuestion::SourceDirectory(directory))]
    });
    let expected = expectation::question(cr);
    model::files(cr).into_iter().chain([script, conda]).chain(probe).chain(expected).chain(extra).collect()
}

impl Inputs {
    /// Reads the inputs. The cause names the first one that is missing or can't be used.
    pub(super) fn of(cr: &AciVnetDeployment, observed: &Observed) -> Result<Self, Cause> {
        Ok(Self {
            model: Source::of(cr, observed)?,
            script: Script::of(cr, observed)?,
            conda: parsed(observed, &cr.spec.environment.conda.config_map)?,
        })
    }
}

fn parsed(observed: &Observed, key: &ConfigMapKey) -> Result<Value, Cause> {
    file(observed, key, true)?;
    let fact = observed.body(&Question::config_map(key.clone(), true));
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
