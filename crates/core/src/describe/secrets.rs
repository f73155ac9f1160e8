//! Secrets that a spec names. Core knows their names, versions and keys, never a value.

use super::{
    deployment::{probe_question, service_node, workspace_of},
    tls,
};
use crate::{
    blueprint::{Goal, Node, Sealed},
    failure::Cause,
    id::ResourceId,
    kinds::web_service::{
        self, WEB_SERVICE,
        keys::{self, SERVICE_KEYS, WhichKey},
    },
    observed::{Fact, Observed},
    owner::Mark,
    plan::is_ours,
    questions::Question,
    subject::Subject,
};
use acivnet_api::{AciVnetDeployment, AuthType, SecretKeyRef, SecretVersion, conditions::reasons};
use serde_json::Value;

/// One Secret that a spec names.
struct Named<'a> {
    name: &'a str,
    keys: Vec<&'a str>,
    /// Azure's keys are written there when it is not there.
    made_here: bool,
}

/// Every Secret once, in order of the spec's fields.
fn named(cr: &AciVnetDeployment) -> Vec<Named<'_>> {
    let auth = auth_secret(cr).map(|name| Named {
        name,
        keys: WhichKey::ALL.map(WhichKey::in_secret).to_vec(),
        made_here: true,
    });
    let variables = cr.spec.scoring.environment_variables.iter().filter_map(|one| one.value_from.as_ref());
    let variables = variables.map(|one| &one.secret_key_ref).map(|one| Named {
        name: &one.name,
        keys: vec![&one.key],
        made_here: false,
    });
    let tls = cr.spec.tls.as_ref().map(|tls| Named {
        name: &tls.secret_ref.name,
        keys: vec![tls::CERTIFICATE, tls::KEY],
        made_here: false,
    });
    auth.into_iter().chain(tls).chain(variables).collect()
}

/// The Secret with the keys of the web service.
pub(super) fn auth_secret(cr: &AciVnetDeployment) -> Option<&str> {
    let auth = cr.spec.auth.as_ref().filter(|auth| auth.type_ == AuthType::Key)?;
    Some(&auth.keys.as_ref()?.secret_ref.name)
}

/// Whether a request needs a key.
pub(super) fn needs_key(cr: &AciVnetDeployment) -> bool {
    cr.spec.auth.as_ref().is_some_and(|auth| auth.type_ == AuthType::Key)
}

/// The keys of one of them that are needed, or used where they are there.
pub(super) fn keys_of<'a>(cr: &'a AciVnetDeployment, secret: &str) -> Vec<&'a str> {
    let of_tls = cr.spec.tls.as_ref().is_some_and(|tls| tls.secret_ref.name == secret);
    let wanted = named(cr).into_iter().filter(|one| one.name == secret).flat_map(|one| one.keys);
    wanted.chain(of_tls.then_some(tls::AUTHORITIES)).collect()
}

/// The questions about them.
pub(super) fn questions(cr: &AciVnetDeployment) -> impl Iterator<Item = Question> {
    named(cr).into_iter().map(|one| Question::Secret(one.name.to_owned()))
}

fn fact(observed: &Observed, name: &str) -> Fact {
    observed.fact(&Question::Secret(name.to_owned()))
}

/// The first thing that is wrong with one of them.
pub(super) fn check(cr: &AciVnetDeployment, observed: &Observed) -> Result<(), Cause> {
    named(cr).iter().try_for_each(|one| check_one(one, &fact(observed, one.name)))
}

fn check_one(wanted: &Named<'_>, fact: &Fact) -> Result<(), Cause> {
    let name = wanted.name;
    let body = match fact {
        Fact::Unread(failure) => return Err(Cause::from(failure)),
        Fact::Absent if wanted.made_here => return Ok(()),
        Fact::Absent => {
            let message =
                format!("Secret {name} does not exist in this namespace; create it, or correct the reference");
            return Err(Cause::person(reasons::SECRET_NOT_FOUND, message));
        }
        Fact::Present(body) => body,
    };
    let has =
        |key: &&&str| body.get("keys").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == **key));
    match wanted.keys.iter().find(|key| !has(key)) {
        Some(key) => {
            let message = format!("Secret {name} has no key {key} with text in it; add it, or correct the reference");
            Err(Cause::person(reasons::SECRET_KEY_MISSING, message))
        }
        None => Ok(()),
    }
}

/// Uid and resourceVersion of a Secret as read.
fn version(observed: &Observed, name: &str) -> Option<SecretVersion> {
    let Fact::Present(body) = fact(observed, name) else { return None };
    let text = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(SecretVersion { name: name.to_owned(), uid: text("uid"), resource_version: text("resourceVersion") })
}

/// What stands for the content of a Secret's key in a digest of ours: no reader can find the content from it.
pub(super) fn stand_in(observed: &Observed, key: &SecretKeyRef) -> String {
    let version = version(observed, &key.name);
    version.map(|one| format!("{}/{}/{}", one.uid, one.resource_version, key.key)).unwrap_or_default()
}

/// The versions that were read, for status.
pub(super) fn versions(cr: &AciVnetDeployment, observed: &Observed) -> Vec<SecretVersion> {
    let mut all: Vec<_> = named(cr).iter().filter_map(|one| version(observed, one.name)).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.dedup();
    all
}

/// Whether keys or certificate are others than when the object settled; a Secret that only got an annotation is not.
/// Variables are part of the content.
pub(super) fn changed(cr: &AciVnetDeployment, observed: &Observed) -> bool {
    let known = cr.status.as_ref().map(|status| status.secrets.as_slice()).unwrap_or_default();
    versions(cr, observed) != known && (keys_differ(cr, observed) || tls::is_another(cr, observed))
}

/// Whether a key of the Secret is not Azure's, or the Secret is to be made.
fn keys_differ(cr: &AciVnetDeployment, observed: &Observed) -> bool {
    let compared = keys_id(cr, observed).map(|id| Question::Azure(&SERVICE_KEYS, id));
    let answer = compared.as_ref().and_then(|question| observed.body(question));
    let same = |answer: &Value| WhichKey::ALL.into_iter().all(|key| keys::is_same(answer, key));
    answer.is_some_and(|answer| !same(answer))
}

/// The question how Azure's keys compare with the Secret's, when there is a reason to ask: the Secret changed, a person
/// asks, or a request with its key was refused.
pub(super) fn keys_question(cr: &AciVnetDeployment, observed: &Observed) -> Option<Question> {
    let id = keys_id(cr, observed)?;
    let secret = auth_secret(cr)?;
    let now = version(observed, secret);
    let known = cr.status.as_ref().map(|status| status.secrets.as_slice()).unwrap_or_default();
    let settled = now.as_ref().is_some_and(|now| known.contains(now));
    (!settled || cr.asked() || refused(observed)).then_some(Question::Azure(&SERVICE_KEYS, id))
}

/// Where the keys are compared, once the web service runs and is ours.
fn keys_id(cr: &AciVnetDeployment, observed: &Observed) -> Option<ResourceId> {
    let secret = auth_secret(cr)?;
    let node = service_node(cr, observed, &workspace_of(cr, observed)?, Goal::Present);
    let service = observed.azure_body(&WEB_SERVICE, &node.id)?;
    let read = !matches!(fact(observed, secret), Fact::Unread(_));
    let runs = web_service::state(service) == "Healthy" && is_ours(&node, service, cr.recorded());
    (read && runs).then(|| keys::id(&node.id, secret))
}

/// Whether the probe of this pass was refused for want of a key.
pub(super) fn refused(observed: &Observed) -> bool {
    let answers = observed.facts.iter().filter(|(question, _)| matches!(question, Question::Probe { .. }));
    answers.into_iter().any(|(_, fact)| match fact {
        Fact::Present(answer) => answer.get("status").and_then(Value::as_u64) == Some(401),
        Fact::Absent | Fact::Unread(_) => false,
    })
}

/// The key that a request may carry: one that is in the Secret and in Azure. None while there is none.
pub(super) fn key_in_use(cr: &AciVnetDeployment, observed: &Observed) -> Option<(SecretKeyRef, String)> {
    let secret = auth_secret(cr)?;
    let version = version(observed, secret)?;
    let id = keys_id(cr, observed)?;
    let compared = observed.facts.get(&Question::Azure(&SERVICE_KEYS, id));
    let settled = cr.status.as_ref().is_some_and(|status| status.secrets.contains(&version));
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

/// The keys that a web service is made with: those of the Secret, if it is there; else Azure makes them.
pub(super) fn first_keys(cr: &AciVnetDeployment, observed: &Observed) -> Vec<Sealed> {
    let Some(secret) = auth_secret(cr).filter(|name| version(observed, name).is_some()) else { return Vec::new() };
    let value = |key: WhichKey| SecretKeyRef { name: secret.to_owned(), key: key.in_secret().to_owned() };
    [("/keys/primaryKey", WhichKey::Primary), ("/keys/secondaryKey", WhichKey::Secondary)]
        .map(|(at, key)| Sealed { at: at.to_owned(), value: value(key) })
        .to_vec()
}

/// The keys of the web service at this place of the list, when they are looked at. The primary one waits until a request
/// with the secondary one was answered, and not refused, where there is a probe that tells.
pub(super) fn keys_node(cr: &AciVnetDeployment, observed: &Observed, service: usize) -> Option<Node> {
    let Question::Azure(kind, id) = keys_question(cr, observed)? else { return None };
    let secondary_is_set =
        observed.azure_body(kind, &id).is_some_and(|answer| keys::is_same(answer, WhichKey::Secondary));
    let blocked = if secondary_is_set { unproven(cr, observed) } else { None };
    let node = Node::new(kind, id, Goal::Present, keys::body(), Mark::Within);
    // keys that Azure made are kept before a replacement of the service loses them
    let made = auth_secret(cr).is_some_and(|secret| fact(observed, secret) == Fact::Absent);
    let needs = if made { Vec::new() } else { vec![service] };
    Some(Node { needs, blocked, ..node })
}

/// Why nobody knows that a request with the secondary key is accepted.
fn unproven(cr: &AciVnetDeployment, observed: &Observed) -> Option<Cause> {
    let question = probe_question(cr, observed)?;
    let status = observed.body(&question).and_then(|answer| answer.get("status")?.as_u64());
    let (reason, what) = match status {
        Some(401) => (reasons::UNAUTHORIZED, "was refused"),
        None | Some(500..) => (reasons::PROBE_FAILED, "was not answered"),
        Some(_) => return None,
    };
    let message = format!(
        "a request with the secondary key of the Secret {what}, so that the primary one is left as it is until one succeeds"
    );
    Some(Cause::passing(reason, message))
}
