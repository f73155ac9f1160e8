//! Members of a body that its schema does not name. They are not violations, since documents lag behind Azure.

use super::schemas::Schema;
use serde_json::Value;
use std::collections::BTreeSet;

/// Pointers to the members that nothing describes, with `*` for each index of a list and for each key of a map.
pub fn members(schema: &Schema, body: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    Walk { schema }.visit(&[schema.value()], body, "", &mut found);
    found
}

struct Walk<'a> {
    schema: &'a Schema,
}

impl<'a> Walk<'a> {
    fn visit(&self, schemas: &[&'a Value], body: &Value, at: &str, found: &mut BTreeSet<String>) {
        let mut parts = Vec::new();
        schemas.iter().for_each(|schema| self.flatten(schema, body, &mut parts));
        match body {
            Value::Array(items) => {
                let of_items: Vec<&Value> = parts.iter().filter_map(|part| part.get("items")).collect();
                items.iter().for_each(|item| self.visit(&of_items, item, &format!("{at}/*"), found));
            }
            Value::Object(members) => {
                for (name, value) in members {
                    self.member(&parts, (name, value), at, found);
                }
            }
            _ => {}
        }
    }

    fn member(&self, parts: &[&'a Value], member: (&String, &Value), at: &str, found: &mut BTreeSet<String>) {
        let (name, value) = member;
        let named: Vec<&Value> = parts.iter().filter_map(|part| part.get("properties")?.get(name)).collect();
        if !named.is_empty() {
            return self.visit(&named, value, &format!("{at}/{name}"), found);
        }
        let others: Vec<&Value> = parts.iter().filter_map(|part| part.get("additionalProperties")).collect();
        if !others.is_empty() {
            return self.visit(&others, value, &format!("{at}/*"), found);
        }
        let has_members = parts.iter().any(|part| part.get("properties").is_some());
        let has_more = parts.iter().any(|part| **part == Value::Bool(true));
        if has_members && !has_more {
            found.insert(format!("{at}/{name}"));
        }
    }

    /// A schema and all its parts whose conditions this body meets. `true` replaces a missing document.
    fn flatten(&self, schema: &'a Value, body: &Value, into: &mut Vec<&'a Value>) {
        into.push(schema);
        if let Some(target) = schema.get("$ref").and_then(Value::as_str).and_then(|target| self.schema.resolve(target))
        {
            self.flatten(target, body, into);
        }
        if let Some(other) = schema.get("else") {
            self.flatten(other, body, into);
        }
        for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            if part.get("if").is_none_or(|case| holds(case, body)) {
                self.flatten(part.get("then").unwrap_or(part), body, into);
            }
        }
    }
}

/// Whether a body has the discriminator of a case.
fn holds(case: &Value, body: &Value) -> bool {
    let mut members = case.get("properties").and_then(Value::as_object).into_iter().flatten();
    members.all(|(name, wanted)| wanted.get("const") == body.get(name))
}
