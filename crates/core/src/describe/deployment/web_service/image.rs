//! The content of a web service: driver, script, model and environment as one request, and the digest that identifies it.

use crate::{
    blueprint::{Payload, PayloadSource, Sealed},
    describe::deployment::{
        conda::{self, Base},
        files::container,
        inputs::Inputs,
        script::SOURCE_DIRECTORY,
        secrets::of_variables,
        serving::Serving,
        variables::{self, Fingerprints},
    },
    kinds::web_service::{DRIVER, DRIVER_NAME},
    observed::Observed,
    owner::{content_digest, sha256_hex},
};
use acivnet_api::{AciVnetDeployment, EnvironmentVariable, SecretKeyRef};
use serde_json::{Value, json};

/// Base image of new deployments, as `azureml-core` 1.61 sends it. It is kept in the status, so that a new default changes
/// nothing that runs.
pub const DEFAULT_BASE_IMAGE: &str = "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20251130.v1";

/// Base images that are or were the default, today's first. If the status has one of these, it is kept; any other one
/// came from the spec.
const DEFAULT_BASE_IMAGES: &[&str] = &[DEFAULT_BASE_IMAGE];

pub(super) fn base(cr: &AciVnetDeployment) -> Base<'_> {
    let environment = &cr.spec.environment;
    let used = cr.status.as_ref().and_then(|status| status.base_image.as_deref());
    Base {
        image: base_image(environment.base_image.as_deref(), used, DEFAULT_BASE_IMAGES),
        inferencing_stack: environment.inferencing_stack_version.as_deref(),
    }
}

/// The spec's base image, else the default that was used before, else today's.
fn base_image<'a>(spec: Option<&'a str>, used: Option<&'a str>, defaults: &[&'a str]) -> &'a str {
    let used = used.filter(|used| defaults.contains(used));
    spec.or(used).or(defaults.first().copied()).unwrap_or_default()
}

/// The driver script as an upload.
pub(super) fn driver() -> Payload {
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
pub(super) fn request(cr: &AciVnetDeployment, inputs: &Inputs, model_id: &str) -> Value {
    let Inputs { script, conda, .. } = inputs;
    let (driver, file) = (driver(), &script.payload);
    let mut source = json!({"id": file.path, "mimeType": "application/octet-stream", "url": file.url()});
    if let (true, Value::Object(members)) = (script.packed, &mut source) {
        members.insert("unpack".into(), true.into());
    }
    let mut variables = environment_variables(cr, |_| String::new());
    variables.extend(script.packed.then(|| ("AZUREML_SOURCE_DIRECTORY".to_owned(), SOURCE_DIRECTORY.to_owned())));
    json!({
        "driverProgram": driver.path,
        "assets": [
            {"id": driver.path, "mimeType": "application/x-python", "url": driver.url()},
            source,
        ],
        "modelIds": [model_id],
        "environment": conda::environment(&cr.spec.environment.name, conda, &base(cr), &script.entry, &variables),
    })
}

/// The content tag of the web service, with this model (`name:version`).
pub(super) fn content(
    cr: &AciVnetDeployment,
    observed: &Observed,
    inputs: &Inputs,
    serving: &Serving<'_>,
    model: &str,
) -> String {
    match Fingerprints::of(cr, observed, serving) {
        Some(told) => format!("{}.{}", digest(cr, inputs, model, |key| told.stand_in(key)), told.salt),
        // without such variables, or before anything can be written
        None => digest(cr, inputs, model, |_| String::new()),
    }
}

/// The content tag as older releases wrote it, with the version of a Secret in place of its value; none without
/// variables from Secrets.
pub(super) fn content_by_versions(
    cr: &AciVnetDeployment,
    observed: &Observed,
    inputs: &Inputs,
    model: &str,
) -> Option<String> {
    let version = |key: &SecretKeyRef| variables::version_of(observed, key);
    let has_some = !of_variables(cr).is_empty();
    has_some.then(|| digest(cr, inputs, model, version))
}

/// Whether the wanted content differs from the one with this digest. Values from Secrets can be compared only while
/// Azure has the salt of the fingerprints.
pub(super) fn is_new(
    cr: &AciVnetDeployment,
    observed: &Observed,
    inputs: &Inputs,
    serving: &Serving<'_>,
    known: &str,
) -> bool {
    let Some(label) = inputs.model.known(cr) else { return true };
    match (of_variables(cr).is_empty(), Fingerprints::of(cr, observed, serving)) {
        (false, Some(told)) if !told.is_in_use => {
            let by_versions = content_by_versions(cr, observed, inputs, &label);
            variables::is_of_before(cr, serving) && by_versions.as_deref() != Some(known)
        }
        (false, None) => false,
        _ => content_digest(&content(cr, observed, inputs, serving, &label)) != known,
    }
}

/// Digest of the content's inputs. The driver is not among them, so that a new release restarts nothing. `stand_in`
/// returns what to use for a value from a Secret.
fn digest(
    cr: &AciVnetDeployment,
    inputs: &Inputs,
    model_id: &str,
    stand_in: impl Fn(&SecretKeyRef) -> String,
) -> String {
    let Inputs { script, conda, .. } = inputs;
    let variables = environment_variables(cr, stand_in)
        .into_iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect::<Vec<_>>()
        .join("\n");
    let (conda, base) = (conda.to_string(), base(cr));
    let mut parts = vec![
        model_id,
        &script.entry,
        &script.payload.digest,
        &cr.spec.environment.name,
        &conda,
        base.image,
        &variables,
    ];
    // only if it is set: digests from before this field existed are without it
    parts.extend(base.inferencing_stack);
    let parts: Vec<&[u8]> = parts.into_iter().map(str::as_bytes).collect();
    sha256_hex(&parts).get(..32).unwrap_or_default().to_owned()
}

fn environment_variables(cr: &AciVnetDeployment, stand_in: impl Fn(&SecretKeyRef) -> String) -> Vec<(String, String)> {
    let list = cr.spec.scoring.environment_variables.iter();
    let value = |one: &EnvironmentVariable| match &one.value_from {
        Some(source) => stand_in(&source.secret_key_ref),
        None => one.value.clone().unwrap_or_default(),
    };
    let mut list: Vec<_> = list.map(|one| (one.name.clone(), value(one))).collect();
    list.sort();
    list
}

/// The places in a creation's body that values from Secrets fill.
pub(super) fn sealed(cr: &AciVnetDeployment) -> impl Iterator<Item = Sealed> {
    let variables = cr.spec.scoring.environment_variables.iter();
    variables.filter_map(|one| {
        let value = one.value_from.as_ref()?.secret_key_ref.clone();
        Some(Sealed { at: format!("/environmentImageRequest/environment/environmentVariables/{}", one.name), value })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_of_the_day_of_creation_stays_and_the_specs_goes_with_the_spec() {
        let defaults = ["new", "old"];
        for (case, spec, used, expected) in [
            ("a new deployment", None, None, "new"),
            ("created with an older default", None, Some("old"), "old"),
            ("the spec no longer names an image", None, Some("the spec's"), "new"),
            ("the spec names an image", Some("the spec's"), Some("old"), "the spec's"),
        ] {
            assert_eq!(base_image(spec, used, &defaults), expected, "{case}");
        }
    }
}
