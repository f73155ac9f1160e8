//! Calls the operator's passes as its controllers do, one after another: by the time they are due, then by kind,
//! namespace and name. Time jumps from one to the next.

use super::{
    api_server::{
        resources::{ACI_VNET_DEPLOYMENTS, CONFIG_MAPS, DELEGATED_SUBNETS, ResourceType},
        store::{Change, Happened, Key, name},
    },
    bed::Bed,
};
use acivnet_api::{AciVnetDeployment, DelegatedSubnet};
use acivnet_operator::{
    Object,
    ctx::Ctx,
    reconcile::{reconcile, reconcile_due},
};
use futures::future::{Either, select};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::Arc,
    time::Duration,
};
use tokio::time::{Instant, sleep, sleep_until};

/// This many sweeps in a row without a write count as rest.
const SWEEPS: u32 = 3;
/// Shortest time without a write that counts as rest: Azure keeps a service association link for twelve minutes, and the
/// sweep after that reports it.
const REST: Duration = Duration::from_secs(1200);
/// After this time without a write, whatever it waits for does not come by itself.
const SILENCE: Duration = Duration::from_secs(2 * 3600);
/// How long until an operator that was stopped runs again.
const RESTART: Duration = Duration::from_secs(5);
/// A case takes no longer than this, on its own clock.
const LONGEST: Duration = Duration::from_secs(48 * 3600);
/// Most passes of a case.
const MOST_PASSES: u32 = 5_000;

/// One operator on a bed.
pub struct Driver<'b> {
    bed: &'b Bed,
    ctx: Arc<Ctx>,
    due: BTreeMap<Key, Instant>,
    /// Those that are due because something changed.
    woken: BTreeSet<Key>,
    /// The version of the API server up to which changes are known.
    seen: u64,
    /// The parts of objects that wake controllers and dependent objects, as last seen.
    noticed: BTreeMap<Key, Noticed>,
    sweeps: BTreeMap<Key, u32>,
    written: Written,
}

#[derive(Clone, PartialEq)]
struct Noticed {
    own: Value,
    shown: Value,
}

/// When the last write was, and how far the requests were searched for writes.
struct Written {
    last: Instant,
    requests: usize,
}

impl<'b> Driver<'b> {
    /// Starts an operator.
    pub async fn start(bed: &'b Bed) -> Self {
        let ctx = bed.start_operator().await;
        let written = Written { last: Instant::now(), requests: bed.wire.count() };
        let mut driver = Self {
            bed,
            ctx,
            due: BTreeMap::new(),
            woken: BTreeSet::new(),
            seen: 0,
            noticed: BTreeMap::new(),
            sweeps: BTreeMap::new(),
            written,
        };
        driver.list();
        driver
    }

    /// Runs until every object has settled and three sweeps wrote nothing, or nothing was written for two hours.
    ///
    /// # Errors
    /// What still moved when the bound was hit.
    pub async fn until_stable(&mut self) -> Result<(), String> {
        let begin = Instant::now();
        self.disturbed();
        for _ in 0..MOST_PASSES {
            self.absorb();
            match (self.next(), self.bed.next_act()) {
                (None, None) => return Ok(()),
                (Some((_, at)), _) if at > begin + LONGEST => return Err(self.unsettled("time")),
                (_, None) if self.stable() => return Ok(()),
                (Some((key, at)), act) if act.is_none_or(|act| at <= act) => {
                    sleep_until(at).await;
                    self.pass(&key).await;
                }
                (_, Some(act)) => {
                    sleep_until(act).await;
                    self.bed.act().await;
                    self.disturbed();
                }
                (Some(_), None) => {}
            }
        }
        Err(self.unsettled("the number of passes"))
    }

    fn next(&self) -> Option<(Key, Instant)> {
        self.due.iter().min_by_key(|(key, at)| (**at, (*key).clone())).map(|(key, at)| (key.clone(), *at))
    }

    fn stable(&self) -> bool {
        let swept = self.due.keys().all(|key| self.sweeps.get(key).is_some_and(|count| *count >= SWEEPS));
        swept && self.written.last.elapsed() > REST || self.written.last.elapsed() > SILENCE
    }

    fn unsettled(&self, bound: &str) -> String {
        let last = self.bed.wire.log(self.bed.wire.count().saturating_sub(20));
        let objects: Vec<String> =
            self.due.keys().filter_map(|key| self.object(key)).map(|object| object["status"].to_string()).collect();
        format!(
            "it did not settle within the bound on {bound}\nstatus:\n{}\nlast requests:\n{}",
            objects.join("\n"),
            last.join("\n")
        )
    }

    async fn pass(&mut self, key: &Key) {
        let Some(object) = self.object(key) else {
            self.forget(key);
            return;
        };
        let meta = serde_json::from_value(object["metadata"].clone()).expect("metadata");
        let woken = self.woken.remove(key);
        let again = if key.resource.plural == DELEGATED_SUBNETS.plural {
            self.look::<DelegatedSubnet>(object, woken).await
        } else {
            self.look::<AciVnetDeployment>(object, woken).await
        };
        let stopped = self.bed.wire.ends_now() || again.is_none();
        self.note_writes();
        match again {
            _ if stopped => self.restart().await,
            Some(Some(delay)) => {
                self.due.insert(key.clone(), Instant::now() + delay);
                let swept = self.sweeps.entry(key.clone()).or_default();
                *swept = if self.ctx.per_object.tries(&meta) { 0 } else { *swept + 1 };
            }
            Some(None) | None => drop(self.due.remove(key)),
        }
    }

    /// One pass; nothing when the operator was stopped in it.
    async fn look<S: Object>(&self, object: Value, woken: bool) -> Option<Option<Duration>> {
        let cr: S = serde_json::from_value(object).expect("an object of ours");
        let pass = async { if woken { reconcile(&self.ctx, &cr).await } else { reconcile_due(&self.ctx, &cr).await } };
        match select(pin!(self.bed.wire.stopped()), pin!(pass)).await {
            Either::Left(_) => None,
            Either::Right((reconciled, _)) => Some(reconciled.again),
        }
    }

    /// Every write starts the count of sweeps anew.
    fn note_writes(&mut self) {
        if self.bed.wire.writes_since(self.written.requests) > 0 {
            self.disturbed();
        }
        self.written.requests = self.bed.wire.count();
    }

    fn disturbed(&mut self) {
        self.sweeps.clear();
        self.written.last = Instant::now();
    }

    async fn restart(&mut self) {
        sleep(RESTART).await;
        self.bed.wire.start();
        self.ctx = self.bed.start_operator().await;
        self.list();
    }

    /// An operator's start: it lists everything and reconciles it.
    fn list(&mut self) {
        (self.due, self.noticed, self.sweeps) = Default::default();
        let (objects, version) = self.bed.api().with(|store| {
            let ours = [&ACI_VNET_DEPLOYMENTS, &DELEGATED_SUBNETS].into_iter();
            let objects = ours.flat_map(|resource| {
                store.list(resource, "").cloned().map(|object| (key_of(resource, &object), object)).collect::<Vec<_>>()
            });
            (objects.collect::<Vec<_>>(), store.version())
        });
        for (key, object) in objects {
            self.noticed.insert(key.clone(), noticed(&object));
            self.wake(key);
        }
        self.seen = version;
    }

    /// Wakes the objects that the changes since the last time concern.
    fn absorb(&mut self) {
        let changes: Vec<Change> =
            self.bed.api().with(|store| store.since(self.seen).expect("a history").cloned().collect());
        for change in changes {
            self.seen = change.version;
            if [DELEGATED_SUBNETS.plural, ACI_VNET_DEPLOYMENTS.plural].contains(&change.key.resource.plural) {
                self.ours(&change);
            } else if change.key.resource.plural == CONFIG_MAPS.plural {
                self.wake_deployments(&change.key.namespace, |deployment| {
                    names_config_map(deployment, &change.key.name)
                });
            }
        }
    }

    /// Spec, annotations and deletion concern the object itself; other objects also depend on a part of its status.
    fn ours(&mut self, change: &Change) {
        let now = noticed(&change.object);
        let gone = change.happened == Happened::Deleted;
        let before =
            if gone { self.noticed.remove(&change.key) } else { self.noticed.insert(change.key.clone(), now.clone()) };
        if gone {
            self.forget(&change.key);
        } else if before.as_ref().is_none_or(|before| before.own != now.own) {
            self.wake(change.key.clone());
        }
        if gone || before.as_ref() != Some(&now) {
            self.related(change, gone);
        }
    }

    fn related(&mut self, change: &Change, gone: bool) {
        let (namespace, spec) = (&change.key.namespace, &change.object["spec"]);
        if change.key.resource.plural == ACI_VNET_DEPLOYMENTS.plural {
            let subnet = spec["network"]["subnetRef"]["name"].as_str().unwrap_or_default();
            let subnet = Key::new(&DELEGATED_SUBNETS, namespace, subnet);
            if self.object(&subnet).is_some() {
                self.wake(subnet);
            }
            return;
        }
        self.wake_deployments(namespace, |deployment| {
            deployment["spec"]["network"]["subnetRef"]["name"] == change.key.name
        });
        if gone {
            let all = self.bed.api().with(|store| store.list(&DELEGATED_SUBNETS, "").cloned().collect::<Vec<_>>());
            let shares = all.iter().filter(|one| network(&one["spec"]) == network(spec));
            shares.for_each(|one| self.wake(key_of(&DELEGATED_SUBNETS, one)));
        }
    }

    fn wake_deployments(&mut self, namespace: &str, concerns: impl Fn(&Value) -> bool) {
        let all =
            self.bed.api().with(|store| store.list(&ACI_VNET_DEPLOYMENTS, namespace).cloned().collect::<Vec<_>>());
        all.iter().filter(|one| concerns(one)).for_each(|one| self.wake(key_of(&ACI_VNET_DEPLOYMENTS, one)));
    }

    fn wake(&mut self, key: Key) {
        let now = Instant::now();
        self.woken.insert(key.clone());
        self.due.entry(key).and_modify(|at| *at = now.min(*at)).or_insert(now);
    }

    fn forget(&mut self, key: &Key) {
        self.due.remove(key);
        self.sweeps.remove(key);
    }

    fn object(&self, key: &Key) -> Option<Value> {
        self.bed.api().with(|store| store.get(key).cloned()).ok()
    }
}

fn key_of(resource: &'static ResourceType, object: &Value) -> Key {
    Key::new(resource, object["metadata"]["namespace"].as_str().unwrap_or_default(), name(object))
}

fn noticed(object: &Value) -> Noticed {
    let (meta, status) = (&object["metadata"], &object["status"]);
    let conditions: Vec<Value> = status["conditions"].as_array().into_iter().flatten().map(condition).collect();
    let full = status["capacity"]["available"].as_i64().is_some_and(|available| available <= 0);
    let own = json!([meta["uid"], meta["generation"], meta["annotations"]]);
    let shown = match object["kind"] == ACI_VNET_DEPLOYMENTS.kind {
        true => json!([meta["generation"], meta["deletionTimestamp"], status["endpoint"]["addresses"]]),
        false => json!([
            meta["generation"],
            meta["deletionTimestamp"],
            status["subnetID"],
            status["observedGeneration"],
            full,
            conditions
        ]),
    };
    Noticed { own, shown }
}

fn condition(one: &Value) -> Value {
    json!([one["type"], one["status"], one["reason"], one["observedGeneration"]])
}

fn names_config_map(deployment: &Value, wanted: &str) -> bool {
    let spec = &deployment["spec"];
    let files = [
        &spec["model"]["source"],
        &spec["scoring"]["script"],
        &spec["environment"]["conda"],
        &spec["probe"]["request"],
    ];
    files.iter().any(|file| file["configMap"]["name"] == wanted)
}

fn network(spec: &Value) -> Value {
    let group = spec["virtualNetwork"].get("resourceGroup").unwrap_or(&spec["azure"]["resourceGroup"]);
    json!([spec["azure"]["subscriptionID"], group, spec["virtualNetwork"]["name"]])
}
