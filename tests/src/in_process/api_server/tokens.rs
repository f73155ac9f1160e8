//! Tokens of ServiceAccounts (Kubernetes API, TokenRequest).

use super::{
    ApiServer,
    problem::Problem,
    resources::NAMESPACES,
    store::{Key, is_deleting},
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// Issuer of the tokens.
pub const ISSUER: &str = "https://kubernetes.default.svc";

/// The shortest life that may be asked for, and the one that is given unasked, in seconds.
const SHORTEST: i64 = 600;
const USUAL: i64 = 3600;

pub(super) fn request(server: &ApiServer, key: &Key, mut request: Value, now: Timestamp) -> Result<Value, Problem> {
    let account = server.with(|store| {
        let account = store.get(key)?.clone();
        let namespace = store.get(&Key::new(&NAMESPACES, "", &key.namespace))?;
        if is_deleting(namespace) { Err(Problem::terminating(key)) } else { Ok(account) }
    })?;
    let life = request["spec"]["expirationSeconds"].as_i64().unwrap_or(USUAL);
    if life < SHORTEST {
        return Err(Problem::invalid(key, "spec.expirationSeconds: may not specify a duration less than 10 minutes"));
    }
    let expires = now.saturating_add(SignedDuration::from_secs(life)).expect("a time");
    let audiences = match request["spec"]["audiences"].as_array() {
        Some(audiences) if !audiences.is_empty() => json!(audiences),
        _ => json!([ISSUER]),
    };
    let claims = json!({
        "iss": ISSUER,
        "sub": format!("system:serviceaccount:{}:{}", key.namespace, key.name),
        "aud": audiences,
        "iat": now.as_second(), "nbf": now.as_second(), "exp": expires.as_second(),
        "kubernetes.io": {"namespace": key.namespace, "serviceaccount": {"name": key.name, "uid": account["metadata"]["uid"]}},
    });
    let token = server.0.key.sign(&claims).expect("an RSA key signs");
    request["apiVersion"] = "authentication.k8s.io/v1".into();
    request["kind"] = "TokenRequest".into();
    request["spec"]["expirationSeconds"] = life.into();
    request["status"] =
        json!({"token": token, "expirationTimestamp": expires.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()});
    Ok(request)
}
