//! The model's source: content that is registered here, or a version that the workspace already has.

use super::{
    files::{absent_map, container, file, payload},
    place::{owner, workspace_of},
};
use crate::{
    blueprint::{Goal, Hold, Node, Payload, PayloadSource},
    failure::Cause,
    id::ResourceId,
    kinds::{
        model_version,
        registered_model::{self, REGISTERED_MODEL},
        workspace::{self, WORKSPACE},
    },
    observed::{Fact, Observed},
    owner::{Mark, sha256_hex},
    questions::{AzureQuestion, ClusterQuestion, Question, RemoteFile},
    subject::Subject,
};
use acivnet_api::{
    AciVnetDeployment, ConfigMapFiles, ConfigMapKey, ModelStatus, Origin, RegisteredModel, conditions::reasons,
};
use serde_json::{Map, Value};

pub(super) enum Source {
    /// Content that is registered here as a version of our own.
    Content(Content),
    /// A version that somebody else registered.
    Registered(ResourceId),
}

/// Content that is registered here.
pub(super) struct Content {
    /// `sha256:` and hex digits: of the file, or of the names and digests of a directory's files.
    pub digest: String,
    /// The file, or those of a directory.
    pub payloads: Vec<Payload>,
}

/// The question about the model's content, which needs no workspace.
pub(super) fn files(cr: &AciVnetDeployment) -> Option<Question> {
    let source = &cr.spec.model.source;
    if let Some(uri) = &source.uri {
        return Some(Question::Azure(AzureQuestion::RemoteFile(remote(cr, uri))));
    }
    let map = source.config_map.as_ref()?;
    Some(match map.file() {
        Some(key) => Question::config_map(key, false),
        None => Question::Cluster(ClusterQuestion::ConfigMapFiles { name: map.name.clone() }),
    })
}

/// The questions about a version that is registered in the workspace.
pub(super) fn in_workspace(cr: &AciVnetDeployment, observed: &Observed, workspace: &ResourceId) -> Vec<Question> {
    let Some(source) = &cr.spec.model.source.registered else { return Vec::new() };
    let newest = pinned(cr, source).is_none().then(|| newest(cr, workspace));
    let version = registered(cr, observed, source).ok().map(|id| Question::resource(&REGISTERED_MODEL, id));
    newest.into_iter().chain(version).collect()
}

impl Source {
    pub(super) fn of(cr: &AciVnetDeployment, observed: &Observed) -> Result<Self, Cause> {
        let source = &cr.spec.model.source;
        match (&source.config_map, &source.registered, &source.uri) {
            (Some(map), ..) => Content::of(cr, observed, map).map(Self::Content),
            (_, Some(version), _) => registered(cr, observed, version).map(Self::Registered),
            (.., Some(uri)) => Content::behind(cr, observed, uri).map(Self::Content),
            (None, None, None) => Err(Cause::person(reasons::MODEL_UNREADABLE, "spec.model.source names no source")),
        }
    }

    /// `name:version` of a referenced model, or of this content when it was last seen.
    pub(super) fn known(&self, cr: &AciVnetDeployment) -> Option<String> {
        match self {
            Self::Registered(id) => Some(id.name().to_owned()),
            Self::Content(content) => {
                let known = cr.status.as_ref()?.model.as_ref();
                let same = |one: &&ModelStatus| one.digest.as_deref() == Some(&content.digest) && !is_referred(one);
                known.filter(same).map(|known| format!("{}:{}", known.name, known.version))
            }
        }
    }
}

impl Content {
    fn of(cr: &AciVnetDeployment, observed: &Observed, map: &ConfigMapFiles) -> Result<Self, Cause> {
        match map.file() {
            Some(key) => {
                let payload = file(observed, &key, false)?;
                Ok(Self { digest: payload.digest.clone(), payloads: vec![payload] })
            }
            None => directory(observed, &map.name, &cr.spec.model.name),
        }
    }

    fn behind(cr: &AciVnetDeployment, observed: &Observed, uri: &str) -> Result<Self, Cause> {
        let fact = match observed.fact(&Question::Azure(AzureQuestion::RemoteFile(remote(cr, uri)))) {
            Fact::Present(fact) => fact,
            Fact::Unread(failure) => return Err(Cause::from(&failure)),
            Fact::Absent => return Err(Cause::person(reasons::MODEL_UNREADABLE, format!("{uri} does not exist"))),
        };
        let etag = fact.get("etag").and_then(Value::as_str).unwrap_or_default().to_owned();
        let name = uri.rsplit('/').next().unwrap_or_default();
        let file = payload(name, PayloadSource::Uri { uri: uri.to_owned(), etag }, &fact);
        let payload = file.ok_or_else(|| Cause::passing(reasons::READING_MODEL, format!("{uri} is being read")))?;
        Ok(Self { digest: payload.digest.clone(), payloads: vec![payload] })
    }
}

/// All keys of a ConfigMap as a directory of this name, as `Model.register` uploads a folder: one container, with paths
/// that begin with the folder's name.
fn directory(observed: &Observed, map: &str, name: &str) -> Result<Content, Cause> {
    let files = match observed.fact(&Question::Cluster(ClusterQuestion::ConfigMapFiles { name: map.to_owned() })) {
        Fact::Present(files) => files,
        Fact::Absent => return Err(absent_map(map)),
        Fact::Unread(failure) => return Err(Cause::from(&failure)),
    };
    let files: Vec<Payload> = files.as_array().into_iter().flatten().filter_map(|one| keyed(map, one)).collect();
    if files.is_empty() {
        let message = format!("ConfigMap {map} has no keys; a model needs a file");
        return Err(Cause::person(reasons::MODEL_UNREADABLE, message));
    }
    let parts: Vec<&[u8]> = ["directory"]
        .into_iter()
        .chain(files.iter().flat_map(|one| [one.path.as_str(), &one.digest]))
        .map(str::as_bytes)
        .collect();
    let digest = format!("sha256:{}", sha256_hex(&parts));
    let within =
        |file: Payload| Payload { container: container(&digest), path: format!("{name}/{}", file.path), ..file };
    Ok(Content { payloads: files.into_iter().map(within).collect(), digest })
}

/// The file, with its ETag and digest from the status.
fn remote(cr: &AciVnetDeployment, uri: &str) -> RemoteFile {
    let known = cr.status.as_ref().and_then(|status| status.model.as_ref());
    let known = known.filter(|known| known.uri.as_deref() == Some(uri));
    RemoteFile { uri: uri.to_owned(), known: known.and_then(|known| known.etag.clone().zip(known.digest.clone())) }
}

fn keyed(map: &str, fact: &Value) -> Option<Payload> {
    let key = fact.get("key")?.as_str()?.to_owned();
    let key = ConfigMapKey { name: map.to_owned(), key };
    payload(&key.key.clone(), PayloadSource::ConfigMap(key), fact)
}

/// The question about the object's own model versions.
pub(super) fn own_versions(cr: &AciVnetDeployment, observed: &Observed, workspace: &ResourceId) -> Question {
    Question::Azure(AzureQuestion::Models { workspace: workspace.clone(), owner: owner(cr, observed).key })
}

fn is_referred(model: &ModelStatus) -> bool {
    model.origin == Some(Origin::Referenced)
}

/// The referenced version: the one in the spec, else the one that was newest when first read, else the newest.
fn registered(cr: &AciVnetDeployment, observed: &Observed, source: &RegisteredModel) -> Result<ResourceId, Cause> {
    let unknown = || Cause::passing(reasons::PROGRESSING, "the workspace is not known yet");
    let workspace = workspace_of(cr, observed).ok_or_else(unknown)?;
    if observed.azure(&WORKSPACE, &workspace) == Fact::Absent {
        return Err(workspace::missing(&workspace));
    }
    let name = &cr.spec.model.name;
    let version = match pinned(cr, source) {
        Some(version) => version,
        None => match observed.fact(&newest(cr, &workspace)) {
            Fact::Present(body) => model_version::version(&body),
            Fact::Absent => return Err(not_found(&workspace, name)),
            Fact::Unread(failure) => return Err(Cause::from(&failure)),
        },
    };
    Ok(registered_model::id(&workspace, name, &version))
}

/// The version, if it is known without asking for the newest.
fn pinned(cr: &AciVnetDeployment, source: &RegisteredModel) -> Option<String> {
    let known = cr.status.as_ref().and_then(|status| status.model.as_ref()).filter(|_| !cr.asked());
    let known = known.filter(|known| is_referred(known) && known.name == cr.spec.model.name);
    source.version.as_ref().map(ToString::to_string).or_else(|| known.map(|known| known.version.clone()))
}

fn newest(cr: &AciVnetDeployment, workspace: &ResourceId) -> Question {
    Question::Azure(AzureQuestion::NewestModel { workspace: workspace.clone(), name: cr.spec.model.name.clone() })
}

fn not_found(workspace: &ResourceId, model: &str) -> Cause {
    Cause::person(
        reasons::MODEL_NOT_FOUND,
        format!(
            "model {model} is not registered in workspace {}; register it, correct spec.model, or have the newest \
             version looked up again with acivnet.dev/reconcile-requested-at",
            workspace.name()
        ),
    )
}

/// The node of a version that is only read.
pub(super) fn referred(observed: &Observed, id: ResourceId) -> Node {
    let absent = observed.azure(&REGISTERED_MODEL, &id) == Fact::Absent;
    let missing = id.parent().filter(|_| absent).map(|workspace| not_found(&workspace, id.name()));
    let node = Node::new(&REGISTERED_MODEL, id, Goal::Present, Value::Object(Map::new()), Mark::None);
    Node { hold: Hold::Referenced, blocked: missing, ..node }
}
