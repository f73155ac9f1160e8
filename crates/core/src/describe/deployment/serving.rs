//! What serves a deployment, whatever its backend: the one value that the report, the conditions, the status and the probe
//! know of it, and what each backend has to decide.

use super::place::Scope;
use crate::{
    blueprint::Blueprint, endpoint::Address, failure::Cause, kind::Kind, observed::Observed, questions::Question,
};
use acivnet_api::{AciVnetDeployment, SecretKeyRef};
use jiff::Timestamp;

/// How far what serves has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// It could not be read, or nobody knows where to look.
    Unread,
    /// Nothing of ours stands: it is proven absent, or another's.
    Absent,
    /// Its image is being built.
    Building,
    /// Its image stands, and its container is being started.
    Starting,
    /// It answers.
    Healthy,
    /// Its container ends by itself, and Azure starts it again.
    Unhealthy,
    /// Azure gave it up.
    Failed,
    /// It stands in a state that Azure does not document.
    Undocumented,
}

impl State {
    /// Whether it stands and is ours.
    pub(super) fn stands(self) -> bool {
        !matches!(self, Self::Unread | Self::Absent)
    }

    /// Whether Azure says that it failed.
    pub(super) fn has_failed(self) -> bool {
        matches!(self, Self::Unhealthy | Self::Failed)
    }

    /// Whether Azure is still bringing it up.
    pub(super) fn is_coming_up(self) -> bool {
        matches!(self, Self::Building | Self::Starting)
    }
}

/// What serves a deployment, as it was read.
pub(super) struct Serving<'a> {
    pub state: State,
    /// Azure's own word for the state, for messages.
    pub word: &'a str,
    /// Where it answers. `Ok(None)`: Azure names no address yet.
    pub address: Result<Option<Address>, Cause>,
    /// The content tag of what stands, whoever made it.
    pub content: Option<&'a str>,
    /// Digest of the certificate that it was given.
    pub certificate: Option<&'a str>,
    /// The key that a request may carry, and the mark of its version; none while there is none, or none is needed.
    pub key: Option<(SecretKeyRef, String)>,
    /// What its container wrote last, if it was read.
    pub log: Option<&'a str>,
}

impl Serving<'_> {
    /// Nothing is known.
    pub(super) fn unread() -> Self {
        let (content, certificate, key, log) = (None, None, None, None);
        Self { state: State::Unread, word: "", address: Ok(None), content, certificate, key, log }
    }
}

/// How messages call a backend.
pub(super) struct Words {
    /// Who runs it.
    pub provider: &'static str,
    /// What serves.
    pub service: &'static str,
    /// What goes with the object, and from where.
    pub removing: &'static str,
    /// Who else reads the environment variables; none where Azure answers them to nobody.
    pub readers: Option<&'static str>,
    /// What `BackendSupported` says: whether it is, why, and what to do.
    pub supported: (bool, &'static str, &'static str),
}

/// What a backend decides. All of it is asked for in one place, the match on `spec.backend.type`, so that a new variant does
/// not compile before it has answered.
pub(super) trait Backend {
    /// How messages call it.
    fn words(&self) -> &'static Words;
    /// The kinds that tell how it is, that which serves first.
    fn kinds(&self) -> &'static [&'static Kind];
    /// Name of what serves.
    fn name<'c>(&self, cr: &'c AciVnetDeployment) -> &'c str;
    /// The base image that its environment is built on, where it builds one.
    fn base_image<'c>(&self, cr: &'c AciVnetDeployment) -> Option<&'c str>;
    /// What to read in the workspace.
    fn questions(&self, scope: &Scope<'_>) -> Vec<Question>;
    /// What should stand.
    fn present(&self, scope: Scope<'_>, now: Timestamp) -> Result<Blueprint, Cause>;
    /// What should go.
    fn gone(&self, scope: Scope<'_>, now: Timestamp) -> Blueprint;
    /// What serves, as it was read.
    fn serving<'a>(&self, cr: &'a AciVnetDeployment, observed: &'a Observed) -> Serving<'a>;
    /// Why it failed, or does not come up. It reads a whole log, and so is asked for by a report only.
    fn cause(&self, cr: &AciVnetDeployment, observed: &Observed, state: State) -> Option<Cause>;
    /// Whether files, keys or certificate are not those that were served last.
    fn has_new_inputs(&self, cr: &AciVnetDeployment, observed: &Observed) -> bool;
}
