//! The custom resource definitions as YAML: what `acivnet crd` prints and `deploy/crds` holds.

use acivnet_api::crds;

/// One definition, ready to apply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Name of its file in `deploy/crds`: `<group>_<plural>.yaml`.
    pub file: String,
    /// The definition.
    pub yaml: String,
}

/// Both definitions, as they are installed. An error says what could not be written as YAML.
pub fn documents() -> Result<Vec<Document>, String> {
    let documents = crds().into_iter().map(|crd| {
        let file = format!("{}_{}.yaml", crd.spec.group, crd.spec.names.plural);
        let yaml = serde_saphyr::to_string(&crd).map_err(|error| format!("{file}: {error}"))?;
        Ok(Document { file, yaml })
    });
    documents.collect()
}

/// Both definitions in one text, `---` between them.
pub fn text() -> Result<String, String> {
    let documents: Vec<String> = documents()?.into_iter().map(|document| document.yaml).collect();
    Ok(documents.join("---\n"))
}
