//! The Azure identity of a namespace, by fixed names: ServiceAccount `acivnet`, or Secret `acivnet-azure`.

mod assertion;

use crate::{cache::locks::Locks, kubernetes, monitoring::metrics::Metrics};
use acivnet_api::{CREDENTIALS_FINALIZER, CREDENTIALS_SECRET, SERVICE_ACCOUNT, conditions::reasons};
use acivnet_azure::{Clock, Identity, Secret};
use acivnet_core::{
    failure::Failure,
    retry::Retry,
    secret_flaws::{self, Flaw},
};
use assertion::Assertions;
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Secret as KubernetesSecret, ServiceAccount};
use kube::{Api, ResourceExt, api::PatchParams};
use serde_json::json;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

const CLIENT_ID: &str = "azure.workload.identity/client-id";
const TENANT_ID: &str = "azure.workload.identity/tenant-id";

/// What is known of the identities of namespaces.
pub struct Identities {
    kube: kube::Client,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    known: Mutex<BTreeMap<String, LastRead>>,
    readers: Locks,
}

/// The identity of one namespace.
pub struct NamespaceIdentity {
    /// What Azure is asked with.
    pub identity: Identity,
    form: Form,
}

/// An identity as it was last read.
struct LastRead {
    known: Arc<NamespaceIdentity>,
    /// When it was read; none once Azure refused it.
    at: Option<Timestamp>,
}

enum Form {
    ServiceAccount(Arc<Assertions>),
    /// Finalizers and resourceVersion of the Secret, as last read.
    Secret {
        finalizers: Vec<String>,
        version: String,
        going: bool,
    },
}

impl NamespaceIdentity {
    /// Gets a new token in time, unless the object is going: a namespace that is being deleted issues none.
    async fn renew(&self, deleting: bool) {
        if let (Form::ServiceAccount(assertions), false) = (&self.form, deleting) {
            assertions.renew().await;
        }
    }
}

impl Identities {
    /// Nothing is known yet.
    pub(crate) fn new(kube: kube::Client, clock: Arc<dyn Clock>, metrics: Arc<Metrics>) -> Self {
        Self { kube, clock, metrics, known: Mutex::default(), readers: Locks::default() }
    }

    /// The identity that a namespace names now, or the one that was read no earlier than `oldest`. `deleting` is set for an
    /// object that is going: then what was known before the namespace lost its ServiceAccount or Secret still serves.
    pub(crate) async fn of(
        &self,
        namespace: &str,
        oldest: Option<Timestamp>,
        deleting: bool,
    ) -> Result<Arc<NamespaceIdentity>, Failure> {
        // those who wait for a turn share what the next one reads
        let asked = self.clock.now();
        let _reading = self.readers.lock(namespace).await;
        let (before, at) = match self.lock().get(namespace) {
            Some(last) => (Some(Arc::clone(&last.known)), last.at),
            None => (None, None),
        };
        let oldest = oldest.map_or(asked, |oldest| oldest.min(asked));
        let young = at.is_some_and(|at| at >= oldest);
        if let Some(known) = before.as_ref().filter(|_| young) {
            known.renew(deleting).await;
            return Ok(Arc::clone(known));
        }
        let at = Some(self.clock.now());
        match self.look(namespace, before.as_deref()).await {
            Ok(known) => {
                let known = Arc::new(known);
                self.lock().insert(namespace.to_owned(), LastRead { known: Arc::clone(&known), at });
                known.renew(deleting).await;
                Ok(known)
            }
            Err(why) => match (before, why) {
                (Some(known), Unknown::Unread(_)) => Ok(known),
                (Some(known), Unknown::Missing(_)) if deleting => Ok(known),
                (None, Unknown::Missing(_)) if deleting => Err(lost(namespace)),
                (_, Unknown::Missing(failure) | Unknown::Unread(failure)) => Err(failure),
            },
        }
    }

    /// Azure refused the identity of a namespace: whoever needs it next reads it anew.
    pub(crate) fn refused(&self, namespace: &str) {
        if let Some(last) = self.lock().get_mut(namespace) {
            last.at = None;
        }
    }

    /// Puts our finalizer on the Secret, so that it outlives the objects that need it.
    pub(crate) async fn hold(&self, namespace: &str, known: &NamespaceIdentity) -> Result<(), kube::Error> {
        let Form::Secret { finalizers, version, going } = &known.form else { return Ok(()) };
        if *going || finalizers.iter().any(|one| one == CREDENTIALS_FINALIZER) {
            return Ok(());
        }
        let finalizers = finalizers.iter().map(String::as_str).chain([CREDENTIALS_FINALIZER]).collect::<Vec<_>>();
        self.patch(namespace, &finalizers, version).await
    }

    /// Takes our finalizer off the Secret. Nothing happens when there is no Secret or it does not carry it.
    pub(crate) async fn release(&self, namespace: &str) -> Result<(), kube::Error> {
        let Some(secret) = self.secrets(namespace).get_metadata_opt(CREDENTIALS_SECRET).await? else { return Ok(()) };
        let held = secret.finalizers();
        if !held.iter().any(|one| one == CREDENTIALS_FINALIZER) {
            return Ok(());
        }
        let rest = held.iter().map(String::as_str).filter(|one| *one != CREDENTIALS_FINALIZER).collect::<Vec<_>>();
        let version = secret.resource_version().unwrap_or_default();
        match self.patch(namespace, &rest, &version).await {
            Err(error) if kubernetes::status(&error) == 404 => Ok(()),
            other => other,
        }
    }

    async fn patch(&self, namespace: &str, finalizers: &[&str], version: &str) -> Result<(), kube::Error> {
        let patch = json!({"metadata": {"finalizers": finalizers, "resourceVersion": version}});
        self.metrics.kubernetes_write("Secret", "patch");
        let params = PatchParams { field_manager: Some(crate::FIELD_MANAGER.into()), ..PatchParams::default() };
        self.secrets(namespace).patch_metadata(CREDENTIALS_SECRET, &params, &kube::api::Patch::Merge(&patch)).await?;
        Ok(())
    }

    /// When the first of the tokens ends by which namespaces prove themselves to Entra ID.
    pub(crate) fn earliest_end(&self) -> Option<Timestamp> {
        let ends = |last: &LastRead| match &last.known.form {
            Form::ServiceAccount(assertions) => assertions.end(),
            Form::Secret { .. } => None,
        };
        self.lock().values().filter_map(ends).min()
    }

    /// Forgets a namespace without objects.
    pub(crate) fn forget(&self, namespace: &str) {
        self.lock().remove(namespace);
    }

    fn secrets(&self, namespace: &str) -> Api<KubernetesSecret> {
        Api::namespaced(self.kube.clone(), namespace)
    }

    /// The ServiceAccount when it is annotated, else the Secret.
    async fn look(&self, namespace: &str, before: Option<&NamespaceIdentity>) -> Result<NamespaceIdentity, Unknown> {
        let unread = |what: &str, error| {
            Unknown::Unread(kubernetes::failure(&format!("{what} of namespace {namespace} can't be read"), &error))
        };
        let accounts = Api::<ServiceAccount>::namespaced(self.kube.clone(), namespace);
        let account =
            accounts.get_opt(SERVICE_ACCOUNT).await.map_err(|error| unread("ServiceAccount acivnet", error))?;
        let annotation = |name: &str| {
            let text = account.as_ref().and_then(|account| account.annotations().get(name)).map(|text| text.trim());
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        match (annotation(TENANT_ID), annotation(CLIENT_ID), account.as_ref()) {
            (Some(tenant), Some(client_id), Some(account)) => {
                Ok(self.federated(namespace, account, tenant, client_id, before))
            }
            (None, None, _) => {
                let secret = self
                    .secrets(namespace)
                    .get_opt(CREDENTIALS_SECRET)
                    .await
                    .map_err(|error| unread("Secret acivnet-azure", error))?;
                match (secret, account) {
                    (Some(secret), _) => by_secret(namespace, &secret),
                    (None, Some(_)) => Err(annotation_missing(namespace, &[CLIENT_ID, TENANT_ID])),
                    (None, None) => Err(nothing(namespace)),
                }
            }
            (tenant, client_id, _) => {
                let missing = [(CLIENT_ID, client_id.is_none()), (TENANT_ID, tenant.is_none())];
                Err(annotation_missing(
                    namespace,
                    &missing.iter().filter(|(_, missing)| *missing).map(|(name, _)| *name).collect::<Vec<_>>(),
                ))
            }
        }
    }

    /// Assertions that were got for the same ServiceAccount are kept.
    fn federated(
        &self,
        namespace: &str,
        account: &ServiceAccount,
        tenant: String,
        client_id: String,
        before: Option<&NamespaceIdentity>,
    ) -> NamespaceIdentity {
        let uid = account.uid().unwrap_or_default();
        let assertions = match before.map(|known| &known.form) {
            Some(Form::ServiceAccount(assertions)) if assertions.uid() == uid => Arc::clone(assertions),
            _ => Arc::new(self.assertions(namespace, uid)),
        };
        let source: Arc<Assertions> = Arc::clone(&assertions);
        NamespaceIdentity {
            identity: Identity::federated(tenant, client_id, source),
            form: Form::ServiceAccount(assertions),
        }
    }

    fn assertions(&self, namespace: &str, uid: String) -> Assertions {
        let (kube, clock, metrics) = (self.kube.clone(), Arc::clone(&self.clock), Arc::clone(&self.metrics));
        Assertions::new((kube, clock, metrics), namespace, uid)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, LastRead>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// White space around these values is nobody's intent: Entra ID's ids and secrets have none.
fn by_secret(namespace: &str, secret: &KubernetesSecret) -> Result<NamespaceIdentity, Unknown> {
    let value = |key: &str| {
        let bytes = secret.data.as_ref().and_then(|data| data.get(key)).map(|bytes| bytes.0.trim_ascii());
        match bytes.map(|bytes| (std::str::from_utf8(bytes).unwrap_or_default(), secret_flaws::of(bytes))) {
            None | Some((_, Some(Flaw::Empty))) => Err(key_missing(namespace, key)),
            Some((_, Some(flaw))) => Err(value_invalid(namespace, key, flaw)),
            Some((text, None)) => Ok(text.to_owned()),
        }
    };
    let (tenant, client_id) = (value("tenantID")?, value("clientID")?);
    Ok(NamespaceIdentity {
        identity: Identity::client_secret(tenant, client_id, Secret::new(value("clientSecret")?)),
        form: Form::Secret {
            finalizers: secret.finalizers().to_vec(),
            version: secret.resource_version().unwrap_or_default(),
            going: secret.metadata.deletion_timestamp.is_some(),
        },
    })
}

/// Why the credentials of a namespace are not known.
enum Unknown {
    /// There are none that can be used.
    Missing(Failure),
    /// Kubernetes did not say.
    Unread(Failure),
}

fn missing(reason: &'static str, message: String) -> Unknown {
    Unknown::Missing(Failure::local("CredentialsMissing", message, Retry::Slowly, reason))
}

fn nothing(namespace: &str) -> Unknown {
    missing(
        reasons::SERVICE_ACCOUNT_NOT_FOUND,
        format!(
            "namespace {namespace} has neither ServiceAccount {SERVICE_ACCOUNT} nor Secret {CREDENTIALS_SECRET}; create the ServiceAccount with annotations {CLIENT_ID} and {TENANT_ID}"
        ),
    )
}

fn annotation_missing(namespace: &str, names: &[&str]) -> Unknown {
    missing(
        reasons::ANNOTATION_MISSING,
        format!(
            "ServiceAccount {SERVICE_ACCOUNT} of namespace {namespace} lacks annotation {}; set it to the id of the Azure identity",
            names.join(" and ")
        ),
    )
}

fn key_missing(namespace: &str, key: &str) -> Unknown {
    missing(
        reasons::SECRET_MISSING,
        format!(
            "Secret {CREDENTIALS_SECRET} of namespace {namespace} lacks the key {key}; it needs tenantID, clientID and clientSecret, as text"
        ),
    )
}

fn value_invalid(namespace: &str, key: &str, flaw: Flaw) -> Unknown {
    let message = format!("key {key} of Secret {CREDENTIALS_SECRET} of namespace {namespace} {}", flaw.tell());
    missing(reasons::SECRET_VALUE_INVALID, message)
}

fn lost(namespace: &str) -> Failure {
    let message = format!(
        "the Azure credentials of namespace {namespace} are gone and a namespace that is being deleted issues no new ones; delete what status.resources lists in Azure, then remove the finalizer {}",
        acivnet_api::FINALIZER
    );
    Failure::local("CredentialsLost", message, Retry::Slowly, reasons::CREDENTIALS_LOST)
}

#[cfg(test)]
mod tests;
