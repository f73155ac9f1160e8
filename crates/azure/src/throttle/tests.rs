use super::*;
use crate::{
    Body, Cloud, Connector, ConnectorConfig, Http, Identity, Secret, SendError, SplitMix, TokioClock, full,
    script::{Bytes1000, id},
};
use acivnet_api::conditions::reasons;
use acivnet_core::{
    blueprint::{Goal, Node},
    kinds::{network_security_group::NETWORK_SECURITY_GROUP, workspace::WORKSPACE},
    observed::Fact,
    owner::Mark,
    plan::Request as Write,
    retry::Retry,
};
use async_trait::async_trait;
use futures::future::join_all;
use http::{Request, Response};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// Status, headers and body.
type Reply = (u16, &'static [(&'static str, &'static str)], Value);

/// An Azure that notes when each request came and whose it was.
struct Notes {
    start: Instant,
    seen: Mutex<Vec<(Duration, String)>>,
    answer: fn(&str) -> Reply,
}

impl Notes {
    fn new(answer: fn(&str) -> Reply) -> Arc<Self> {
        Arc::new(Self { start: Instant::now(), seen: Mutex::default(), answer })
    }

    /// Seconds since the start, and method and last segment of the path, of all requests but sign-ins.
    fn seen(&self) -> Vec<(f64, String)> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|(at, line)| (at.as_secs_f64(), line.clone())).collect()
    }

    fn count(&self, end: &str) -> usize {
        self.seen().iter().filter(|(_, line)| line.ends_with(end)).count()
    }
}

#[async_trait]
impl Http for Notes {
    async fn send(&self, request: Request<Body>) -> Result<Response<Body>, SendError> {
        sleep(Duration::from_millis(20)).await;
        if request.uri().path().ends_with("/token") {
            let token = json!({"token_type": "Bearer", "expires_in": 86400, "access_token": "t"});
            return Ok(Response::new(full(token.to_string())));
        }
        let name = request.uri().path().rsplit('/').next().unwrap_or_default();
        let line = format!("{} {name}", request.method());
        self.seen.lock().unwrap().push((self.start.elapsed(), line.clone()));
        let (status, headers, body) = (self.answer)(&line);
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        Ok(response.body(full(body.to_string())).unwrap())
    }
}

fn fine(_: &str) -> Reply {
    (200, &[], json!({"properties": {"provisioningState": "Succeeded"}}))
}

fn connector(http: &Arc<Notes>) -> Connector {
    Connector::new(ConnectorConfig {
        cloud: Cloud::custom("https://arm.test", "https://login.test", "ml.test", "blob.test").unwrap(),
        http: Arc::clone(http) as _,
        clock: Arc::new(TokioClock::starting_at("2026-11-22T12:00:00Z".parse().unwrap())),
        random: Arc::new(SplitMix::new(1)),
        observer: Arc::new(()),
        fence: Arc::new(()),
        scale: 1.0,
    })
}

fn tenant(name: &str) -> Identity {
    Identity::client_secret(name, "client", Secret::new("hunter22"))
}

fn context(priority: Priority) -> CallContext {
    CallContext { priority, region: "japaneast".into(), ..CallContext::default() }
}

const PROVIDERS: &str = "/subscriptions/s/resourceGroups/g/providers";

async fn read(connector: &Connector, identity: Identity, priority: Priority, name: &str) -> Fact {
    let workspace = id(&format!("{PROVIDERS}/Microsoft.MachineLearningServices/workspaces/{name}"));
    connector.session(&identity).with_context(context(priority)).read(&WORKSPACE, &workspace).await
}

async fn put(connector: &Connector, priority: Priority, name: &str) {
    let group = id(&format!("{PROVIDERS}/Microsoft.Network/networkSecurityGroups/{name}"));
    let node = Node::new(&NETWORK_SECURITY_GROUP, group, Goal::Present, Value::Null, Mark::None);
    let request = Write::Put { body: json!({}), if_match: None };
    let azure = connector.session(&tenant("one")).with_context(context(priority));
    azure.carry_out(connector.gate().open().unwrap(), &node, &request, &Bytes1000(Vec::new())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_writes_follows_the_bucket() {
    let http = Notes::new(fine);
    let connector = connector(&http);
    join_all((0..600).map(|n| {
        let connector = connector.clone();
        async move { put(&connector, Priority::Change, &format!("g{n}")).await }
    }))
    .await;
    let times: Vec<f64> = http.seen().iter().map(|(at, _)| *at).collect();
    assert_eq!(times.iter().filter(|at| **at < 0.1).count(), 196, "the bucket, less what is left to others");
    let last = times.last().unwrap();
    assert!((40.0..41.0).contains(last), "404 at 10 a second take 40 s, not {last}");
}

#[tokio::test(start_paused = true)]
async fn a_tenant_without_tokens_delays_no_other() {
    let http = Notes::new(fine);
    let connector = connector(&http);
    let many = (0..2000).map(|_| read(&connector, tenant("one"), Priority::Change, "one"));
    let other = async {
        sleep(Duration::from_secs(1)).await;
        read(&connector, tenant("other"), Priority::Sweep, "other").await;
        Instant::now()
    };
    let begin = Instant::now();
    let (_, other) = futures::join!(join_all(many), other);
    assert!(other - begin < Duration::from_millis(1100), "{:?}", other - begin);
}

#[tokio::test(start_paused = true)]
async fn changes_come_before_looks_and_sweeps_are_not_forgotten() {
    let http = Notes::new(fine);
    let connector = connector(&http);
    let of = |priority, name: &'static str, count: usize| {
        let connector = &connector;
        join_all((0..count).map(move |_| read(connector, tenant("one"), priority, name)))
    };
    let later = async {
        sleep(Duration::from_secs(1)).await;
        futures::join!(of(Priority::Operation, "operation", 50), of(Priority::Change, "change", 50))
    };
    futures::join!(of(Priority::Sweep, "sweep", 400), later);
    let order: Vec<_> = http.seen().into_iter().filter(|(at, _)| *at > 1.01).map(|(_, line)| line).collect();
    let changes = order.iter().take(60).filter(|line| line.ends_with("change")).count();
    assert_eq!(changes, 50, "at most one in eight goes to who waited longest: {:?}", &order[..60]);
    assert!(order.iter().take(60).any(|line| line.ends_with("sweep")));
    let last = |name: &str| order.iter().rposition(|line| line.ends_with(name)).unwrap();
    assert!(last("change") < last("operation") && last("operation") < last("sweep"));
}

#[tokio::test(start_paused = true)]
async fn a_part_of_the_bucket_is_left_to_changes() {
    let http = Notes::new(fine);
    let connector = connector(&http);
    let sweeps = join_all((0..300).map(|_| put(&connector, Priority::Sweep, "sweep")));
    let changes = async {
        sleep(Duration::from_secs(2)).await;
        join_all((0..30).map(|_| put(&connector, Priority::Change, "change"))).await;
        Instant::now()
    };
    let begin = Instant::now();
    let (_, changed) = futures::join!(sweeps, changes);
    assert!(changed - begin < Duration::from_millis(2100), "{:?}", changed - begin);
}

#[tokio::test(start_paused = true)]
async fn after_a_refusal_nothing_is_sent_until_it_is_allowed() {
    let http = Notes::new(|line| match line {
        "GET first" => {
            (429, &[("retry-after", "17")], json!({"error": {"code": "SubscriptionRequestsThrottled", "message": "m"}}))
        }
        other => fine(other),
    });
    let connector = connector(&http);
    let first = read(&connector, tenant("one"), Priority::Change, "first").await;
    assert!(matches!(&first, Fact::Unread(failure) if failure.reason == reasons::THROTTLED), "{first:?}");
    join_all((0..5).map(|_| read(&connector, tenant("one"), Priority::Change, "second"))).await;
    put(&connector, Priority::Change, "write").await;
    let seen = http.seen();
    assert!(seen.iter().skip(1).all(|(at, _)| *at > 17.0 && *at < 18.5), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_no_throttling() {
    let http = Notes::new(|line| match line {
        "GET first" => (
            429,
            &[("retry-after", "17")],
            json!({"error": {"code": "RetryableError", "details": [{"code": "RetryableErrorDueToAnotherOperation"}]}}),
        ),
        other => fine(other),
    });
    let connector = connector(&http);
    read(&connector, tenant("one"), Priority::Change, "first").await;
    read(&connector, tenant("one"), Priority::Change, "second").await;
    assert!(http.seen().iter().all(|(at, _)| *at < 1.0), "{:?}", http.seen());
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_ends_the_try() {
    let http = Notes::new(|line| match line {
        "GET first" => (429, &[("retry-after", "600")], json!({"error": {"code": "SubscriptionRequestsThrottled"}})),
        other => fine(other),
    });
    let connector = connector(&http);
    read(&connector, tenant("one"), Priority::Change, "first").await;
    let Fact::Unread(failure) = read(&connector, tenant("one"), Priority::Change, "second").await else { panic!() };
    let Retry::After(after) = failure.retry else { panic!("{failure:?}") };
    assert_eq!((failure.reason, after.as_secs()), (reasons::THROTTLED, 300));
    assert_eq!(http.count("second"), 0);
}

#[tokio::test(start_paused = true)]
async fn the_least_that_is_left_is_told_of_each_limit() {
    let http = Notes::new(|line| match line {
        "GET first" => (429, &[("retry-after", "17")], json!({"error": {"code": "SubscriptionRequestsThrottled"}})),
        other => fine(other),
    });
    let connector = connector(&http);
    assert!(connector.budgets().is_empty(), "nothing was asked yet");
    read(&connector, tenant("one"), Priority::Change, "workspace").await;
    let full = connector.budgets()[&("arm", RequestKind::Read)];
    assert!(full > 100.0, "{full}");
    read(&connector, tenant("two"), Priority::Change, "first").await;
    assert_eq!(connector.budgets()[&("arm", RequestKind::Read)], 0.0, "closed for the one, open for the other");
    tokio::time::advance(Duration::from_secs(20)).await;
    let open = connector.budgets()[&("arm", RequestKind::Read)];
    assert!(open > 0.0, "{open} of {full}");
}

async fn read_group(connector: &Connector, name: &str) -> Fact {
    let group = id(&format!("{PROVIDERS}/Microsoft.Network/networkSecurityGroups/{name}"));
    connector
        .session(&tenant("one"))
        .with_context(context(Priority::Change))
        .read(&NETWORK_SECURITY_GROUP, &group)
        .await
}

/// Whether the next requests to Network, and to another provider, waited after a refusal.
async fn after_refusal(answer: fn(&str) -> Reply) -> [bool; 2] {
    let http = Notes::new(answer);
    let connector = connector(&http);
    let Fact::Unread(failure) = read_group(&connector, "first").await else { panic!("it was answered") };
    assert_eq!(failure.reason, reasons::THROTTLED);
    futures::join!(read_group(&connector, "network"), read(&connector, tenant("one"), Priority::Change, "workspace"));
    let seen = http.seen();
    let late = |end: &str| seen.iter().find(|(_, line)| line.ends_with(end)).unwrap().0 > 17.0;
    [late("network"), late("workspace")]
}

fn too_many(headers: &'static [(&'static str, &'static str)]) -> Reply {
    (429, headers, json!({"error": {"code": "TooManyRequests", "message": "m"}}))
}

#[tokio::test(start_paused = true)]
async fn a_providers_refusal_closes_nobody_elses_limit() {
    // as recorded, a provider's refusal has no failure cause; and as documented, one with it
    let plain = after_refusal(|line| match line {
        "GET first" => too_many(&[("retry-after", "17"), ("x-ms-ratelimit-remaining-subscription-reads", "240")]),
        other => fine(other),
    });
    assert_eq!(plain.await, [true, false]);
    let service = after_refusal(|line| match line {
        "GET first" => too_many(&[("retry-after", "17"), ("x-ms-failure-cause", "service")]),
        other => fine(other),
    });
    assert_eq!(service.await, [true, false]);
}

#[tokio::test(start_paused = true)]
async fn resource_managers_refusal_closes_its_own() {
    let gateway = after_refusal(|line| match line {
        "GET first" => too_many(&[("retry-after", "17"), ("x-ms-failure-cause", "gateway")]),
        other => fine(other),
    });
    assert_eq!(gateway.await, [true, true]);
    let used_up = after_refusal(|line| match line {
        "GET first" => too_many(&[("retry-after", "17"), ("x-ms-ratelimit-remaining-subscription-reads", "0")]),
        other => fine(other),
    });
    assert_eq!(used_up.await, [true, true]);
}

#[tokio::test(start_paused = true)]
async fn another_provider_closes_itself_only() {
    let http = Notes::new(|line| match line {
        "GET first" => too_many(&[("retry-after", "17")]),
        other => fine(other),
    });
    let connector = connector(&http);
    read(&connector, tenant("one"), Priority::Change, "first").await;
    futures::join!(read_group(&connector, "network"), read(&connector, tenant("one"), Priority::Change, "workspace"));
    let at = |end: &str| http.seen().iter().find(|(_, line)| line.ends_with(end)).unwrap().0;
    assert!(at("network") < 1.0 && at("workspace") > 17.0, "{:?}", http.seen());
}

#[tokio::test(start_paused = true)]
async fn an_absurd_wait_costs_minutes_and_one_of_no_length_some_seconds() {
    for (wait, least, most) in
        [("86400", 299.0, 301.0), ("Tue, 22 Nov 2050 12:00:00 GMT", 299.0, 301.0), ("0", 9.0, 11.0)]
    {
        static WAIT: Mutex<&str> = Mutex::new("");
        *WAIT.lock().unwrap() = wait;
        let http = Notes::new(|line| match (line, *WAIT.lock().unwrap()) {
            ("GET first", "86400") => too_many(&[("retry-after", "86400")]),
            ("GET first", "0") => too_many(&[("retry-after", "0")]),
            ("GET first", _) => too_many(&[("retry-after", "Tue, 22 Nov 2050 12:00:00 GMT")]),
            (other, _) => fine(other),
        });
        let connector = connector(&http);
        read(&connector, tenant("one"), Priority::Change, "first").await;
        let begin = Instant::now();
        while let Fact::Unread(failure) = read(&connector, tenant("one"), Priority::Change, "second").await {
            let Retry::After(after) = failure.retry else { panic!("{failure:?}") };
            sleep(after).await;
        }
        let passed = begin.elapsed().as_secs_f64();
        assert!(passed > least && passed < most, "{wait}: {passed}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_azure_has_left_is_not_exceeded() {
    let http = Notes::new(|_| (200, &[("x-ms-ratelimit-remaining-subscription-reads", "3")], json!({})));
    let connector = connector(&http);
    read(&connector, tenant("one"), Priority::Change, "first").await;
    join_all((0..28).map(|_| read(&connector, tenant("one"), Priority::Change, "more"))).await;
    let seen = http.seen();
    assert_eq!(seen.iter().filter(|(at, _)| *at < 0.07).count(), 4, "{seen:?}");
    assert!(seen.last().unwrap().0 > 1.0, "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_its_place_lets_others_pass() {
    let http = Notes::new(fine);
    let connector = connector(&http);
    join_all((0..245).map(|_| read(&connector, tenant("one"), Priority::Change, "fill"))).await;
    let given_up = tokio::time::timeout(
        Duration::from_millis(5),
        join_all((0..10).map(|_| read(&connector, tenant("one"), Priority::Change, "gone"))),
    );
    let stays = async {
        sleep(Duration::from_millis(1)).await;
        read(&connector, tenant("one"), Priority::Change, "stays").await
    };
    let (given_up, _) = futures::join!(given_up, stays);
    assert!(given_up.is_err());
    assert_eq!((http.count("gone"), http.count("stays")), (0, 1));
}

/// How many of one flow are let through until one is held back; each is for an object of its own that needs four.
async fn let_through(limiter: &Arc<Limiter>, priority: Priority, flow: &str) -> u64 {
    let mut order = 0;
    loop {
        let context = CallContext { priority, order, flow: flow.into(), follow: 3, ..CallContext::default() };
        if limiter.enter(&context, LONGEST).await.is_err() {
            return order;
        }
        order += 1;
    }
}

fn window(most: u32) -> Arc<Limiter> {
    let limit = Limit::Window { most, length: Duration::from_secs(300) };
    Arc::new(Limiter::new(limit, Reserves { persons: 20.0, few: 10.0 }, 1.0))
}

#[tokio::test(start_paused = true)]
async fn a_window_keeps_room_for_what_has_begun_and_for_those_who_ask_for_little() {
    let (limiter, start) = (window(100), Instant::now());
    let begun = let_through(&limiter, Priority::Creation, "many").await;
    assert_eq!(begun, 22, "90 are enough for 22 of four");
    for (order, follow) in (0..begun).flat_map(|order| (0..3).rev().map(move |follow| (order, follow))) {
        let context = CallContext {
            priority: Priority::Continuation,
            order,
            flow: "many".into(),
            follow,
            ..CallContext::default()
        };
        assert!(limiter.enter(&context, LONGEST).await.is_ok(), "{order} {follow}");
    }
    assert_eq!(let_through(&limiter, Priority::Continuation, "many").await, 1, "who is alone may begin");
    assert_eq!(let_through(&limiter, Priority::Creation, "lone").await, 5, "half of what is left to such");
    assert_eq!(let_through(&limiter, Priority::Change, "many").await, 6);
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waits for what comes in minutes");
}

#[tokio::test(start_paused = true)]
async fn a_window_too_small_for_one_lets_it_begin_and_forgets_what_does_not_go_on() {
    let (limiter, start) = (window(12), Instant::now());
    assert!(let_through(&limiter, Priority::Creation, "many").await > 0);
    sleep(Duration::from_secs(301)).await;
    assert!(let_through(&limiter, Priority::Creation, "many").await > 0, "after {:?}", start.elapsed());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes when, no stretch of time sees more than the bucket and its refill.
    #[test]
    fn no_stretch_of_time_sees_more_than_the_limit(
        arrivals in prop::collection::vec((0u64..20_000, 0usize..6, 0u64..4), 1..300),
        size in 1u32..30, per_second in 1u32..20,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let passed = runtime.block_on(async {
            let limit = Limit::Bucket { size: f64::from(size), per_second: f64::from(per_second) };
            let reserves = Reserves { persons: f64::from(size / 5), ..Reserves::default() };
            let limiter = Arc::new(Limiter::new(limit, reserves, 1.0));
            let start = Instant::now();
            let all = arrivals.iter().map(|(at, priority, order)| {
                let (limiter, priority) = (Arc::clone(&limiter), Priority::ALL[*priority]);
                async move {
                    sleep(Duration::from_millis(*at)).await;
                    let context = CallContext { priority, order: *order, ..CallContext::default() };
                    // who is not woken for its turn gets none within the hour
                    let admission = limiter.enter(&context, Duration::from_secs(3600)).await.unwrap();
                    let passed = start.elapsed();
                    sleep(Duration::from_millis(100)).await;
                    drop(admission);
                    passed
                }
            });
            let mut passed = join_all(all).await;
            passed.sort();
            passed
        });
        prop_assert_eq!(passed.len(), arrivals.len());
        for (first, from) in passed.iter().enumerate() {
            for (last, to) in passed.iter().enumerate().skip(first) {
                let allowed = f64::from(size) + f64::from(per_second) * (*to - *from).as_secs_f64();
                let sent = (last - first + 1) as f64;
                prop_assert!(sent <= allowed + 0.01, "{sent} in {:?}, allowed are {allowed}", *to - *from);
            }
        }
    }
}
