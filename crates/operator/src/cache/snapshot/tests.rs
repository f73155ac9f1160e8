use super::*;
use crate::{
    ctx::Ctx,
    kubernetes::mock::{FakeAzure, Mock, refused},
};
use acivnet_azure::{Identity, Secret};
use acivnet_core::kinds::{self, network_security_group::NETWORK_SECURITY_GROUP};
use serde_json::json;

const NETWORKS: &str = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks";

fn network() -> Value {
    let id = format!("{NETWORKS}/V").to_uppercase();
    json!({"id": id, "name": "V", "properties": {"subnets": [{"id": format!("{id}/SUBNETS/N"), "name": "N", "properties": {"addressPrefix": "10.0.1.0/24"}}]}})
}

fn azure() -> FakeAzure {
    FakeAzure::new(|line| match line.strip_prefix("GET ") {
        Some(NETWORKS) => (200, json!({"value": [network()]})),
        Some(path) if path.ends_with("/networkSecurityGroups") => {
            (403, json!({"error": {"code": "AuthorizationFailed", "message": "no"}}))
        }
        _ => (404, json!({"error": {"code": "ResourceNotFound", "message": "no"}})),
    })
}

struct Bed {
    ctx: Arc<Ctx>,
    fake: FakeAzure,
    identity: Identity,
}

impl Bed {
    fn new() -> Self {
        let fake = azure();
        let ctx = Mock::new(|_| refused(404, "NotFound")).ctx_with(fake.clone());
        Self { ctx, fake, identity: Identity::client_secret("tenant", "client", Secret::new("hunter22")) }
    }

    async fn ask(&self, identity: &Identity, kind: &'static Kind, id: &ResourceId) -> Option<Fact> {
        let azure = self.ctx.azure.session(identity);
        let lasts = Duration::from_secs(30);
        let oldest = self.ctx.clock.now() - lasts;
        Reader {
            snapshots: &self.ctx.snapshots,
            clock: self.ctx.clock.as_ref(),
            azure: &azure,
            identity: &identity.key(),
            oldest,
            since: oldest,
            lasts,
        }
        .resource(kind, id)
        .await
        .map(|(fact, _)| fact)
    }
}

fn ids() -> [ResourceId; 4] {
    let group = ResourceId::group_id("s", "g");
    let vnet = kinds::virtual_network::id(&group, "v");
    [
        kinds::subnet::id(&vnet, "n"),
        kinds::subnet::id(&vnet, "other"),
        kinds::virtual_network::id(&group, "other"),
        vnet,
    ]
}

#[tokio::test(start_paused = true)]
async fn one_list_answers_for_many_and_never_says_absent() {
    let bed = Bed::new();
    let [subnet, other_subnet, other, vnet] = ids();
    let found = bed.ask(&bed.identity, &SUBNET, &subnet).await;
    assert!(
        matches!(found, Some(Fact::Present(body)) if body["properties"]["addressPrefix"] == "10.0.1.0/24"),
        "ids have no case"
    );
    assert!(matches!(bed.ask(&bed.identity, &VIRTUAL_NETWORK, &vnet).await, Some(Fact::Present(_))));
    assert_eq!(bed.ask(&bed.identity, &SUBNET, &other_subnet).await, None);
    assert_eq!(bed.ask(&bed.identity, &VIRTUAL_NETWORK, &other).await, None);
    assert_eq!(bed.fake.lines(), [format!("GET {NETWORKS}")]);
    let group = kinds::network_security_group::id(&ResourceId::group_id("s", "g"), "nsg");
    assert_eq!(
        bed.ask(&bed.identity, &NETWORK_SECURITY_GROUP, &group).await,
        None,
        "a list that is refused proves nothing"
    );
    assert_eq!(
        bed.ask(&bed.identity, &kinds::resource_group::RESOURCE_GROUP, &ResourceId::group_id("s", "g")).await,
        None,
        "no list is kept of groups"
    );
}

#[tokio::test(start_paused = true)]
async fn lists_are_read_once_for_all_who_wait_and_anew_when_old_or_worn_out() {
    let bed = Bed::new();
    let [subnet, _, other, vnet] = ids();
    let both =
        futures::join!(bed.ask(&bed.identity, &SUBNET, &subnet), bed.ask(&bed.identity, &VIRTUAL_NETWORK, &vnet));
    assert!(both.0.is_some() && both.1.is_some());
    assert_eq!(bed.fake.lines().len(), 1);
    let elsewhere = kinds::virtual_network::id(&ResourceId::group_id("s", "elsewhere"), "v");
    for written in [&elsewhere, &other] {
        bed.ctx.snapshots.forget(written);
        assert!(bed.ask(&bed.identity, &SUBNET, &subnet).await.is_some(), "{written:?}");
    }
    for written in [&subnet, &vnet] {
        bed.ctx.snapshots.forget(written);
        for _ in 0..4 {
            assert_eq!(bed.ask(&bed.identity, &SUBNET, &subnet).await, None, "it is read by itself");
        }
        assert_eq!(bed.ask(&bed.identity, &VIRTUAL_NETWORK, &vnet).await, None);
        assert_eq!(bed.fake.lines().len(), 0);
        assert!(bed.ask(&bed.identity, &SUBNET, &subnet).await.is_some(), "a new list costs less than going on so");
        assert_eq!(bed.fake.lines().len(), 1, "{written:?}");
    }
    for (seconds, reads) in [(30, 0), (1, 1)] {
        tokio::time::advance(Duration::from_secs(seconds)).await;
        bed.ask(&bed.identity, &SUBNET, &subnet).await;
        assert_eq!(bed.fake.lines().len(), reads, "{seconds}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sweep_that_only_compares_keeps_digests_and_one_that_needs_more_reads_more() {
    let bed = Bed::new();
    let [subnet, ..] = ids();
    let (azure, key) = (bed.ctx.azure.session(&bed.identity), bed.identity.key());
    let sweep = || {
        let (snapshots, clock) = (&bed.ctx.snapshots, bed.ctx.clock.as_ref());
        let (oldest, lasts) = (clock.now(), Duration::from_secs(30));
        Reader { snapshots, clock, azure: &azure, identity: &key, oldest, since: oldest, lasts }
    };
    let (_, shown) = sweep().resource(&SUBNET, &subnet).await.unwrap();
    bed.fake.lines();
    // whoever needed the items in the last sweep will again
    for (needs_items, reads) in [(false, 1), (true, 2), (true, 1), (false, 1), (false, 1)] {
        tokio::time::advance(Duration::from_secs(300)).await;
        let sweep = sweep();
        assert_eq!(sweep.digest(&shown.place, shown.key).await, Some(shown.digest));
        assert!(!needs_items || sweep.resource(&SUBNET, &subnet).await.is_some());
        assert_eq!(bed.fake.lines().len(), reads, "{needs_items}");
    }
    assert_eq!(sweep().digest(&shown.place, shown.key + 1).await, None, "of what is not there nothing is known");
}

fn taken(at: Timestamp, slow_until: Timestamp) -> CachedList {
    CachedList { items: Arc::new(Items::new(Detail::Bodies)), at, slow_until, until: slow_until }
}

#[tokio::test(start_paused = true)]
async fn a_list_that_takes_long_to_read_answers_longer_but_never_from_before_the_sweep() {
    let bed = Bed::new();
    let (azure, key, now) = (bed.ctx.azure.session(&bed.identity), bed.identity.key(), bed.ctx.clock.now());
    let ago = |seconds| now - Duration::from_secs(seconds);
    let (oldest, since, lasts) = (ago(30), ago(60), Duration::from_secs(30));
    let reader = Reader {
        snapshots: &bed.ctx.snapshots,
        clock: bed.ctx.clock.as_ref(),
        azure: &azure,
        identity: &key,
        oldest,
        since,
        lasts,
    };
    for (begun, took, takes) in [(30, 0, true), (31, 3, false), (50, 5, true), (51, 5, false), (61, 60, false)] {
        let slow_until = ago(begun) + Duration::from_secs(took) * SLOW;
        assert_eq!(reader.takes(&taken(ago(begun), slow_until), Detail::Bodies), takes, "{begun} {took}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_waited_for_a_list_takes_it_however_long_it_took() {
    let bed = Bed::new();
    let [subnet, ..] = ids();
    let asked = bed.ctx.clock.now();
    bed.ask(&bed.identity, &SUBNET, &subnet).await;
    tokio::time::advance(Duration::from_secs(20)).await;
    let (azure, key) = (bed.ctx.azure.session(&bed.identity), bed.identity.key());
    assert_eq!(bed.fake.lines().len(), 1);
    for (oldest, reads) in [(asked, 0), (asked + Duration::from_millis(1), 1)] {
        let reader = Reader {
            snapshots: &bed.ctx.snapshots,
            clock: bed.ctx.clock.as_ref(),
            azure: &azure,
            identity: &key,
            oldest,
            since: oldest,
            lasts: Duration::from_secs(30),
        };
        assert!(reader.resource(&SUBNET, &subnet).await.is_some());
        assert_eq!(bed.fake.lines().len(), reads, "{oldest}");
    }
}

#[tokio::test]
async fn nobody_sees_what_anothers_rights_read() {
    let bed = Bed::new();
    let [subnet, ..] = ids();
    let other = Identity::client_secret("tenant", "client", Secret::new("guess"));
    for identity in [&bed.identity, &other] {
        bed.ask(identity, &SUBNET, &subnet).await;
    }
    assert_eq!(bed.fake.lines().len(), 2);
}

/// Three lists that are kept as if so many writes of a subnet had come while they were read: whether each is kept, and still
/// tells of that subnet's network.
fn kept_after(writes: usize) -> [(bool, bool); 3] {
    let snapshots = Snapshots::default();
    let [subnet, .., network] = ids();
    let identity = Identity::client_secret("t", "c", Secret::new("s")).key();
    let scope = "/subscriptions/s/resourcegroups/g";
    let keys = [&WORKSPACE, &VIRTUAL_NETWORK, &MODEL_VERSION].map(|kind| ListKey {
        identity: identity.clone(),
        what: kind.name,
        scope: scope.into(),
    });
    (0..writes).for_each(|_| snapshots.forget(&subnet));
    keys.map(|key| {
        let mut items = Items::new(Detail::Bodies);
        items.keep(network.folded(), "{}", || Ok(json!({}))).unwrap();
        let list = CachedList { items: Arc::new(items), ..taken(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH) };
        snapshots.keep(key.clone(), list, 0);
        let kept = snapshots.young(&key, |_| true);
        (kept.is_some(), kept.is_some_and(|items| items.digest(hashed(&network.folded())).is_some()))
    })
}

#[test]
fn a_list_that_was_being_read_during_a_write_tells_nothing_of_what_was_written() {
    let all = (true, true);
    assert_eq!(kept_after(0), [all; 3]);
    // models are known by their owner, which is not in their id
    assert_eq!(kept_after(1), [all, (true, false), (false, false)]);
    assert_eq!(kept_after(LATEST), [all, (true, false), (false, false)]);
    assert_eq!(kept_after(LATEST + 1), [all, (false, false), (false, false)], "which those were nobody knows any more");
}

#[test]
fn lists_that_are_too_old_for_everybody_are_let_go() {
    let snapshots = Snapshots::default();
    let identity = Identity::client_secret("t", "c", Secret::new("s")).key();
    let key = ListKey { identity, what: "VirtualNetwork", scope: "/subscriptions/s/resourcegroups/g".into() };
    snapshots.keep(key, taken(Timestamp::UNIX_EPOCH, Timestamp::UNIX_EPOCH), 0);
    for (later, kept) in [(0, 1), (1, 0)] {
        snapshots.drop_old(Timestamp::UNIX_EPOCH + Duration::from_secs(later));
        assert_eq!(snapshots.lock().taken.len(), kept);
    }
}

#[tokio::test(start_paused = true)]
async fn models_are_found_by_their_owner_and_services_by_their_name() {
    const WORKSPACE: &str =
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w";
    let model = |name: &str, owner: &str| json!({"name": name, "properties": {"acivnet-owner": owner}});
    let models = [model("a", "one"), model("b", "two"), model("c", "one"), json!({"name": "theirs"})];
    let service = json!({"name": "Svc", "state": "Healthy", "models": [{"name": "a"}]});
    let fake = FakeAzure::new(move |line| match line {
        line if line.ends_with("/discovery") => {
            (200, json!({"history": "https://localhost", "modelmanagement": "https://localhost"}))
        }
        line if line.ends_with("/models") => (200, json!({"value": models})),
        line if line.ends_with("/services") => (200, json!({"value": [service]})),
        _ => (200, json!({"id": WORKSPACE, "properties": {"discoveryUrl": "https://localhost/discovery"}})),
    });
    let ctx = Mock::new(|_| refused(404, "NotFound")).ctx_with(fake.clone());
    let identity = Identity::client_secret("tenant", "client", Secret::new("hunter22"));
    let (azure, key) = (ctx.azure.session(&identity), identity.key());
    let (oldest, lasts) = (ctx.clock.now(), Duration::from_secs(30));
    let reader = Reader {
        snapshots: &ctx.snapshots,
        clock: ctx.clock.as_ref(),
        azure: &azure,
        identity: &key,
        oldest,
        since: oldest,
        lasts,
    };
    let workspace = ResourceId::parse(WORKSPACE).unwrap();
    let Some((Fact::Present(ours), _)) = reader.models(&workspace, "one").await else { panic!("they are listed") };
    assert_eq!(ours, json!([model("a", "one"), model("c", "one")]));
    assert!(reader.models(&workspace, "three").await.is_none(), "a list never says that something is not there");
    let found = reader.resource(&WEB_SERVICE, &kinds::web_service::id(&workspace, "svc")).await;
    assert_eq!(
        found.map(|(fact, _)| fact),
        Some(Fact::Present(json!({"name": "Svc", "state": "Healthy"}))),
        "without the models in it"
    );
    let lists = fake.lines().into_iter().filter(|line| line.contains("modelmanagement")).count();
    assert_eq!(lists, 2);
}

#[test]
fn lists_have_a_bound_each_and_together() {
    let noise = |seed: u64| {
        let random = acivnet_azure::SplitMix::new(seed);
        (0..512).map(|_| format!("{:016x}", acivnet_azure::Random::next(&random))).collect::<String>()
    };
    let bodies = |items: u64| {
        let mut bodies = Items::new(Detail::Bodies);
        for at in 0..items {
            bodies.keep(at.to_string(), "", || Ok(noise(at + 1).into())).unwrap();
        }
        bodies
    };
    let long = bodies(4_000);
    assert!(long.too_long && long.bytes == 0 && long.get("1").is_none(), "{}", long.bytes);
    let (snapshots, one) = (Snapshots::default(), Arc::new(bodies(500)));
    assert!(one.bytes > LONGEST / 2 && !one.too_long, "{}", one.bytes);
    let identity = Identity::client_secret("tenant", "client", Secret::new("hunter22")).key();
    for at in 0..20 {
        let key = ListKey { identity: identity.clone(), what: "x", scope: at.to_string() };
        let at = Timestamp::from_second(at).unwrap();
        snapshots.keep(key, CachedList { items: Arc::clone(&one), at, slow_until: at, until: at }, 0);
    }
    let lists = snapshots.lock();
    let oldest = lists.taken.values().map(|taken| taken.at.as_second()).min();
    assert!(
        lists.taken.len() == ALL / one.bytes && oldest == Some(20 - lists.taken.len() as i64),
        "the oldest go first"
    );
}
