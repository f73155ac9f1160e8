//! Environment variables from Secrets. A change of a value restarts the container; a Secret that was only touched, written
//! anew or made again does not. So the digest of the content holds a fingerprint of each value, under a salt that stands in
//! the content tag of the web service: in Azure, where whoever reads the tag reads the variables too, and nowhere in
//! Kubernetes, where many may read a status who may not read a Secret.

use super::{secrets, service_name, workspace_of};
use crate::{
    failure::Cause,
    kinds::web_service::{self, WEB_SERVICE},
    observed::{Fact, Observed},
    owner::{content_of, content_tag},
    questions::Question,
};
use acivnet_api::{AciVnetDeployment, SecretKeyRef};
use serde_json::Value;

/// The values that variables are made of, each once.
pub(super) fn keys(cr: &AciVnetDeployment) -> Vec<&SecretKeyRef> {
    let sources = cr.spec.scoring.environment_variables.iter().filter_map(|one| one.value_from.as_ref());
    let mut keys: Vec<&SecretKeyRef> = Vec::new();
    for key in sources.map(|source| &source.secret_key_ref) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The question about their fingerprints, once the Secrets and the web service were looked at.
pub(super) fn question(cr: &AciVnetDeployment, observed: &Observed) -> Option<Question> {
    let keys: Vec<SecretKeyRef> = keys(cr).into_iter().cloned().collect();
    if keys.is_empty() || secrets::check(cr, observed).is_err() {
        return None;
    }
    let stands = standing(cr, observed)?;
    let salt = content_tag(&stands).and_then(|tag| content_of(tag).1).filter(|salt| is_hex(salt));
    Some(Question::Fingerprints { salt: salt.map(str::to_owned), keys })
}

/// Refuses to go on without the fingerprints: what would be written then looked like other values.
pub(super) fn check(cr: &AciVnetDeployment, observed: &Observed) -> Result<(), Cause> {
    match question(cr, observed).map(|question| observed.fact(&question)) {
        Some(Fact::Unread(failure)) => Err(Cause::from(&failure)),
        _ => Ok(()),
    }
}

/// The web service, null while it is not there; none while it is unread.
fn standing(cr: &AciVnetDeployment, observed: &Observed) -> Option<Value> {
    let id = web_service::id(&workspace_of(cr, observed)?, service_name(cr));
    match observed.azure(&WEB_SERVICE, &id) {
        Fact::Present(body) => Some(body),
        Fact::Absent => Some(Value::Null),
        Fact::Unread(_) => None,
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
    pub(super) fn of(cr: &AciVnetDeployment, observed: &Observed) -> Option<Self> {
        let question = question(cr, observed)?;
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
pub(super) fn is_of_before(cr: &AciVnetDeployment, observed: &Observed) -> bool {
    let stands = standing(cr, observed).unwrap_or_default();
    !keys(cr).is_empty() && content_tag(&stands).is_some_and(is_hex)
}

/// What stood for a value in releases that had no fingerprints: the version of its Secret.
pub(super) fn version_of(observed: &Observed, key: &SecretKeyRef) -> String {
    let version = secrets::version(observed, &key.name);
    version.map(|one| format!("{}/{}/{}", one.uid, one.resource_version, key.key)).unwrap_or_default()
}
