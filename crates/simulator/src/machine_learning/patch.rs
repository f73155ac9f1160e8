//! JSON Patch as far as the data plane accepts it: `add` and `replace` of known paths.

use serde::Deserialize;
use serde_json::Value;

use super::problem::Problem;

/// One operation.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Operation {
    /// `add` or `replace`.
    pub op: String,
    /// For example `/kvTags` or `/properties/owner`.
    pub path: String,
    /// The new value; null when absent.
    #[serde(default)]
    pub value: Value,
}

/// Reads the body of a `PATCH`.
///
/// # Errors
/// `400` when it is not a list of `add` and `replace` operations.
pub fn read(body: &Value) -> Result<Vec<Operation>, Problem> {
    let operations = Vec::<Operation>::deserialize(body)
        .map_err(|e| Problem::invalid("InvalidPatch", format!("The JSON patch document can't be read: {e}.")))?;
    match operations.iter().find(|operation| !matches!(operation.op.as_str(), "add" | "replace")) {
        Some(unknown) => Err(refused(unknown)),
        None => Ok(operations),
    }
}

/// `400` for an unknown operation.
pub fn refused(operation: &Operation) -> Problem {
    let message = format!("Operation {} {} is not supported.", operation.op, operation.path);
    Problem::invalid("PatchOperationNotSupported", message)
}

/// `/properties/{key}` -> key, unescaped (RFC 6901, section 4).
pub fn property_key(path: &str) -> Option<String> {
    let key = path.strip_prefix("/properties/").filter(|key| !key.is_empty() && !key.contains('/'))?;
    Some(key.replace("~1", "/").replace("~0", "~"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_add_and_replace_are_read() {
        let read_one = |op: &str| read(&json!([{"op": op, "path": "/kvTags", "value": {}}]));
        assert!(read_one("add").is_ok() && read_one("replace").is_ok());
        assert!(read_one("remove").is_err());
        assert!(read(&json!({"op": "add"})).is_err());
    }

    #[test]
    fn a_property_key_is_unescaped() {
        assert_eq!(property_key("/properties/a~1b~0c").as_deref(), Some("a/b~c"));
        assert_eq!(property_key("/properties/"), None);
        assert_eq!(property_key("/kvTags"), None);
    }
}
