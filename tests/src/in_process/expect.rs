//! How scenarios have to end. Each function panics if the end is different.

use super::{
    actions::others::STRANGERS,
    certificates::{self, Certificate},
    end_state::EndState,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

/// A check of an end state.
pub type Expectation = fn(&EndState);

const SUBNETS: &str = "delegatedsubnets";
const DEPLOYMENTS: &str = "acivnetdeployments";

/// The how-to's network stands.
pub fn network(end: &EndState) {
    ready(end, SUBNETS, "amlsubnet1");
    present(end, &["/virtualNetworks/amlvnet1", "/subnets/amlsubnet1", "/subnets/default"]);
    present(end, &["/networkSecurityGroups/amlnsg"]);
}

/// The network stands and has the tag.
pub fn tagged_network(end: &EndState) {
    network(end);
    assert_eq!(resource(end, "/virtualNetworks/amlvnet1")["tags"]["cost-centre"], "4711");
}

/// The network stands, and nothing uses it.
pub fn network_alone(end: &EndState) {
    network(end);
    counts(end, &[("models", 0), ("services", 0)]);
    assert_eq!(objects(end, DEPLOYMENTS), 0);
}

/// The network stands, and a subnet of somebody else in it.
pub fn network_with_theirs(end: &EndState) {
    network(end);
    present(end, &["/subnets/theirs"]);
}

/// Of the network only what somebody else uses stands.
pub fn theirs_alone(end: &EndState) {
    assert_eq!(objects(end, SUBNETS), 0);
    present(end, &["/virtualNetworks/amlvnet1", "/subnets/theirs"]);
    absent(end, &["/subnets/amlsubnet1", "/subnets/default", "/networkSecurityGroups/amlnsg"]);
}

/// The how-to's service answers from the first version of its model.
pub fn article(end: &EndState) {
    article_again(end);
    assert_eq!(deployment(end, "aciservice")["status"]["modelLabel"], "mymodel:1");
}

/// The how-to's service answers from some version of its model.
pub fn article_again(end: &EndState) {
    network(end);
    counts(end, &[("models", 1), ("assets", 1), ("services", 1)]);
    ready(end, DEPLOYMENTS, "aciservice");
}

/// The service answers from the second model.
pub fn second_model(end: &EndState) {
    network(end);
    counts(end, &[("assets", 2), ("services", 1)]);
    ready(end, DEPLOYMENTS, "aciservice");
    assert_eq!(deployment(end, "aciservice")["status"]["modelLabel"], "mymodel:2");
}

/// The service answers by another script.
pub fn other_script(end: &EndState) {
    article(end);
    counts(end, &[("artifacts", 4)]);
}

/// Network and service have the tag.
pub fn tagged(end: &EndState) {
    article(end);
    tagged_network(end);
    assert_eq!(end.azure["services"][0]["kvTags"]["cost-centre"], "4711");
}

/// The service has more memory.
pub fn more_memory(end: &EndState) {
    article(end);
    assert_eq!(end.azure["services"][0]["containerResourceRequirements"]["memoryInGB"].as_f64(), Some(2.0));
}

/// The service has more cores.
pub fn more_cpu(end: &EndState) {
    article(end);
    assert_eq!(end.azure["services"][0]["containerResourceRequirements"]["cpu"].as_f64(), Some(2.0));
}

/// The service answers those who have a key, and the keys are in a Secret of ours.
pub fn generated_keys(end: &EndState) {
    article(end);
    assert_eq!(end.azure["services"][0]["authEnabled"], true);
    let secret = &end.kubernetes["secrets"]["ml/churn-keys"];
    assert_eq!(secret["metadata"]["labels"]["app.kubernetes.io/managed-by"], "acivnet", "{secret:#}");
    assert_eq!(secret["metadata"]["ownerReferences"][0]["name"], "aciservice");
    assert!(secret["data"]["primary"].is_string() && secret["data"]["secondary"].is_string());
}

/// The service stands and answers something else than is expected, which is told with the first difference.
pub fn another_answer(end: &EndState) {
    counts(end, &[("models", 1), ("services", 1)]);
    let probe = condition(end, "ProbePassed");
    assert_eq!((&probe["status"], &probe["reason"]), (&json!("False"), &json!("UnexpectedBody")), "{probe:#}");
    let message = probe["message"].as_str().unwrap_or_default();
    assert!(message.contains("models[0] is \"mymodel:1\", expected \"another:1\""), "{message}");
    assert_eq!(condition(end, "Ready")["reason"], "ProbeFailed");
}

/// Nothing is made with keys that no client can send.
pub fn keys_refused(end: &EndState) {
    network(end);
    counts(end, &[("models", 0), ("services", 0), ("artifacts", 0)]);
    let ready = condition(end, "Ready");
    assert_eq!(ready["reason"], "SecretValueInvalid", "{ready:#}");
    let message = ready["message"].as_str().unwrap_or_default();
    assert!(
        message.starts_with("key primary of Secret churn-keys has white space or a line break around it"),
        "{message}"
    );
}

/// The service answers those who have the second keys; the Secret is as somebody made it.
pub fn second_keys(end: &EndState) {
    article(end);
    let data = json!({"primary": STANDARD.encode("second-primary"), "secondary": STANDARD.encode("second-secondary")});
    let secret = &end.kubernetes["secrets"]["ml/churn-keys"];
    assert_eq!((&secret["data"], &secret["metadata"]["ownerReferences"]), (&data, &Value::Null));
}

/// The service wants a key, and knows the variable.
pub fn secrets(end: &EndState) {
    generated_keys(end);
    let variables = "/environmentImageRequest/environment/environmentVariables/STORE_PASSWORD";
    assert_eq!(end.azure["services"][0].pointer(variables), Some(&json!("open-the-store")));
}

/// The service has TLS by the first certificate.
pub fn tls(end: &EndState) {
    tls_by(end, certificates::first());
}

/// The service has TLS by the second certificate.
pub fn second_certificate(end: &EndState) {
    tls_by(end, certificates::second());
}

fn tls_by(end: &EndState, certificate: &Certificate) {
    article(end);
    let service = &end.azure["services"][0];
    assert_eq!((&service["sslEnabled"], &service["cname"]), (&json!(true), &json!("churn.ml.corp")));
    assert_eq!(service["sslCertificate"], certificate.pem);
    let status = &deployment(end, "aciservice")["status"];
    assert_eq!(status["endpoint"]["scoringURI"], "https://churn.ml.corp/score");
    let key = certificate.key.lines().nth(1).expect("a key of some lines");
    assert!(!status.to_string().contains(key) && !end.azure.to_string().contains(key), "the key is shown");
}

/// The service answers by plain HTTP.
pub fn no_tls(end: &EndState) {
    article(end);
    assert_eq!(end.azure["services"][0]["sslEnabled"], false);
    let uri = &deployment(end, "aciservice")["status"]["endpoint"]["scoringURI"];
    assert!(uri.as_str().is_some_and(|uri| uri.starts_with("http://10.")), "{uri}");
}

/// Application Insights is told, and the service has the property.
pub fn telemetry(end: &EndState) {
    article(end);
    let service = &end.azure["services"][0];
    assert_eq!((&service["appInsightsEnabled"], &service["properties"]["team/area"]), (&json!(true), &json!("churn")));
}

/// Inputs are stored, and a key of one's own encrypts.
pub fn data_collection(end: &EndState) {
    article(end);
    let service = &end.azure["services"][0];
    assert_eq!(service["dataCollection"], json!({"storageEnabled": true, "eventHubEnabled": false}));
    assert_eq!(service["encryptionProperties"]["keyName"], "aci");
}

/// Both deployments answer; they share what holds their content.
pub fn two_deployments(end: &EndState) {
    counts(end, &[("models", 2), ("assets", 1), ("services", 2)]);
    for name in ["aciservice", "aciservice2"] {
        ready(end, DEPLOYMENTS, name);
    }
}

/// Both deployments answer, the second from the model of the first.
pub fn registered_model(end: &EndState) {
    counts(end, &[("models", 1), ("assets", 1), ("services", 2)]);
    for name in ["aciservice", "aciservice2"] {
        ready(end, DEPLOYMENTS, name);
        assert_eq!(deployment(end, name)["status"]["modelLabel"], "mymodel:1");
    }
}

/// Of two deployments the second answers.
pub fn second_deployment(end: &EndState) {
    counts(end, &[("models", 1), ("assets", 1), ("services", 1)]);
    ready(end, DEPLOYMENTS, "aciservice2");
    assert_eq!(objects(end, DEPLOYMENTS), 1);
}

/// Both subnets stand.
pub fn two_networks(end: &EndState) {
    network(end);
    ready(end, SUBNETS, "amlsubnet2");
    present(end, &["/subnets/amlsubnet2"]);
}

/// Neither the objects nor anything of theirs in Azure, except what Azure ML never deletes.
pub fn nothing(end: &EndState) {
    assert_eq!((objects(end, SUBNETS), objects(end, DEPLOYMENTS)), (0, 0), "{:#}", end.kubernetes);
    counts(end, &[("models", 0), ("services", 0)]);
    absent(end, &["amlvnet1", "amlnsg"]);
}

/// The network stands as its owner describes it, who hears nothing of the stranger.
pub fn network_beside_a_stranger(end: &EndState) {
    network(end);
    let prefixes = &resource(end, "/virtualNetworks/amlvnet1")["properties"]["addressSpace"]["addressPrefixes"];
    assert_eq!(prefixes, &json!(["10.0.0.0/16"]));
    let ours = end.kubernetes[SUBNETS]["ml/amlsubnet1"].to_string();
    assert!(!ours.contains(STRANGERS) && !ours.contains("evil"), "{ours}");
    assert_eq!(objects(end, SUBNETS), 2);
}

/// The same, and the network has the tag.
pub fn tagged_beside_a_stranger(end: &EndState) {
    network_beside_a_stranger(end);
    tagged_network(end);
}

/// Nothing stands, and the stranger's objects wait.
pub fn stranger_alone(end: &EndState) {
    absent(end, &["amlvnet1", "amlnsg"]);
    assert_eq!((objects(end, SUBNETS), objects(end, DEPLOYMENTS)), (1, 1), "{:#}", end.kubernetes);
}

/// The same, and the namespace is gone.
pub fn no_namespace(end: &EndState) {
    nothing(end);
    assert_eq!(end.kubernetes["namespaces"]["/ml"], Value::Null);
}

/// Somebody else holds the object; Azure has nothing of it any more.
pub fn held_by_others(end: &EndState) {
    assert_eq!(end.kubernetes[SUBNETS]["ml/amlsubnet1"]["metadata"]["finalizers"], json!(["example.com/backup"]));
    absent(end, &["amlvnet1", "amlnsg"]);
}

/// The network stands, and both hold it.
pub fn held_by_both(end: &EndState) {
    network(end);
    let finalizers = &end.kubernetes[SUBNETS]["ml/amlsubnet1"]["metadata"]["finalizers"];
    assert_eq!(*finalizers, json!(["example.com/backup", "acivnet.dev/azure"]));
}

/// The security group that was made by hand is as it was.
pub fn group_by_hand(end: &EndState) {
    let group = resource(end, "/networkSecurityGroups/amlnsg");
    assert_eq!(
        (group["tags"].as_object().map_or(0, serde_json::Map::len), &group["properties"]["securityRules"]),
        (0, &json!([]))
    );
    absent(end, &["/subnets/default"]);
}

/// Only what another cluster has made its own stands.
pub fn their_group(end: &EndState) {
    assert_eq!(objects(end, SUBNETS), 0);
    present(end, &["/networkSecurityGroups/amlnsg"]);
    absent(end, &["amlvnet1"]);
}

/// What was made by hand is taken: it has our mark, and what others put there.
pub fn adopted(end: &EndState) {
    article(end);
    counts(end, &[("artifacts", 3)]);
    for place in ["/virtualNetworks/amlvnet1", "/networkSecurityGroups/amlnsg"] {
        let tags = &resource(end, place)["tags"];
        assert_eq!((&tags["acivnet-origin"], &tags["team"]), (&json!("Adopted"), &json!("science")));
    }
    assert_eq!(resource(end, "/subnets/amlsubnet1")["properties"]["delegations"][0]["name"], "0");
    assert_eq!(end.azure["services"][0]["kvTags"]["acivnet-origin"], "Adopted");
    assert_eq!(end.azure["models"][0]["kvTags"], json!({"area": "test"}));
    let origins = |kind: &str, name: &str| {
        let resources = end.kubernetes[kind][format!("ml/{name}")]["status"]["resources"].clone();
        let of =
            |one: &Value| format!("{}={}", one["kind"].as_str().unwrap_or("?"), one["origin"].as_str().unwrap_or("?"));
        resources.as_array().into_iter().flatten().map(of).collect::<Vec<_>>()
    };
    let deployment = origins(DEPLOYMENTS, "aciservice");
    assert!(
        deployment.contains(&"WebService=Adopted".to_owned())
            && deployment.contains(&"RegisteredModel=Referenced".to_owned())
    );
    let network = origins(SUBNETS, "amlsubnet1");
    assert_eq!(network.iter().filter(|one| one.ends_with("=Adopted")).count(), 4, "{network:?}");
}

/// What another cluster has made its own is as it was.
pub fn of_another_cluster(end: &EndState) {
    counts(end, &[("models", 1), ("services", 1), ("artifacts", 3)]);
    let theirs = "00000000-0000-4000-8000-00000000beef/ml/amlsubnet1";
    for place in ["/virtualNetworks/amlvnet1", "/networkSecurityGroups/amlnsg"] {
        assert_eq!(resource(end, place)["tags"], json!({"team": "science", "acivnet-owner": theirs}));
    }
    assert_eq!(end.azure["services"][0]["kvTags"], json!({"acivnet-owner": theirs}));
}

/// The objects are gone; what they had taken is there, and no more.
pub fn retained(end: &EndState) {
    assert_eq!((objects(end, SUBNETS), objects(end, DEPLOYMENTS)), (0, 0), "{:#}", end.kubernetes);
    counts(end, &[("models", 1), ("services", 1), ("artifacts", 3)]);
    present(
        end,
        &["/virtualNetworks/amlvnet1", "/subnets/amlsubnet1", "/subnets/default", "/networkSecurityGroups/amlnsg"],
    );
}

/// The objects are gone; all that they made is there.
pub fn orphans(end: &EndState) {
    retained(end);
    assert_eq!(end.azure["services"][0]["state"], "Healthy");
}

/// The object is gone; its network is there.
pub fn orphaned_network(end: &EndState) {
    assert_eq!(objects(end, SUBNETS), 0);
    present(
        end,
        &["/virtualNetworks/amlvnet1", "/subnets/amlsubnet1", "/subnets/default", "/networkSecurityGroups/amlnsg"],
    );
}

/// The service runs what it ran, and remembers its restart.
pub fn restarted(end: &EndState) {
    article(end);
    assert!(end.azure["services"][0]["kvTags"]["acivnet-restart"].is_string());
    let status = &deployment(end, "aciservice")["status"];
    assert_eq!(status["revision"], 1);
    assert!(status["lastHandledRestartAt"].is_string(), "{status:#}");
}

fn deployment<'e>(end: &'e EndState, name: &str) -> &'e Value {
    &end.kubernetes[DEPLOYMENTS][format!("ml/{name}")]
}

fn condition<'e>(end: &'e EndState, type_: &str) -> &'e Value {
    let all = deployment(end, "aciservice")["status"]["conditions"].as_array().into_iter().flatten();
    all.into_iter().find(|one| one["type"] == type_).unwrap_or(&Value::Null)
}

fn objects(end: &EndState, kind: &str) -> usize {
    end.kubernetes[kind].as_object().map_or(0, serde_json::Map::len)
}

fn ready(end: &EndState, kind: &str, name: &str) {
    let object = &end.kubernetes[kind][format!("ml/{name}")];
    let conditions = object["status"]["conditions"].as_array().into_iter().flatten();
    let ready = conditions.into_iter().any(|one| one["type"] == "Ready" && one["status"] == "True");
    assert!(ready, "{name} is not ready: {object:#}");
}

fn counts(end: &EndState, wanted: &[(&str, usize)]) {
    for (what, wanted) in wanted {
        let found = end.azure[what].as_array().unwrap_or_else(|| panic!("the dump of Azure has no {what}"));
        assert_eq!(found.len(), *wanted, "{what}: {found:#?}");
    }
}

fn ids(end: &EndState) -> impl Iterator<Item = (&String, &Value)> {
    end.azure["resources"].as_object().expect("resources").iter()
}

pub(super) fn resource<'e>(end: &'e EndState, id_end: &str) -> &'e Value {
    let found = ids(end).find(|(id, _)| id.ends_with(id_end));
    found.unwrap_or_else(|| panic!("{id_end} does not stand")).1
}

pub(super) fn present(end: &EndState, id_ends: &[&str]) {
    for id_end in id_ends {
        resource(end, id_end);
    }
}

pub(super) fn absent(end: &EndState, parts: &[&str]) {
    for part in parts {
        let left: Vec<&String> = ids(end).map(|(id, _)| id).filter(|id| id.contains(part)).collect();
        assert!(left.is_empty(), "{left:?} still stand");
    }
}
