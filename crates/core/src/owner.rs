//! The owner mark, by which a resource is recognised as ours. Its format can't change within a version of the API.

use serde_json::Value;
use sha2::{Digest, Sha256};

/// ARM tag, model property and service tag that carry the owner.
pub const OWNER_TAG: &str = "acivnet-owner";
/// ARM tag and service tag on adopted resources, with the value [`ADOPTED`].
pub const ORIGIN_TAG: &str = "acivnet-origin";
/// Value of [`ORIGIN_TAG`].
pub const ADOPTED: &str = "Adopted";
/// Model property that carries the key made of owner and content.
pub const KEY_PROPERTY: &str = "acivnet-key";
/// Model property that carries the content's digest.
pub const DIGEST_PROPERTY: &str = "acivnet-digest";
/// Service tag that carries the digest of what runs; replaced in the same PATCH as the content. If values of Secrets
/// are part of it, a dot and the salt of their fingerprints follow: the salt must never leave Azure.
pub const CONTENT_TAG: &str = "acivnet-content";
/// Service tag that carries the digest of the certificate; replaced in the same PATCH as the certificate.
pub const TLS_TAG: &str = "acivnet-tls";

/// Owner of a resource: an object of a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Uid of the cluster.
    pub cluster: String,
    /// `cluster-uid/namespace/name`, at most 164 characters.
    pub key: String,
}

impl Owner {
    /// The owner mark of an object in a cluster.
    pub fn new(cluster: &str, namespace: &str, name: &str) -> Self {
        Self { cluster: cluster.to_owned(), key: format!("{cluster}/{namespace}/{name}") }
    }

    /// Name of the delegation on a subnet of ours: `acivnet-` and the first 20 hex digits of sha256 of the owner.
    pub fn delegation(&self) -> String {
        format!("acivnet-{}", sha256_hex(&[self.key.as_bytes()]).get(..20).unwrap_or_default())
    }
}

/// Where a node's owner is written.
#[derive(Clone, Debug, PartialEq)]
pub enum Mark {
    /// ARM tag `acivnet-owner` with this value.
    Tag(String),
    /// A delegation of this name.
    Delegation(String),
    /// Association with this security group, which carries the tag.
    SecurityGroup(String),
    /// `kvTags.acivnet-owner` of a web service.
    ServiceTag(String),
    /// `properties.acivnet-owner` of a model version.
    ModelProperty(String),
    /// It is part of a resource of ours, and is not touched before that one is known as ours.
    Within,
    /// Nowhere: it is only read.
    None,
}

/// What a mark on a body says.
#[derive(Clone, Debug, PartialEq)]
pub enum Says {
    /// It names us.
    Ours,
    /// It names somebody else.
    Theirs(String),
    /// There is no mark.
    Nothing,
}

impl Mark {
    /// Reads the mark on a body.
    pub fn on(&self, body: &Value) -> Says {
        match self {
            Self::Tag(owner) => named(tag(body, OWNER_TAG), owner),
            Self::ServiceTag(owner) => named(body.pointer("/kvTags/acivnet-owner"), owner),
            Self::ModelProperty(owner) => named(body.pointer("/properties/acivnet-owner"), owner),
            Self::Delegation(name) => delegation(body, name),
            Self::SecurityGroup(id) => {
                let held = body.pointer("/properties/networkSecurityGroup/id").and_then(Value::as_str);
                if held.is_some_and(|held| crate::id::same(held, id)) { Says::Ours } else { Says::Nothing }
            }
            Self::Within => Says::Ours,
            Self::None => Says::Nothing,
        }
    }
}

/// Value of an ARM tag. Azure may answer its name in another case.
pub(crate) fn tag<'b>(body: &'b Value, name: &str) -> Option<&'b Value> {
    let mut tags = body.get("tags")?.as_object()?.iter();
    tags.find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn named(value: Option<&Value>, owner: &str) -> Says {
    match value.and_then(Value::as_str) {
        None | Some("") => Says::Nothing,
        Some(found) if found == owner => Says::Ours,
        Some(found) => Says::Theirs(found.to_owned()),
    }
}

fn delegation(body: &Value, name: &str) -> Says {
    let delegations = body.pointer("/properties/delegations").and_then(Value::as_array);
    let mut names = delegations.into_iter().flatten().filter_map(|one| one.get("name").and_then(Value::as_str));
    match names.find(|found| found.starts_with("acivnet-")) {
        Some(found) if found == name => Says::Ours,
        Some(found) => Says::Theirs(format!("delegation {found}")),
        None => Says::Nothing,
    }
}

/// Service tag that remembers the last requested restart; written in the PATCH that restarts.
pub const RESTART_TAG: &str = "acivnet-restart";

/// The digest in a content tag, which is `digest` or `digest.salt`.
pub fn content_digest(tag: &str) -> &str {
    tag.split_once('.').map_or(tag, |(digest, _)| digest)
}

/// The salt in a content tag.
pub fn content_salt(tag: &str) -> Option<&str> {
    tag.split_once('.').map(|(_, salt)| salt)
}

/// The content tag of a web service.
pub(crate) fn content_tag(service: &Value) -> Option<&str> {
    service.get("kvTags")?.get(CONTENT_TAG)?.as_str()
}

/// SHA-256 of the parts as hex. With several parts, each is preceded by its length.
pub fn sha256_hex(parts: &[&[u8]]) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        if parts.len() > 1 {
            hasher.update((part.len() as u64).to_be_bytes());
        }
        hasher.update(part);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_format_is_final() {
        let owner = Owner::new("6f1c9a00-0000-4000-8000-000000000001", "ml", "amlsubnet1");
        assert_eq!(owner.key, "6f1c9a00-0000-4000-8000-000000000001/ml/amlsubnet1");
        assert_eq!(owner.delegation(), "acivnet-9970555d554d5eaecb8a");
    }

    #[test]
    fn anothers_mark_is_told_from_none() {
        let mark = Mark::Tag("us".into());
        assert_eq!(mark.on(&json!({"tags": {"acivnet-owner": "us"}})), Says::Ours);
        assert_eq!(mark.on(&json!({"tags": {"acivnet-owner": "them"}})), Says::Theirs("them".into()));
        assert_eq!(mark.on(&json!({"tags": {}})), Says::Nothing);
        assert_eq!(mark.on(&json!({"tags": {"Acivnet-Owner": "us"}})), Says::Ours);
        let mark = Mark::Delegation("acivnet-1".into());
        let subnet = |name: &str| json!({"properties": {"delegations": [{"name": name}]}});
        assert_eq!(mark.on(&subnet("acivnet-1")), Says::Ours);
        assert_eq!(mark.on(&subnet("acivnet-2")), Says::Theirs("delegation acivnet-2".into()));
        assert_eq!(mark.on(&subnet("0")), Says::Nothing);
    }
}
