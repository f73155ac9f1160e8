use super::*;
use crate::{
    AssertionSource,
    script::{Reply, Script, connector, identity, reply},
};
use async_trait::async_trait;
use serde_json::json;
use tokio::time::advance;

fn entra(status: u16, description: &str) -> Reply {
    reply(status, json!({"error": "invalid_client", "error_description": description, "error_codes": [1]}))
}

struct Workload;

#[async_trait]
impl AssertionSource for Workload {
    fn holder(&self) -> String {
        "system:serviceaccount:ml:acivnet/1".into()
    }

    async fn assertion(&self) -> Result<Assertion, Failure> {
        Ok(Assertion {
            token: Secret::new("the-assertion"),
            issuer: "https://kubernetes".into(),
            subject: "system:serviceaccount:ml:acivnet".into(),
            audience: "api://AzureADTokenExchange".into(),
        })
    }
}

fn workload() -> Identity {
    Identity::federated("tenant", "client", Arc::new(Workload))
}

fn form(body: &[u8]) -> BTreeMap<String, String> {
    url::form_urlencoded::parse(body).into_owned().collect()
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_until_five_minutes_before_its_end() {
    let script = Script::default();
    let script = Arc::new(script);
    let connector = connector(Arc::clone(&script) as _);
    let ask = async || connector.session(&identity()).sign_in().await.unwrap();
    ask().await;
    advance(Duration::from_secs(3599 - 301)).await;
    ask().await;
    assert_eq!(script.sign_ins().len(), 1);
    advance(Duration::from_secs(2)).await;
    ask().await;
    assert_eq!(script.sign_ins().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn both_forms_ask_as_entra_wants_it() {
    let script = Script::new::<&str>([]);
    let connector = connector(Arc::clone(&script) as _);
    connector.session(&identity()).sign_in().await.unwrap();
    connector.session(&workload()).sign_in().await.unwrap();
    let sign_ins = script.sign_ins();
    assert!(sign_ins.iter().all(|seen| seen.line == "POST login.test/tenant/oauth2/v2.0/token"));
    let secret = form(&sign_ins[0].body);
    assert_eq!(
        (secret["client_secret"].as_str(), secret["grant_type"].as_str(), secret["scope"].as_str()),
        ("hunter22", "client_credentials", "https://arm.test/.default")
    );
    let assertion = form(&sign_ins[1].body);
    assert_eq!((assertion["client_assertion"].as_str(), assertion["client_id"].as_str()), ("the-assertion", "client"));
    assert!(sign_ins[0].header("user-agent").unwrap().starts_with("acivnet/"));
}

#[tokio::test(start_paused = true)]
async fn request_ids_depend_on_the_seed_alone() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let script = Script::new::<&str>([]);
        connector(Arc::clone(&script) as _).session(&identity()).sign_in().await.unwrap();
        runs.push(script.sign_ins()[0].headers.clone());
    }
    assert_eq!(runs[0], runs[1]);
}

#[tokio::test(start_paused = true)]
async fn another_proof_gets_nothing_from_the_cache() {
    let script = Script::new::<&str>([]).signing_in([
        reply(200, json!({"access_token": "a", "expires_in": 3599, "token_type": "Bearer"})),
        entra(401, "AADSTS7000215: Invalid client secret provided. Trace ID: 1"),
    ]);
    let connector = connector(Arc::clone(&script) as _);
    connector.session(&identity()).sign_in().await.unwrap();
    let other = Identity::client_secret("tenant", "client", Secret::new("guess"));
    let refused = connector.session(&other).sign_in().await.unwrap_err();
    assert_eq!(refused.reason, reasons::CREDENTIALS_REFUSED);
}

#[tokio::test(start_paused = true)]
async fn many_callers_fetch_once() {
    let script = Script::new::<&str>([]);
    let connector = connector(Arc::clone(&script) as _);
    let passes: Vec<_> = (0..10).map(|_| connector.session(&identity())).collect();
    let answers = futures::future::join_all(passes.iter().map(|pass| pass.sign_in())).await;
    assert!(answers.iter().all(Result::is_ok));
    assert_eq!(script.sign_ins().len(), 1);
}

#[tokio::test(start_paused = true)]
#[expect(clippy::too_many_lines, reason = "a table")]
async fn refusals_have_their_reasons() {
    for (reply, code, reason, retry) in [
        (
            entra(400, "AADSTS70021: No matching federated identity record found."),
            "AADSTS70021",
            reasons::FEDERATION_MISSING,
            Retry::Slowly,
        ),
        (
            entra(
                401,
                "AADSTS700213: No matching federated identity record found for presented assertion subject 'x'.",
            ),
            "AADSTS700213",
            reasons::FEDERATION_MISSING,
            Retry::Slowly,
        ),
        (
            entra(401, "AADSTS7000215: Invalid client secret provided."),
            "AADSTS7000215",
            reasons::CREDENTIALS_REFUSED,
            Retry::Slowly,
        ),
        (
            entra(400, "AADSTS700016: Application with identifier 'client' was not found in the directory 't'."),
            "AADSTS700016",
            reasons::CREDENTIALS_REFUSED,
            Retry::Slowly,
        ),
        (
            entra(400, "AADSTS90002: Tenant 'tenant' not found."),
            "AADSTS90002",
            reasons::CREDENTIALS_REFUSED,
            Retry::Slowly,
        ),
        (
            reply(400, json!({"error": "unauthorized_client"})),
            "unauthorized_client",
            reasons::CREDENTIALS_REFUSED,
            Retry::Slowly,
        ),
        (reply(503, Value::Null), "NoErrorBody", reasons::AZURE_UNREACHABLE, Retry::Backoff),
        (
            reply(429, json!({})).header("retry-after", "7"),
            "NoErrorBody",
            reasons::THROTTLED,
            Retry::After(Duration::from_secs(7)),
        ),
        (crate::script::lost(), "NoAnswer", reasons::AZURE_UNREACHABLE, Retry::Backoff),
    ] {
        let script = Script::new::<&str>([]).signing_in([reply]);
        let failure = connector(Arc::clone(&script) as _).session(&workload()).sign_in().await.unwrap_err();
        assert_eq!(
            (failure.code.as_str(), failure.reason, failure.retry),
            (code, reason, retry),
            "{}",
            failure.message
        );
        assert_eq!(script.sign_ins().len(), 1, "the library must not retry");
    }
}

#[tokio::test(start_paused = true)]
async fn a_missing_credential_says_what_it_must_hold_and_no_secret_is_told() {
    let script = Script::new::<&str>([]).signing_in([entra(
        400,
        "AADSTS700211: No matching federated identity record found for presented assertion issuer 'x'.",
    )]);
    let failure = connector(Arc::clone(&script) as _).session(&workload()).sign_in().await.unwrap_err();
    for part in ["https://kubernetes", "system:serviceaccount:ml:acivnet", "api://AzureADTokenExchange", "client"] {
        assert!(failure.message.contains(part), "{}", failure.message);
    }
    let script = Script::new::<&str>([]).signing_in([entra(400, "AADSTS7000215: the secret hunter22 is wrong")]);
    let failure = connector(Arc::clone(&script) as _).session(&identity()).sign_in().await.unwrap_err();
    assert!(!failure.message.contains("hunter22"), "{}", failure.message);
}

#[tokio::test(start_paused = true)]
async fn a_tenant_that_is_no_path_segment_is_refused_before_anything_is_sent() {
    let script = Script::new::<&str>([]);
    let identity = Identity::client_secret("../evil", "client", Secret::new("hunter22"));
    let failure = connector(Arc::clone(&script) as _).session(&identity).sign_in().await.unwrap_err();
    assert_eq!((failure.code.as_str(), failure.reason), ("SignInImpossible", reasons::CREDENTIALS_REFUSED));
    assert!(script.sign_ins().is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_old_token_serves_while_the_authority_is_down_but_not_past_its_end() {
    let script = Script::new::<&str>([]).signing_in([
        reply(200, json!({"access_token": "a", "expires_in": 3599, "token_type": "Bearer"})),
        reply(503, Value::Null),
        reply(503, Value::Null),
    ]);
    let connector = connector(Arc::clone(&script) as _);
    let pass = connector.session(&identity());
    pass.sign_in().await.unwrap();
    advance(Duration::from_secs(3500)).await;
    pass.sign_in().await.unwrap();
    advance(Duration::from_secs(100)).await;
    assert_eq!(pass.sign_in().await.unwrap_err().reason, reasons::AZURE_UNREACHABLE);
}

struct Silence;

#[async_trait]
impl Http for Silence {
    async fn send(&self, _: http::Request<crate::Body>) -> Result<http::Response<crate::Body>, crate::SendError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn silence_is_given_up() {
    let failure = connector(Arc::new(Silence)).session(&identity()).sign_in().await.unwrap_err();
    assert_eq!((failure.reason, failure.retry), (reasons::AZURE_UNREACHABLE, Retry::Backoff));
    assert!(failure.message.contains("30 s"), "{}", failure.message);
}
