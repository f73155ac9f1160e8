//! The custom resource definitions: what `acivnet crd` prints and `deploy/crds` holds, and as `deploy/schemas` holds them.

mod schemas;

pub use schemas::schemas;

use acivnet_api::crds;

/// One file that is written from the types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its name: `<group>_<plural>.yaml` in `deploy/crds`, `<group>/<kind>_<version>.json` in `deploy/schemas`.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// Both definitions, as they are installed. An error says what could not be written as YAML.
pub fn documents() -> Result<Vec<Document>, String> {
    let documents = crds().into_iter().map(|crd| {
        let file = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
        let text = serde_saphyr::to_string(&crd).map_err(|error| format!("{file}: {error}"))?;
        Ok(Document { file, text })
    });
    documents.collect()
}

/// Both definitions in one text, `---` between them.
pub fn text() -> Result<String, String> {
    let documents: Vec<String> = documents()?.into_iter().map(|document| document.text).collect();
    Ok(documents.join("---\n"))
}
