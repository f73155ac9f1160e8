//! The Secrets of one reconcile. Each reconcile reads them anew; only their versions are watched ([`secret_watches`]).
//! Values stay here: decisions see names and versions, and a request gets its values when it is sent.

pub(crate) mod certificates;
pub(crate) mod fingerprints;
mod flaws;

use crate::{
    FIELD_MANAGER,
    controllers::secret_watches::{self, SecretWatches},
    kubernetes,
    monitoring::metrics::Metrics,
};
use acivnet_api::{AciVnetDeployment, SecretKeyRef, conditions::reasons};
use acivnet_azure::{Keys, Random, Secret};
use acivnet_core::{
    failure::Failure, kinds::web_service::keys::compared, observed::Fact, retry::Retry, scrub::Scrubber,
};
use fingerprints::{Salts, fingerprint};
use k8s_openapi::{
    ByteString,
    api::core::v1::Secret as KubernetesSecret,
    apimachinery::pkg::apis::meta::v1::{ObjectMeta, OwnerReference},
};
use kube::{Api, Resource, ResourceExt, api::PostParams};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Semaphore;

/// What one reconcile takes from Secrets, in bytes: values of variables, keys, and certificates (test
/// `only_what_is_asked_for_is_kept_and_all_of_it_has_a_bound`).
pub(crate) const MOST: usize = 512 << 10;

/// Where Secrets are read.
#[derive(Clone, Copy)]
pub(crate) struct Source<'a> {
    pub(crate) kube: &'a kube::Client,
    /// Told of each version that is read.
    pub(crate) watches: &'a SecretWatches,
    /// Bounds reads of what may be large.
    pub(crate) large_reads: &'a Semaphore,
}

/// What is known of the Secrets of one reconcile, by name; none when it is not there.
#[derive(Default)]
pub(crate) struct Secrets(Mutex<BTreeMap<String, Option<Values>>>);

/// The values of one Secret that are text, by key.
pub(crate) type Values = BTreeMap<String, Secret>;

impl Secrets {
    /// The fact for one Secret: uid, resourceVersion and which of the keys that are asked for have text in them.
    pub(crate) async fn fact(&self, source: Source<'_>, namespace: &str, name: &str, keys: &[&str]) -> Fact {
        let _turn = source.large_reads.acquire().await;
        let found = match api(source.kube, namespace).get_opt(name).await {
            Ok(found) => found,
            Err(error) => return Fact::Unread(unread(namespace, name, "read", &error)),
        };
        source.watches.read(namespace, name, found.as_ref().map(secret_watches::version));
        let values = found.as_ref().map(|found| values(found, keys));
        if self.bytes() + values.iter().flat_map(BTreeMap::values).map(|one| one.expose().len()).sum::<usize>() > MOST {
            return Fact::Unread(too_large(name));
        }
        let flaws = found.as_ref().and_then(|found| flaws::by_key(found, keys));
        let keys: Vec<String> = values.iter().flat_map(|values| values.keys().cloned()).collect();
        let certificate = values.as_ref().and_then(certificates::of);
        self.lock().insert(name.to_owned(), values);
        found.map_or(Fact::Absent, |found| {
            let (uid, version) = (found.uid(), found.resource_version());
            let mut fact = json!({"uid": uid, "resourceVersion": version, "keys": keys});
            if let (Some(flaws), Value::Object(fact)) = (flaws, &mut fact) {
                fact.insert("flaws".to_owned(), flaws);
            }
            if let (Some(certificate), Value::Object(fact)) = (certificate, &mut fact) {
                fact.insert("certificate".to_owned(), certificate);
            }
            Fact::Present(fact)
        })
    }

    /// Bytes of all values.
    fn bytes(&self) -> usize {
        self.lock().values().flatten().flat_map(BTreeMap::values).map(|one| one.expose().len()).sum()
    }

    /// The only authorities that a probe trusts, in PEM; the system's where the Secret names none.
    pub(crate) fn authorities(&self, name: &str) -> Option<String> {
        certificates::authorities(self.lock().get(name)?.as_ref()?)
    }

    /// How the keys of a web service compare with those in a Secret.
    pub(crate) fn compare(&self, name: &str, keys: &Keys) -> Value {
        let all = self.lock();
        let Some(Some(values)) = all.get(name) else { return compared(false, false, false) };
        let same = |key: &str, in_azure: &Secret| values.get(key).is_some_and(|one| one.expose() == in_azure.expose());
        compared(true, same("primary", &keys.primary), same("secondary", &keys.secondary))
    }

    /// Fingerprints of values that this reconcile read, under this salt or a new one of the object.
    pub(crate) fn fingerprints(
        &self,
        (salts, random): (&Salts, &dyn Random),
        uid: &str,
        salt: Option<&str>,
        keys: &[SecretKeyRef],
    ) -> Fact {
        let salt = salt.map_or_else(|| salts.new_one(random, uid), |salt| Ok(salt.to_owned()));
        let answered = salt.and_then(|salt| {
            let all = keys.iter().map(|key| Ok(fingerprint(&salt, &self.value(key)?)));
            Ok(json!({"fingerprints": all.collect::<Result<Vec<_>, Failure>>()?, "salt": salt}))
        });
        answered.map_or_else(Fact::Unread, Fact::Present)
    }

    /// A value that this reconcile read.
    pub(crate) fn value(&self, key: &SecretKeyRef) -> Result<Secret, Failure> {
        let all = self.lock();
        let found = all.get(&key.name).and_then(Option::as_ref).and_then(|values| values.get(&key.key)).cloned();
        found.ok_or_else(|| Failure {
            status: 404,
            code: "SecretNotRead".into(),
            message: format!("Secret {} with key {} was not there; create it", key.name, key.key),
            retry: Retry::Soon,
            reason: reasons::SECRET_NOT_FOUND,
        })
    }

    /// A scrubber that knows every value, also as JSON writes it.
    pub(crate) fn scrubber(&self) -> Scrubber {
        let all = self.lock();
        let values = all.values().flatten().flat_map(BTreeMap::values).map(|value| value.expose().to_owned());
        Scrubber::new(values.flat_map(|value| escaped(&value).into_iter().chain([value])))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Option<Values>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A value as it stands inside the quotes of JSON, where that is another text.
fn escaped(value: &str) -> Option<String> {
    let quoted = serde_json::to_string(value).ok()?;
    let inside = quoted.strip_prefix('"')?.strip_suffix('"')?;
    (inside != value).then(|| inside.to_owned())
}

fn api(kube: &kube::Client, namespace: &str) -> Api<KubernetesSecret> {
    Api::namespaced(kube.clone(), namespace)
}

/// Text only, as Azure takes it, of the keys that are asked for; an empty value is none.
fn values(secret: &KubernetesSecret, keys: &[&str]) -> Values {
    let data = secret.data.iter().flatten().filter(|(key, _)| keys.contains(&key.as_str()));
    let text = data.filter_map(|(key, bytes)| Some((key, std::str::from_utf8(&bytes.0).ok()?)));
    text.filter(|(_, text)| !text.is_empty()).map(|(key, text)| (key.clone(), Secret::new(text))).collect()
}

/// Makes the Secret that holds the keys that Azure made. One that is there meanwhile is somebody else's, and stays.
pub(crate) async fn keep(
    kube: &kube::Client,
    metrics: &Metrics,
    (namespace, owner): (&str, &ObjectMeta),
    name: &str,
    keys: &Keys,
) -> Result<(), Failure> {
    let text = [("primary", &keys.primary), ("secondary", &keys.secondary)];
    let secret = KubernetesSecret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            namespace: Some(namespace.to_owned()),
            labels: Some([("app.kubernetes.io/managed-by".to_owned(), FIELD_MANAGER.to_owned())].into()),
            owner_references: Some(vec![owner_reference(owner)]),
            ..ObjectMeta::default()
        },
        type_: Some("Opaque".into()),
        data: Some(text.map(|(key, value)| (key.to_owned(), ByteString(value.expose().into()))).into()),
        ..KubernetesSecret::default()
    };
    metrics.kubernetes_write("Secret", "create");
    let params = PostParams { field_manager: Some(FIELD_MANAGER.into()), ..PostParams::default() };
    match api(kube, namespace).create(&params, &secret).await {
        Ok(_) => Ok(()),
        Err(error) if kubernetes::status(&error) == 409 => Ok(()),
        Err(error) => Err(unread(namespace, name, "created", &error)),
    }
}

fn owner_reference(owner: &ObjectMeta) -> OwnerReference {
    OwnerReference {
        api_version: AciVnetDeployment::api_version(&()).into_owned(),
        kind: AciVnetDeployment::kind(&()).into_owned(),
        name: owner.name.clone().unwrap_or_default(),
        uid: owner.uid.clone().unwrap_or_default(),
        controller: Some(true),
        block_owner_deletion: None,
    }
}

fn too_large(name: &str) -> Failure {
    let message = format!(
        "the values that the object takes from Secrets have more than {} KiB, with those of Secret {name}; shorten them",
        MOST >> 10
    );
    Failure::local("SecretsTooLarge", message, Retry::Slowly, reasons::INVALID_SPEC)
}

/// Why a Secret can't be used. The operator has no right to Secrets by itself: a namespace gives it.
fn unread(namespace: &str, name: &str, what: &str, error: &kube::Error) -> Failure {
    let failure = kubernetes::failure(&format!("Secret {name} of namespace {namespace} can't be {what}"), error);
    if failure.status != 403 {
        return failure;
    }
    let message = format!(
        "the operator may not have Secret {name} of namespace {namespace} {what}; bind the ClusterRole acivnet-secrets \
         there (deploy/operator/tenant-roles.yaml has the command)"
    );
    Failure { message, reason: reasons::SECRET_FORBIDDEN, ..failure }
}

/// Takes known values out of what Azure answered of logs and errors, on its way to decisions.
pub(crate) fn hide(scrubber: &Scrubber, value: &mut Value) {
    match value {
        Value::String(text) => *text = scrubber.hide(text),
        Value::Array(items) => items.iter_mut().for_each(|item| hide(scrubber, item)),
        Value::Object(members) => members.values_mut().for_each(|member| hide(scrubber, member)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::{Mock, found, refused};

    fn keys(primary: &str, secondary: &str) -> Keys {
        Keys { primary: Secret::new(primary), secondary: Secret::new(secondary) }
    }

    fn churn() -> Mock {
        Mock::new(|request| match (request.method.as_str(), request.path.as_str()) {
            // `cDE=` is p1, `/w==` no text
            ("GET", "/api/v1/namespaces/ml/secrets/keys") => found(&json!({
                "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys", "uid": "u", "resourceVersion": "7"},
                "data": {"primary": "cDE=", "secondary": "cDI=", "empty": "", "binary": "/w=="},
            })),
            ("GET", "/api/v1/namespaces/ml/secrets/locked") => refused(403, "Forbidden"),
            ("POST", "/api/v1/namespaces/ml/secrets") if request.body["metadata"]["name"] == "theirs" => {
                refused(409, "AlreadyExists")
            }
            ("POST", _) => found(&request.body),
            _ => refused(404, "NotFound"),
        })
    }

    #[tokio::test]
    async fn a_fact_has_names_and_no_values() {
        let (ctx, secrets) = (churn().ctx(), Secrets::default());
        let flaws = json!({"binary": "NoText", "empty": "Empty"});
        let asked = ["primary", "secondary", "empty", "binary", "missing"];
        let fact = json!({"uid": "u", "resourceVersion": "7", "keys": ["primary", "secondary"], "flaws": flaws});
        assert_eq!(secrets.fact(ctx.secret_source(), "ml", "keys", &asked).await, Fact::Present(fact));
        assert_eq!(secrets.fact(ctx.secret_source(), "ml", "other", &asked).await, Fact::Absent);
        let Fact::Unread(failure) = secrets.fact(ctx.secret_source(), "ml", "locked", &asked).await else {
            panic!("it is locked")
        };
        assert_eq!(failure.reason, reasons::SECRET_FORBIDDEN);
        assert!(failure.message.contains("acivnet-secrets"), "{}", failure.message);
        let key = |key: &str| SecretKeyRef { name: "keys".into(), key: key.into() };
        assert!(secrets.value(&key("primary")).is_ok_and(|value| value.expose() == "p1"));
        assert!(secrets.value(&key("binary")).is_err());
        assert_eq!(secrets.compare("keys", &keys("p1", "other")), compared(true, true, false));
        assert_eq!(secrets.compare("other", &keys("p1", "p2")), compared(false, false, false));
        let mut text = json!({"said": ["p1 is no secret that short, cDE= neither"]});
        hide(&Scrubber::new(["secret".to_owned()]), &mut text);
        assert_eq!(text["said"][0], "p1 is no *** that short, cDE= neither");
    }

    #[tokio::test]
    async fn only_what_is_asked_for_is_kept_and_all_of_it_has_a_bound() {
        let mock = Mock::new(|request| {
            let long = base64(&"x".repeat(MOST / 2));
            let other: serde_json::Map<_, _> =
                (0..5000).map(|at| (format!("o{at}"), base64("another").into())).collect();
            let mut data = json!({"a": long, "b": long});
            data.as_object_mut().unwrap().extend(other);
            let name = request.path.rsplit('/').next();
            found(&json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "uid": "u"}, "data": data}))
        });
        let (ctx, secrets) = (mock.ctx(), Secrets::default());
        assert!(matches!(secrets.fact(ctx.secret_source(), "ml", "one", &["a"]).await, Fact::Present(_)));
        assert!(matches!(secrets.fact(ctx.secret_source(), "ml", "two", &["b"]).await, Fact::Present(_)));
        let Fact::Unread(refused) = secrets.fact(ctx.secret_source(), "ml", "three", &["o1"]).await else {
            panic!("too much in all")
        };
        assert_eq!(refused.reason, reasons::INVALID_SPEC);
        assert!(refused.message.contains("more than 512 KiB"), "{}", refused.message);
        assert_eq!(secrets.bytes(), MOST);
    }

    fn base64(text: &str) -> String {
        serde_json::to_value(ByteString(text.into())).unwrap().as_str().unwrap().to_owned()
    }

    #[tokio::test]
    async fn a_secret_is_made_and_never_overwritten() {
        let mock = churn();
        let ctx = mock.ctx();
        let owner = ObjectMeta { name: Some("aciservice".into()), uid: Some("u".into()), ..ObjectMeta::default() };
        assert_eq!(keep(&ctx.kube, &ctx.metrics, ("ml", &owner), "keys", &keys("p1", "p2")).await, Ok(()));
        let made = mock.requests().remove(0).body;
        assert_eq!(made["metadata"]["labels"]["app.kubernetes.io/managed-by"], "acivnet");
        assert_eq!(made["metadata"]["ownerReferences"][0]["kind"], "AciVnetDeployment");
        assert_eq!((&made["data"]["primary"], &made["data"]["secondary"]), (&json!("cDE="), &json!("cDI=")));
        assert_eq!(keep(&ctx.kube, &ctx.metrics, ("ml", &owner), "theirs", &keys("p1", "p2")).await, Ok(()));
        assert_eq!(mock.lines(), ["POST /api/v1/namespaces/ml/secrets"]);
    }
}
