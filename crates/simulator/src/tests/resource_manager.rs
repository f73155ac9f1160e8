//! What `azure-mgmt-resource` and `az` ask Resource Manager itself.

use super::*;

const API: &str = "api-version=2021-04-01";

fn at(path: &str) -> String {
    let separator = if path.contains('?') { '&' } else { '?' };
    format!("{path}{separator}{API}")
}

fn subscription() -> String {
    format!("/subscriptions/{SUBSCRIPTION}")
}

fn names(list: &Answer) -> Vec<&str> {
    list.body["value"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lists_of_resources() {
    let bed = Bed::new().await;
    let tagged = json!({"location": "westeurope", "tags": {"env": "x"}, "properties": {"securityRules": []}});
    bed.stands(&vnet(), vnet_body()).await;
    bed.stands(&subnet("s"), json!({"properties": {"addressPrefix": "10.0.0.0/24"}})).await;
    bed.stands(&nsg(), tagged).await;
    let zone = format!("{}/providers/Microsoft.Network/privateDnsZones/corp.example", group());
    bed.put(&format!("{zone}?api-version=2020-06-01"), json!({"location": "global"})).await;
    bed.wait(60);
    let all = bed.get(&at(&format!("{}/resources", group()))).await;
    assert_eq!(names(&all), ["ws", "n", "corp.example", "v"], "no subnet, no record set: {}", all.text);
    assert_eq!(bed.get(&at(&format!("{}/resources", subscription()))).await.body, all.body);
    let filtered = async |filter: &str| {
        let filter: String = form_urlencoded::byte_serialize(filter.as_bytes()).collect();
        bed.get(&at(&format!("{}/resources?$filter={filter}&$expand=provisioningState", subscription()))).await
    };
    let networks = filtered("resourceType eq 'microsoft.network/virtualnetworks'").await;
    assert_eq!(names(&networks), ["v"]);
    assert_eq!(networks.body["value"][0]["provisioningState"], "Succeeded");
    assert_eq!(names(&filtered("tagName eq 'env' and tagValue eq 'x'").await), ["n"]);
    filtered("colour eq 'x'").await.expect(400, "InvalidFilterInQueryString");
    bed.get(&at(&format!("{}x/resources", group()))).await.expect(404, "ResourceGroupNotFound");
    let groups =
        bed.get(&at(&format!("{}/resourcegroups?$filter=tagName eq 'a'", subscription()).replace(' ', "%20"))).await;
    assert_eq!(names(&groups), Vec::<&str>::new());
    let stranger = bed.token_of(TENANT, READER).await;
    let seen = bed.send_as(&stranger, Method::GET, &at(&format!("{}/resources", subscription())), Value::Null).await;
    assert_eq!(names(&seen).len(), 4, "what its role on the group shows");
}

#[tokio::test]
async fn existence_locations_providers_tenants() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    assert_eq!(bed.send(Method::HEAD, &vnet(), Value::Null).await.status, 204);
    assert_eq!(bed.send(Method::HEAD, &nsg(), Value::Null).await.status, 404);
    let locations = bed.get(&at(&format!("{}/locations", subscription()))).await.body;
    let japan = locations["value"].as_array().unwrap().iter().find(|one| one["name"] == "japaneast").unwrap().clone();
    assert_eq!((&japan["displayName"], &japan["metadata"]["regionType"]), (&json!("Japan East"), &json!("Physical")));
    let providers = bed.get(&at(&format!("{}/providers", subscription()))).await.body;
    assert!(providers["value"].as_array().unwrap().len() >= 4);
    let network = bed.get(&at(&format!("{}/providers/microsoft.network", subscription()))).await.body;
    let zones =
        network["resourceTypes"].as_array().unwrap().iter().find(|one| one["resourceType"] == "privateDnsZones");
    assert_eq!(zones.unwrap()["apiVersions"][0], "2024-06-01");
    let register = at(&format!("{}/providers/Microsoft.Network/register", subscription()));
    assert_eq!(bed.send(Method::POST, &register, Value::Null).await.body["registrationState"], "Registered");
    assert_eq!(bed.get("/tenants?api-version=2022-12-01").await.body["value"][0]["tenantId"], TENANT);
}

#[tokio::test]
async fn tags_at_every_scope() {
    let bed = Bed::new().await;
    bed.stands(&vnet(), vnet_body()).await;
    for scope in [subscription(), group(), vnet()] {
        let path = at(&format!("{scope}/providers/Microsoft.Resources/tags/default"));
        let put = bed.put(&path, json!({"properties": {"tags": {"a": "1", "b": "2"}}})).await;
        assert_eq!((put.status, &put.body["properties"]["tags"]), (200, &json!({"a": "1", "b": "2"})), "{scope}");
        let patch = json!({"operation": "Delete", "properties": {"tags": {"a": "1"}}});
        assert_eq!(bed.send(Method::PATCH, &path, patch).await.body["properties"]["tags"], json!({"b": "2"}));
        assert_eq!(bed.get(&at(&scope)).await.body["tags"], json!({"b": "2"}));
        bed.send(Method::PATCH, &path, json!({"operation": "Explode"})).await.expect(400, "InvalidRequestContent");
        assert_eq!(bed.delete(&path).await.status, 200);
        assert_eq!(bed.get(&path).await.body["properties"]["tags"], json!({}));
    }
    bed.get(&at(&format!("{}/providers/Microsoft.Resources/tags/default", nsg())))
        .await
        .expect(404, "ResourceNotFound");
}
