//! The keys of a web service: whether they equal those in the Secret, and which one a request may carry.

use super::standing::Standing;
use crate::{
    blueprint::Sealed,
    describe::deployment::{
        probe::refused,
        secrets::{auth_secret, fact, known, version},
    },
    id::ResourceId,
    kinds::web_service::{
        self,
        keys::{self, SERVICE_KEYS, WhichKey},
    },
    observed::{Fact, Observed},
    questions::Question,
    subject::Subject,
};
use acivnet_api::{AciVnetDeployment, SecretKeyRef};
use serde_json::Value;

/// Whether a key in the Secret differs from Azure's, or the Secret has to be created.
pub(super) fn differ(cr: &AciVnetDeployment, observed: &Observed, standing: &Standing<'_>) -> bool {
    let compared = id(cr, observed, standing).map(|id| Question::resource(&SERVICE_KEYS, id));
    let answer = compared.as_ref().and_then(|question| observed.body(question));
    let same = |answer: &Value| WhichKey::ALL.into_iter().all(|key| keys::is_same(answer, key));
    answer.is_some_and(|answer| !same(answer))
}

/// The question whether Azure's keys equal the Secret's, if there is a reason to ask: the Secret changed, a person
/// requested a reconcile, or a request with its key was refused.
pub(super) fn question(cr: &AciVnetDeployment, observed: &Observed, standing: &Standing<'_>) -> Option<Question> {
    let id = id(cr, observed, standing)?;
    let secret = auth_secret(cr)?;
    let now = version(observed, secret);
    let settled = now.as_ref().is_some_and(|now| known(cr).contains(now));
    (!settled || cr.asked() || refused(observed)).then_some(Question::resource(&SERVICE_KEYS, id))
}

/// The id of the comparison, once the web service runs and is ours.
fn id(cr: &AciVnetDeployment, observed: &Observed, standing: &Standing<'_>) -> Option<ResourceId> {
    let secret = auth_secret(cr)?;
    let read = !matches!(fact(observed, secret), Fact::Unread(_));
    (read && web_service::is_healthy(standing.ours()?)).then(|| keys::id(&standing.id, secret))
}

/// The key that a request may carry: one that is both in the Secret and in Azure, if there is one.
pub(super) fn in_use(
    cr: &AciVnetDeployment,
    observed: &Observed,
    standing: &Standing<'_>,
) -> Option<(SecretKeyRef, String)> {
    let secret = auth_secret(cr)?;
    let version = version(observed, secret)?;
    let id = id(cr, observed, standing)?;
    let compared = observed.facts.get(&Question::resource(&SERVICE_KEYS, id));
    let settled = known(cr).contains(&version);
    let key = match compared {
        Some(Fact::Present(answer)) => {
            let same = WhichKey::ALL.into_iter().find(|key| keys::is_same(answer, *key));
            same.or(refused(observed).then_some(WhichKey::Primary))?
        }
        None if settled && !cr.asked() => WhichKey::Primary,
        _ => return None,
    };
    let mark = format!("{}/{}/{}", version.uid, version.resource_version, key.in_secret());
    Some((SecretKeyRef { name: secret.to_owned(), key: key.in_secret().to_owned() }, mark))
}

/// The keys for a new web service: those in the Secret, if it exists; otherwise Azure generates them.
pub(super) fn first(cr: &AciVnetDeployment, observed: &Observed) -> Vec<Sealed> {
    let Some(secret) = auth_secret(cr).filter(|name| version(observed, name).is_some()) else { return Vec::new() };
    let value = |key: WhichKey| SecretKeyRef { name: secret.to_owned(), key: key.in_secret().to_owned() };
    [("/keys/primaryKey", WhichKey::Primary), ("/keys/secondaryKey", WhichKey::Secondary)]
        .map(|(at, key)| Sealed { at: at.to_owned(), value: value(key) })
        .to_vec()
}
