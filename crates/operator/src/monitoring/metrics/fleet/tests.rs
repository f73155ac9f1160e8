use super::*;
use crate::{
    cache::{cached_object::Storage, packed::Packed},
    kubernetes::mock::{Mock, refused},
    publish::transitions,
};
use acivnet_api::{AciVnetDeployment, AciVnetDeploymentStatus, DelegatedSubnet};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    core::PartialObjectMeta,
    runtime::{
        reflector::{self, store::Writer},
        watcher::Event,
    },
};
use serde_json::{Value, json};

/// A term that has seen everything, and the door through which its watch of deployments comes.
struct Term {
    ctx: Arc<Ctx>,
    deployments: Writer<CachedObject<AciVnetDeployment>>,
    storage: Storage,
}

fn term() -> Term {
    let ctx = Mock::new(|_| refused(404, "NotFound")).ctx();
    let (deployments, writer) = reflector::store::<CachedObject<AciVnetDeployment>>();
    let (subnets, mut subnet_writer) = reflector::store::<CachedObject<DelegatedSubnet>>();
    let (config_maps, _) = reflector::store::<PartialObjectMeta<ConfigMap>>();
    let subnet: Packed<DelegatedSubnet> = Packed::of(subnet()).unwrap();
    subnet_writer.apply_watcher_event(&Event::Apply(subnet.cached(&Storage::default())));
    ctx.stores.fill(subnets, deployments, config_maps);
    Term { ctx, deployments: writer, storage: Storage::default() }
}

fn subnet() -> DelegatedSubnet {
    let object = json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "DelegatedSubnet",
        "metadata": {"name": "s", "namespace": "ml", "uid": "s", "resourceVersion": "1"},
        "spec": {"azure": {"subscriptionID": "s", "resourceGroup": "g", "location": "l"},
            "virtualNetwork": {"name": "v"}, "subnet": {"name": "n", "addressPrefix": "10.0.1.0/24"}}});
    serde_json::from_value(object).unwrap()
}

fn condition(type_: &str, status: &str, reason: &str) -> Value {
    json!({"type": type_, "status": status, "reason": reason, "message": "m", "lastTransitionTime": "2026-11-22T12:00:00Z"})
}

fn deployment(name: &str, conditions: &[Value]) -> AciVnetDeployment {
    let key = |key: &str| json!({"configMap": {"name": "files", "key": key}});
    let object = json!({"apiVersion": "acivnet.dev/v1alpha1", "kind": "AciVnetDeployment",
        "metadata": {"name": name, "namespace": "ml", "uid": name, "resourceVersion": "1", "generation": 1,
            "creationTimestamp": "2026-11-22T11:58:00Z"},
        "spec": {"backend": {"type": "AzureMLWebService"}, "network": {"subnetRef": {"name": "s"}},
            "workspace": {"name": "aml"}, "model": {"name": "m", "source": key("model.pkl")},
            "scoring": {"script": key("score.py")}, "environment": {"name": "e", "conda": key("env.yml")},
            "resources": {"cpu": 1, "memory": "1G"}},
        "status": {"conditions": conditions, "endpoint": {"moves": 2}}});
    serde_json::from_value(object).unwrap()
}

impl Term {
    fn kept(&self, cr: AciVnetDeployment) -> CachedObject<AciVnetDeployment> {
        Packed::of(cr).unwrap().cached(&self.storage)
    }

    fn sees(&mut self, cr: AciVnetDeployment) {
        let kept = self.kept(cr);
        self.deployments.apply_watcher_event(&Event::Apply(kept));
    }

    fn lines(&self, beginning: &str) -> Vec<String> {
        let text = self.ctx.metrics.text();
        text.lines().filter(|line| line.starts_with(beginning)).map(str::to_owned).collect()
    }
}

#[tokio::test(start_paused = true)]
async fn objects_are_counted_by_what_they_say_and_those_that_are_gone_are_not() {
    let mut term = term();
    term.sees(deployment("a", &[condition("Ready", "True", "Serving")]));
    term.sees(deployment("b", &[condition("Ready", "True", "Serving")]));
    let stalled = [condition("Ready", "False", "FileEmpty"), condition("Stalled", "True", "FileEmpty")];
    term.sees(deployment("c", &stalled));
    assert_eq!(
        term.lines("acivnet_objects{"),
        [
            r#"acivnet_objects{kind="AciVnetDeployment",ready="False",reason="FileEmpty"} 1"#,
            r#"acivnet_objects{kind="AciVnetDeployment",ready="True",reason="Serving"} 2"#,
            r#"acivnet_objects{kind="DelegatedSubnet",ready="Unknown",reason="Unknown"} 1"#,
        ]
    );
    let stalled = r#"acivnet_stalled_objects{kind="AciVnetDeployment",reason="FileEmpty"} 1"#;
    assert_eq!(term.lines("acivnet_stalled_objects{"), [stalled]);
    let gone = term.kept(deployment("c", &[]));
    term.deployments.apply_watcher_event(&Event::Delete(gone));
    assert_eq!((term.lines("acivnet_objects{").len(), term.lines("acivnet_stalled_objects{").len()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn whatever_a_status_says_labels_are_words_of_ours() {
    let mut term = term();
    for at in 0..50 {
        let reason = format!("Made{at}Up\"}}");
        term.sees(deployment(
            &format!("d{at}"),
            &[condition("Ready", &reason, &reason), condition("Stalled", "True", &reason)],
        ));
    }
    let unknown = r#"acivnet_objects{kind="AciVnetDeployment",ready="Unknown",reason="Unknown"} 50"#;
    assert_eq!(term.lines("acivnet_objects{kind=\"AciVnetDeployment\""), [unknown]);
    assert_eq!(term.lines("acivnet_stalled_objects{").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn objects_are_named_only_where_that_is_wanted_and_no_more_than_the_bound() {
    let mut term = term();
    for at in 0..MOST_NAMED + 20 {
        term.sees(deployment(&format!("d{at:05}"), &[condition("Ready", "True", "Serving")]));
    }
    assert!(!term.ctx.metrics.text().contains("namespace="), "off by default");
    term.ctx.metrics.name_objects(true);
    assert_eq!(term.lines("acivnet_object_ready{").len(), MOST_NAMED);
    assert_eq!(term.lines("acivnet_objects_without_series"), ["acivnet_objects_without_series 21"]);
    let moves = r#"acivnet_object_endpoint_moves{kind="AciVnetDeployment",namespace="ml",name="d00000"} 2"#;
    assert_eq!(term.lines("acivnet_object_endpoint_moves{")[0], moves);
    let text = term.ctx.metrics.text();
    let named = text.lines().filter(|line| line.contains("namespace="));
    assert!(named.count() <= 4 * MOST_NAMED && text.len() <= MOST_NAMED * 600, "{} bytes", text.len());
    let gone = term.kept(deployment("d00000", &[]));
    term.deployments.apply_watcher_event(&Event::Delete(gone));
    assert!(!term.ctx.metrics.text().contains("d00000"));
}

#[tokio::test(start_paused = true)]
async fn the_first_certificate_that_ends_is_told_until_its_object_goes() {
    let mut term = term();
    term.ctx.metrics.name_objects(true);
    for (name, end) in [("a", "2027-01-01T00:00:00Z"), ("b", "2026-12-01T00:00:00Z")] {
        let cr = deployment(name, &[]);
        let uid = cr.metadata.uid.as_deref().unwrap();
        term.ctx.per_object.update(uid, |entry| entry.certificate_end = end.parse().ok());
        term.sees(cr);
    }
    let earliest = "acivnet_certificate_not_after_timestamp_seconds";
    assert_eq!(term.lines(earliest), [format!("{earliest} 1796083200")]);
    assert_eq!(term.lines("acivnet_object_certificate_not_after_timestamp_seconds{").len(), 2);
    let gone = deployment("b", &[]);
    term.ctx.forget(term.kept(gone).key(), "b");
    assert_eq!(term.lines(earliest), [format!("{earliest} 1798761600")]);
}

#[tokio::test(start_paused = true)]
async fn every_name_is_documented() {
    let mut term = term();
    term.ctx.metrics.name_objects(true);
    let stalled = [condition("Ready", "False", "FileEmpty"), condition("Stalled", "True", "FileEmpty")];
    term.sees(deployment("a", &stalled));
    let (uid, now) = (deployment("a", &[]).metadata.uid.unwrap(), term.ctx.clock.now());
    term.ctx.per_object.update(&uid, |entry| entry.certificate_end = Some(now));
    let (text, reference) = (term.ctx.metrics.text(), include_str!("../../../../../../docs/reference/metrics.md"));
    let units: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# UNIT ")).collect();
    let names: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let missing: Vec<_> = names.iter().filter(|name| !reference.contains(&format!("`{name}"))).collect();
    assert!(names.len() > 9 && missing.is_empty(), "docs/reference/metrics.md lacks {missing:?}");
    assert!(units.iter().all(|unit| unit.ends_with(" seconds") || unit.ends_with(" bytes")), "{units:?}");
}

#[tokio::test(start_paused = true)]
async fn a_term_that_is_over_tells_nothing() {
    let mut term = term();
    term.sees(deployment("a", &[condition("Ready", "True", "Serving")]));
    let metrics = Arc::clone(&term.ctx.metrics);
    assert!(metrics.text().contains("acivnet_objects{"));
    drop(term);
    assert!(!metrics.text().contains("acivnet_objects{"), "another replica tells of them now");
}

fn settled(mut cr: AciVnetDeployment, generation: i64, moves: i64) -> AciVnetDeployment {
    let status = cr.status.get_or_insert_with(AciVnetDeploymentStatus::default);
    status.settled_generation = Some(generation);
    status.endpoint.get_or_insert_default().moves = moves;
    cr
}

#[tokio::test(start_paused = true)]
async fn what_a_status_says_for_the_first_time_is_counted_once() {
    let term = term();
    let ready = [condition("Ready", "True", "Serving")];
    let (before, after) = (deployment("a", &[]), settled(deployment("a", &ready), 1, 3));
    transitions::count(&term.ctx, &before, &after);
    transitions::count(&term.ctx, &after, &after);
    // created two minutes before the clock of the test begins
    let created = r#"{kind="AciVnetDeployment",change="created"}"#;
    let named = "acivnet_ready_duration_seconds";
    assert_eq!(term.lines(&format!("{named}_sum")), [format!("{named}_sum{created} 120.0")]);
    assert_eq!(term.lines(&format!("{named}_count")), [format!("{named}_count{created} 1")]);
    assert_eq!(term.lines("acivnet_endpoint_moves_total"), ["acivnet_endpoint_moves_total 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_counts_from_its_first_pass() {
    let term = term();
    let ready = [condition("Ready", "True", "Serving")];
    let mut before = settled(deployment("a", &ready), 1, 2);
    before.metadata.generation = Some(2);
    let since = term.ctx.clock.now();
    let meta = &before.metadata;
    term.ctx.per_object.update(meta.uid.as_deref().unwrap(), |entry| {
        entry.attempts.attempt(meta, acivnet_core::retry::Retry::Soon, true, false, since);
    });
    tokio::time::advance(std::time::Duration::from_secs(90)).await;
    let not_ready = settled(before.clone(), 2, 2);
    let not_ready = AciVnetDeployment {
        status: Some(AciVnetDeploymentStatus { conditions: Vec::new(), ..not_ready.status.unwrap() }),
        ..before.clone()
    };
    transitions::count(&term.ctx, &before, &not_ready);
    assert!(term.lines("acivnet_ready_duration_seconds_sum").is_empty(), "it is not Ready");
    transitions::count(&term.ctx, &before, &settled(before.clone(), 2, 2));
    let changed = r#"acivnet_ready_duration_seconds_sum{kind="AciVnetDeployment",change="changed"} 90.0"#;
    assert_eq!(term.lines("acivnet_ready_duration_seconds_sum"), [changed]);
}
