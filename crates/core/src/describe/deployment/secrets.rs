//! Secrets that a spec names. Core knows their names, versions and keys, never a value. Those of environment variables are in
//! `variables`.

use super::{probe_question, service_node, tls, variables, workspace_of};
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
    secret_flaws::Flaw,
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
    holds: Holds,
}

/// What the values are for, which tells what is wrong with one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Keys, which go into a header.
    Keys,
    /// Text of any number of lines.
    Text,
    /// PEM, which has a check of its own.
    Pem,
}

/// Every Secret once, in order of the spec's fields.
fn named(cr: &AciVnetDeployment) -> impl Iterator<Item = Named<'_>> {
    let variables = variables::keys(cr);
    let variables = variables.into_iter().map(|one| Named {
        name: &one.name,
        keys: vec![&one.key],
        made_here: false,
        holds: Holds::Text,
    });
    carried(cr).chain(variables)
}

/// Those with keys and a certificate.
fn carried(cr: &AciVnetDeployment) -> impl Iterator<Item = Named<'_>> {
    let auth = auth_secret(cr).map(|name| Named {
        name,
        keys: WhichKey::ALL.map(WhichKey::in_secret).to_vec(),
        made_here: true,
        holds: Holds::Keys,
    });
    let tls = cr.spec.tls.as_ref().map(|tls| Named {
        name: &tls.secret_ref.name,
        keys: vec![tls::CERTIFICATE, tls::KEY],
        made_here: false,
        holds: Holds::Pem,
    });
    auth.into_iter().chain(tls)
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
    let wanted = named(cr).filter(|one| one.name == secret).flat_map(|one| one.keys);
    wanted.chain(of_tls.then_some(tls::AUTHORITIES)).collect()
}

/// The questions about them.
pub(super) fn questions(cr: &AciVnetDeployment) -> impl Iterator<Item = Question> {
    named(cr).map(|one| Question::Secret(one.name.to_owned()))
}

fn fact(observed: &Observed, name: &str) -> Fact {
    observed.fact(&Question::Secret(name.to_owned()))
}

/// The first thing that is wrong with one of them.
pub(super) fn check(cr: &AciVnetDeployment, observed: &Observed) -> Result<(), Cause> {
    named(cr).try_for_each(|one| check_one(&one, &fact(observed, one.name)))
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
    if let Some((key, flaw)) = wanted.keys.iter().find_map(|key| Some((key, wanted.holds.flaw(body, key)?))) {
        let message = format!("key {key} of Secret {name} {flaw}");
        return Err(Cause::person(reasons::SECRET_VALUE_INVALID, message));
    }
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

impl Holds {
    /// What is wrong with the value of a key, and how to write it.
    fn flaw(self, secret: &Value, key: &str) -> Option<&'static str> {
        let flaw = Flaw::by_name(secret.get("flaws")?.get(key)?.as_str()?)?;
        match self {
            Self::Keys => Some(flaw.tell()),
            Self::Text => (!flaw.is_text()).then_some(flaw.tell()),
            Self::Pem if flaw == Flaw::NoText => {
                Some("is no text: DER or PKCS#12, perhaps; convert it to PEM with openssl x509, pkey or pkcs12")
            }
            Self::Pem => (flaw == Flaw::Empty).then_some(flaw.tell()),
        }
    }
}

/// Uid and resourceVersion of a Secret as read.
pub(super) fn version(observed: &Observed, name: &str) -> Option<SecretVersion> {
    let Fact::Present(body) = fact(observed, name) else { return None };
    let text = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(SecretVersion { name: name.to_owned(), uid: text("uid"), resource_version: text("resourceVersion") })
}

/// The versions that were read, for status: of keys and certificate only, since values of variables are compared as such.
pub(super) fn versions(cr: &AciVnetDeployment, observed: &Observed) -> Vec<SecretVersion> {
    let mut all: Vec<_> = carried(cr).filter_map(|one| version(observed, one.name)).collect();
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
