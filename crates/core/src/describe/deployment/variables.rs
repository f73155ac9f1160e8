//! Environment variables from Secrets. A change of a value restarts the container; a Secret that was only touched, written
//! anew or made again does not. So the digest of the content holds a fingerprint of each value, under a salt that stands in
//! the content tag of the web service: in Azure, where whoever reads the tag reads the variables too, and nowhere in
//! Kubernetes, where many may read a status who may not read a Secret.

use super::{
    secrets,
    serving::{Serving, State},
};
use crate::{
    failure::Cause,
    observed::{Fact, Observed},
    owner::content_of,
    questions::Question,
};
use acivnet_api::{AciVnetDeployment, SecretKeyRef};

/// The question about their fingerprints, once the Secrets and the web service were looked at.
pub(super) fn question(cr: &AciVnetDeployment, observed: &Observed, serving: &Serving<'_>) -> Option<Question> {
    let keys: Vec<SecretKeyRef> = secrets::of_variables(cr).into_iter().cloned().collect();
    if keys.is_empty() || serving.state == State::Unread || secrets::check(cr, observed).is_err() {
        return None;
    }
    let salt = serving.content.and_then(|tag| content_of(tag).1).filter(|salt| is_hex(salt));
    Some(Question::Fingerprints { salt: salt.map(str::to_owned), keys })
}

/// Refuses to go on without the fingerprints: what would be written then looked like other values.
pub(super) fn check(cr: &AciVnetDeployment, observed: &Observed, serving: &Serving<'_>) -> Result<(), Cause> {
    match question(cr, observed, serving).map(|question| observed.fact(&question)) {
        Some(Fact::Unread(failure)) => Err(Cause::from(&failure)),
        _ => Ok(()),
    }
}

fn is_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// What stands for the values.
pub(super) struct Fingerprints {
    /// Of the values.
    of: Vec<(SecretKeyRef, String)>,
    /// With which they are made.
    pub salt: String,
    /// Whether Azure has the salt already.
    pub is_in_use: bool,
}

impl Fingerprints {
    /// What the shell told; none while it was not asked.
    pub(super) fn of(cr: &AciVnetDeployment, observed: &Observed, serving: &Serving<'_>) -> Option<Self> {
        let question = question(cr, observed, serving)?;
        let answer = observed.body(&question)?;
        let Question::Fingerprints { salt, keys } = question else { return None };
        let all = answer.get("fingerprints")?.as_array()?.iter();
        let of = keys.into_iter().zip(all.map(|one| one.as_str().unwrap_or_default().to_owned())).collect();
        Some(Self { of, salt: answer.get("salt")?.as_str()?.to_owned(), is_in_use: salt.is_some() })
    }

    /// What stands for a value.
    pub(super) fn stand_in(&self, key: &SecretKeyRef) -> String {
        self.of.iter().find(|(one, _)| one == key).map(|(_, value)| value.clone()).unwrap_or_default()
    }
}

/// Whether the web service carries a content tag of a release that had no fingerprints.
pub(super) fn is_of_before(cr: &AciVnetDeployment, serving: &Serving<'_>) -> bool {
    !secrets::of_variables(cr).is_empty() && serving.content.is_some_and(is_hex)
}

/// What stood for a value in releases that had no fingerprints: the version of its Secret.
pub(super) fn version_of(observed: &Observed, key: &SecretKeyRef) -> String {
    let version = secrets::version(observed, &key.name);
    version.map(|one| format!("{}/{}/{}", one.uid, one.resource_version, key.key)).unwrap_or_default()
}
