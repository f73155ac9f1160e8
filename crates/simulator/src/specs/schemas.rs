//! Translated schemas, compiled once. Only this file uses the library `jsonschema`.

use super::documents::{Documents, Located};
use super::translate::{Direction, Translator};
use jsonschema::{Draft, Registry, Validator};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The definitions of all documents, which schemas refer to.
pub struct Schemas {
    registry: Registry<'static>,
    documents: Arc<BTreeMap<String, Value>>,
}

/// The schema of a body.
pub struct Schema {
    value: Value,
    documents: Arc<BTreeMap<String, Value>>,
    validator: Validator,
}

/// A flaw of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// JSON pointer to where.
    pub pointer: String,
    /// The keyword of JSON Schema that refuses it.
    pub keyword: String,
    /// What is wrong, without the value: it may be a secret.
    pub message: String,
}

impl Schemas {
    /// Translates the definitions of all documents.
    ///
    /// # Errors
    /// Says why they are not JSON Schema.
    pub fn translate(documents: &Documents) -> Result<Self, String> {
        let directions = [Direction::Request, Direction::Response];
        let translated = directions.map(|direction| Translator::new(documents, direction).documents());
        let translated: BTreeMap<String, Value> = translated.into_iter().flatten().collect();
        let registry = Registry::new().draft(Draft::Draft202012);
        let registry = registry.extend(translated.clone()).and_then(|builder| builder.prepare());
        let registry = registry.map_err(|error| format!("the definitions can't be used as schemas: {error}"))?;
        Ok(Self { registry, documents: Arc::new(translated) })
    }

    /// The schema of a body, from its operation.
    ///
    /// # Errors
    /// Says why it is not a schema.
    pub fn schema(&self, documents: &Documents, direction: Direction, schema: Located<'_>) -> Result<Schema, String> {
        let value = Translator::new(documents, direction).schema(schema);
        let options = jsonschema::options().with_draft(Draft::Draft202012).should_validate_formats(true);
        let validator = options.with_registry(&self.registry).build(&value).map_err(|error| error.to_string())?;
        Ok(Schema { value, documents: self.documents.clone(), validator })
    }
}

impl Schema {
    /// All flaws of a body.
    pub fn flaws(&self, body: &Value) -> Vec<Flaw> {
        self.validator.iter_errors(body).map(|error| Flaw::from(&error)).collect()
    }

    /// The schema itself.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// What a `$ref` of the schema, or of what that refers to, points to.
    pub fn resolve(&self, reference: &str) -> Option<&Value> {
        let (document, pointer) = reference.split_once('#')?;
        let pointer = percent_encoding::percent_decode_str(pointer).decode_utf8().ok()?;
        self.documents.get(document)?.pointer(&pointer)
    }
}

impl Flaw {
    /// A flaw at a place.
    pub fn new(pointer: String, keyword: &str, message: String) -> Self {
        Self { pointer, keyword: keyword.to_owned(), message }
    }

    fn from(error: &jsonschema::ValidationError<'_>) -> Self {
        Self::new(error.instance_path().to_string(), error.kind().keyword(), error.masked().to_string())
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(to)
    }
}
