//! What a runner that really runs containers is told, and how its results come back. The runner here only writes down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use acivnet_simulator::run::{Build, Content, Ended, Filter, Group, Place, Runner, Runs, Status};
use async_trait::async_trait;
use http::Method;
use serde_json::{Value, json};

use crate::bed::{Bed, GROUP, WORKSPACE};

#[derive(Default)]
struct Recorder(Mutex<Record>);

#[derive(Default)]
struct Record {
    image: Option<bool>,
    builds: Vec<String>,
    groups: Vec<Arc<Group>>,
    status: BTreeMap<String, Status>,
    runs: Runs,
    filters: Vec<Filter>,
    hosts: BTreeMap<String, Place>,
}

impl Recorder {
    fn image_ends(&self, good: bool) {
        self.0.lock().unwrap().image = Some(good);
    }
    fn all_become(&self, status: Status) {
        let mut record = self.0.lock().unwrap();
        let ids: Vec<_> = record.groups.iter().map(|group| group.id.clone()).collect();
        record.status = ids.into_iter().map(|id| (id, status)).collect();
    }
    fn has_ended(&self, runs: Runs) {
        self.0.lock().unwrap().runs = runs;
    }
    fn groups(&self) -> Vec<Arc<Group>> {
        self.0.lock().unwrap().groups.clone()
    }
}

#[async_trait]
impl Runner for Recorder {
    fn scripted(&self) -> bool {
        false
    }
    async fn build(&self, key: &str, _: &Value) -> Build {
        let mut record = self.0.lock().unwrap();
        record.builds.push(key.to_owned());
        match record.image {
            None => Build::Running { log: "begun\n".into() },
            Some(true) => Build::Succeeded { log: "begun\ndone\n".into() },
            Some(false) => Build::Failed { log: "begun\nERROR: no\n".into() },
        }
    }
    async fn converge(&self, groups: &[Arc<Group>]) {
        self.0.lock().unwrap().groups = groups.to_vec();
    }
    async fn status(&self, id: &str) -> Status {
        self.0.lock().unwrap().status.get(id).copied().unwrap_or(Status::Starting)
    }
    async fn runs(&self, _: &str) -> Runs {
        self.0.lock().unwrap().runs
    }
    async fn filter(&self, filters: &[Filter]) {
        self.0.lock().unwrap().filters = filters.to_vec();
    }
    async fn logs(&self, id: &str, tail: usize) -> String {
        format!("{tail} lines of {}", id.rsplit('/').next().unwrap())
    }
    async fn add_host(&self, _: &str, _: &Place, _: bool) -> Result<(), String> {
        Ok(())
    }
    async fn keep_hosts(&self, hosts: &BTreeMap<String, Place>) {
        self.0.lock().unwrap().hosts = hosts.clone();
    }
    async fn remove_host(&self, _: &str) -> bool {
        true
    }
    async fn shutdown(&self) {}
}

async fn begun(names: &[&str]) -> (Bed, Arc<Recorder>, Vec<String>) {
    let runner = Arc::new(Recorder::default());
    let mut bed = Bed::with(100, runner.clone()).await;
    let mut body = bed.service_body("service").await;
    let mut operations = Vec::new();
    for name in names {
        body["name"] = json!(name);
        operations.push(bed.mm(Method::POST, "services", Some(body.clone())).await.operation());
    }
    (bed, runner, operations)
}

#[tokio::test]
async fn a_deployment_goes_as_far_as_the_runner_is() {
    let (bed, runner, operations) = begun(&["aciservice"]).await;
    bed.pass(1000);
    let building = bed.operation(&operations[0]).await;
    assert_eq!(building["operationDetails"]["subOperationType"], "BuildEnvironment");
    let log = bed.exchange(
        http::Request::get(building["operationLog"].as_str().unwrap()).body(axum::body::Body::empty()).unwrap(),
    );
    assert_eq!(log.await.text(), "begun\n");
    assert!(runner.groups().is_empty());

    runner.image_ends(true);
    assert_eq!(bed.operation(&operations[0]).await["operationDetails"]["subOperationType"], "DeployService");
    let group = runner.groups()[0].clone();
    let place = group.place.clone().unwrap();
    assert_eq!((place.address.to_string(), place.prefix.to_string()), ("10.0.1.4".into(), "10.0.0.0/16".into()));
    assert_eq!((group.driver.as_deref(), group.script.as_deref()), (Some("driver.py"), Some("score.py")));
    assert_eq!(group.model_dir, "azureml-models/mymodel/1");
    assert_eq!(group.variables, [("AZUREML_ENTRY_SCRIPT".into(), "score.py".into())]);
    let paths: Vec<_> = group.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, ["driver.py", "score.py", "azureml-models/mymodel/1/model.pkl"]);
    assert!(matches!(&group.files[2].content, Content::Memory(bytes) if bytes.as_ref() == b"weights"));

    assert_eq!(bed.service("aciservice").await["state"], "Transitioning");
    runner.all_become(Status::Healthy);
    assert_eq!(bed.service("aciservice").await["state"], "Healthy");
    assert_eq!(bed.operation(&operations[0]).await["state"], "Succeeded");
    let logs = bed.mm(Method::GET, "services/aciservice/logs?tail=7", None).await.json();
    assert_eq!(logs["content"], "7 lines of aciservice");

    runner.all_become(Status::Starting);
    assert_eq!(bed.service("aciservice").await["state"], "Unhealthy");
    runner.all_become(Status::Healthy);
    assert_eq!(bed.service("aciservice").await["state"], "Healthy");
}

#[tokio::test]
async fn a_group_has_what_stands_before_it_as_it_was_made_and_the_keys_of_now() {
    let runner = Arc::new(Recorder::default());
    runner.image_ends(true);
    let mut bed = Bed::with(100, runner.clone()).await;
    let mut body = bed.service_body("service").await;
    body["name"] = json!("aciservice");
    body["authEnabled"] = json!(true);
    body["containerResourceRequirements"] = json!({"cpu": 1, "memoryInGB": 1.5});
    bed.mm(Method::POST, "services", Some(body)).await.operation();
    bed.get("/discovery").await;
    runner.all_become(Status::Healthy);
    assert_eq!(bed.service("aciservice").await["state"], "Healthy");
    let first = runner.groups()[0].clone();
    let keys = bed.mm(Method::POST, "services/aciservice/listkeys", None).await.json();
    let bearer = |keys: &Value, which: &str| format!("Bearer {}", keys[which].as_str().unwrap());
    assert_eq!((first.memory_gb, first.front.port()), (1.5, 80));
    assert!(
        first.front.allows(Some(&bearer(&keys, "primaryKey")))
            && first.front.allows(Some(&bearer(&keys, "secondaryKey")))
    );
    assert!(!first.front.allows(None) && !first.front.allows(Some("Bearer x")));

    let regenerate = json!({"keyType": "Primary", "keyValue": null});
    bed.mm(Method::POST, "services/aciservice/regenerateKeys", Some(regenerate)).await.operation();
    bed.pass(6);
    let new = bed.mm(Method::POST, "services/aciservice/listkeys", None).await.json();
    let second = runner.groups()[0].clone();
    assert_eq!(second.revision, first.revision, "no new deployment");
    assert!(
        !second.front.allows(Some(&bearer(&keys, "primaryKey")))
            && second.front.allows(Some(&bearer(&new, "primaryKey")))
    );

    let patch = json!([
        {"op": "replace", "path": "/sslEnabled", "value": true}, {"op": "replace", "path": "/sslCertificate", "value": "PEM"},
        {"op": "replace", "path": "/sslKey", "value": "KEY"}, {"op": "replace", "path": "/cname", "value": "a.b"},
    ]);
    bed.mm(Method::PATCH, "services/aciservice", Some(patch)).await.operation();
    assert_eq!(runner.groups()[0].front.port(), 80, "what runs is not changed before the deployment");
    bed.pass(4);
    bed.get("/discovery").await;
    let third = runner.groups()[0].clone();
    assert_ne!(third.revision, second.revision);
    let (certificate, key) = third.front.tls.clone().unwrap();
    assert_eq!((third.front.port(), certificate.as_str(), key.expose()), (443, "PEM", "KEY"));
    assert!(!format!("{third:?}").contains("KEY"), "secrets do not print");
}

#[tokio::test]
async fn how_a_container_ended_shows_in_its_group() {
    let (bed, runner, _) = begun(&["aciservice"]).await;
    runner.image_ends(true);
    bed.get("/discovery").await;
    runner.all_become(Status::Healthy);
    bed.get("/discovery").await;
    let groups = "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ml/providers/Microsoft.ContainerInstance/containerGroups";
    let group = bed.get(&format!("{groups}?api-version=2023-05-01")).await.json()["value"][0]["id"].clone();
    let group = format!("{}?api-version=2023-05-01", group.as_str().unwrap());
    let view = async || {
        let shown = bed.get(&group).await.json();
        shown["properties"]["containers"][0]["properties"]["instanceView"].clone()
    };
    assert_eq!(view().await["restartCount"], 0);
    let at = "2026-11-22T09:00:00Z".parse().unwrap();
    runner.has_ended(Runs { restarts: 1, last: Some(Ended { code: 137, out_of_memory: true, at }) });
    let again = view().await;
    let previous = &again["previousState"];
    assert_eq!((&again["restartCount"], &previous["exitCode"]), (&json!(1), &json!(137)));
    assert_eq!((&previous["state"], &previous["detailStatus"]), (&json!("Terminated"), &json!("OOMKilled")));
    assert_eq!(again["currentState"]["state"], "Running");
    runner.all_become(Status::Starting);
    view().await;
    assert_eq!(view().await["currentState"]["detailStatus"], "CrashLoopBackOff");
    let names: Vec<_> = again["events"].as_array().unwrap().iter().map(|event| event["name"].clone()).collect();
    assert!(names.contains(&json!("Killing")) && names.contains(&json!("BackOff")), "{names:?}");
}

#[tokio::test]
async fn a_runner_hears_what_subnets_let_through() {
    let (bed, runner, _) = begun(&["aciservice"]).await;
    bed.get("/discovery").await;
    let filters = runner.0.lock().unwrap().filters.clone();
    assert!(filters.iter().any(|filter| filter.prefixes == ["10.0.1.0/24".parse().unwrap()]), "{filters:?}");
}

#[tokio::test]
async fn a_compute_instance_that_runs_is_a_machine_in_its_subnet() {
    let (bed, runner, _) = begun(&[]).await;
    let hosts = || runner.0.lock().unwrap().hosts.clone();
    let subnet = format!("{GROUP}/providers/Microsoft.Network/virtualNetworks/vnet/subnets/machines");
    let network = "/simulator/resources?id=";
    let wanted = json!({"properties": {"addressPrefix": "10.0.2.0/24"}});
    let answer = bed.send(Method::PUT, &format!("{network}{subnet}"), Some(wanted)).await;
    assert!(answer.status.is_success(), "{}", answer.text());
    let compute = json!({"location": "japaneast", "properties": {
        "computeType": "ComputeInstance", "properties": {"vmSize": "Standard_DS2_v2", "subnet": {"id": subnet}},
    }});
    let put = bed.send(Method::PUT, &format!("{network}{WORKSPACE}/computes/Ci"), Some(compute)).await;
    assert!(put.status.is_success(), "{}", put.text());
    let place = hosts().get("compute-ci").cloned().expect("a machine of this name");
    assert_eq!(place.address.to_string(), "10.0.2.4");
    let stop = bed.send(Method::DELETE, &format!("{network}{WORKSPACE}/computes/Ci"), None).await;
    assert!(stop.status.is_success(), "{}", stop.text());
    assert!(hosts().is_empty(), "{:?}", hosts());
}

#[tokio::test]
async fn services_that_wait_for_one_image_all_get_it() {
    let (bed, runner, operations) = begun(&["one", "two"]).await;
    runner.image_ends(true);
    bed.get("/discovery").await;
    runner.all_become(Status::Healthy);
    for (name, operation) in ["one", "two"].into_iter().zip(&operations) {
        assert_eq!(bed.service(name).await["state"], "Healthy", "{name}");
        assert_eq!(bed.operation(operation).await["state"], "Succeeded");
    }
}

#[tokio::test]
async fn failures_are_the_runners() {
    let (bed, runner, operations) = begun(&["aciservice"]).await;
    runner.image_ends(false);
    assert_eq!(bed.operation(&operations[0]).await["error"]["code"], "EnvironmentBuildFailed");
    bed.mm(Method::DELETE, "services/aciservice", None).await;

    let (bed, runner, operations) = begun(&["aciservice"]).await;
    runner.image_ends(true);
    bed.get("/discovery").await;
    runner.all_become(Status::CrashLoop);
    assert_eq!(bed.operation(&operations[0]).await["error"]["details"][0]["code"], "CrashLoopBackOff");
    assert_eq!(runner.groups().len(), 1, "the group stands and can be asked for its log");
}

#[tokio::test]
async fn a_container_that_never_answers_times_out() {
    let (bed, runner, operations) = begun(&["aciservice"]).await;
    runner.image_ends(true);
    bed.get("/discovery").await;
    bed.pass(1201);
    let ended = bed.operation(&operations[0]).await;
    assert_eq!((&ended["state"], &ended["error"]["code"]), (&json!("TimedOut"), &json!("DeploymentTimedOut")));
    assert_eq!(bed.service("aciservice").await["state"], "Unhealthy");
    runner.all_become(Status::Healthy);
    let late = bed.service("aciservice").await;
    assert_eq!((&late["state"], &late["scoringUri"]), (&json!("Healthy"), &json!("http://10.0.1.4/score")));
}

#[tokio::test]
async fn an_update_is_another_revision_and_a_deletion_takes_the_group_away() {
    let (mut bed, runner, _) = begun(&["aciservice"]).await;
    runner.image_ends(true);
    bed.get("/discovery").await;
    runner.all_become(Status::Healthy);
    bed.get("/discovery").await;
    let first = runner.groups()[0].clone();
    let model = bed.model("mymodel", b"other", json!({})).await;
    let image = bed.image_request(&model, "script").await;
    let patch = json!([{"op": "replace", "path": "/environmentImageRequest", "value": image}]);
    let operation = bed.mm(Method::PATCH, "services/aciservice", Some(patch)).await.operation();
    bed.pass(4);
    runner.all_become(Status::Starting);
    assert_eq!(bed.operation(&operation).await["state"], "Running");
    let second = runner.groups()[0].clone();
    assert_eq!((&second.id, &second.place, &second.image), (&first.id, &first.place, &first.image));
    assert_ne!(second.revision, first.revision);
    assert_eq!(second.model_dir, "azureml-models/mymodel/2");
    runner.all_become(Status::Healthy);
    assert_eq!(bed.operation(&operation).await["state"], "Succeeded");
    bed.mm(Method::DELETE, "services/aciservice", None).await.operation();
    bed.pass(16);
    bed.get("/discovery").await;
    assert!(runner.groups().is_empty());
}
