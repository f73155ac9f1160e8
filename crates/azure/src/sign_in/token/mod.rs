//! Azure tokens: an own cache on the given clock, one fresh credential object for each fetch.

use crate::{
    clock::Clock,
    cloud::Cloud,
    error::unreachable,
    http::Http,
    observe::{Class, Observer, Sent},
    random::Random,
    sign_in::{
        exchange::{self, Exchange},
        identity::{Assertion, Identity, IdentityKey, Proof, Secret},
    },
    throttle,
};
use acivnet_api::conditions::reasons;
use acivnet_core::{
    failure::Failure,
    retry::{Retry, classify},
    scrub::Scrubber,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::time::Instant;

/// A fetch that takes longer is given up: the whole reconcile waits for it, and so do others of the same identity.
const FETCH_LIMIT: Duration = Duration::from_secs(30);
/// A token is renewed this long before it ends, or at half its life when that is shorter. It lives 60 to 90 minutes (Microsoft
/// identity platform, "Access tokens"), and a request that is sent with it has to arrive before its end.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// A token that Azure gave.
pub(crate) struct Token {
    pub(crate) secret: Secret,
    renew: Timestamp,
    end: Timestamp,
}

type Slot = Arc<tokio::sync::Mutex<Option<Arc<Token>>>>;

/// The cache. One fetch at a time for each identity; the others wait for it.
pub(crate) struct Tokens {
    cloud: Arc<Cloud>,
    scope: String,
    http: Arc<dyn Http>,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    observer: Arc<dyn Observer>,
    slots: Mutex<BTreeMap<IdentityKey, Slot>>,
}

impl Tokens {
    pub(crate) fn new(
        cloud: Arc<Cloud>,
        scope: impl Into<String>,
        http: Arc<dyn Http>,
        clock: Arc<dyn Clock>,
        random: Arc<dyn Random>,
        observer: Arc<dyn Observer>,
    ) -> Self {
        Self { cloud, scope: scope.into(), http, clock, random, observer, slots: Mutex::default() }
    }

    /// A token that is valid now.
    pub(crate) async fn get(&self, identity: &Identity) -> Result<Arc<Token>, Failure> {
        let slot = self.slot(identity.key());
        let mut held = slot.lock().await;
        let now = self.clock.now();
        if let Some(token) = held.as_ref().filter(|token| now < token.renew) {
            return Ok(Arc::clone(token));
        }
        match (self.fetch(identity).await, held.as_ref()) {
            (Ok(token), _) => Ok(Arc::clone(held.insert(Arc::new(token)))),
            (Err(failure), Some(old)) if now < old.end && matches!(failure.retry, Retry::Backoff | Retry::After(_)) => {
                Ok(Arc::clone(old))
            }
            (Err(failure), _) => {
                *held = None;
                Err(failure)
            }
        }
    }

    /// Forgets a token that Azure refused, unless it was replaced in the meantime.
    pub(crate) async fn discard(&self, identity: &Identity, refused: &Arc<Token>) {
        let slot = self.slot(identity.key());
        let mut held = slot.lock().await;
        if held.as_ref().is_some_and(|token| Arc::ptr_eq(token, refused)) {
            *held = None;
        }
    }

    fn slot(&self, key: IdentityKey) -> Slot {
        let now = self.clock.now();
        let mut slots = crate::lock(&self.slots);
        let in_use = |slot: &Slot| {
            Arc::strong_count(slot) > 1
                || slot.try_lock().is_ok_and(|held| held.as_ref().is_some_and(|token| now < token.end))
        };
        slots.retain(|other, slot| *other == key || in_use(slot));
        Arc::clone(slots.entry(key).or_default())
    }

    async fn fetch(&self, identity: &Identity) -> Result<Token, Failure> {
        let assertion = match &identity.proof {
            Proof::Federated(source) => Some(source.assertion().await?),
            Proof::Secret(_) => None,
        };
        let asked = self.clock.now();
        let exchange = Exchange::new(Arc::clone(&self.http), self.random.uuid());
        let fetching = exchange::exchange(&self.cloud, identity, assertion.as_ref(), &exchange, &self.scope);
        let begin = Instant::now();
        let outcome = tokio::time::timeout(FETCH_LIMIT, fetching).await;
        self.observe(&exchange, begin.elapsed());
        match outcome {
            Err(_) => Err(unreachable(
                "sign-in",
                &format!("{} gave no answer within {} s", self.cloud.authority(), FETCH_LIMIT.as_secs()),
            )),
            Ok(Ok(secret)) => Ok(self.token(secret, asked, &exchange)),
            Ok(Err(library)) => Err(self.explain(identity, assertion.as_ref(), &exchange, &library)),
        }
    }

    fn token(&self, secret: Secret, asked: Timestamp, exchange: &Exchange) -> Token {
        let seconds =
            exchange.body().and_then(|body| body.get("expires_in")?.as_i64()).unwrap_or_default().clamp(0, 86_400);
        let life = SignedDuration::from_secs(seconds);
        let after = |wait: SignedDuration| asked.saturating_add(wait).unwrap_or(asked);
        Token { secret, renew: after((life - EARLY).max(life / 2)), end: after(life) }
    }

    fn observe(&self, exchange: &Exchange, time: Duration) {
        if let Some(status) = exchange.status() {
            tracing::debug!(verb = "POST", id = "token", status, "azure answered");
            self.observer.answered(&Sent { verb: "POST", class: Class::SignIn, status, remaining: None, time });
        }
    }

    fn explain(
        &self,
        identity: &Identity,
        assertion: Option<&Assertion>,
        exchange: &Exchange,
        library: &str,
    ) -> Failure {
        let scrubber = Scrubber::new(identity.secrets());
        match exchange.answer() {
            Some(Err(error)) => {
                unreachable("sign-in", &scrubber.clean(&format!("{}: {error}", self.cloud.authority())))
            }
            Some(Ok(answer)) => {
                let wait = throttle::retry_after(&answer.headers, self.clock.now()).filter(|wait| !wait.is_zero());
                let body = exchange.body().unwrap_or_default();
                refusal(identity, assertion, answer.status, &body, wait, &scrubber)
            }
            None => Failure::local(
                "SignInImpossible",
                scrubber.clean(&format!("{} can't sign in: {library}", who(identity))),
                Retry::Slowly,
                reasons::CREDENTIALS_REFUSED,
            ),
        }
    }
}

fn who(identity: &Identity) -> String {
    format!("application {} of tenant {}", identity.client_id, identity.tenant)
}

/// What Microsoft Entra ID's refusal means (Microsoft identity platform, "Microsoft Entra authentication and
/// authorization error codes").
fn refusal(
    identity: &Identity,
    assertion: Option<&Assertion>,
    status: u16,
    body: &Value,
    wait: Option<Duration>,
    scrubber: &Scrubber,
) -> Failure {
    let description = body.get("error_description").and_then(Value::as_str).unwrap_or_default();
    let code = aadsts(description)
        .unwrap_or_else(|| body.get("error").and_then(Value::as_str).unwrap_or("NoErrorBody").to_owned());
    let (retry, reason, message) = match (code.as_str(), status) {
        ("AADSTS70021" | "AADSTS700211" | "AADSTS700212" | "AADSTS700213", _) => {
            (Retry::Slowly, reasons::FEDERATION_MISSING, federation_missing(identity, assertion, &code))
        }
        (_, 408 | 429 | 500..) => {
            let (retry, reason) = classify(status, &[]);
            (wait.map_or(retry, Retry::After), reason, format!("sign-in: {status} {code}: {}", sentence(description)))
        }
        _ => (
            Retry::Slowly,
            reasons::CREDENTIALS_REFUSED,
            format!("Microsoft Entra ID refused {}: {code}: {}", who(identity), sentence(description)),
        ),
    };
    Failure { status, code: scrubber.clean(&code), message: scrubber.clean(&message), retry, reason }
}

fn federation_missing(identity: &Identity, assertion: Option<&Assertion>, code: &str) -> String {
    let expected = |value: fn(&Assertion) -> &String| assertion.map(value).map_or("?", String::as_str);
    format!(
        "{code}: application {} has no matching federated credential; it needs issuer {}, subject {}, audience {}",
        identity.client_id,
        expected(|one| &one.issuer),
        expected(|one| &one.subject),
        expected(|one| &one.audience)
    )
}

/// The code that a description begins with.
fn aadsts(description: &str) -> Option<String> {
    let code: String = description.chars().take_while(char::is_ascii_alphanumeric).collect();
    code.starts_with("AADSTS").then_some(code)
}

/// The description without its code and without the ids that are appended to it.
fn sentence(description: &str) -> &str {
    let text = description.split_once(": ").map_or(description, |(_, text)| text);
    text.split(" Trace ID:").next().unwrap_or(text)
}

#[cfg(test)]
mod tests;
