//! The two keys of a web service. Azure lists them, so they can be compared with those in a Secret. The values stay in the
//! shell; core knows only which of them differ.

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
    /// The key that most clients use.
    Primary,
    /// The key that clients use while the other one changes.
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

/// The id of the comparison of a service's keys with those in a Secret: `{service}/keys/{Secret}`.
pub fn id(service: &ResourceId, secret: &str) -> ResourceId {
    service.child("keys", secret)
}

/// The shell's answer: whether the Secret exists, and whether each key is the same in Azure and in it.
pub fn compared(secret: bool, primary: bool, secondary: bool) -> Value {
    let same = |same| if same { "Same" } else { "Differs" };
    json!({"secret": if secret { "Present" } else { "Absent" }, "primary": same(primary), "secondary": same(secondary)})
}

/// The wanted answer: a Secret, with both keys the same.
pub fn body() -> Value {
    compared(true, true, true)
}

/// Whether a key is known to be the same in Azure and in the Secret.
pub fn is_same(answer: &Value, key: WhichKey) -> bool {
    answer.get(key.in_secret()).and_then(Value::as_str) == Some("Same")
}

/// The first change to make: none of the keys if the Secret is missing, since it has to be created first; then the
/// secondary key, so that clients of the primary one have another to switch to; then the primary key.
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
