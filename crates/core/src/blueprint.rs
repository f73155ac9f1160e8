//! What should stand: nodes with goals and needs.

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

/// Where a node is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// It should stand as its body says.
    Present,
    /// It should not be there.
    Gone,
}

/// What may be done to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Made, changed and deleted here, if it carries our mark.
    Owned,
    /// Read only.
    Referenced,
}

/// Bytes that a write uploads first. Core sees digest and size, act opens the stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// Where the bytes are.
    pub source: PayloadSource,
    /// Artifact container below `LocalUpload`, derived from the content's digest.
    pub container: String,
    /// Artifact path: the file's name, or the name of its directory and its own.
    pub path: String,
    /// `sha256:` and hex.
    pub digest: String,
    /// Bytes.
    pub size: u64,
}

/// Where the bytes of a payload are.
#[derive(Clone, Debug, PartialEq)]
pub enum PayloadSource {
    /// A key of a ConfigMap of the object's namespace.
    ConfigMap(ConfigMapKey),
    /// Text of our own, the driver script.
    Text(&'static str),
    /// A file behind `https`.
    Uri {
        /// Where.
        uri: String,
        /// Of which bytes.
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

    /// What an asset names: the artifact, or the directory that it lies in, `LocalUpload/{container}/{first part of path}`.
    pub fn asset_prefix(&self) -> String {
        let first = self.path.split('/').next().unwrap_or_default();
        format!("LocalUpload/{}/{first}", self.container)
    }

    /// The artifact's id, `LocalUpload/{container}/{path}`.
    pub fn artifact_id(&self) -> String {
        format!("LocalUpload/{}/{}", self.container, self.path)
    }
}

/// A place in a body that the shell fills in when it is sent. Core never sees what goes there.
#[derive(Clone, Debug, PartialEq)]
pub struct Sealed {
    /// Where (JSON pointer).
    pub at: String,
    /// What goes there.
    pub value: SecretKeyRef,
}

/// One wanted (or unwanted) resource.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its type.
    pub kind: &'static Kind,
    /// Its id. Of a model version that is not registered yet: `{workspace}/models/{name}@{key}`.
    pub id: ResourceId,
    /// Where it is wanted.
    pub goal: Goal,
    /// The fields that we set; `Null` for [`Goal::Gone`].
    pub body: Value,
    /// Places in the same list: it may act once all of them are where *their own* goal wants them.
    pub needs: Vec<usize>,
    /// What may be done to it.
    pub hold: Hold,
    /// How we know it as ours.
    pub mark: Mark,
    /// It existed before and was adopted, or is to be: ours without a mark of creation.
    pub adopted: bool,
    /// It must not be deleted but by a change that is approved: it was adopted, and the policy does not say otherwise.
    pub retained: bool,
    /// Of lists that others write too: the elements that are ours, in brackets, to be known when they are to go.
    pub claims: Vec<String>,
    /// What is to be said of it though it is where it should be.
    pub note: Option<String>,
    /// What is uploaded before it is written.
    pub payloads: Vec<Payload>,
    /// Places of the body that are filled in when it is sent.
    pub sealed: Vec<Sealed>,
    /// A reason not to act on it now, found by those who described it.
    pub blocked: Option<Cause>,
    /// Why what stands there can't serve, whoever it belongs to: it is neither adopted nor changed.
    pub unfit: Option<Cause>,
    /// Paths whose difference touches no container here, although the kind says so.
    pub live: Vec<String>,
    /// It failed, and a second try with the same content is due.
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

    /// The virtual network in which Azure takes one write at a time, where it is one or lies in one.
    pub fn network(&self) -> Option<ResourceId> {
        self.kind.network_of(&self.id)
    }

    /// What a change of the field at a path costs.
    pub fn change(&self, path: &str) -> Change {
        if self.live.iter().any(|one| one == path) { Change::Live } else { (self.kind.change)(path) }
    }

    /// How its fields compare: of what was adopted, the extras of a list are somebody else's.
    pub fn rules(&self) -> Vec<Rule> {
        let relaxed = |rule: &Rule| match *rule {
            Rule::Exact(path, key) if self.adopted => Rule::Subset(path, key),
            rule => rule,
        };
        self.kind.rules.iter().map(relaxed).collect()
    }

    /// `Kind/name`, for people. A model version that is not registered yet is called by the model's name.
    pub fn label(&self) -> String {
        let name = self.id.name();
        format!("{}/{}", self.kind.name, name.split('@').next().unwrap_or(name))
    }
}

/// What should stand for one object.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Blueprint {
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Why nothing at all may be written, if so. Found before the first write.
    pub blocked: Option<Cause>,
    /// A read without which nothing can be described failed or is still to be asked.
    pub incomplete: bool,
}

impl Blueprint {
    /// Nothing may be written, for this cause.
    pub fn blocked(cause: Cause) -> Self {
        Self { blocked: Some(cause), ..Self::default() }
    }

    /// Adds a node and tells its place.
    pub fn push(&mut self, node: Node) -> usize {
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}
