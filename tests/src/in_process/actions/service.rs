//! What people change of a web service beside its content and its size.

use super::{Done, done};
use crate::{
    examples::{self, Object},
    in_process::{
        bed::Bed,
        certificates::{Certificate, first, second},
    },
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::Method;
use serde_json::{Value, json};

/// Two keys in a Secret.
fn keys(primary: &str, secondary: &str) -> Value {
    let data = json!({"primary": STANDARD.encode(primary), "secondary": STANDARD.encode(secondary)});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "churn-keys"}, "data": data})
}

pub(super) fn by_key() -> Object {
    examples::deployment().with("/spec/auth", json!({"type": "Key", "keys": {"secretRef": {"name": "churn-keys"}}}))
}

/// The Secret with the first keys.
pub(super) fn first_keys() -> Value {
    keys("first-primary", "first-secondary")
}

/// The how-to's objects, with two keys.
pub fn article_with_keys(bed: &Bed) -> Done<'_> {
    bed.apply(super::files("churn"));
    bed.apply(first_keys());
    bed.apply(by_key().0);
    super::network(bed)
}

/// A deployment with keys from files that an editor wrote.
pub fn keys_and_line_ends(bed: &Bed) -> Done<'_> {
    bed.apply(super::files("churn"));
    bed.apply(keys("first-primary\n", "first-secondary\n"));
    bed.apply(by_key().0);
    done()
}

/// An expectation that the answer does not meet.
pub fn another_answer(bed: &Bed) -> Done<'_> {
    let expected = json!({"value": {"models": ["another:1"]}});
    bed.apply(examples::deployment().with("/spec/probe/expect", json!({"jsonContains": expected})).0);
    done()
}

/// The same, with keys that Azure makes.
pub fn article_with_generated_keys(bed: &Bed) -> Done<'_> {
    bed.apply(super::files("churn"));
    bed.apply(by_key().0);
    super::network(bed)
}

/// Both keys are others.
pub fn other_keys(bed: &Bed) -> Done<'_> {
    bed.apply(keys("second-primary", "second-secondary"));
    done()
}

/// Somebody makes the Secret while Azure makes keys for it.
pub fn keys_meanwhile(bed: &Bed) -> Done<'_> {
    bed.after(|sent| sent.is(Method::POST, "/aciservice/listkeys"), other_keys);
    article_with_generated_keys(bed)
}

/// A request needs a key, and a variable comes from a Secret.
pub fn secrets(bed: &Bed) -> Done<'_> {
    let data = json!({"password": STANDARD.encode("open-the-store")});
    bed.apply(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "store"}, "data": data}));
    bed.apply(by_key().with("/spec/scoring/environmentVariables", json!([examples::from_secret()])).0);
    done()
}

/// A Secret with a certificate.
fn certificate(certificate: &Certificate) -> Value {
    let data = json!({"tls.crt": STANDARD.encode(&certificate.pem), "tls.key": STANDARD.encode(&certificate.key)});
    json!({"apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/tls", "metadata": {"name": "churn-tls"}, "data": data})
}

/// The Secret with the first certificate.
pub(super) fn first_certificate() -> Value {
    certificate(first())
}

/// The how-to's objects, with TLS.
pub fn article_with_tls(bed: &Bed) -> Done<'_> {
    bed.apply(super::files("churn"));
    bed.apply(first_certificate());
    bed.apply(examples::deployment().with("/spec/tls", examples::tls()).0);
    super::network(bed)
}

/// The certificate is another one.
pub fn other_certificate(bed: &Bed) -> Done<'_> {
    bed.apply(certificate(second()));
    done()
}

/// Plain HTTP.
pub fn no_tls(bed: &Bed) -> Done<'_> {
    bed.apply(examples::deployment().0);
    done()
}

/// Application Insights, and a property.
pub fn telemetry(bed: &Bed) -> Done<'_> {
    let told = examples::deployment().with("/spec/telemetry/applicationInsights", "Enabled");
    let property = json!([{"name": "team/area", "value": "churn"}]);
    bed.apply(told.with("/spec/backend/azureMLWebService/properties", property).0);
    done()
}

/// Data collection and a key of one's own: the service is replaced, and that is approved beforehand.
pub fn data_collection(bed: &Bed) -> Done<'_> {
    let approved = examples::deployment().with("/spec/rollout", json!({"replaceApproval": "Automatic"}));
    let collecting = approved.with("/spec/telemetry/dataCollection", "Enabled");
    bed.apply(collecting.with("/spec/encryption/keyVaultKey", examples::key_vault_key()).0);
    done()
}
