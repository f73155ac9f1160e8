use super::*;
use crate::kubernetes::mock::{Mock, Recorded, answer, found, list, refused};
use serde_json::Value;
use std::sync::{
    Mutex,
    atomic::{AtomicU32, Ordering},
};

const SUBNETS: &str = "/apis/acivnet.dev/v1alpha1/delegatedsubnets";
const DEPLOYMENTS: &str = "/apis/acivnet.dev/v1alpha1/acivnetdeployments";

fn object(namespace: &str, name: &str, finalizers: &[&str], deleting: bool) -> Value {
    let mut object = json!({
        "metadata": {"namespace": namespace, "name": name, "resourceVersion": "7", "finalizers": finalizers},
        "status": {"resources": [{"id": "/subscriptions/s"}]},
    });
    if deleting {
        object["metadata"]["deletionTimestamp"] = "2026-11-22T12:00:00Z".into();
    }
    object
}

fn lease(version: u32, holder: &str) -> Value {
    json!({"metadata": {"namespace": "acivnet-system", "name": "acivnet", "uid": "u", "resourceVersion": version.to_string()},
        "spec": {"holderIdentity": holder, "leaseDurationSeconds": 15}})
}

/// A cluster with one list of each kind; what is patched loses our finalizer, and goes when none is left and it is deleted.
struct Cluster {
    subnets: Mutex<Vec<Value>>,
    deployments: Mutex<Vec<Value>>,
    secrets: Mutex<Vec<Value>>,
}

fn cluster(
    subnets: Vec<Value>,
    deployments: Vec<Value>,
    secrets: Vec<Value>,
    leases: impl Fn() -> Value + Send + Sync + 'static,
) -> Mock {
    let cluster = Cluster { subnets: subnets.into(), deployments: deployments.into(), secrets: secrets.into() };
    Mock::new(move |request| {
        let all = match request.path.as_str() {
            "/apis/coordination.k8s.io/v1/leases" => return list(leases()),
            path if path.contains("/delegatedsubnets") => &cluster.subnets,
            path if path.contains("/acivnetdeployments") => &cluster.deployments,
            path if path.contains("/secrets") => &cluster.secrets,
            _ => return refused(404, "NotFound"),
        };
        let mut all = all.lock().unwrap();
        if request.method == "PATCH" { patched(request, &mut all) } else { list(Value::Array(all.clone())) }
    })
}

fn patched(request: &Recorded, all: &mut Vec<Value>) -> crate::kubernetes::mock::Answer {
    let name = request.path.rsplit('/').next().unwrap();
    let at = all.iter().position(|one| one["metadata"]["name"] == name).unwrap();
    if request.body["metadata"]["resourceVersion"] != all[at]["metadata"]["resourceVersion"] {
        return refused(409, "Conflict");
    }
    all[at]["metadata"]["finalizers"] = request.body["metadata"]["finalizers"].clone();
    let left = all[at].clone();
    if left["metadata"]["finalizers"] == json!([]) && left["metadata"]["deletionTimestamp"].is_string() {
        all.remove(at);
    }
    found(&left)
}

async fn run(mock: &Mock, mode: Mode) -> (Result<bool, String>, String) {
    let mut out = Vec::new();
    let ended = uninstall(&mock.client(), mode, &mut out).await;
    (ended, String::from_utf8(out).unwrap())
}

#[tokio::test(start_paused = true)]
async fn what_is_being_deleted_is_released_and_nothing_else() {
    let ours = [FINALIZER, "theirs"];
    let mock = cluster(
        vec![object("ml", "net", &ours, true), object("other", "stays", &[FINALIZER], false)],
        vec![object("ml", "churn", &[FINALIZER], true), object("ml", "free", &["theirs"], true)],
        vec![
            object("ml", "acivnet-azure", &[CREDENTIALS_FINALIZER], false),
            object("other", "acivnet-azure", &[CREDENTIALS_FINALIZER], false),
        ],
        || json!([]),
    );
    let (ended, said) = run(&mock, Mode::Check).await;
    assert_eq!(ended, Ok(false));
    assert!(said.contains("DelegatedSubnet ml/net: finalizer acivnet.dev/azure, being deleted\n"), "{said}");
    assert!(said.contains("2 being deleted, and no operator works."), "{said}");
    assert!(!mock.requests().iter().any(|one| one.method == "PATCH"), "a check changes nothing");
    let (ended, said) = run(&mock, Mode::Release).await;
    assert_eq!(ended, Ok(false), "{said}");
    assert!(said.contains("released AciVnetDeployment ml/churn\n  stays in Azure: /subscriptions/s\n"), "{said}");
    assert!(said.contains("released Secret ml/acivnet-azure\n"), "{said}");
    let patches: Vec<_> = mock.requests().into_iter().filter(|one| one.method == "PATCH").collect();
    let paths: Vec<_> = patches.iter().map(|one| one.path.as_str()).collect();
    let [churn, net] = ["acivnetdeployments/churn", "delegatedsubnets/net"]
        .map(|rest| format!("/apis/acivnet.dev/v1alpha1/namespaces/ml/{rest}"));
    assert_eq!(paths, [&*churn, &net, "/api/v1/namespaces/ml/secrets/acivnet-azure"]);
    assert_eq!(patches[1].body["metadata"]["finalizers"], json!(["theirs"]), "others' finalizers stay");
    assert!(said.ends_with("then run `acivnet uninstall --release`.\n"), "{said}");
    assert!(said.contains("DelegatedSubnet other/stays: finalizer acivnet.dev/azure\n"), "{said}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_released_while_an_operator_works() {
    let renewals = AtomicU32::new(0);
    let mock = cluster(vec![object("ml", "net", &[FINALIZER], true)], vec![], vec![], move || {
        json!([lease(renewals.fetch_add(1, Ordering::SeqCst) / 4, "pod-1_a")])
    });
    let (ended, _) = run(&mock, Mode::Release).await;
    let why = ended.unwrap_err();
    assert!(why.contains("Lease acivnet-system/acivnet, held by pod-1_a"), "{why}");
    let (ended, said) = run(&mock, Mode::Check).await;
    assert!(ended == Ok(false) && said.contains("An operator works"), "{said}");
    assert!(!mock.requests().iter().any(|one| one.method == "PATCH"));
}

#[tokio::test(start_paused = true)]
async fn a_lease_of_an_operator_that_is_gone_counts_for_nothing() {
    for leases in [json!([lease(7, "pod-1_a")]), json!([lease(7, "")])] {
        let mock = cluster(vec![object("ml", "net", &[FINALIZER], true)], vec![], vec![], move || leases.clone());
        assert_eq!(run(&mock, Mode::Release).await.0, Ok(true));
    }
}

#[tokio::test(start_paused = true)]
async fn a_write_of_somebody_else_is_waited_out_and_a_gone_definition_holds_nothing() {
    let conflicts = AtomicU32::new(0);
    let mock = Mock::new(move |request| match (request.method.as_str(), request.path.as_str()) {
        ("PATCH", _) if conflicts.fetch_add(1, Ordering::SeqCst) < 2 => refused(409, "Conflict"),
        ("PATCH", _) => found(&request.body),
        (_, SUBNETS) if request.query.contains("continue=more") => list(json!([])),
        (_, SUBNETS) if conflicts.load(Ordering::SeqCst) < 3 => {
            answer(200, &json!({"metadata": {"continue": "more"}, "items": [object("ml", "net", &[FINALIZER], true)]}))
        }
        (_, DEPLOYMENTS) => refused(404, "NotFound"),
        // as a real API server answers where there is none
        (_, "/api/v1/secrets") => list(Value::Null),
        _ => list(json!([])),
    });
    let (ended, said) = run(&mock, Mode::Release).await;
    assert_eq!(ended, Ok(true), "{said}");
    assert_eq!(
        said,
        "released DelegatedSubnet ml/net\n  stays in Azure: /subscriptions/s\nNothing is held: namespaces and definitions can be deleted.\n"
    );
}

#[tokio::test(start_paused = true)]
async fn whoever_lacks_rights_is_told_which() {
    let mock = Mock::new(|request| match request.path.as_str() {
        "/apis/coordination.k8s.io/v1/leases" => list(json!([])),
        _ => refused(403, "Forbidden"),
    });
    let why = run(&mock, Mode::Check).await.0.unwrap_err();
    assert!(why.contains("no AciVnetDeployment can be listed: 403") && why.contains("administrator"), "{why}");
}
