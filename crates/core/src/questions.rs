//! What decisions need to know. The shell answers; core does no I/O.

use crate::{expectation::Expectation, id::ResourceId, kind::Kind};
use acivnet_api::{ConfigMapKey, SecretKeyRef};
use std::net::Ipv4Addr;

/// A scoring script and the files beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceDirectory {
    /// The script.
    pub script: ConfigMapKey,
    /// ConfigMap of the files beside it.
    pub extra: String,
}

/// How a probe reaches an endpoint with TLS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeTls {
    /// The private address, already checked against the allowed networks.
    pub address: Ipv4Addr,
    /// The Secret with the CA certificates to trust, if any.
    pub secret: Option<String>,
}

/// A file behind `https`, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteFile {
    /// Where.
    pub uri: String,
    /// ETag and digest of the last read: a file with the same ETag is not read again.
    pub known: Option<(String, String)>,
}

/// The probe's request to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProbeRequest {
    /// `http://{private address}/…`, or `https://{hostname}/…` with `tls`.
    pub url: String,
    /// With TLS, the address to connect to and how to verify it.
    pub tls: Option<ProbeTls>,
    /// The request body.
    pub body: ConfigMapKey,
    /// The key to send, if the web service needs one.
    pub key: Option<SecretKeyRef>,
    /// What the answer must say besides its status.
    pub expect: Expectation,
    /// How long to wait for the answer, in seconds.
    pub timeout_seconds: u32,
    /// For how long the answer of a passed probe counts, in seconds.
    pub interval_seconds: u32,
    /// What runs there: a new revision needs a new probe.
    pub revision: String,
}

/// One read, by who answers it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// Azure, or a file behind `https` that is uploaded to it. Costs a token and requests.
    Azure(AzureQuestion),
    /// Kubernetes, the endpoint or the shell itself.
    Cluster(ClusterQuestion),
}

/// What Azure answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AzureQuestion {
    /// One Azure resource by id. Present: its body. Absent only if Azure answered `ResourceNotFound` or `NotFound` for
    /// that very resource, or `ResourceGroupNotFound` and the group itself was then asked for and is absent.
    Resource(&'static Kind, ResourceId),
    /// The model versions of a workspace whose property `acivnet-owner` is this owner. Present: an array of models.
    Models {
        /// The workspace.
        workspace: ResourceId,
        /// The owner's key.
        owner: String,
    },
    /// The newest version of a model, whoever registered it. Present: the version's body.
    NewestModel {
        /// The workspace.
        workspace: ResourceId,
        /// The model's name.
        name: String,
    },
    /// An operation of the Azure ML data plane. Present: its body; if it failed, with `operationLogTail` (the last 16
    /// KiB of the text behind `operationLog`). Absent: Azure no longer knows it.
    Operation {
        /// The workspace.
        workspace: ResourceId,
        /// Operation id.
        id: String,
    },
    /// Why the last operation on a resource of Resource Manager failed; asked when the resource says that it did. Present:
    /// `{"code":"…","message":"…"}`, Azure's words. Absent: not known, as after a restart.
    FailureReason(ResourceId),
    /// The one file behind an Azure ML URL, `aml://artifact/{id}` or `aml://asset/{id}`, which never changes. Present:
    /// `{"digest":"sha256:…","size":n}`, without `digest` if the file is too large to be read. Absent: there is no
    /// file, or more than one.
    FileDigest {
        /// The workspace.
        workspace: ResourceId,
        /// The URL.
        url: String,
    },
    /// The end of the log of a web service's container. Present: a string.
    ServiceLog(ResourceId),
    /// A file behind `https`. Present: `{"digest":"sha256:…","size":n,"etag":"…"}`. Unread, with reason `ReadingModel`,
    /// while its digest is being computed.
    RemoteFile(RemoteFile),
}

/// What Kubernetes, the endpoint or the shell itself answers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ClusterQuestion {
    /// A key of a ConfigMap of the object's namespace. Present: `{"digest":"sha256:…","size":n,"text":"…"}`, with
    /// `text` only if it was asked for and is UTF-8 of at most [`crate::describe::conda::LONGEST`] bytes.
    ConfigMap {
        /// Which.
        key: ConfigMapKey,
        /// Whether the content is needed, or only its digest.
        text: bool,
    },
    /// A Secret of the object's namespace, by name. Present: `{"uid":"…","resourceVersion":"…","keys":["…"]}`, with the
    /// keys that hold text; the values stay in the shell. If it has `tls.crt`, `certificate` describes the first
    /// certificate in it: `{"digest":"sha256:…","names":["…"],"notBefore":"…","notAfter":"…"}`, or `{"wrong":"…"}`.
    Secret(String),
    /// Fingerprints of values in Secrets, from which nobody can guess a value without the salt: HMAC-SHA256 under this
    /// salt, or under a new one that Kubernetes never holds. Present: `{"salt":"…","fingerprints":["…"]}`, 32 hex
    /// digits each, in the order of the keys.
    Fingerprints {
        /// The salt in use, if any: 32 hex digits.
        salt: Option<String>,
        /// The values.
        keys: Vec<SecretKeyRef>,
    },
    /// Every key of a ConfigMap of the object's namespace. Present: `[{"key":"…","digest":"sha256:…","size":n}]`, by key.
    ConfigMapFiles {
        /// Name of the ConfigMap.
        name: String,
    },
    /// The scoring script and the files beside it, packed by [`crate::archive::pack`].
    /// Present: `{"digest":"sha256:…","size":n}`. Absent: one of them is missing.
    SourceDirectory(SourceDirectory),
    /// A `DelegatedSubnet` of the object's namespace, by name. Present: the whole object as JSON.
    DelegatedSubnet(String),
    /// Every other `DelegatedSubnet` of the cluster in the same virtual network. Present: an array of
    /// [`crate::describe::Sibling`]. Of those of a namespace that describe the network alike, and in agreement with the
    /// one that asks, one may stand for all.
    OtherDelegatedSubnets {
        /// The virtual network.
        virtual_network: ResourceId,
    },
    /// Every `AciVnetDeployment` of the object's namespace that refers to a `DelegatedSubnet`. Present: an array of
    /// [`crate::describe::SubnetUser`].
    Deployments {
        /// Name of the subnet.
        subnet: String,
    },
    /// One POST of the probe's request to the endpoint. Present: `{"status":200}`; unread if there was no answer. Within
    /// `interval_seconds` the shell may repeat its last answer.
    Probe(ProbeRequest),
}

impl Question {
    /// One Azure resource by id.
    pub fn resource(kind: &'static Kind, id: ResourceId) -> Self {
        Self::Azure(AzureQuestion::Resource(kind, id))
    }

    /// A key of a ConfigMap of the object's namespace.
    pub fn config_map(key: ConfigMapKey, text: bool) -> Self {
        Self::Cluster(ClusterQuestion::ConfigMap { key, text })
    }

    /// Whether Azure answers it.
    pub fn is_azure(&self) -> bool {
        matches!(self, Self::Azure(_))
    }
}
