use super::*;
use crate::kubernetes::mock::{Mock, answer, found, refused, silence};
use acivnet_azure::{Fence, SplitMix, TokioClock};
use serde_json::{Value, json};
use std::sync::{
    Mutex,
    atomic::{AtomicBool, Ordering},
};
use tokio::time::advance;

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/ops/leases/acivnet";

/// An API server that keeps one lease and takes an update of the version that stands only.
#[derive(Clone, Default)]
struct Server {
    lease: Arc<Mutex<Option<Value>>>,
    away: Arc<AtomicBool>,
}

impl Server {
    fn mock(&self) -> Mock {
        let server = self.clone();
        Mock::new(move |request| {
            let mut lease = server.lease.lock().unwrap();
            if server.away.load(Ordering::SeqCst) {
                return refused(503, "ServiceUnavailable");
            }
            match (request.method.as_str(), lease.as_ref()) {
                ("GET", None) | ("PUT", None) => refused(404, "NotFound"),
                ("GET", Some(current)) => found(current),
                ("PUT", Some(current))
                    if current["metadata"]["resourceVersion"] != request.body["metadata"]["resourceVersion"] =>
                {
                    refused(409, "Conflict")
                }
                ("POST", Some(_)) => refused(409, "AlreadyExists"),
                (_, current) => {
                    let version = current.map_or(0, version) + 1;
                    let mut written = request.body.clone();
                    written["metadata"]["resourceVersion"] = version.to_string().into();
                    answer(201, &*lease.insert(written))
                }
            }
        })
    }

    fn candidate(&self, seed: u64) -> Election {
        let clock = Arc::new(TokioClock::starting_at("2026-11-22T12:00:00Z".parse().unwrap()));
        let dependencies = Dependencies {
            kube: self.mock().client(),
            clock,
            random: Arc::new(SplitMix::new(seed)),
            metrics: Arc::default(),
        };
        Election::new(&LeaseSettings { namespace: "ops".into(), duration: Duration::from_secs(15) }, dependencies)
    }

    fn edit(&self, edit: impl FnOnce(&mut Value)) {
        let mut lease = self.lease.lock().unwrap();
        let lease = lease.as_mut().unwrap();
        lease["metadata"]["resourceVersion"] = (version(lease) + 1).to_string().into();
        edit(lease);
    }

    fn spec(&self, name: &str) -> Value {
        self.lease.lock().unwrap().as_ref().unwrap()["spec"][name].clone()
    }
}

fn version(lease: &Value) -> u64 {
    lease["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
}

/// How many seconds a candidate waited for the lease.
async fn waited(candidate: &mut Election) -> (Arc<Term>, f64) {
    let begin = Instant::now();
    let term = candidate.win(|| {}).await;
    (term, begin.elapsed().as_secs_f64())
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_given_back_is_taken_at_once_and_one_that_lapsed_after_its_duration() {
    let server = Server::default();
    let (mut first, mut second, mut third) = (server.candidate(1), server.candidate(2), server.candidate(3));
    let (term, seconds) = waited(&mut first).await;
    assert_eq!((seconds, term.may_start()), (0.0, true));
    assert_eq!(server.spec("holderIdentity"), first.identity.as_str());
    assert_eq!((server.spec("leaseDurationSeconds"), server.spec("leaseTransitions")), (json!(15), json!(0)));

    let giving_back = async {
        sleep(Duration::from_secs(40)).await;
        term.end();
        first.release().await;
        Instant::now()
    };
    // nobody renews it, but nobody has seen it for long either: the second comes late
    let (given_back, took) = tokio::join!(giving_back, async {
        sleep(Duration::from_secs(39)).await;
        second.win(|| {}).await;
        Instant::now()
    });
    assert!(took - given_back < Duration::from_millis(1300), "{:?}", took - given_back);
    assert_eq!(server.spec("leaseTransitions"), 1);

    let (_, seconds) = waited(&mut third).await;
    assert!((15.0..16.3).contains(&seconds), "{seconds}");
    assert_eq!(server.spec("leaseTransitions"), 2);
}

#[tokio::test(start_paused = true)]
async fn who_renews_stays_and_others_see_it() {
    let server = Server::default();
    let (mut leader, mut other) = (server.candidate(1), server.candidate(2));
    let term = leader.win(|| {}).await;
    let seen = AtomicBool::new(false);
    let hour = sleep(Duration::from_secs(3600));
    tokio::select! {
        () = leader.keep(&term) => panic!("the lease was lost"),
        _ = other.win(|| seen.store(true, Ordering::SeqCst)) => panic!("it was taken"),
        () = hour => {}
    }
    assert!(term.may_start() && seen.load(Ordering::SeqCst));
    assert_eq!(server.spec("holderIdentity"), leader.identity.as_str());
}

#[tokio::test(start_paused = true)]
async fn an_annotation_costs_nothing_and_another_holder_everything() {
    let server = Server::default();
    let mut leader = server.candidate(1);
    let term = leader.win(|| {}).await;
    server.edit(|lease| lease["metadata"]["annotations"] = json!({"by": "a person"}));
    assert!(leader.renew(&term).await.unwrap());
    server.edit(|lease| lease["spec"]["holderIdentity"] = "other".into());
    let begin = Instant::now();
    leader.keep(&term).await;
    assert!(begin.elapsed() < Duration::from_secs(3) && !term.may_send());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_lease_is_lost_by_its_holder_and_not_taken_by_who_saw_it() {
    let server = Server::default();
    let (mut leader, mut other) = (server.candidate(1), server.candidate(2));
    let term = leader.win(|| {}).await;
    assert!(other.attempt().await.unwrap().is_none());
    *server.lease.lock().unwrap() = None;
    assert!(other.attempt().await.unwrap().is_none(), "the holder may not know yet");
    leader.keep(&term).await;
    assert!(!term.may_send());
    advance(Duration::from_secs(15)).await;
    assert!(other.attempt().await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn without_an_api_server_the_term_ends_by_itself_and_another_one_follows() {
    let server = Server::default();
    let mut leader = server.candidate(1);
    let term = leader.win(|| {}).await;
    server.away.store(true, Ordering::SeqCst);
    let begin = Instant::now();
    leader.keep(&term).await;
    assert!((14.0..17.0).contains(&begin.elapsed().as_secs_f64()), "{:?}", begin.elapsed());
    assert!(!term.may_send());
    let back = async {
        sleep(Duration::from_secs(300)).await;
        server.away.store(false, Ordering::SeqCst);
    };
    let (next, ()) = tokio::join!(leader.win(|| {}), back);
    assert!(next.may_start() && !term.may_start(), "an old term stays over");
    assert_eq!(server.spec("leaseTransitions"), 0, "nobody else led meanwhile");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_says_nothing_is_asked_again() {
    let mock = Mock::new(|_| silence());
    let server = Server::default();
    let mut candidate = server.candidate(1);
    candidate.leases = Api::namespaced(mock.client(), "ops");
    assert!(tokio::time::timeout(Duration::from_secs(30), candidate.win(|| {})).await.is_err());
    let asked = mock.lines();
    assert!(asked.len() > 5 && asked.iter().all(|line| *line == format!("GET {LEASE}")), "{asked:?}");
}

#[tokio::test(start_paused = true)]
async fn who_no_longer_leads_reads_only() {
    let server = Server::default();
    let term = server.candidate(1).win(|| {}).await;
    let mock = server.mock();
    let leases = Api::<Lease>::namespaced(within(&term, mock.client()), "ops");
    let lease = leases.get(NAME).await.unwrap();
    leases.replace(NAME, &PostParams::default(), &lease).await.unwrap();
    term.end();
    let refused = leases.replace(NAME, &PostParams::default(), &lease).await.unwrap_err();
    assert!(is_over(&refused) && kubernetes::text(&refused).contains("no longer leads"), "{refused}");
    leases.get(NAME).await.unwrap();
    assert_eq!(mock.lines(), ["GET", "PUT", "GET"].map(|verb| format!("{verb} {LEASE}")));
}

#[tokio::test(start_paused = true)]
async fn who_holds_the_lease_leaves_a_note_for_the_next() {
    let server = Server::default();
    let mut first = server.candidate(1);
    let (term, _) = waited(&mut first).await;
    assert_eq!(first.noted(), "");
    let note = Arc::new(Mutex::new(String::new()));
    let noting = Arc::clone(&note);
    first.notes(move || noting.lock().unwrap().clone());
    let annotations = || server.lease.lock().unwrap().as_ref().unwrap()["metadata"]["annotations"].clone();
    assert!(first.renew(&term).await.unwrap());
    assert_eq!(annotations(), Value::Null, "nothing is noted while there is nothing to note");
    server.edit(|lease| lease["metadata"]["annotations"] = json!({"a": "b"}));
    *note.lock().unwrap() = "Subnet/Create 3.9-4.1".into();
    assert!(first.renew(&term).await.unwrap());
    assert_eq!(annotations(), json!({"a": "b", "acivnet.dev/durations": "Subnet/Create 3.9-4.1"}));
    *note.lock().unwrap() = "Subnet/Create 3.9-4.2".into();
    term.end();
    first.release().await;
    let mut second = server.candidate(2);
    waited(&mut second).await;
    assert_eq!(second.noted(), "Subnet/Create 3.9-4.2");
}
