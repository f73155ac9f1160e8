//! Tokens of a namespace's ServiceAccount, by which it proves itself to Microsoft Entra ID.

use super::lost;
use crate::{kubernetes, monitoring::metrics::Metrics};
use acivnet_api::SERVICE_ACCOUNT;
use acivnet_azure::{Assertion, AssertionSource, Clock, Secret};
use acivnet_core::failure::Failure;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
};
use kube::{Api, api::PostParams};
use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};
use tokio::sync::Mutex;

/// Audience that Microsoft Entra ID expects (Microsoft Entra, "Workload identity federation").
const AUDIENCE: &str = "api://AzureADTokenExchange";
/// A namespace that is being deleted issues no tokens: a day is as long as its deletion may take. An API server may
/// shorten it.
const LIFETIME_SECONDS: i64 = 86_400;

/// The last token of one ServiceAccount, kept in memory only.
pub(super) struct Assertions {
    kube: kube::Client,
    clock: Arc<dyn Clock>,
    metrics: Arc<Metrics>,
    namespace: String,
    uid: String,
    last: Mutex<Option<Token>>,
    /// When the last one ends, in seconds; 0 before there is one.
    end: AtomicI64,
}

struct Token {
    jwt: Secret,
    issued: Timestamp,
    expires: Timestamp,
}

impl Assertions {
    pub(super) fn new(
        (kube, clock, metrics): (kube::Client, Arc<dyn Clock>, Arc<Metrics>),
        namespace: &str,
        uid: String,
    ) -> Self {
        Self {
            kube,
            clock,
            metrics,
            namespace: namespace.to_owned(),
            uid,
            last: Mutex::default(),
            end: AtomicI64::new(0),
        }
    }

    /// Uid of the ServiceAccount.
    pub(super) fn uid(&self) -> &str {
        &self.uid
    }

    /// When the last token ends.
    pub(super) fn end(&self) -> Option<Timestamp> {
        match self.end.load(Ordering::Relaxed) {
            0 => None,
            second => Timestamp::from_second(second).ok(),
        }
    }

    /// Gets a token ahead of need, while the namespace still issues any.
    pub(super) async fn renew(&self) {
        if let Err(failure) = self.token().await {
            tracing::debug!(namespace = self.namespace, message = failure.message, "no assertion could be got");
        }
    }

    /// The last token until a quarter of its life is over, then a new one; the last one when there is no new one.
    async fn token(&self) -> Result<Secret, Failure> {
        let mut last = self.last.lock().await;
        let now = self.clock.now();
        if let Some(token) = last.as_ref().filter(|token| token.is_young(now)) {
            return Ok(token.jwt.clone());
        }
        match self.request(now).await {
            Ok(token) => {
                self.end.store(token.expires.as_second(), Ordering::Relaxed);
                Ok(last.insert(token).jwt.clone())
            }
            Err(failure) => {
                last.as_ref().filter(|token| now < token.expires).map(|token| token.jwt.clone()).ok_or(failure)
            }
        }
    }

    async fn request(&self, now: Timestamp) -> Result<Token, Failure> {
        let spec = TokenRequestSpec {
            audiences: vec![AUDIENCE.into()],
            expiration_seconds: Some(LIFETIME_SECONDS),
            ..TokenRequestSpec::default()
        };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let accounts = Api::<ServiceAccount>::namespaced(self.kube.clone(), &self.namespace);
        self.metrics.kubernetes_write("TokenRequest", "create");
        let answer = accounts.create_token_request(SERVICE_ACCOUNT, &PostParams::default(), &request).await;
        let answer = answer.map_err(|error| self.refused(&error))?;
        let status = answer
            .status
            .ok_or_else(|| self.refused(&kube::Error::Service("the API server answered without a token".into())))?;
        Ok(Token { jwt: Secret::new(status.token), issued: now, expires: status.expiration_timestamp.0 })
    }

    fn refused(&self, error: &kube::Error) -> Failure {
        if kubernetes::terminating(error) {
            return lost(&self.namespace);
        }
        kubernetes::failure(
            &format!("no token of ServiceAccount {SERVICE_ACCOUNT} of namespace {} can be got", self.namespace),
            error,
        )
    }
}

impl Token {
    fn is_young(&self, now: Timestamp) -> bool {
        let (age, life) = (now.duration_since(self.issued), self.expires.duration_since(self.issued));
        age >= SignedDuration::ZERO && age < life / 4
    }
}

#[async_trait::async_trait]
impl AssertionSource for Assertions {
    fn holder(&self) -> String {
        format!("system:serviceaccount:{}:{SERVICE_ACCOUNT}/{}", self.namespace, self.uid)
    }

    async fn assertion(&self) -> Result<Assertion, Failure> {
        Assertion::from_jwt(self.token().await?)
    }
}
