//! Metrics about objects, computed when `/metrics` is requested from what reconciles and watches keep anyway: nothing is
//! kept for them, and objects that are gone disappear.

use crate::{
    cache::{cached_object::CachedObject, stores::Known},
    ctx::Ctx,
    monitoring::object_state::ObjectState,
    object::Object,
};
use acivnet_azure::RequestKind;
use jiff::Timestamp;
use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeGaugeValue, EncodeLabelSet},
    metrics::MetricType,
    registry::Unit,
};
use std::{
    collections::BTreeMap,
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
};

/// How many objects have series of their own, at some 600 bytes of the answer each: 600 KB in all.
pub(crate) const MOST_NAMED: usize = 1000;

/// Reports what the present term knows; a standby knows nothing.
#[derive(Default)]
pub(super) struct Fleet {
    ctx: Mutex<Weak<Ctx>>,
    named: AtomicBool,
}

/// Labels of `acivnet_objects`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct ObjectLabels {
    kind: &'static str,
    ready: &'static str,
    reason: &'static str,
}

/// Labels of `acivnet_stalled_objects`.
#[derive(Clone, Debug, Hash, PartialEq, Eq, PartialOrd, Ord, EncodeLabelSet)]
struct StalledLabels {
    kind: &'static str,
    reason: &'static str,
}

/// Labels of what is left of a limit.
#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct BudgetLabels {
    class: &'static str,
    sort: &'static str,
}

/// An object that has series of its own.
struct NamedObject {
    kind: &'static str,
    namespace: Arc<str>,
    name: Arc<str>,
    uid: Arc<str>,
    state: ObjectState,
}

/// Objects by what their conditions say.
#[derive(Default)]
struct Counted {
    objects: BTreeMap<ObjectLabels, u64>,
    stalled: BTreeMap<StalledLabels, u64>,
}

impl Fleet {
    pub(super) fn follow(&self, ctx: &Arc<Ctx>) {
        *self.ctx.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(ctx);
    }

    pub(super) fn name_objects(&self, named: bool) {
        self.named.store(named, Ordering::Relaxed);
    }

    fn ctx(&self) -> Option<Arc<Ctx>> {
        self.ctx.lock().unwrap_or_else(PoisonError::into_inner).upgrade()
    }
}

impl fmt::Debug for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fleet").finish_non_exhaustive()
    }
}

impl Collector for Fleet {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(ctx) = self.ctx() else { return Ok(()) };
        let mut page = Page(encoder);
        let counted = Counted::of(&ctx);
        page.gauges("acivnet_objects", "Objects by status and reason of their condition Ready", None, counted.objects)?;
        let about = "Objects for which nothing changes until a person acts";
        page.gauges("acivnet_stalled_objects", about, None, counted.stalled)?;
        page.budgets(&ctx)?;
        page.ends(&ctx)?;
        if self.named.load(Ordering::Relaxed) { page.named(&ctx) } else { Ok(()) }
    }
}

impl Counted {
    fn of(ctx: &Ctx) -> Self {
        let mut counted = Self::default();
        counted.add(DEPLOYMENT, ctx.stores.deployments.get());
        counted.add(SUBNET, ctx.stores.subnets.get());
        counted
    }

    fn add<S: Object>(&mut self, kind: &'static str, known: Option<&Known<S>>) {
        for kept in known.map(Known::all).unwrap_or_default() {
            let state = kept.state();
            let labels = ObjectLabels { kind, ready: state.ready(), reason: state.reason() };
            *self.objects.entry(labels).or_default() += 1;
            if let Some(reason) = state.stalled() {
                *self.stalled.entry(StalledLabels { kind, reason }).or_default() += 1;
            }
        }
    }
}

const DEPLOYMENT: &str = "AciVnetDeployment";
const SUBNET: &str = "DelegatedSubnet";

/// The answer, while it is written.
struct Page<'e>(DescriptorEncoder<'e>);

impl Page<'_> {
    /// One metric; nothing of one without series.
    fn gauges<L: EncodeLabelSet, V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        about: &str,
        unit: Option<&Unit>,
        series: impl IntoIterator<Item = (L, V)>,
    ) -> fmt::Result {
        let mut series = series.into_iter().peekable();
        if series.peek().is_none() {
            return Ok(());
        }
        let mut metric = self.0.encode_descriptor(name, about, unit, MetricType::Gauge)?;
        series.try_for_each(|(labels, value)| metric.encode_family(&labels)?.encode_gauge(&value))
    }

    /// One metric without labels; nothing where there is no value.
    fn gauge<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        about: &str,
        unit: Option<&Unit>,
        value: Option<V>,
    ) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        self.0.encode_descriptor(name, about, unit, MetricType::Gauge)?.encode_gauge(&value)
    }

    fn budgets(&mut self, ctx: &Ctx) -> fmt::Result {
        let left = ctx.azure.budgets().into_iter();
        let series = left
            .map(|((class, kind), left): ((_, RequestKind), f64)| (BudgetLabels { class, sort: kind.as_str() }, left));
        let about = "Requests that a limit of Azure still allows, the lowest value of all identities";
        self.gauges("acivnet_azure_budget_remaining", about, None, series)
    }

    fn ends(&mut self, ctx: &Ctx) -> fmt::Result {
        let certificate = ctx.per_object.earliest_certificate_end().map(Timestamp::as_second);
        let about = "When the first certificate in a spec.tls expires";
        self.gauge("acivnet_certificate_not_after_timestamp", about, Some(&Unit::Seconds), certificate)?;
        let credential = ctx.identities.earliest_end().map(Timestamp::as_second);
        let about = "When the first ServiceAccount token with which a namespace signs in expires";
        self.gauge("acivnet_credential_not_after_timestamp", about, Some(&Unit::Seconds), credential)
    }

    fn named(&mut self, ctx: &Ctx) -> fmt::Result {
        let (all, rest) = first_of(ctx);
        let about = "Objects that have no series of their own";
        self.gauge("acivnet_objects_without_series", about, None, Some(rest))?;
        let ready = all.iter().map(|one| {
            let [kind, namespace, name] = one.labels();
            ([kind, namespace, name, ("reason", one.state.reason())], i64::from(one.state.ready() == "True"))
        });
        self.gauges("acivnet_object_ready", "1 while the object is Ready", None, ready)?;
        let moves = all.iter().filter(|one| one.kind == DEPLOYMENT).map(|one| (one.labels(), one.state.moves()));
        self.gauges("acivnet_object_endpoint_moves", "How often the address of the model has changed", None, moves)?;
        let took = |one: &NamedObject| {
            ctx.per_object.read(&one.uid, |entry| entry.passed_probe.as_ref().map(|passed| passed.took.as_secs_f64()))
        };
        let took = all.iter().filter_map(|one| Some((one.labels(), took(one)?)));
        let about = "How long the last successful sample request took";
        self.gauges("acivnet_object_probe_duration", about, Some(&Unit::Seconds), took)?;
        let end = |one: &NamedObject| ctx.per_object.read(&one.uid, |entry| entry.certificate_end);
        let ends = all.iter().filter_map(|one| Some((one.labels(), end(one)?.as_second())));
        let about = "When the certificate in spec.tls expires";
        self.gauges("acivnet_object_certificate_not_after_timestamp", about, Some(&Unit::Seconds), ends)
    }
}

/// The first objects by namespace and name, and how many more there are.
fn first_of(ctx: &Ctx) -> (Vec<NamedObject>, u64) {
    let mut all = named(DEPLOYMENT, ctx.stores.deployments.get());
    all.extend(named(SUBNET, ctx.stores.subnets.get()));
    all.sort_by(|one, other| (&one.namespace, &one.name, one.kind).cmp(&(&other.namespace, &other.name, other.kind)));
    let rest = all.len().saturating_sub(MOST_NAMED);
    all.truncate(MOST_NAMED);
    (all, u64::try_from(rest).unwrap_or(u64::MAX))
}

fn named<S: Object>(kind: &'static str, known: Option<&Known<S>>) -> Vec<NamedObject> {
    let of = |kept: Arc<CachedObject<S>>| NamedObject {
        kind,
        namespace: Arc::clone(&kept.key().namespace),
        name: Arc::clone(&kept.key().name),
        uid: kept.uid().into(),
        state: kept.state(),
    };
    known.map(Known::all).unwrap_or_default().into_iter().map(of).collect()
}

impl NamedObject {
    fn labels(&self) -> [(&'static str, &str); 3] {
        [("kind", self.kind), ("namespace", &self.namespace), ("name", &self.name)]
    }
}

#[cfg(test)]
mod tests;
