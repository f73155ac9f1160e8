//! Secrets that a spec names. Core knows their names, versions and keys, never a value. How values of environment variables
//! compare is in `variables`.

use super::tls;
use crate::{
    failure::Cause,
    kinds::web_service::keys::WhichKey,
    observed::{Fact, Observed},
    questions::{ClusterQuestion, Question},
    secret_flaws::Flaw,
};
use acivnet_api::{AciVnetDeployment, AuthType, SecretKeyRef, SecretVersion, conditions::reasons};
use serde_json::Value;

struct Named<'a> {
    name: &'a str,
    keys: Vec<&'a str>,
    /// It is created, with Azure's keys, if it does not exist.
    made_here: bool,
    holds: Holds,
}

/// What the values are used for, which decides what is wrong with one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Holds {
    /// Keys, which are sent in a header.
    Keys,
    /// Text of any number of lines.
    Text,
    /// PEM, which has its own check.
    Pem,
}

/// All Secrets in the order of the spec's fields.
fn named(cr: &AciVnetDeployment) -> impl Iterator<Item = Named<'_>> {
    let variables = of_variables(cr);
    let variables = variables.into_iter().map(|one| Named {
        name: &one.name,
        keys: vec![&one.key],
        made_here: false,
        holds: Holds::Text,
    });
    keys_and_certificate(cr).chain(variables)
}

/// The Secret keys that environment variables use, each once.
pub(super) fn of_variables(cr: &AciVnetDeployment) -> Vec<&SecretKeyRef> {
    let sources = cr.spec.scoring.environment_variables.iter().filter_map(|one| one.value_from.as_ref());
    let mut keys: Vec<&SecretKeyRef> = Vec::new();
    for key in sources.map(|source| &source.secret_key_ref) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// The Secrets that hold the service's keys and its certificate.
fn keys_and_certificate(cr: &AciVnetDeployment) -> impl Iterator<Item = Named<'_>> {
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

/// The Secret that holds the web service's keys.
pub(super) fn auth_secret(cr: &AciVnetDeployment) -> Option<&str> {
    let auth = cr.spec.auth.as_ref().filter(|auth| auth.type_ == AuthType::Key)?;
    Some(&auth.keys.as_ref()?.secret_ref.name)
}

/// Whether a request needs a key.
pub(super) fn needs_key(cr: &AciVnetDeployment) -> bool {
    cr.spec.auth.as_ref().is_some_and(|auth| auth.type_ == AuthType::Key)
}

/// The keys of one Secret that are needed, or used if they exist.
pub(super) fn keys_of<'a>(cr: &'a AciVnetDeployment, secret: &str) -> Vec<&'a str> {
    let of_tls = cr.spec.tls.as_ref().is_some_and(|tls| tls.secret_ref.name == secret);
    let wanted = named(cr).filter(|one| one.name == secret).flat_map(|one| one.keys);
    wanted.chain(of_tls.then_some(tls::AUTHORITIES)).collect()
}

/// The questions about all Secrets.
pub(super) fn questions(cr: &AciVnetDeployment) -> impl Iterator<Item = Question> {
    named(cr).map(|one| Question::Cluster(ClusterQuestion::Secret(one.name.to_owned())))
}

pub(super) fn fact(observed: &Observed, name: &str) -> Fact {
    observed.fact(&Question::Cluster(ClusterQuestion::Secret(name.to_owned())))
}

/// Checks all Secrets; the cause names the first problem.
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
            let message = format!("Secret {name} has no key {key} that holds text; add it, or correct the reference");
            Err(Cause::person(reasons::SECRET_KEY_MISSING, message))
        }
        None => Ok(()),
    }
}

impl Holds {
    /// What is wrong with a key's value, and how to store it.
    fn flaw(self, secret: &Value, key: &str) -> Option<&'static str> {
        let flaw = Flaw::by_name(secret.get("flaws")?.get(key)?.as_str()?)?;
        match self {
            Self::Keys => Some(flaw.tell()),
            Self::Text => (!flaw.is_text()).then_some(flaw.tell()),
            Self::Pem if flaw == Flaw::NoText => {
                Some("is not text (perhaps DER or PKCS#12); convert it to PEM with openssl x509, pkey or pkcs12")
            }
            Self::Pem => (flaw == Flaw::Empty).then_some(flaw.tell()),
        }
    }
}

/// Uid and resourceVersion of a Secret, as read.
pub(super) fn version(observed: &Observed, name: &str) -> Option<SecretVersion> {
    let Fact::Present(body) = fact(observed, name) else { return None };
    let text = |member: &str| body.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    Some(SecretVersion { name: name.to_owned(), uid: text("uid"), resource_version: text("resourceVersion") })
}

/// The versions for the status: of keys and certificate only, since variables are compared by value.
pub(super) fn versions(cr: &AciVnetDeployment, observed: &Observed) -> Vec<SecretVersion> {
    let mut all: Vec<_> = keys_and_certificate(cr).filter_map(|one| version(observed, one.name)).collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all.dedup();
    all
}

/// The versions that were read when the object settled.
pub(super) fn known(cr: &AciVnetDeployment) -> &[SecretVersion] {
    cr.status.as_ref().map(|status| status.secrets.as_slice()).unwrap_or_default()
}
