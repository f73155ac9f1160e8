use super::*;
use http::HeaderMap;
use proptest::prelude::*;

fn answer(status: u16, body: &str) -> Answer {
    Answer { status, headers: HeaderMap::new(), body: body.to_owned().into(), _room: None }
}

fn read(status: u16, body: &str) -> Failure {
    refused(&answer(status, body), "PUT vnet", Class::ResourceManager, Timestamp::UNIX_EPOCH, &Scrubber::default())
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_shape_gives_its_most_telling_code() {
    for (status, body, code, retry, reason) in [
        (
            404,
            r#"{"error":{"code":"ResourceNotFound","message":"gone"}}"#,
            "ResourceNotFound",
            Retry::Slowly,
            reasons::AZURE_REFUSED,
        ),
        (
            429,
            r#"{"error":{"code":"RetryableError","message":"A retryable error occurred.","details":[{"code":"RetryableErrorDueToAnotherOperation","message":"busy"}]}}"#,
            "RetryableErrorDueToAnotherOperation",
            Retry::Soon,
            reasons::BUSY,
        ),
        (
            400,
            r#"{"code":"BadRequest","statusCode":400,"message":"The request is invalid","details":[{"code":"SubnetIsFull","message":"full","target":null}]}"#,
            "SubnetIsFull",
            Retry::Slowly,
            reasons::SUBNET_FULL,
        ),
        (
            403,
            r#"{"error":{"code":"RequestDisallowedByPolicy","message":"no","details":[{"code":"Unheard","message":"of"}]}}"#,
            "RequestDisallowedByPolicy",
            Retry::Slowly,
            reasons::POLICY_DENIED,
        ),
        (
            409,
            r#"{"code":"Conflict","message":"outer","error":{"code":"ScopeLocked","message":"locked"}}"#,
            "ScopeLocked",
            Retry::Slowly,
            reasons::AZURE_LOCK,
        ),
        (
            400,
            r#"{"Code":"InvalidCIDRNotation","Message":"bad"}"#,
            "InvalidCIDRNotation",
            Retry::OnSpecChange,
            reasons::INVALID_SPEC,
        ),
        (
            400,
            r#"{"error":{"code":"","message":"Compute name 'amlci' is not available. Reason: AlreadyExists. Message: in use"}}"#,
            "Http400",
            Retry::Slowly,
            reasons::COMPUTE_NAME_TAKEN,
        ),
        (500, r#"{"Message":"An error has occurred."}"#, "Http500", Retry::Backoff, reasons::AZURE_UNREACHABLE),
        (404, r#"{"code":404002,"message":"m"}"#, "404002", Retry::Slowly, reasons::AZURE_REFUSED),
        (429, r#"{"error":{"code":"429","message":"slow down"}}"#, "429", Retry::Backoff, reasons::THROTTLED),
        (
            400,
            r#"{"error":{"code":"Endpoint validation","message":"m","details":null}}"#,
            "Endpoint validation",
            Retry::OnSpecChange,
            reasons::AZURE_REFUSED,
        ),
        (
            409,
            r#"{"status":"Failed","error":{"code":"DeploymentFailed","message":"{\"error\":{\"code\":\"QuotaExceeded\",\"message\":\"cores\"}}"}}"#,
            "QuotaExceeded",
            Retry::Slowly,
            reasons::QUOTA_EXCEEDED,
        ),
        (
            400,
            r#"{"error":{"code":"UserError","message":"m","innerError":{"code":"SubnetMissingRequiredDelegation","innerError":null}}}"#,
            "SubnetMissingRequiredDelegation",
            Retry::Slowly,
            reasons::SUBNET_NOT_DELEGATED,
        ),
        (
            502,
            "<html><head><title>502 Bad Gateway</title></head><body><center>nginx</center></body></html>",
            "Http502",
            Retry::Backoff,
            reasons::AZURE_UNREACHABLE,
        ),
        (503, "", "Http503", Retry::Backoff, reasons::AZURE_UNREACHABLE),
        (
            404,
            r#"{"type":"about:blank","title":"Not Found","status":404,"traceId":"x"}"#,
            "Http404",
            Retry::Slowly,
            reasons::AZURE_REFUSED,
        ),
        (400, r#""just a string""#, "Http400", Retry::OnSpecChange, reasons::AZURE_REFUSED),
        (400, r#"{"error":"invalid_client"}"#, "Http400", Retry::OnSpecChange, reasons::AZURE_REFUSED),
        (500, "null", "Http500", Retry::Backoff, reasons::AZURE_UNREACHABLE),
        (500, "[1,2]", "Http500", Retry::Backoff, reasons::AZURE_UNREACHABLE),
        (
            409,
            "\u{feff}<?xml version=\"1.0\"?><Error><Code>ContainerBeingDeleted</Code><Message>wait</Message></Error>",
            "ContainerBeingDeleted",
            Retry::Soon,
            reasons::BUSY,
        ),
        (
            401,
            r#"{"code":"Unauthorized","statusCode":401,"message":"Unauthorized","details":[{"code":"EmptyOrInvalidToken","message":"Invalid header"}]}"#,
            "EmptyOrInvalidToken",
            Retry::Slowly,
            reasons::CREDENTIALS_REFUSED,
        ),
    ] {
        let found = read(status, body);
        assert_eq!(
            (found.status, found.code.as_str(), found.retry, found.reason),
            (status, code, retry, reason),
            "{body}"
        );
        assert!(found.message.starts_with(&format!("PUT vnet: {status}")), "{}", found.message);
    }
}

#[test]
fn the_message_belongs_to_the_code_and_says_what_to_do() {
    let found = read(502, "<html><title>502 Bad Gateway</title></html>");
    assert_eq!(found.message, "PUT vnet: 502 Bad Gateway");
    assert_eq!(read(503, "").message, "PUT vnet: 503 Service Unavailable");
    assert_eq!(read(500, r#"{"Message":"An error has occurred."}"#).message, "PUT vnet: 500: An error has occurred.");
    let found = read(
        403,
        r#"{"error":{"code":"AuthorizationFailed","message":"The client 'c' with object id 'o' does not have authorization to perform action 'Microsoft.Network/virtualNetworks/write' over scope '/subscriptions/s' or the scope is invalid."}}"#,
    );
    assert_eq!(
        found.message,
        "PUT vnet: 403 AuthorizationFailed: this identity may not Microsoft.Network/virtualNetworks/write; assign it a role with that action on /subscriptions/s"
    );
    let found = read(
        403,
        r#"{"error":{"code":"RequestDisallowedByPolicy","target":"v","message":"Resource 'v' was disallowed","additionalInfo":[{"type":"PolicyViolation","info":{"policyDefinitionDisplayName":"No networks","policyAssignmentName":"deny"}}]}}"#,
    );
    assert!(found.message.contains("policy 'No networks' (assignment 'deny')"), "{}", found.message);
}

#[test]
fn retry_after_moves_what_passes_by_itself_only() {
    let with = |status, body: &str| {
        let mut answer = answer(status, body);
        answer.headers.insert("retry-after", "11".parse().unwrap());
        refused(&answer, "GET x", Class::ResourceManager, Timestamp::UNIX_EPOCH, &Scrubber::default()).retry
    };
    let eleven = Retry::After(Duration::from_secs(11));
    assert_eq!(with(429, r#"{"error":{"code":"RetryableErrorDueToAnotherOperation"}}"#), eleven);
    assert_eq!(with(503, ""), eleven);
    assert_eq!(with(403, r#"{"error":{"code":"AuthorizationFailed"}}"#), Retry::Slowly);
    assert_eq!(with(400, r#"{"error":{"code":"InvalidRequestContent"}}"#), Retry::OnSpecChange);
}

#[test]
fn a_refused_signature_is_not_the_identitys_fault() {
    let mut head = answer(403, "");
    head.headers.insert("x-ms-error-code", "AuthenticationFailed".parse().unwrap());
    let found = refused(&head, "PUT model.pkl", Class::Blob, Timestamp::UNIX_EPOCH, &Scrubber::default());
    assert_eq!(
        (found.code.as_str(), found.retry, found.reason),
        ("AuthenticationFailed", Retry::Backoff, reasons::AZURE_REFUSED)
    );
    head.headers.insert("x-ms-error-code", "AuthorizationFailure".parse().unwrap());
    let found = refused(&head, "PUT model.pkl", Class::Blob, Timestamp::UNIX_EPOCH, &Scrubber::default());
    assert_eq!((found.retry, found.reason), (Retry::Slowly, reasons::FORBIDDEN));
}

#[test]
fn secrets_in_an_error_are_not_passed_on() {
    let body = r#"{"error":{"code":"Bad","message":"GET https://a.blob.core.windows.net/c?sv=1&sig=c4nary failed for hunter22"}}"#;
    let found = refused(
        &answer(400, body),
        "PUT x",
        Class::ResourceManager,
        Timestamp::UNIX_EPOCH,
        &Scrubber::new(["hunter22".to_owned()]),
    );
    assert!(!found.message.contains("c4nary") && !found.message.contains("hunter22"), "{}", found.message);
}

fn json() -> impl Strategy<Value = Value> {
    let key = prop::sample::select(vec![
        "error",
        "code",
        "message",
        "details",
        "innererror",
        "innerError",
        "additionalInfo",
        "info",
        "title",
        "statusCode",
        "x",
    ]);
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,40}".prop_map(Value::from),
        r#"\{"error":\{"code":"[a-z]{0,5}"\}\}"#.prop_map(Value::from)
    ];
    leaf.prop_recursive(12, 200, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::vec((key.clone(), inner), 0..6).prop_map(|pairs| Value::Object(
                pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
            )),
        ]
    })
}

proptest! {
    #[test]
    fn no_bytes_are_too_strange(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..600)) {
        let answer = Answer { status, headers: HeaderMap::new(), body: body.into(), _room: None };
        let found = refused(&answer, "GET x", Class::Blob, Timestamp::UNIX_EPOCH, &Scrubber::default());
        prop_assert!(!found.code.is_empty() && found.message.chars().count() <= 256);
    }

    #[test]
    fn no_json_is_too_strange(status in 100u16..600, body in json()) {
        let found = read(status, &body.to_string());
        prop_assert!(!found.code.is_empty() && found.message.chars().count() <= 256);
    }
}

#[test]
fn nesting_without_end_is_survived() {
    for body in [
        "[".repeat(100_000),
        r#"{"error":"#.repeat(100) + &"}".repeat(100),
        r#"{"details":["#.repeat(50) + r#"{"code":"Deep"}"# + &"]}".repeat(50),
    ] {
        assert_eq!(read(500, &body).status, 500);
    }
}

/// What is said of a refusal with a code and a message.
fn said(status: u16, code: &str, message: &str) -> (&'static str, String) {
    let body = serde_json::json!({"error": {"code": code, "message": message}}).to_string();
    let found =
        refused(&answer(status, &body), "PUT x", Class::ResourceManager, Timestamp::UNIX_EPOCH, &Scrubber::default());
    (found.reason, found.message)
}

#[test]
fn what_somebody_has_to_remove_is_named_with_the_way() {
    let id = "00000000-0000-0000-0000-000000000001";
    let group = format!("/subscriptions/{id}/resourceGroups/amlrg");
    for (status, code, message, reason, words) in [
        (
            409,
            "ReadOnlyDisabledSubscription",
            format!("The subscription '{id}' is disabled and therefore marked as read only. You cannot perform any write actions on this subscription until it is re-enabled."),
            reasons::SUBSCRIPTION_DISABLED,
            &["subscription 00000000-0000-0000-0000-000000000001 is disabled", "reactivate"][..],
        ),
        (
            409,
            "ScopeLocked",
            format!("The scope '{group}/providers/Microsoft.Network/virtualNetworks/{}' cannot perform write operation because following scope(s) are locked: '{group}'. Please remove the lock and try again.", "v".repeat(60)),
            reasons::AZURE_LOCK,
            &["a lock at /subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/amlrg forbids it", "remove"],
        ),
        (
            409,
            "MissingSubscriptionRegistration",
            "The subscription is not registered to use namespace 'Microsoft.ContainerInstance'. See https://aka.ms/rps-not-found for how to register subscriptions.".to_owned(),
            reasons::PROVIDER_NOT_REGISTERED,
            &["az provider register --namespace Microsoft.ContainerInstance"],
        ),
        (
            404,
            "SubscriptionNotFound",
            format!("The subscription '{id}' could not be found."),
            reasons::SUBSCRIPTION_NOT_FOUND,
            &["could not be found; check spec.azure.subscriptionID"],
        ),
        (
            400,
            "PublicIPCountLimitReached",
            "Cannot create more than 10 public IP addresses for this subscription in this region.".to_owned(),
            reasons::QUOTA_EXCEEDED,
            &["more than 10 public IP addresses", "ask for more quota"],
        ),
    ] {
        let (found, text) = said(status, code, &message);
        assert!(found == reason && words.iter().all(|word| text.contains(word)), "{code}: {found} {text}");
    }
}

#[test]
fn a_wait_of_no_length_is_none() {
    let mut answer = answer(503, "");
    answer.headers.insert("retry-after", "0".parse().unwrap());
    let found = refused(&answer, "GET x", Class::ResourceManager, Timestamp::UNIX_EPOCH, &Scrubber::default());
    assert_eq!(found.retry, Retry::Backoff);
}
