//! Environment variables from Secrets. A changed value restarts the container; a Secret that was only touched,
//! rewritten or recreated does not. So the content's digest includes a fingerprint of each value, under a salt that is
//! kept in the web service's content tag: in Azure, where everyone who can read the tag can read the variables too, and
//! nowhere in Kubernetes, where many can read a status who may not read a Secret.

use super::{
    secrets,
    serving::{Serving, State},
};
use crate::{
    failure::Cause,
    observed::{Fact, Observed},
    owner::content_salt,
    questions::{ClusterQuestion, Question},
};
use acivnet_api::{AciVnetDeployment, SecretKeyRef};

/// The question about the fingerprints, once the Secrets and the service were read.
pub(super) fn question(cr: &AciVnetDeployment, observed: &Observed, serving: &Serving<'_>) -> Option<Question> {
    let keys: Vec<SecretKeyRef> = secrets::of_variables(cr).into_iter().cloned().collect();
    if keys.is_empty() || serving.state == State::Unread || secrets::check(cr, observed).is_err() {
        return None;
    }
    let salt = serving.content.and_then(content_salt).filter(|salt| is_hex(salt));
    Some(Question::Cluster(ClusterQuestion::Fingerprints { salt: salt.map(str::to_owned), keys }))
}

/// Stops without the fingerprints: what would be written without them would look like changed values.
pub(super) fn check(cr: &AciVnetDeployment, observed: &Observed, serving: &Serving<'_>) -> Result<(), Cause> {
    match question(cr, observed, serving).map(|question| observed.fact(&question)) {
        Some(Fact::Unread(failure)) => Err(Cause::from(&failure)),
        _ => Ok(()),
    }
}

fn is_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The fingerprints of the values.
pub(super) struct Fingerprints {
    /// Fingerprint by Secret key.
    of: Vec<(SecretKeyRef, String)>,
    /// The salt under which they are made.
    pub salt: String,
    /// Whether the salt is in Azure already.
    pub is_in_use: bool,
}

impl Fingerprints {
    /// The shell's answer; none while it was not asked.
    pub(super) fn of(cr: &AciVnetDeployment, observed: &Observed, serving: &Serving<'_>) -> Option<Self> {
        let question = question(cr, observed, serving)?;
        let answer = observed.body(&question)?;
        let Question::Cluster(ClusterQuestion::Fingerprints { salt, keys }) = question else { return None };
        let all = answer.get("fingerprints")?.as_array()?.iter();
        let of = keys.into_iter().zip(all.map(|one| one.as_str().unwrap_or_default().to_owned())).collect();
        Some(Self { of, salt: answer.get("salt")?.as_str()?.to_owned(), is_in_use: salt.is_some() })
    }

    /// The fingerprint of a value.
    pub(super) fn stand_in(&self, key: &SecretKeyRef) -> String {
        self.of.iter().find(|(one, _)| one == key).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// Whether the service's content tag was written by a release without fingerprints.
pub(super) fn is_of_before(cr: &AciVnetDeployment, serving: &Serving<'_>) -> bool {
    !secrets::of_variables(cr).is_empty() && serving.content.is_some_and(is_hex)
}

/// What releases without fingerprints used for a value: the version of its Secret.
pub(super) fn version_of(observed: &Observed, key: &SecretKeyRef) -> String {
    let version = secrets::version(observed, &key.name);
    version.map(|one| format!("{}/{}/{}", one.uid, one.resource_version, key.key)).unwrap_or_default()
}
