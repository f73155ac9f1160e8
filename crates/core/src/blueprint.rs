//! What should exist in Azure: nodes with goals and needs.

use crate::{
    drift::Rule,
    failure::Cause,
    id::ResourceId,
    kind::{Change, Kind},
    owner::Mark,
    questions::SourceDirectory,
};
use acivnet_api::{ConfigMapKey, SecretKeyRef};
use serde_json::Value;

/// Where a node should end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// It should exist as its body says.
    Present,
    /// It should not exist.
    Gone,
}

/// What may be done to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Created, changed and deleted here, if it carries our mark.
    Owned,
    /// Read only.
    Referenced,
}

/// A file that a write uploads first. Core knows its digest and size; act opens the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// Where the bytes are.
    pub source: PayloadSource,
    /// Artifact container below `LocalUpload`, derived from the content's digest.
    pub container: String,
    /// Artifact path: the file's name, if need be after its directory's.
    pub path: String,
    /// `sha256:` and 64 hex digits.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// Where the bytes of a payload are.
#[derive(Clone, Debug, PartialEq)]
pub enum PayloadSource {
    /// A key of a ConfigMap of the object's namespace.
    ConfigMap(ConfigMapKey),
    /// A constant text: the driver script.
    Text(&'static str),
    /// A file behind `https`.
    Uri {
        /// Where.
        uri: String,
        /// Which version of its bytes.
        etag: String,
    },
    /// The scoring script and the files beside it, packed.
    SourceDirectory(SourceDirectory),
}

impl Payload {
    /// The artifact's URL, `aml://artifact/{id}`.
    pub fn url(&self) -> String {
        format!("aml://artifact/{}", self.artifact_id())
    }

    /// Prefix of the files of an asset: the artifact, or its directory, `LocalUpload/{container}/{first part of path}`.
    pub fn asset_prefix(&self) -> String {
        let first = self.path.split('/').next().unwrap_or_default();
        format!("LocalUpload/{}/{first}", self.container)
    }

    /// The artifact's id, `LocalUpload/{container}/{path}`.
    pub fn artifact_id(&self) -> String {
        format!("LocalUpload/{}/{}", self.container, self.path)
    }
}

/// A place in a body that the shell fills with a value from a Secret when it is sent. Core never sees the value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// JSON pointer to the place.
    pub at: String,
    /// Where the value is.
    pub value: SecretKeyRef,
}

/// One wanted (or unwanted) resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its type.
    pub kind: &'static Kind,
    /// Its id. A model version that is not registered yet has `{workspace}/models/{name}@{key}`.
    pub id: ResourceId,
    /// Where it should end.
    pub goal: Goal,
    /// The fields that we set; `Null` for [`Goal::Gone`].
    pub body: Value,
    /// Indexes of nodes in the same list. It may act once all of them have reached *their own* goals.
    pub needs: Vec<usize>,
    /// What may be done to it.
    pub hold: Hold,
    /// How it is recognised as ours.
    pub mark: Mark,
    /// It existed before, and was adopted or will be.
    pub adopted: bool,
    /// It was adopted, and the policy retains it: only an approved change may delete it.
    pub retained: bool,
    /// In lists that others write too, the elements that are ours, in brackets. They are recorded, so that they can be
    /// removed later.
    pub claims: Vec<String>,
    /// A remark to report although it has reached its goal.
    pub note: Option<String>,
    /// Uploads before the write.
    pub payloads: Vec<Payload>,
    /// Places in the body that are filled in when it is sent.
    pub sealed: Vec<Sealed>,
    /// Why it must not be acted on now.
    pub blocked: Option<Cause>,
    /// Why the existing resource can't be used, whoever owns it: it is neither adopted nor changed.
    pub unfit: Option<Cause>,
    /// Paths whose change touches no container in this case, although the kind says so.
    pub live: Vec<String>,
    /// It failed, and another try with the same content is due.
    pub retry_due: bool,
}

impl Node {
    /// A node without needs, payloads or blocks.
    pub fn new(kind: &'static Kind, id: ResourceId, goal: Goal, body: Value, mark: Mark) -> Self {
        Self {
            kind,
            id,
            goal,
            body,
            needs: Vec::new(),
            hold: Hold::Owned,
            mark,
            adopted: false,
            retained: false,
            claims: Vec::new(),
            note: None,
            payloads: Vec::new(),
            sealed: Vec::new(),
            blocked: None,
            unfit: None,
            live: Vec::new(),
            retry_due: false,
        }
    }

    /// The virtual network that it is, or is part of: Azure accepts only one write at a time in one.
    pub fn network(&self) -> Option<ResourceId> {
        self.kind.network_of(&self.id)
    }

    /// What a change of the field at a path costs.
    pub fn change(&self, path: &str) -> Change {
        if self.live.iter().any(|one| one == path) { Change::Live } else { (self.kind.change)(path) }
    }

    /// How its fields compare. In an adopted resource, additional list elements belong to somebody else.
    pub fn rules(&self) -> Vec<Rule> {
        let relaxed = |rule: &Rule| match *rule {
            Rule::Exact(path, key) if self.adopted => Rule::Subset(path, key),
            rule => rule,
        };
        self.kind.rules.iter().map(relaxed).collect()
    }

    /// `Kind/name`, for people. A model version that is not registered yet has the model's name.
    pub fn label(&self) -> String {
        let name = self.id.name();
        format!("{}/{}", self.kind.name, name.split('@').next().unwrap_or(name))
    }
}

/// What should exist in Azure for one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blueprint {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Why nothing at all may be written, found before the first write.
    pub blocked: Option<Cause>,
    /// A read that the description needs failed, or has yet to be asked for.
    pub incomplete: bool,
}

impl Blueprint {
    /// Nothing may be written, for this cause.
    pub fn blocked(cause: Cause) -> Self {
        Self { blocked: Some(cause), ..Self::default() }
    }

    /// Adds a node and returns its index.
    pub fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}
