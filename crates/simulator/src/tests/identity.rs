//! Sign-in by secret and by federated token, and access tokens.

use super::*;

const NOW: i64 = 1_795_359_600;

fn assertion_form<'a>(client: &'a str, assertion: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("scope", "https://management.azure.com/.default"),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", assertion),
    ]
}

fn claims() -> Value {
    json!({
        "iss": ISSUER, "sub": "system:serviceaccount:ml:acivnet", "aud": ["api://AzureADTokenExchange"],
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600,
    })
}

#[tokio::test]
async fn token_by_secret_has_the_claims() {
    let bed = Bed::new().await;
    let claims: Value = jsonwebtoken::dangerous::insecure_decode::<Value>(&bed.token).unwrap().claims;
    assert_eq!(claims["tid"], TENANT);
    assert_eq!(claims["oid"], "oid-owner");
    assert_eq!(claims["appid"], OWNER);
    assert_eq!(claims["aud"], "https://management.azure.com");
    assert_eq!(claims["exp"].as_i64().unwrap(), NOW + 3599);
}

#[tokio::test]
async fn refused_sign_ins() {
    let bed = Bed::new().await;
    let scope = ("scope", "https://management.azure.com/.default");
    let grant = ("grant_type", "client_credentials");
    let (client, secret) = (("client_id", OWNER), ("client_secret", SECRET));
    for (tenant, form, status, number, error) in [
        ("99999999-9999-4999-8999-999999999999", vec![grant, client, secret, scope], 400, 90_002, "invalid_request"),
        (OTHER_TENANT, vec![grant, client, secret, scope], 400, 700_016, "unauthorized_client"),
        (TENANT, vec![grant, client, ("client_secret", "wrong"), scope], 401, 7_000_215, "invalid_client"),
        (TENANT, vec![grant, client, scope], 401, 7_000_216, "invalid_client"),
        (TENANT, vec![grant, secret, scope], 400, 900_144, "invalid_request"),
        (TENANT, vec![grant, client, secret, ("scope", "x")], 400, 1_002_012, "invalid_scope"),
        (TENANT, vec![("grant_type", "password"), client, secret, scope], 400, 70_003, "unsupported_grant_type"),
    ] {
        let answer = bed.sign_in(tenant, &form).await;
        assert_eq!(
            (answer.status, &answer.body["error"], &answer.body["error_codes"]),
            (status, &json!(error), &json!([number])),
            "{form:?}"
        );
        let text = answer.body["error_description"].as_str().unwrap();
        assert!(text.starts_with(&format!("AADSTS{number}: ")) && text.contains("Trace ID: "), "{text}");
        assert!(!answer.text.contains(SECRET) && !answer.text.contains("wrong\""));
    }
}

#[tokio::test]
async fn assertions() {
    let bed = Bed::new().await;
    let with = |name: &str, value: Value| {
        let mut claims = claims();
        claims[name] = value;
        CLUSTER_KEY.sign(&claims).unwrap()
    };
    let foreign = SigningKey::generate().unwrap().sign(&claims()).unwrap();
    let genuine = CLUSTER_KEY.sign(&claims()).unwrap();
    let (head, _) = genuine.rsplit_once('.').unwrap();
    let (_, other_signature) = CLUSTER_KEY
        .sign(&json!({"iss": "x"}))
        .map(|token| {
            let (head, tail) = token.rsplit_once('.').unwrap();
            (head.to_owned(), tail.to_owned())
        })
        .unwrap();
    let spliced = format!("{head}.{other_signature}");
    for (what, token, number) in [
        ("issuer", with("iss", json!("https://elsewhere.example")), 700_211),
        ("issuer with a slash", with("iss", json!(format!("{ISSUER}/"))), 700_211),
        ("subject", with("sub", json!("system:serviceaccount:ml:other")), 700_213),
        ("case of the subject", with("sub", json!("system:serviceaccount:ML:acivnet")), 700_213),
        ("audience", with("aud", json!("https://kubernetes.default.svc")), 700_212),
        ("expired", with("exp", json!(NOW - 301)), 700_024),
        ("not yet", with("nbf", json!(NOW + 301)), 700_024),
        ("unknown key", foreign, 700_027),
        ("wrong signature", spliced, 700_027),
        ("no token", "abc".to_owned(), 50_027),
    ] {
        let answer = bed.sign_in(TENANT, &assertion_form(OWNER, &token)).await;
        assert_eq!(answer.body["error_codes"], json!([number]), "{what}: {}", answer.text);
    }
    let answer = bed.sign_in(TENANT, &assertion_form(OWNER, &genuine)).await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.body["expires_in"], json!(3599));
    let answer = bed.sign_in(TENANT, &assertion_form(READER, &genuine)).await;
    assert_eq!(answer.body["error_codes"], json!([700_211]), "an application without federated credentials");
}

#[tokio::test]
async fn an_unreachable_issuer_is_told() {
    let bed = Bed::new().await;
    let seed = json!({"applications": [{"tenantId": TENANT, "clientId": "c", "objectId": "o", "federatedCredentials": [
        {"issuer": "https://gone.example", "subject": "system:serviceaccount:ml:acivnet", "audience": "api://AzureADTokenExchange"},
    ]}]});
    assert_eq!(bed.put("/simulator/seed", seed).await.status, 204);
    let mut claims = claims();
    claims["iss"] = json!("https://gone.example");
    let answer = bed.sign_in(TENANT, &assertion_form("c", &CLUSTER_KEY.sign(&claims).unwrap())).await;
    assert_eq!(answer.body["error_codes"], json!([50_166]), "{}", answer.text);
}

#[tokio::test]
async fn access_tokens_are_checked_on_every_call() {
    let bed = Bed::new().await;
    let path = vnet();
    let forged = SigningKey::generate().unwrap();
    let claims: Value = jsonwebtoken::dangerous::insecure_decode::<Value>(&bed.token).unwrap().claims;
    let stranger = bed.token_of(OTHER_TENANT, STRANGER).await;
    for (token, code) in [
        (String::new(), "AuthenticationFailed"),
        ("x".to_owned(), "InvalidAuthenticationToken"),
        (forged.sign(&claims).unwrap(), "InvalidAuthenticationToken"),
        (stranger, "InvalidAuthenticationTokenTenant"),
    ] {
        let answer = bed.send_as(&token, Method::GET, &path, Value::Null).await.expect(401, code);
        assert!(answer.header("www-authenticate").starts_with("Bearer authorization_uri="), "{code}");
        assert_eq!(answer.header("x-ms-failure-cause"), "gateway");
    }
    let answer = bed.send_as("", Method::GET, "/subscriptions/77777777-7777-4777-8777-777777777777", Value::Null).await;
    answer.expect(404, "SubscriptionNotFound");
    bed.get(&path).await.expect(404, "ResourceNotFound");
    bed.wait(3599);
    let answer = bed.get(&path).await.expect(401, "ExpiredAuthenticationToken");
    assert!(answer.message().contains("'11/22/2026 3:59:59 PM'"), "{}", answer.message());
}

#[tokio::test]
async fn metadata_and_keys() {
    let bed = Bed::new().await;
    let answer = bed.get(&format!("/{TENANT}/v2.0/.well-known/openid-configuration")).await;
    assert_eq!(answer.body["issuer"], format!("https://localhost:8443/{TENANT}/v2.0"));
    let keys = bed.get(answer.body["jwks_uri"].as_str().unwrap()).await;
    assert_eq!(keys.body["keys"][0]["kid"], KEY.id());
    let answer = bed.get("/99999999-9999-4999-8999-999999999999/v2.0/.well-known/openid-configuration").await;
    assert_eq!(answer.body["error_codes"], json!([90_002]));
}
