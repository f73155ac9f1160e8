//! What decisions ask of the world. The shell answers; core never looks by itself.

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
    /// The Secret that says which authorities are trusted.
    pub secret: Option<String>,
}

/// A file behind `https`, and what is known of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RemoteFile {
    /// Where.
    pub uri: String,
    /// ETag and digest of what was read there before: bytes of that ETag are not read again.
    pub known: Option<(String, String)>,
}

/// One read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// One Azure resource by id. Present: its body. Absent only when Azure said `ResourceNotFound`/`NotFound` of that
    /// very resource, or `ResourceGroupNotFound` after the group itself was asked for and found missing.
    Azure(&'static Kind, ResourceId),
    /// The model versions of a workspace whose property `acivnet-owner` is this owner. Present: an array of models.
    Models {
        /// The workspace.
        workspace: ResourceId,
        /// The owner's key.
        owner: String,
    },
    /// The newest version of a model, whoever registered it. Present: its body.
    NewestModel {
        /// The workspace.
        workspace: ResourceId,
        /// The model's name.
        name: String,
    },
    /// An operation of the Azure ML data plane. Present: its body, with `operationLogTail` (the last 16 KiB of the text
    /// behind `operationLog`) when it has failed. Absent: it is no longer known.
    Operation {
        /// The workspace.
        workspace: ResourceId,
        /// Operation id.
        id: String,
    },
    /// Why the last operation on a resource of Resource Manager failed; asked when the resource says that it did. Present:
    /// `{"code":"…","message":"…"}`, Azure's words. Absent: not known, as after a restart.
    FailureReason(ResourceId),
    /// The one file behind an URL of Azure ML, `aml://artifact/{id}` or `aml://asset/{id}`, which never changes. Present:
    /// `{"digest":"sha256:…","size":n}`, without `digest` when the file is too large to be read. Absent: there is none, or
    /// more than one.
    FileDigest {
        /// The workspace.
        workspace: ResourceId,
        /// The URL.
        url: String,
    },
    /// The last lines a web service's container wrote. Present: a string.
    ServiceLog(ResourceId),
    /// A key of a ConfigMap of the object's namespace.
    /// Present: `{"digest":"sha256:…","size":n,"text":"…"}`; `text` only if `text` was asked for and it is UTF-8 of at most
    /// [`crate::describe::conda::LONGEST`] bytes.
    ConfigMap {
        /// Which.
        key: ConfigMapKey,
        /// Whether the content itself is needed, or its digest only.
        text: bool,
    },
    /// A Secret of the object's namespace, by name. Present: `{"uid":"…","resourceVersion":"…","keys":["…"]}` with the keys
    /// that hold text; the values stay in the shell. With `tls.crt` there is `certificate`, of its first certificate:
    /// `{"digest":"sha256:…","names":["…"],"notBefore":"…","notAfter":"…"}`, or `{"wrong":"…"}`.
    Secret(String),
    /// What tells values of Secrets apart, and nobody who lacks the salt can find them from: HMAC-SHA256 under this salt, or
    /// under a new one that no reader of Kubernetes knows. Present: `{"salt":"…","fingerprints":["…"]}`, 32 hex digits each,
    /// in the order of the keys.
    Fingerprints {
        /// The salt, 32 hex digits, where one is in use.
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
    /// A file behind `https`. Present: `{"digest":"sha256:…","size":n,"etag":"…"}`. Unread with reason `ReadingModel` while its
    /// digest is being made.
    RemoteFile(RemoteFile),
    /// A `DelegatedSubnet` of the object's namespace, by name. Present: the whole object as JSON.
    DelegatedSubnet(String),
    /// Every other `DelegatedSubnet` of the cluster in the same virtual network. Present: an array of
    /// [`crate::describe::Sibling`].
    OtherDelegatedSubnets {
        /// The virtual network.
        virtual_network: ResourceId,
    },
    /// Every `AciVnetDeployment` of the object's namespace that names a `DelegatedSubnet`. Present: an array of
    /// [`crate::describe::SubnetUser`].
    Deployments {
        /// Name of the subnet.
        subnet: String,
    },
    /// One POST of the probe's request to the endpoint.
    /// Present: `{"status":200}`; unread when there was no answer. The shell may answer from memory within `interval_seconds`.
    Probe {
        /// `http://{private address}/…`, or `https://{hostname}/…` with `tls`.
        url: String,
        /// With TLS: what is dialled, and how it is verified.
        tls: Option<ProbeTls>,
        /// The request body.
        body: ConfigMapKey,
        /// The key to send, if the web service wants one.
        key: Option<SecretKeyRef>,
        /// What the answer must say beside its status.
        expect: Expectation,
        /// How long to wait for the answer, in seconds.
        timeout_seconds: u32,
        /// How long a passed probe vouches, in seconds.
        interval_seconds: u32,
        /// What runs there: another revision has to be probed anew.
        revision: String,
    },
}

impl Question {
    /// Whether Azure answers it; Kubernetes, the endpoint and the shell answer the others.
    pub fn is_azure(&self) -> bool {
        match self {
            Self::Azure(..)
            | Self::Models { .. }
            | Self::NewestModel { .. }
            | Self::Operation { .. }
            | Self::FailureReason(_)
            | Self::RemoteFile(_)
            | Self::FileDigest { .. }
            | Self::ServiceLog(_) => true,
            Self::ConfigMap { .. }
            | Self::Secret(_)
            | Self::Fingerprints { .. }
            | Self::ConfigMapFiles { .. }
            | Self::SourceDirectory(_)
            | Self::DelegatedSubnet(_)
            | Self::OtherDelegatedSubnets { .. }
            | Self::Deployments { .. }
            | Self::Probe { .. } => false,
        }
    }
}
