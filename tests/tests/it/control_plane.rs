//! The operator when Kubernetes fails it: away, silent, forgetful, or without the definitions of its objects.
//!
//! `ACIVNET_WHOLE=1` keeps the API server away for five minutes; without it for twice the lease.

use acivnet_tests::{
    kube_bed::KubeBed, operator::Operator, proxy::Proxy, repository, results::Results, run, tenant::Tenant,
    world::World,
};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::{
    sync::{Mutex, OnceCell},
    time::{Instant, sleep},
};

/// A world with one operator, whose line to the API server can be cut.
struct Line {
    world: World,
    proxy: Proxy,
    operator: Operator,
    /// What cuts the line has it for itself.
    turn: Mutex<()>,
}

impl Line {
    async fn shared() -> &'static Self {
        static SHARED: OnceCell<Line> = OnceCell::const_new();
        SHARED.get_or_init(Self::new).await
    }

    async fn new() -> Self {
        let world = World::without_operator().await;
        let proxy = Proxy::to(&world.bed.url()).await;
        let operator = Operator::start_through(&proxy, &world.bed, &world.azure).await;
        Self { world, proxy, operator, turn: Mutex::new(()) }
    }

    async fn leads(&self, leads: bool) {
        let line = format!("\nacivnet_leader {}\n", u8::from(leads));
        let ask = || async {
            let metrics = self.operator.metrics().await;
            if metrics.contains(&line) { Ok(()) } else { Err(metrics) }
        };
        acivnet_tests::eventually(line.trim(), ask).await.expect("another state");
    }
}

/// Changes a tag and waits until it is in Azure. How many seconds that took.
async fn change(tenant: &Tenant<'_>, to: &str) -> f64 {
    let begin = Instant::now();
    let changed = tenant.subnet().with("/spec/azure/tags", json!([{"name": "change", "value": to}]));
    tenant.apply(&changed).await;
    tenant.ready(&changed).await;
    let vnet = tenant.world.azure.resource(&tenant.vnet()).await.expect("the network");
    assert_eq!(vnet.pointer("/tags/change").and_then(Value::as_str), Some(to));
    begin.elapsed().as_secs_f64()
}

#[test]
fn the_api_server_is_away() {
    run(async {
        let line = Line::shared().await;
        let _turn = line.turn.lock().await;
        let tenant = Tenant::new(&line.world, "away").await;
        tenant.how_to().await;
        let away = Duration::from_secs(if std::env::var_os("ACIVNET_WHOLE").is_some() { 300 } else { 30 });
        let mut results = Results::new("api-server-away", "The API server is away");
        results.text(
            "Without a lease nothing was written to Azure, and nothing was deleted once the API server was back.",
        );
        for (how, cut) in [("refuses", Proxy::refuse as fn(&Proxy)), ("is silent", Proxy::silence)] {
            line.leads(true).await;
            let mark = tenant.mark().await;
            cut(&line.proxy);
            let back = Instant::now() + away;
            // somebody's hand, which is not corrected while nobody may
            tenant.world.azure.patch(&tenant.vnet(), json!({"tags": {"change": "by hand"}})).await;
            line.leads(false).await;
            let late = tenant.mark().await;
            tokio::time::sleep_until(back).await;
            assert_eq!(format!("{:?}", tenant.writes(late).await), "[]", "without a lease nothing is written");
            line.proxy.open();
            line.leads(true).await;
            let seconds = change(&tenant, how).await;
            let what = format!("it {how} for {} s: a change is carried out after", away.as_secs());
            results.bar(what, "5 minutes are survived", format!("{seconds:.1} s"), away.as_secs() >= 300);
            assert!(!tenant.writes(mark).await.iter().any(|entry| entry.verb == "DELETE"));
        }
        results.publish();
        tenant.leave().await;
    });
}

#[test]
fn watches_are_dead_and_nobody_says_so() {
    run(async {
        let line = Line::shared().await;
        let _turn = line.turn.lock().await;
        let tenant = Tenant::new(&line.world, "dead").await;
        tenant.how_to().await;
        line.proxy.deaden();
        let seconds = change(&tenant, "seen").await;
        let mut results = Results::new("dead-watches", "Every connection to the API server is dead without an error");
        results.bar("a change is carried out", "≤ 60 s", format!("{seconds:.1} s"), seconds <= 60.0);
        results.publish();
        tenant.leave().await;
    });
}

/// etcd forgets all versions but the present one, and every watch has to begin anew.
#[test]
fn etcd_is_compacted() {
    run(async {
        let line = Line::shared().await;
        let _turn = line.turn.lock().await;
        let tenant = Tenant::new(&line.world, "compacted").await;
        tenant.how_to().await;
        line.proxy.refuse();
        let changed = tenant.subnet().with("/spec/azure/tags", json!([{"name": "change", "value": "unseen"}]));
        tenant.apply(&changed).await;
        compact(&line.world.bed).await;
        line.proxy.open();
        tenant.ready(&changed).await;
        change(&tenant, "after").await;
        tenant.leave().await;
    });
}

async fn compact(bed: &KubeBed) {
    let etcd = reqwest::Client::builder().no_proxy().build().expect("a client");
    let ask = async |path: &str, body: Value| -> Value {
        let answer =
            etcd.post(format!("{}/v3/kv/{path}", bed.etcd_url())).json(&body).send().await.expect("etcd answers");
        answer.error_for_status().expect("etcd agrees").json().await.expect("JSON")
    };
    // "\0" as key and range end: everything
    let revision = ask("range", json!({"key": "AA==", "range_end": "AA==", "count_only": true})).await;
    let revision = revision.pointer("/header/revision").expect("a revision").clone();
    ask("compaction", json!({"revision": revision, "physical": true})).await;
}

/// Deleting a definition deletes every object of it; what they stand for in Azure is nobody's to delete by that.
#[test]
fn the_definitions_are_deleted_and_made_again() {
    run(async {
        let line = Line::shared().await;
        let _turn = line.turn.lock().await;
        let tenant = Tenant::new(&line.world, "definitions").await;
        let served = tenant.how_to().await;
        let mark = tenant.mark().await;
        let names = ["acivnetdeployments.acivnet.dev", "delegatedsubnets.acivnet.dev"];
        line.world.bed.kubectl(&["delete", "crd", names[0], names[1], "--timeout=90s"]).await.said();
        sleep(Duration::from_secs(2)).await;
        let crds = repository().join("deploy/crds");
        line.world.bed.kubectl(&["apply", "--server-side", "-k", crds.to_str().expect("a path")]).await.said();
        line.world
            .bed
            .kubectl(&["wait", "--for=condition=Established", "--timeout=60s", "crd", names[0], names[1]])
            .await
            .said();
        assert_eq!(format!("{:?}", tenant.writes(mark).await), "[]", "nobody asked for a change in Azure");
        let again = tenant.how_to().await;
        let deleted: Vec<_> = tenant.writes(mark).await.into_iter().filter(|entry| entry.verb == "DELETE").collect();
        assert!(deleted.is_empty(), "{deleted:?}");
        for what in ["/status/endpoint/scoringURI", "/status/modelLabel"] {
            assert_eq!(again.pointer(what), served.pointer(what), "what stood is found again");
        }
        tenant.leave().await;
    });
}
