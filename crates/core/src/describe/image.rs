//! What a web service runs: driver, script, model and environment as one request, and the digest that tells contents apart.

use super::conda;
use crate::{
    blueprint::{Payload, PayloadSource, Sealed},
    kinds::web_service::{DRIVER, DRIVER_NAME},
    owner::sha256_hex,
};
use acivnet_api::{AciVnetDeployment, ConfigMapKey, EnvironmentVariable, SecretKeyRef};
use serde_json::{Value, json};

/// Base image of new deployments: what `azureml-core` 1.61 sends. Kept in status, so that another default changes nothing.
pub const DEFAULT_BASE_IMAGE: &str = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1";

/// A file out of a fact of [`crate::questions::Question::ConfigMap`], as an upload. The container comes from the content,
/// so that a second upload meets the first.
pub fn payload(key: &ConfigMapKey, fact: &Value) -> Option<Payload> {
    let digest = fact.get("digest")?.as_str()?.to_owned();
    Some(Payload {
        source: PayloadSource::ConfigMap(key.clone()),
        container: container(&digest),
        path: key.key.clone(),
        digest,
        size: fact.get("size")?.as_u64()?,
    })
}

fn container(digest: &str) -> String {
    let hex = digest.strip_prefix("sha256:").unwrap_or(digest);
    format!("acivnet-{}", hex.get(..32).unwrap_or(hex))
}

/// The driver script as an upload.
pub fn driver() -> Payload {
    let digest = format!("sha256:{}", sha256_hex(&[DRIVER.as_bytes()]));
    Payload {
        source: PayloadSource::Text(DRIVER),
        container: container(&digest),
        path: DRIVER_NAME.into(),
        digest,
        size: DRIVER.len() as u64,
    }
}

/// `environmentImageRequest` of a deployment (Azure ML v1).
pub fn request(cr: &AciVnetDeployment, script: &Payload, model_id: &str, conda: &Value, base_image: &str) -> Value {
    let driver = driver();
    json!({
        "driverProgram": driver.path,
        "assets": [
            {"id": driver.path, "mimeType": "application/x-python", "url": driver.url()},
            {"id": script.path, "mimeType": "application/octet-stream", "url": script.url()}
        ],
        "modelIds": [model_id],
        "environment": conda::environment(&cr.spec.environment.name, conda, base_image, &script.path, &variables(cr, |_| String::new())),
    })
}

/// Digest of what the content is made from. The driver is not part of it: a new operator must roll nothing. `stand_in`
/// tells what stands for a value from a Secret.
pub fn content(
    cr: &AciVnetDeployment,
    script: &Payload,
    model_id: &str,
    conda: &Value,
    base_image: &str,
    stand_in: impl Fn(&SecretKeyRef) -> String,
) -> String {
    let variables = variables(cr, stand_in)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("\n");
    let conda = conda.to_string();
    let parts = [model_id, &script.path, &script.digest, &cr.spec.environment.name, &conda, base_image, &variables];
    sha256_hex(&parts.map(str::as_bytes)).get(..32).unwrap_or_default().to_owned()
}

fn variables(cr: &AciVnetDeployment, stand_in: impl Fn(&SecretKeyRef) -> String) -> Vec<(String, String)> {
    let list = cr.spec.scoring.environment_variables.iter();
    let value = |one: &EnvironmentVariable| match &one.value_from {
        Some(source) => stand_in(&source.secret_key_ref),
        None => one.value.clone().unwrap_or_default(),
    };
    let mut list: Vec<_> = list.map(|one| (one.name.clone(), value(one))).collect();
    list.sort();
    list
}

/// The places of a creation where values from Secrets go.
pub fn sealed(cr: &AciVnetDeployment) -> impl Iterator<Item = Sealed> {
    let variables = cr.spec.scoring.environment_variables.iter();
    variables.filter_map(|one| {
        let value = one.value_from.as_ref()?.secret_key_ref.clone();
        Some(Sealed { at: format!("/environmentImageRequest/environment/environmentVariables/{}", one.name), value })
    })
}
