//! Managed identities over their two endpoints.

use super::*;

const SYSTEM: &str = "88888888-8888-4888-8888-888888888888";
const USER: &str = "99999999-9999-4999-8999-999999999999";
const RESOURCE: &str = "resource=https://management.azure.com";

fn user_resource() -> String {
    format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/u", group())
}

async fn seeded(identities: Value) -> Bed {
    let bed = Bed::new().await;
    let role = |principal: &str| json!({"principalId": principal, "role": "Reader", "scope": group()});
    let seed = json!({"managedIdentities": identities, "roleAssignments": [role("oid-system"), role("oid-user")]});
    assert_eq!(bed.put("/simulator/seed", seed).await.status, 204);
    bed
}

fn system() -> Value {
    json!({"tenantId": TENANT, "clientId": SYSTEM, "objectId": "oid-system"})
}

fn user() -> Value {
    json!({"tenantId": TENANT, "clientId": USER, "objectId": "oid-user", "resourceId": user_resource()})
}

async fn ask(bed: &Bed, path: &str, headers: &[(&str, &str)]) -> Answer {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = bed.simulator.handle_managed_identity(request.body(Body::empty()).unwrap()).await;
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status.as_u16(),
        dropped: false,
        headers: parts.headers,
        body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        text: String::from_utf8_lossy(&bytes).into_owned(),
    }
}

async fn metadata(bed: &Bed, query: &str) -> Answer {
    let path = format!("/metadata/identity/oauth2/token?api-version=2018-02-01&{query}");
    ask(bed, &path, &[("Metadata", "true")]).await
}

async fn app_service(bed: &Bed, query: &str) -> Answer {
    let header = bed.simulator.with(|world| world.directory.identity_header.expose().to_owned());
    ask(bed, &format!("/msi/token?api-version=2019-08-01&{query}"), &[("X-IDENTITY-HEADER", &header)]).await
}

#[tokio::test]
async fn tokens_of_both_forms_are_taken_by_resource_manager() {
    let bed = seeded(json!([system(), user()])).await;
    let by_metadata = metadata(&bed, RESOURCE).await;
    let by_app_service = app_service(&bed, &format!("{RESOURCE}&client_id={USER}")).await;
    assert_eq!(by_metadata.body["client_id"], SYSTEM);
    assert_eq!(by_app_service.body["client_id"], USER);
    for answer in [&by_metadata, &by_app_service] {
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(answer.body["expires_on"], json!((1_795_359_600 + 86_399).to_string()), "text, not a number");
        assert_eq!(answer.body["resource"], "https://management.azure.com");
        assert_eq!(answer.body["token_type"], "Bearer");
        let token = answer.body["access_token"].as_str().unwrap();
        assert_eq!(bed.send_as(token, Method::GET, &group(), Value::Null).await.status, 200);
    }
    assert_eq!(by_metadata.body["expires_in"], "86399");
    assert!(by_app_service.body.get("expires_in").is_none());
    bed.wait(86_400);
    let token = by_metadata.body["access_token"].as_str().unwrap();
    bed.send_as(token, Method::GET, &group(), Value::Null).await.expect(401, "ExpiredAuthenticationToken");
    let counts = bed.get("/simulator/counts").await.body;
    assert_eq!(counts["token"], 3, "the two, and the bed's own");
}

#[tokio::test]
async fn which_identity() {
    let bed = seeded(json!([system(), user()])).await;
    let resource_id = user_resource();
    for query in [format!("client_id={USER}"), "object_id=OID-user".to_owned(), format!("msi_res_id={resource_id}")] {
        assert_eq!(metadata(&bed, &format!("{RESOURCE}&{query}")).await.body["client_id"], USER, "{query}");
    }
    let by_id = app_service(&bed, &format!("{RESOURCE}&mi_res_id={resource_id}")).await;
    assert_eq!(by_id.body["client_id"], USER);
    let unknown = metadata(&bed, &format!("{RESOURCE}&client_id={OWNER}")).await;
    assert_eq!((unknown.status, &unknown.body["error_description"]), (400, &json!("Identity not found")));
    let unknown = app_service(&bed, &format!("{RESOURCE}&client_id={OWNER}")).await;
    assert_eq!((unknown.status, &unknown.body["statusCode"]), (400, &json!(400)));

    let bed = seeded(json!([user()])).await;
    assert_eq!(metadata(&bed, RESOURCE).await.body["client_id"], USER, "the only one");
    assert_eq!(app_service(&bed, RESOURCE).await.status, 400, "no system-assigned one");
    let mut second = user();
    second["clientId"] = json!(SYSTEM);
    second["resourceId"] = json!(format!("{}2", user_resource()));
    bed.put("/simulator/seed", json!({"managedIdentities": [second]})).await;
    let ambiguous = metadata(&bed, RESOURCE).await;
    assert_eq!(ambiguous.status, 400);
    assert!(ambiguous.text.contains("Multiple user assigned identities exist"), "{}", ambiguous.text);
}

#[tokio::test]
async fn what_is_refused() {
    let bed = seeded(json!([system()])).await;
    let token = "/metadata/identity/oauth2/token";
    let full = format!("{token}?api-version=2018-02-01&{RESOURCE}");
    for (path, headers, description) in [
        (full.as_str(), vec![], "Required metadata header not specified"),
        (&full, vec![("Metadata", "true"), ("X-Forwarded-For", "10.0.0.1")], "Required metadata header not specified"),
        (
            &format!("{token}?api-version=2018-02-01"),
            vec![("Metadata", "true")],
            "Required audience parameter not specified",
        ),
        (
            &format!("{token}?{RESOURCE}"),
            vec![("Metadata", "true")],
            "Required query variable 'api-version' is missing or not supported",
        ),
    ] {
        let answer = ask(&bed, path, &headers).await;
        assert_eq!(answer.status, 400);
        assert_eq!(answer.body, json!({"error": "invalid_request", "error_description": description}));
    }
    let path = format!("/msi/token?api-version=2019-08-01&{RESOURCE}");
    assert_eq!(ask(&bed, &path, &[]).await.status, 401);
    assert_eq!(ask(&bed, &path, &[("X-IDENTITY-HEADER", "guess")]).await.status, 401);
    assert_eq!(app_service(&bed, "resource=").await.status, 400);
    assert_eq!(ask(&bed, "/metadata/instance", &[("Metadata", "true")]).await.status, 404);
    let fault = json!({"path": "/metadata/", "status": 429, "body": {"error": "too_many_requests"}});
    bed.send(Method::POST, "/simulator/faults", fault).await;
    assert_eq!(metadata(&bed, RESOURCE).await.status, 429);
    assert_eq!(metadata(&bed, RESOURCE).await.status, 200);
    assert_ne!(bed.get(&format!("{token}?{RESOURCE}")).await.status, 200, "not on the port of Azure");
}
