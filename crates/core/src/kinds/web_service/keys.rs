//! The two keys of a web service. Azure lists them, so that they compare with those in a Secret; the values stay in the
//! shell, and only what differs is known here.

use crate::{
    drift::Difference,
    id::ResourceId,
    kind::{Kind, Write},
};
use serde_json::{Value, json};

/// The kind.
pub static SERVICE_KEYS: Kind = Kind {
    write: Write::Keys,
    spec_field: |path| (format!("auth.keys.{path}"), ""),
    is_recorded: false,
    ..Kind::machine_learning("WebServiceKeys", "Microsoft.MachineLearningServices/workspaces/services/keys")
};

/// Which of the two keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WhichKey {
    /// The one that most clients use.
    Primary,
    /// The one that clients use while the other changes.
    Secondary,
}

impl WhichKey {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Primary, Self::Secondary];

    /// Its key in a Secret.
    pub fn in_secret(self) -> &'static str {
        match self {
            Self::Primary => "primary",
            Self::Secondary => "secondary",
        }
    }

    /// Azure's word (`keyType`).
    pub fn in_azure(self) -> &'static str {
        match self {
            Self::Primary => "Primary",
            Self::Secondary => "Secondary",
        }
    }
}

/// What is asked for the keys of a service and those in a Secret: `{service}/keys/{Secret}`.
pub fn id(service: &ResourceId, secret: &str) -> ResourceId {
    service.child("keys", secret)
}

/// The answer of the shell: whether there is a Secret, and whether each key is the same in Azure and there.
pub fn compared(secret: bool, primary: bool, secondary: bool) -> Value {
    let same = |same| if same { "Same" } else { "Differs" };
    json!({"secret": if secret { "Present" } else { "Absent" }, "primary": same(primary), "secondary": same(secondary)})
}

/// What is wanted: a Secret, and both keys the same.
pub fn body() -> Value {
    compared(true, true, true)
}

/// Whether a key is known to be the same in Azure and in the Secret.
pub fn is_same(answer: &Value, key: WhichKey) -> bool {
    answer.get(key.in_secret()).and_then(Value::as_str) == Some("Same")
}

/// What comes first of what differs: a Secret to hold them, then the secondary key, so that who uses the primary one
/// has another to go on with, then the primary.
pub fn first(differs: &[Difference]) -> Option<WhichKey> {
    let differs = |name: &str| differs.iter().any(|one| one.path == name);
    if differs("secret") {
        return None;
    }
    [WhichKey::Secondary, WhichKey::Primary].into_iter().find(|key| differs(key.in_secret()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drift::differences;

    #[test]
    fn the_secondary_comes_first() {
        for (answer, expected) in [
            (compared(true, false, false), Some(WhichKey::Secondary)),
            (compared(true, true, false), Some(WhichKey::Secondary)),
            (compared(true, false, true), Some(WhichKey::Primary)),
            (compared(true, true, true), None),
            (compared(false, false, false), None),
        ] {
            assert_eq!(first(&differences(&body(), &answer, &[], &[])), expected, "{answer}");
        }
    }
}
