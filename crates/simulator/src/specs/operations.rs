//! The operations that documents describe, and which of them a request is.

use super::documents::{Documents, Located};
use super::schemas::{Schema, Schemas};
use super::translate::{Direction, is_closed};
use crate::call::Query;
use http::Method;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::collections::BTreeMap;

/// One operation of a document.
#[derive(Debug)]
pub struct Operation {
    /// Azure's name of it.
    pub id: String,
    /// The api-version that the document is about; none for interfaces without versions.
    pub version: Option<String>,
    /// Verb.
    pub method: Method,
    /// Path.
    pub template: Template,
    /// Parameters in query and headers.
    pub parameters: Vec<Parameter>,
    /// Body of the request, and whether it has to be there.
    pub body: Option<(Schema, bool)>,
    /// Answers by status, or `default`.
    pub answers: BTreeMap<String, Answer>,
    /// The header with which a long-running operation is followed, where the document names it.
    pub followed_by: Option<&'static str>,
    /// Whether the work may go on after the answer.
    pub is_long_running: bool,
}

/// What a document says of one answer.
#[derive(Debug)]
pub struct Answer {
    /// Body, where one is described.
    pub body: Option<Schema>,
    /// Names of the headers that are described.
    pub headers: Vec<String>,
}

/// A parameter in the query or in a header.
#[derive(Debug, Clone)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether it is a header.
    pub is_header: bool,
    /// Whether it has to be there.
    pub required: bool,
    /// `string`, `integer`, `number`, `boolean`, `array`.
    kind: String,
    /// The only values, where they are closed.
    values: Vec<String>,
}

/// A path with parameters in braces.
#[derive(Debug, Clone)]
pub struct Template(Vec<Segment>);

#[derive(Debug, Clone)]
enum Segment {
    Word(String),
    /// Any name, or one of these.
    Name(Vec<String>),
    /// Everything that follows, one segment or more.
    Rest,
}

impl Parameter {
    fn of(parameter: Located<'_>) -> Option<Self> {
        let place = parameter.text("in").filter(|place| ["query", "header"].contains(place))?;
        Some(Self {
            name: parameter.text("name")?.to_owned(),
            is_header: place == "header",
            required: parameter.flag("required") == Some(true),
            kind: parameter.text("type").unwrap_or("string").to_owned(),
            values: values(parameter),
        })
    }

    /// What is wrong with a value; the value itself is not repeated.
    pub fn refuses(&self, value: &str) -> Option<String> {
        let parses = match self.kind.as_str() {
            "integer" => value.parse::<i64>().is_ok(),
            "number" => value.parse::<f64>().is_ok(),
            "boolean" => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            _ => true,
        };
        let listed = self.values.is_empty() || self.values.iter().any(|known| known.eq_ignore_ascii_case(value));
        match (parses, listed) {
            (false, _) => Some(format!("value is not of type \"{}\"", self.kind)),
            (_, false) => Some(format!("value is not one of {}", self.values.join(", "))),
            _ => None,
        }
    }
}

/// The closed values of a parameter; none if it is open.
fn values(parameter: Located<'_>) -> Vec<String> {
    let listed = parameter.get("enum").filter(|_| is_closed(parameter)).into_iter().flat_map(Located::items);
    listed.filter_map(|value| value.value.as_str()).map(str::to_owned).collect()
}

impl Template {
    /// Parses `/word/{name}`; `{name…}` at the end takes all that follows.
    pub fn parse(path: &str) -> Self {
        Self::with_values(path, &BTreeMap::new())
    }

    fn with_values(path: &str, known: &BTreeMap<String, Vec<String>>) -> Self {
        let segments = path.split('/').filter(|segment| !segment.is_empty());
        let segment = |segment: &str| match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) if name.ends_with('…') => Segment::Rest,
            Some(name) => Segment::Name(known.get(name).cloned().unwrap_or_default()),
            None => Segment::Word(segment.to_owned()),
        };
        Self(segments.map(segment).collect())
    }

    /// How many words of the path are the template's; none if the path is another one. Case does not matter.
    pub fn matches(&self, path: &str) -> Option<usize> {
        let mut parts = path.split('/').filter(|part| !part.is_empty());
        let mut words = 0;
        for segment in &self.0 {
            let part = percent_decode_str(parts.next()?).decode_utf8_lossy();
            match segment {
                Segment::Rest => return Some(words),
                Segment::Word(word) if word.eq_ignore_ascii_case(&part) => words += 1,
                Segment::Name(known) if known.is_empty() => {}
                Segment::Name(known) if known.iter().any(|known| known.eq_ignore_ascii_case(&part)) => words += 1,
                Segment::Word(_) | Segment::Name(_) => return None,
            }
        }
        parts.next().is_none().then_some(words)
    }
}

/// The operation of a request.
#[derive(Debug, Clone, Copy)]
pub enum Found<'a> {
    /// This operation.
    Operation(&'a Operation),
    /// The path is described, but not with this verb.
    OtherVerbs(&'a Operation),
    /// The path is not described in this api-version.
    Nothing,
}

/// All operations of all documents.
#[derive(Debug)]
pub struct Operations(Vec<Operation>);

impl Operations {
    /// Reads the operations out of the documents.
    ///
    /// # Errors
    /// Says which operation's body has an invalid schema.
    pub fn read(documents: &Documents, schemas: &Schemas) -> Result<Self, String> {
        let mut all = Vec::new();
        for document in documents.iter() {
            for (path, item) in document.get("paths").into_iter().flat_map(Located::members) {
                let shared = item.get("parameters");
                let verbs = item.members().filter_map(|(verb, described)| {
                    Some((Method::from_bytes(verb.to_ascii_uppercase().as_bytes()).ok()?, described))
                });
                let verbs = verbs.filter(|(_, described)| described.get("responses").is_some());
                for (method, described) in verbs {
                    let reader = Reader { documents, schemas, document, shared, described };
                    let operation = reader.operation(path, &method);
                    all.push(operation.map_err(|error| format!("{}: {method} {path}: {error}", document.file))?);
                }
            }
        }
        Ok(Self(all))
    }

    /// Number of operations.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Finds the operation of a request.
    pub fn find(&self, method: &Method, path: &str, query: &Query) -> Found<'_> {
        let version = query.get("api-version");
        let here = |operation: &&Operation| match &operation.version {
            Some(known) => version.is_some_and(|version| version.eq_ignore_ascii_case(known)),
            None => true,
        };
        let by_path = || {
            let fitting = self.0.iter().filter(here);
            fitting.filter_map(|operation| Some((operation.template.matches(path)?, operation)))
        };
        let nearest = |found: Option<(usize, _)>| found.map(|(_, operation)| operation);
        let exact = by_path().filter(|(_, operation)| operation.method == method);
        if let Some(operation) = nearest(exact.max_by_key(|(words, _)| *words)) {
            return Found::Operation(operation);
        }
        nearest(by_path().max_by_key(|(words, _)| *words)).map_or(Found::Nothing, Found::OtherVerbs)
    }

    /// The operation that a document describes at this path.
    pub fn described(&self, method: &Method, template: &str) -> Option<&Operation> {
        self.0.iter().find(|known| known.method == method && known.template.matches(template).is_some())
    }
}

/// The place of an operation in a document.
struct Reader<'a> {
    documents: &'a Documents,
    schemas: &'a Schemas,
    document: Located<'a>,
    shared: Option<Located<'a>>,
    described: Located<'a>,
}

impl Reader<'_> {
    fn operation(&self, path: &str, method: &Method) -> Result<Operation, String> {
        let parameters = self.parameters();
        let names = parameters.iter().filter(|parameter| parameter.text("in") == Some("path"));
        let names = names.filter_map(|parameter| Some((parameter.text("name")?.to_owned(), values(*parameter))));
        let template = format!("{}{path}", self.document.text("basePath").unwrap_or_default());
        let body = parameters.iter().find(|parameter| parameter.text("in") == Some("body"));
        let required = body.is_some_and(|parameter| parameter.flag("required") == Some(true));
        let body = self.schema(Direction::Request, body.and_then(|parameter| parameter.get("schema")))?;
        Ok(Operation {
            id: self.described.text("operationId").unwrap_or(path).to_owned(),
            version: self.version(),
            method: method.clone(),
            template: Template::with_values(&template, &names.collect()),
            parameters: parameters.into_iter().filter_map(Parameter::of).collect(),
            body: body.map(|schema| (schema, required)),
            answers: self.answers()?,
            followed_by: self.followed_by(),
            is_long_running: self.described.flag("x-ms-long-running-operation") == Some(true),
        })
    }

    fn schema(&self, direction: Direction, schema: Option<Located<'_>>) -> Result<Option<Schema>, String> {
        schema.map(|schema| self.schemas.schema(self.documents, direction, schema)).transpose()
    }

    /// Only Resource Manager has api-versions. That parameter itself is often in a file of Azure's common types.
    fn version(&self) -> Option<String> {
        let has_versions = self.document.text("host") == Some("management.azure.com");
        let version = self.document.get("info").and_then(|info| info.text("version"));
        version.filter(|_| has_versions).map(str::to_owned)
    }

    fn parameters(&self) -> Vec<Located<'_>> {
        let listed = [self.shared, self.described.get("parameters")].into_iter().flatten().flat_map(Located::items);
        let known = listed.filter_map(|parameter| self.documents.follow(parameter));
        known.filter(|parameter| parameter.text("name") != Some("api-version")).collect()
    }

    fn answers(&self) -> Result<BTreeMap<String, Answer>, String> {
        let answers = self.described.get("responses").into_iter().flat_map(Located::members);
        let answers = answers.filter_map(|(status, answer)| Some((status, self.documents.follow(answer)?)));
        answers
            .map(|(status, answer)| {
                let body = self.schema(Direction::Response, answer.get("schema"))?;
                let headers = answer.get("headers").into_iter().flat_map(Located::members);
                let headers = headers.map(|(name, _)| name.clone()).collect();
                Ok((status.clone(), Answer { body, headers }))
            })
            .collect()
    }

    fn followed_by(&self) -> Option<&'static str> {
        let options = self.described.get("x-ms-long-running-operation-options")?;
        match options.value.get("final-state-via").and_then(Value::as_str)? {
            "azure-async-operation" => Some("Azure-AsyncOperation"),
            "location" => Some("Location"),
            "operation-location" => Some("Operation-Location"),
            _ => None,
        }
    }
}
