//! The service behind a deployment, whatever its backend: the one value that report, conditions, status and probe know
//! of it, and the trait that each backend implements.

use super::place::Scope;
use crate::{
    blueprint::Blueprint, endpoint::Address, failure::Cause, kind::Kind, observed::Observed, questions::Question,
};
use acivnet_api::{AciVnetDeployment, SecretKeyRef};
use jiff::Timestamp;

/// The state of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It could not be read, or its place is not known yet.
    Unread,
    /// It is proven absent, or not ours.
    Absent,
    /// Its image is being built.
    Building,
    /// Its image is built, and its container is being started.
    Starting,
    /// It answers.
    Healthy,
    /// Its container exits, and Azure restarts it.
    Unhealthy,
    /// Azure gave up on it.
    Failed,
    /// It exists, in a state that Azure does not document.
    Undocumented,
}

impl State {
    /// Whether it exists and is ours.
    pub(super) fn exists(self) -> bool {
        !matches!(self, Self::Unread | Self::Absent)
    }

    /// Whether Azure says that it failed.
    pub(super) fn has_failed(self) -> bool {
        matches!(self, Self::Unhealthy | Self::Failed)
    }

    /// Whether Azure is still building or starting it.
    pub(super) fn is_coming_up(self) -> bool {
        matches!(self, Self::Building | Self::Starting)
    }
}

/// The service behind a deployment, as it was read.
pub(super) struct Serving<'a> {
    pub state: State,
    /// Azure's own word for the state, for messages.
    pub word: &'a str,
    /// Where it answers. `Ok(None)`: Azure has no address yet.
    pub address: Result<Option<Address>, Cause>,
    /// The content tag, whoever created the service.
    pub content: Option<&'a str>,
    /// Digest of its certificate.
    pub certificate: Option<&'a str>,
    /// The key that a request may carry, with a mark of its version; none if none is usable or needed.
    pub key: Option<(SecretKeyRef, String)>,
    /// The end of its container's log, if it was read.
    pub log: Option<&'a str>,
}

impl Serving<'_> {
    /// Nothing is known.
    pub(super) fn unread() -> Self {
        let (content, certificate, key, log) = (None, None, None, None);
        Self { state: State::Unread, word: "", address: Ok(None), content, certificate, key, log }
    }
}

/// A backend's words in messages.
pub(super) struct Words {
    /// Who runs the service.
    pub provider: &'static str,
    /// The kind of service.
    pub service: &'static str,
    /// What is deleted with the object, and where.
    pub removing: &'static str,
    /// Who else can read the environment variables; none if Azure shows them to nobody.
    pub readers: Option<&'static str>,
    /// `BackendSupported`: whether it is True, the reason, and what to do.
    pub supported: (bool, &'static str, &'static str),
}

/// What a backend decides. The one match on `spec.backend.type` needs an implementation, so that a new variant does not
/// compile without one.
pub(super) trait Backend {
    /// Its words in messages.
    fn words(&self) -> &'static Words;
    /// The kinds that show its state, the service itself first.
    fn kinds(&self) -> &'static [&'static Kind];
    /// Name of the service in Azure.
    fn name<'c>(&self, cr: &'c AciVnetDeployment) -> &'c str;
    /// The base image of its environment, if it builds one.
    fn base_image<'c>(&self, cr: &'c AciVnetDeployment) -> Option<&'c str>;
    /// The questions about the workspace's content.
    fn questions(&self, scope: &Scope<'_>) -> Vec<Question>;
    /// The nodes of an object that is wanted.
    fn present(&self, scope: Scope<'_>, now: Timestamp) -> Result<Blueprint, Cause>;
    /// The nodes of an object that is being deleted.
    fn gone(&self, scope: Scope<'_>, now: Timestamp) -> Blueprint;
    /// The service, as it was read.
    fn serving<'a>(&self, cr: &'a AciVnetDeployment, observed: &'a Observed) -> Serving<'a>;
    /// Why the service failed, or does not start. It reads a whole log, so only a report calls it.
    fn cause(&self, cr: &AciVnetDeployment, observed: &Observed, state: State) -> Option<Cause>;
    /// Whether files, keys or certificate differ from those served last.
    fn has_new_inputs(&self, cr: &AciVnetDeployment, observed: &Observed) -> bool;
}
