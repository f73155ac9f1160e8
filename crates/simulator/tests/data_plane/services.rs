//! What a service create is refused for, lists, keys, validation, roles.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use crate::bed::{Bed, GROUP};

#[tokio::test]
async fn bodies_that_make_no_sense_are_refused_by_their_cause() {
    let mut bed = Bed::new().await;
    let good = bed.service_body("aciservice").await;
    let cases: Vec<(&str, Value, &str)> = vec![
        ("/name", json!("Upper"), "InvalidServiceName"),
        ("/name", json!("ab"), "InvalidServiceName"),
        ("/name", json!("ends-"), "InvalidServiceName"),
        ("/name", json!("a23456789012345678901234567890123"), "InvalidServiceName"),
        ("/computeType", json!("AKS"), "UnsupportedComputeType"),
        ("/dnsNameLabel", json!("label"), "DnsNameLabelNotSupported"),
        ("/containerResourceRequirements/cpu", json!(0), "InvalidResourceRequirements"),
        ("/vnetConfiguration/subnetName", json!(""), "InvalidVnetConfiguration"),
        ("/vnetConfiguration/vnetName", json!("nowhere"), "InvalidResourceReference"),
        ("/vnetConfiguration/subnetName", json!("default"), "SubnetMissingRequiredDelegation"),
        ("/location", json!("westus"), "SubnetRegionMismatch"),
        ("/kvTags", json!({"a": 1}), "InvalidMap"),
        ("/environmentImageRequest/modelIds", json!(["none:1"]), "ModelNotFound"),
        ("/environmentImageRequest/environment", json!(null), "EnvironmentMissing"),
        ("/environmentImageRequest/driverProgram", json!("other.py"), "DriverProgramNotFound"),
        ("/environmentImageRequest/assets/1/url", json!("aml://artifact/a/b/c"), "AssetContentNotFound"),
    ];
    for (path, value, code) in cases {
        let mut body = good.clone();
        *body.pointer_mut(path).unwrap() = value;
        let refused = bed.mm(Method::POST, "services", Some(body)).await;
        assert_eq!((refused.status, refused.detail().as_str()), (StatusCode::BAD_REQUEST, code), "{}", refused.text());
        assert_eq!(refused.json()["statusCode"], 400);
    }
    let mut both = good.clone();
    both["environmentImageRequest"]["models"] = json!([]);
    assert_eq!(bed.mm(Method::POST, "services", Some(both)).await.detail(), "ServiceModelConflict");
    let mut ssl = good;
    ssl["sslEnabled"] = json!(true);
    assert_eq!(bed.mm(Method::POST, "services", Some(ssl)).await.detail(), "SslConfigurationInvalid");
    assert_eq!(bed.mm(Method::GET, "services", None).await.json(), json!({"value": []}));
}

#[tokio::test]
async fn a_full_subnet_takes_no_other_service() {
    let mut bed = Bed::new().await;
    let path = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/small?api-version=2024-05-01");
    let body = json!({"properties": {"addressPrefix": "10.0.2.0/29", "delegations": [
        {"name": "aci", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}]}});
    assert!(bed.send(Method::PUT, &path, Some(body)).await.status.is_success());
    bed.pass(60);
    let mut body = bed.service_body("aci-0").await;
    body["vnetConfiguration"]["subnetName"] = json!("small");
    for n in 0..3 {
        body["name"] = json!(format!("aci-{n}"));
        bed.mm(Method::POST, "services", Some(body.clone())).await.operation();
        bed.pass(200);
        assert_eq!(bed.service(&format!("aci-{n}")).await["scoringUri"], format!("http://10.0.2.{}/score", n + 4));
    }
    body["name"] = json!("aci-3");
    assert_eq!(bed.mm(Method::POST, "services", Some(body.clone())).await.detail(), "SubnetIsFull");
    bed.mm(Method::DELETE, "services/aci-1", None).await.operation();
    bed.pass(20);
    bed.mm(Method::POST, "services", Some(body)).await.operation();
    bed.pass(200);
    assert_eq!(bed.service("aci-3").await["scoringUri"], "http://10.0.2.5/score");
}

#[tokio::test]
async fn a_name_in_use_and_a_service_at_work_are_conflicts() {
    let mut bed = Bed::new().await;
    let body = bed.service_body("aciservice").await;
    bed.mm(Method::POST, "services", Some(body.clone())).await.operation();
    let busy = bed.mm(Method::POST, "services", Some(body.clone())).await;
    assert_eq!((busy.status, busy.json()["code"].clone()), (StatusCode::CONFLICT, json!("Conflict")));
    let tags = json!([{"op": "replace", "path": "/kvTags", "value": {}}]);
    assert_eq!(bed.mm(Method::PATCH, "services/aciservice", Some(tags)).await.status, StatusCode::CONFLICT);
    assert_eq!(bed.mm(Method::DELETE, "services/aciservice", None).await.status, StatusCode::CONFLICT);
    bed.pass(200);
    let taken = bed.mm(Method::POST, "services", Some(body.clone())).await;
    assert_eq!((taken.status, taken.detail().as_str()), (StatusCode::CONFLICT, "ServiceExists"));
    let validated = bed.mm(Method::POST, "services/validate/name/aciservice", Some(json!({}))).await;
    assert!(validated.json()["error"]["message"].as_str().unwrap().contains("already exists"));
    let mut overwrite = body;
    overwrite["overwrite"] = json!(true);
    overwrite["description"] = json!("new");
    bed.mm(Method::POST, "services", Some(overwrite.clone())).await.operation();
    bed.pass(200);
    let service = bed.service("aciservice").await;
    assert_eq!((&service["description"], &service["scoringUri"]), (&json!("new"), &json!("http://10.0.1.4/score")));
    overwrite["vnetConfiguration"] = json!(null);
    assert_eq!(bed.mm(Method::POST, "services", Some(overwrite)).await.detail(), "ServiceUpdateNotSupported");
}

#[tokio::test]
async fn the_last_page_of_services_has_no_next_link() {
    let mut bed = Bed::with_pages_of(2).await;
    for name in ["one", "two", "three"] {
        let mut body = bed.service_body(name).await;
        body["kvTags"] = json!({"team": name});
        bed.mm(Method::POST, "services", Some(body)).await.operation();
        bed.pass(200);
    }
    let names = |page: &Value| -> Vec<String> {
        page["value"].as_array().unwrap().iter().map(|s| s["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = bed.mm(Method::GET, "services?expand=true", None).await.json();
    assert_eq!(names(&first), ["three", "two"]);
    let last = bed.get(first["nextLink"].as_str().unwrap()).await.json();
    assert_eq!(names(&last), ["one"]);
    assert!(last.get("nextLink").is_none());
    let filtered = async |query: &str| names(&bed.mm(Method::GET, &format!("services?{query}"), None).await.json());
    assert_eq!(filtered("tags=team=two").await, ["two"]);
    assert_eq!(filtered("modelId=mymodel:1").await, ["one"]);
    assert_eq!(filtered("orderby=CreatedAtAsc").await, ["one", "two"]);
    assert_eq!(filtered("computeType=AKS").await.len(), 0);
}

#[tokio::test]
async fn keys_are_made_shown_and_renewed() {
    let mut bed = Bed::new().await;
    let mut body = bed.service_body("aciservice").await;
    body["authEnabled"] = json!(true);
    body["keys"] = json!({"primaryKey": "mine", "secondaryKey": null});
    bed.mm(Method::POST, "services", Some(body)).await.operation();
    bed.pass(200);
    let keys = bed.mm(Method::POST, "services/aciservice/listkeys", None).await.json();
    assert_eq!(keys["primaryKey"], "mine");
    let second = keys["secondaryKey"].as_str().unwrap();
    assert_eq!(second.len(), 32);
    let url = "http://10.0.1.4/score";
    assert_eq!(bed.score(url, None).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bed.score(url, Some("wrong")).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(bed.score(url, Some(second)).await.status, StatusCode::OK);
    let body = json!({"keyType": "Primary", "keyValue": null});
    bed.mm(Method::POST, "services/aciservice/regenerateKeys", Some(body)).await.operation();
    bed.pass(6);
    assert_eq!(bed.score(url, Some("mine")).await.status, StatusCode::UNAUTHORIZED);
    assert!(!bed.mm(Method::GET, "services/aciservice", None).await.text().contains(second));
}

#[tokio::test]
async fn a_service_outside_networks_is_public() {
    let mut bed = Bed::new().await;
    let mut body = bed.service_body("aciservice").await;
    body["vnetConfiguration"] = json!(null);
    body["dnsNameLabel"] = json!("label");
    body["containerResourceRequirements"] = json!({"cpu": null, "memoryInGB": null});
    body["location"] = json!(null);
    bed.mm(Method::POST, "services", Some(body)).await.operation();
    bed.pass(200);
    let service = bed.service("aciservice").await;
    assert_eq!(service["scoringUri"], "http://label.japaneast.azurecontainer.io/score");
    assert!(service["publicIp"].is_string());
    let resources = &service["containerResourceRequirements"];
    assert_eq!((&resources["cpu"], &resources["memoryInGB"]), (&json!(0.1), &json!(0.5)));
}

#[tokio::test]
async fn roles_and_tokens_are_judged_in_the_flat_form() {
    let mut bed = Bed::new().await;
    let body = bed.service_body("aciservice").await;
    bed.as_reader().await;
    assert_eq!(bed.mm(Method::GET, "models", None).await.status, StatusCode::OK);
    for (method, path) in [
        (Method::POST, "services"),
        (Method::POST, "models"),
        (Method::POST, "assets"),
        (Method::DELETE, "models/m:1"),
        (Method::PATCH, "services/aciservice"),
        (Method::DELETE, "services/aciservice"),
        (Method::POST, "services/aciservice/listkeys"),
    ] {
        let refused = bed.mm(method, path, Some(body.clone())).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(refused.json()["code"], "AuthorizationFailed");
        assert_eq!(refused.json()["statusCode"], 403);
    }
    bed.signed_out();
    let refused = bed.mm(Method::GET, "models", None).await;
    assert_eq!((refused.status, refused.json()["code"].clone()), (StatusCode::UNAUTHORIZED, json!("Unauthorized")));
    assert_eq!(refused.detail(), "EmptyOrInvalidToken");
}
