//! From Swagger's schemas to JSON Schema 2020-12. What Azure adds to Swagger is followed as its own validator does it
//! (Azure/oav, `lib/transform`), so that `null` stands for an absent member unless that member is required.

use super::documents::{Documents, Located};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

/// Keywords that mean the same in both.
const SAME: &[&str] = &[
    "type",
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "pattern",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
];
/// Formats that are checked as such; those of numbers become bounds, all others say nothing that can be wrong.
const FORMATS: &[&str] = &["date-time", "date", "duration", "uuid"];

/// The sender of what a schema describes: it decides about members that only Azure writes, or never shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// The client.
    Request,
    /// Azure.
    Response,
}

/// Translates for one direction.
#[derive(Debug, Clone, Copy)]
pub struct Translator<'a> {
    documents: &'a Documents,
    direction: Direction,
}

impl<'a> Translator<'a> {
    /// A translator over the documents.
    pub fn new(documents: &'a Documents, direction: Direction) -> Self {
        Self { documents, direction }
    }

    /// The name and the content of each document that references of translated schemas point to.
    pub fn documents(self) -> Vec<(String, Value)> {
        let documents = self.documents.iter().map(|document| {
            let definitions = || document.get("definitions").into_iter().flat_map(Located::members);
            let plain = definitions().map(|(name, schema)| (name.clone(), self.schema(schema)));
            let families = definitions().filter_map(|(name, schema)| {
                Some((name.clone(), self.family(document.file, name, schema.text("discriminator")?)))
            });
            let content =
                json!({"definitions": plain.collect::<Map<_, _>>(), "families": families.collect::<Map<_, _>>()});
            (self.uri(document.file), content)
        });
        documents.collect()
    }

    fn uri(self, file: &str) -> String {
        let folder = if self.direction == Direction::Request { "request" } else { "response" };
        format!("swagger:/{folder}/{file}")
    }

    fn reference(self, file: &str, group: &str, name: &str) -> Value {
        let name = name.replace('~', "~0").replace('/', "~1");
        json!({"$ref": format!("{}#/{group}/{}", self.uri(file), utf8_percent_encode(&name, NON_ALPHANUMERIC))})
    }

    /// The schema of a type with a discriminator: the type, and by the value of that member the type derived from it.
    fn family(self, file: &str, name: &str, discriminator: &str) -> Value {
        let mut all = vec![self.reference(file, "definitions", name)];
        for (derived, name, value) in self.derived(file, name) {
            let is_it = json!({"properties": {discriminator: {"const": value}}, "required": [discriminator]});
            all.push(json!({"if": is_it, "then": self.reference(derived, "definitions", name)}));
        }
        json!({"allOf": all})
    }

    /// File, name and discriminator value of all types that derive from a definition, directly or not.
    fn derived(self, file: &str, name: &str) -> Vec<(&'a str, &'a str, &'a str)> {
        let mut found = Vec::new();
        for document in self.documents.iter() {
            for (other, schema) in document.get("definitions").into_iter().flat_map(Located::members) {
                if (document.file, other.as_str()) == (file, name) || !self.extends(schema, file, name) {
                    continue;
                }
                let value = schema.text("x-ms-discriminator-value").unwrap_or(other);
                found.push((document.file, other.as_str(), value));
                found.extend(self.derived(document.file, other));
            }
        }
        found
    }

    fn extends(self, schema: Located<'_>, file: &str, name: &str) -> bool {
        let bases = schema.get("allOf").into_iter().flat_map(Located::items).filter_map(Located::reference);
        bases
            .filter(|base| definition(base) == Some(name))
            .any(|base| self.documents.resolve(schema.file, base).is_some_and(|base| base.file == file))
    }

    /// A schema as it stands in an operation or in another schema.
    pub fn schema(self, schema: Located<'_>) -> Value {
        match schema.reference() {
            Some(reference) => self.referred(schema.file, reference, "families"),
            None => self.inline(schema),
        }
    }

    /// The translation of a reference; of a type with a discriminator its `families` or its own `definitions` entry.
    fn referred(self, file: &str, reference: &str, group: &str) -> Value {
        let Some(target) = self.documents.resolve(file, reference) else { return Value::Bool(true) };
        match definition(reference) {
            Some(name) if target.text("discriminator").is_some() => self.reference(target.file, group, name),
            Some(name) => self.reference(target.file, "definitions", name),
            None => self.schema(target),
        }
    }

    fn inline(self, schema: Located<'_>) -> Value {
        if schema.text("type") == Some("file") {
            return Value::Bool(true);
        }
        let same = schema.members().filter(|(name, _)| SAME.contains(&name.as_str()));
        let mut to: Map<String, Value> = same.map(|(name, found)| (name.clone(), found.value.clone())).collect();
        formats(schema, &mut to);
        if let Some(values) = schema.get("enum").filter(|_| is_closed(schema)) {
            to.insert("enum".to_owned(), values.value.clone());
        }
        if let Some(items) = schema.get("items") {
            to.insert("items".to_owned(), self.nullable(items, false));
        }
        if let Some(others) = schema.get("additionalProperties") {
            let others = if others.value.is_boolean() { others.value.clone() } else { self.nullable(others, false) };
            to.insert("additionalProperties".to_owned(), others);
        }
        self.members(schema, &mut to);
        let bases = schema.get("allOf").into_iter().flat_map(Located::items).map(|base| match base.reference() {
            Some(reference) => self.referred(base.file, reference, "definitions"),
            None => self.inline(base),
        });
        let bases: Vec<Value> = bases.collect();
        if !bases.is_empty() {
            to.insert("allOf".to_owned(), Value::Array(bases));
        }
        Value::Object(to)
    }

    /// `properties` and `required`.
    fn members(self, schema: Located<'_>, to: &mut Map<String, Value>) {
        let required: Vec<&str> = schema
            .get("required")
            .into_iter()
            .flat_map(Located::items)
            .filter_map(|name| name.value.as_str())
            .collect();
        let members = schema.get("properties").into_iter().flat_map(Located::members);
        let members: Map<String, Value> = members
            .map(|(name, member)| match self.is_left_out(member) && self.direction == Direction::Request {
                true => (name.clone(), Value::Bool(true)),
                false => (name.clone(), self.nullable(member, required.contains(&name.as_str()))),
            })
            .collect();
        if !members.is_empty() {
            to.insert("properties".to_owned(), Value::Object(members));
        }
        let expected = |name: &&str| !self.member(schema, name).is_some_and(|member| self.is_left_out(member));
        let required: Vec<&str> = required.into_iter().filter(expected).collect();
        if !required.is_empty() {
            to.insert("required".to_owned(), json!(required));
        }
    }

    /// A member of a type or of what it derives from.
    fn member<'b>(self, schema: Located<'b>, name: &str) -> Option<Located<'b>>
    where
        'a: 'b,
    {
        let own = schema.get("properties").and_then(|members| members.get(name));
        own.or_else(|| {
            let mut bases = schema.get("allOf").into_iter().flat_map(Located::items);
            bases.find_map(|base| self.member(self.documents.follow(base)?, name))
        })
    }

    /// Whether this side leaves the member out, so that it can't be required: of a request what only Azure writes, of
    /// a response what Azure never shows.
    fn is_left_out(self, member: Located<'_>) -> bool {
        let has = |name: &str| self.mark(member, name).and_then(Value::as_bool) == Some(true);
        match self.direction {
            Direction::Request => has("readOnly"),
            Direction::Response => {
                let ways = self.mark(member, "x-ms-mutability").and_then(Value::as_array);
                has("x-ms-secret") || ways.is_some_and(|ways| !ways.iter().any(|way| way == "read"))
            }
        }
    }

    /// A mark of a schema: Azure writes some beside a `$ref`, others at what it points to.
    fn mark<'b>(self, schema: Located<'b>, name: &str) -> Option<&'b Value>
    where
        'a: 'b,
    {
        let own = schema.get(name);
        let found = own.or_else(|| self.documents.resolve(schema.file, schema.reference()?)?.get(name));
        found.map(|found| found.value)
    }

    /// A schema, or `null` where that may stand for an absent value.
    fn nullable(self, schema: Located<'_>, required: bool) -> Value {
        let declared = self.mark(schema, "x-nullable").and_then(Value::as_bool);
        match declared.unwrap_or(!required) {
            true => json!({"if": {"type": "null"}, "else": self.schema(schema)}),
            false => self.schema(schema),
        }
    }
}

/// The name of the definition that a reference points to.
fn definition(reference: &str) -> Option<&str> {
    reference.split_once("#/definitions/").map(|(_, name)| name)
}

/// Whether only the listed values are right. An enumeration that is modelled as a string grows without a new version.
pub fn is_closed(schema: Located<'_>) -> bool {
    schema.get("x-ms-enum").and_then(|about| about.flag("modelAsString")) != Some(true)
}

fn formats(schema: Located<'_>, to: &mut Map<String, Value>) {
    match schema.text("format") {
        Some("int32") => {
            to.entry("minimum").or_insert(json!(i32::MIN));
            to.entry("maximum").or_insert(json!(i32::MAX));
        }
        Some(format) if FORMATS.contains(&format) => {
            to.insert("format".to_owned(), json!(format));
        }
        _ => {}
    }
}
