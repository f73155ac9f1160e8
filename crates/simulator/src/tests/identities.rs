//! User-assigned identities with their federated credentials, role assignments and locks, as resources.

use super::*;

fn identity() -> String {
    format!("{}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/acivnet-ml", group())
}

fn credential(name: &str) -> String {
    format!("{}/federatedIdentityCredentials/{name}", identity())
}

fn trusts(subject: &str) -> Value {
    json!({"properties": {"issuer": ISSUER, "subject": subject, "audiences": ["api://AzureADTokenExchange"]}})
}

fn assignment(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}")
}

fn lock(scope: &str, name: &str) -> String {
    format!("{scope}/providers/Microsoft.Authorization/locks/{name}")
}

const NAME: &str = "aaaaaaaa-0000-4000-8000-000000000001";

/// A bed whose caller may give roles.
async fn owned() -> Bed {
    let bed = Bed::new().await;
    let scope = format!("/subscriptions/{SUBSCRIPTION}");
    let role = json!({"principalId": "oid-owner", "role": "Owner", "scope": scope});
    bed.put("/simulator/seed", json!({"roleAssignments": [role]})).await;
    bed
}

fn gives(bed_role: &str, principal: &str) -> Value {
    let definition =
        format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{bed_role}");
    json!({"properties": {"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"}})
}

async fn role_id(bed: &Bed, name: &str) -> String {
    let filter = name.replace(' ', "%20");
    let path =
        format!("{}/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName%20eq%20'{filter}'", group());
    let found = bed.get(&path).await;
    assert_eq!(found.body["value"].as_array().unwrap().len(), 1, "{}", found.text);
    found.body["value"][0]["name"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_identity_signs_in_by_its_credential_and_does_what_its_role_allows() {
    let bed = owned().await;
    let made = bed.put(&identity(), json!({"location": "westeurope", "tags": {"team": "ml"}})).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let (client, principal) =
        (made.body["properties"]["clientId"].clone(), made.body["properties"]["principalId"].clone());
    let (client, principal) = (client.as_str().unwrap(), principal.as_str().unwrap());
    assert_eq!(bed.put(&credential("ml-one"), trusts("system:serviceaccount:ml:acivnet")).await.status, 201);
    assert_eq!(bed.put(&credential("ml-one"), trusts("system:serviceaccount:ml:acivnet")).await.status, 200);
    bed.put(&credential("ml-two"), trusts("system:serviceaccount:ml:acivnet")).await.expect(409, "Conflict");

    let token = signed_in(&bed, client, "system:serviceaccount:ml:acivnet").await.unwrap();
    bed.send_as(&token, Method::GET, &group(), Value::Null).await.expect(403, "AuthorizationFailed");
    let contributor = role_id(&bed, "Contributor").await;
    assert_eq!(bed.put(&assignment(&group(), NAME), gives(&contributor, principal)).await.status, 201);
    assert_eq!(bed.send_as(&token, Method::GET, &group(), Value::Null).await.status, 200);
    assert_eq!(bed.delete(&assignment(&group(), NAME)).await.status, 200);
    bed.send_as(&token, Method::GET, &group(), Value::Null).await.expect(403, "AuthorizationFailed");

    assert_eq!(bed.delete(&credential("ml-one")).await.status, 200);
    assert!(signed_in(&bed, client, "system:serviceaccount:ml:acivnet").await.is_err());
    assert_eq!(bed.delete(&identity()).await.status, 200);
    assert_eq!(bed.delete(&identity()).await.status, 204);
    bed.get(&credential("ml-one")).await.expect(404, "ResourceNotFound");
}

async fn signed_in(bed: &Bed, client: &str, subject: &str) -> Result<String, String> {
    let now = bed.simulator.with(|world| world.now.as_second());
    let claims = json!({
        "iss": ISSUER, "sub": subject, "aud": ["api://AzureADTokenExchange"], "iat": now, "nbf": now, "exp": now + 600,
    });
    let assertion = CLUSTER_KEY.sign(&claims).unwrap();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client),
        ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
        ("client_assertion", &assertion),
        ("scope", "https://management.azure.com/.default"),
    ];
    let answer = bed.sign_in(TENANT, &form).await;
    answer.body["access_token"].as_str().map(str::to_owned).ok_or(answer.text)
}

#[tokio::test]
async fn an_identity_has_at_most_twenty_credentials() {
    let bed = owned().await;
    bed.put(&identity(), json!({"location": "westeurope"})).await;
    for number in 0..20 {
        let subject = format!("system:serviceaccount:team{number}:acivnet");
        assert_eq!(bed.put(&credential(&format!("team{number}")), trusts(&subject)).await.status, 201);
    }
    bed.put(&credential("one-more"), trusts("system:serviceaccount:more:acivnet")).await.expect(400, "BadRequest");
    let listed = bed.get(&format!("{}/federatedIdentityCredentials", identity())).await;
    assert_eq!(listed.body["value"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn names_and_bodies_that_are_refused() {
    let bed = owned().await;
    for name in ["ab", "-abc", "a%24b"] {
        let path = identity().replace("acivnet-ml", name);
        bed.put(&path, json!({"location": "westeurope"})).await.expect(400, "InvalidResourceName");
    }
    bed.put(&identity(), json!({})).await.expect(400, "LocationRequired");
    bed.put(&identity(), json!({"location": "westeurope"})).await;
    let mut two = trusts("s");
    two["properties"]["audiences"] = json!(["a", "b"]);
    bed.put(&credential("ml-one"), two).await.expect(400, "BadRequest");
}

#[tokio::test]
async fn role_assignments_that_are_refused() {
    let bed = owned().await;
    let reader = role_id(&bed, "Reader").await;
    let other = assignment(&group(), "aaaaaaaa-0000-4000-8000-000000000002");
    bed.put(&assignment(&group(), "mine"), gives(&reader, "oid-reader")).await.expect(400, "InvalidRoleAssignmentId");
    bed.put(&other, gives(&reader, "nobody")).await.expect(400, "PrincipalNotFound");
    bed.put(&other, gives(NAME, "oid-reader")).await.expect(400, "RoleDefinitionDoesNotExist");
    // It stands in the seed, under another name.
    bed.put(&other, gives(&reader, "oid-reader")).await.expect(409, "RoleAssignmentExists");
    let contributor = role_id(&bed, "Contributor").await;
    assert_eq!(bed.put(&other, gives(&contributor, "oid-reader")).await.status, 201);
    assert_eq!(bed.put(&other, gives(&contributor, "oid-reader")).await.status, 200);
    bed.put(&other, gives(&reader, "oid-owner")).await.expect(400, "RoleAssignmentUpdateNotPermitted");
    let token = bed.token_of(TENANT, READER).await;
    let more = assignment(&group(), "aaaaaaaa-0000-4000-8000-000000000003");
    bed.send_as(&token, Method::PUT, &more, gives(&reader, "oid-owner")).await.expect(403, "AuthorizationFailed");
    let listed = bed
        .get(&format!("{}?$filter=principalId%20eq%20'oid-reader'", assignment(&group(), "").trim_end_matches('/')))
        .await;
    assert_eq!(listed.body["value"].as_array().unwrap().len(), 2, "{}", listed.text);
}

#[tokio::test]
async fn locks_forbid_until_they_are_lifted() {
    let bed = owned().await;
    bed.stands(&vnet(), vnet_body()).await;
    let notes = json!({"properties": {"level": "CanNotDelete", "notes": "owned by the network team"}});
    assert_eq!(bed.put(&lock(&vnet(), "keep"), notes.clone()).await.status, 201);
    assert_eq!(bed.put(&lock(&vnet(), "keep"), notes).await.status, 200);
    bed.delete(&vnet()).await.expect(409, "ScopeLocked");
    assert_eq!(bed.put(&lock(&group(), "frozen"), json!({"properties": {"level": "ReadOnly"}})).await.status, 201);
    bed.put(&subnet("s"), aci_body("10.0.1.0/24")).await.expect(409, "ScopeLocked");
    let listed = bed.get(lock(&vnet(), "").trim_end_matches('/')).await;
    assert_eq!(listed.body["value"].as_array().unwrap().len(), 2, "{}", listed.text);
    bed.put(&lock(&group(), "x"), json!({"properties": {"level": "Never"}})).await.expect(400, "InvalidLockLevel");
    for (scope, name) in [(group(), "frozen"), (vnet(), "keep")] {
        assert_eq!(bed.delete(&lock(&scope, name)).await.status, 200);
        assert_eq!(bed.delete(&lock(&scope, name)).await.status, 204);
    }
    bed.get(&lock(&vnet(), "keep")).await.expect(404, "LockNotFound");
    assert_eq!(bed.delete(&vnet()).await.status, 202);
}

fn definition(name: &str) -> String {
    format!("/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/roleDefinitions/{name}")
}

fn custom(name: &str, actions: Value) -> Value {
    json!({"properties": {
        "roleName": name, "description": "ours", "type": "CustomRole", "assignableScopes": [format!("/subscriptions/{SUBSCRIPTION}")],
        "permissions": [{"actions": actions, "notActions": [], "dataActions": [], "notDataActions": []}],
    }})
}

#[tokio::test]
async fn a_custom_role_gives_what_it_says_and_it_is_told_what_of_it_was_used() {
    let bed = owned().await;
    let group_read = "Microsoft.Resources/subscriptions/resourceGroups/read";
    let role = custom("ours", json!([group_read, "Microsoft.Network/virtualNetworks/write"]));
    assert_eq!(bed.put(&definition(NAME), role.clone()).await.status, 201);
    assert_eq!(bed.put(&definition(NAME), role.clone()).await.status, 201);
    let other = "aaaaaaaa-0000-4000-8000-000000000009";
    bed.put(&definition(other), role).await.expect(409, "RoleDefinitionWithSameNameExists");
    bed.put(&definition(other), custom("b", json!(["read"]))).await.expect(400, "InvalidActionOrNotAction");

    let made = bed.put(&identity(), json!({"location": "westeurope"})).await;
    let principal = made.body["properties"]["principalId"].as_str().unwrap().to_owned();
    bed.put(&credential("ml-one"), trusts("ml")).await;
    let token = signed_in(&bed, made.body["properties"]["clientId"].as_str().unwrap(), "ml").await.unwrap();
    assert_eq!(bed.put(&assignment(&group(), NAME), gives(NAME, &principal)).await.status, 201);
    assert_eq!(bed.send_as(&token, Method::GET, &group(), Value::Null).await.status, 200);
    bed.send_as(&token, Method::GET, &vnet(), Value::Null).await.expect(403, "AuthorizationFailed");

    let rights = bed.get(&format!("/simulator/rights?principalId={principal}")).await.body;
    assert_eq!(rights["given"], json!({"ours": {"actions": [group_read], "dataActions": []}}));
    assert_eq!(rights["refused"], json!([{"action": "Microsoft.Network/virtualNetworks/read", "scope": vnet()}]));

    bed.delete(&definition(NAME)).await.expect(400, "RoleDefinitionHasAssignments");
    bed.delete(&assignment(&group(), NAME)).await;
    assert_eq!(bed.delete(&definition(NAME)).await.status, 200);
    assert_eq!(bed.delete(&definition(NAME)).await.status, 204);
    bed.get(&definition(NAME)).await.expect(404, "RoleDefinitionDoesNotExist");
}
