//! What the tests share.
#![allow(dead_code, unused_imports, reason = "each test file uses its own part")]

pub mod objects;
pub mod world;
pub mod writes;

pub use objects::*;
pub use world::*;

use acivnet_api::{
    AciVnetDeployment, AciVnetDeploymentStatus, DelegatedSubnet, DelegatedSubnetStatus,
    conditions::{reasons, types},
};
use acivnet_core::{
    blueprint::{Goal, Hold},
    observed::Observed,
    outcome::{Next, Reconcile, Report},
    plan::{Action, Plan},
    seen::Seen,
    subject::{Subject, decide, needs_record},
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use serde_json::Value;

/// An object whose status can be set, as the API server does.
pub trait Stored: Subject + Clone + serde::Serialize {
    fn set_status(&mut self, status: Self::Status);
    fn conditions(status: &Self::Status) -> &[Condition];
}

impl Stored for DelegatedSubnet {
    fn set_status(&mut self, status: DelegatedSubnetStatus) {
        self.status = Some(through_json(status));
    }
    fn conditions(status: &DelegatedSubnetStatus) -> &[Condition] {
        &status.conditions
    }
}

impl Stored for AciVnetDeployment {
    fn set_status(&mut self, status: AciVnetDeploymentStatus) {
        self.status = Some(through_json(status));
    }
    fn conditions(status: &AciVnetDeploymentStatus) -> &[Condition] {
        &status.conditions
    }
}

fn through_json<T: serde::Serialize + serde::de::DeserializeOwned>(status: T) -> T {
    serde_json::from_value(serde_json::to_value(status).unwrap()).unwrap()
}

/// One reconcile, as the shell makes it, and what it did.
pub struct Passed<S: Subject> {
    pub observed: Observed,
    pub plan: Plan,
    pub report: Report<S::Status>,
    pub recorded: bool,
}

impl World {
    /// What would be done, and said, without doing it.
    pub fn look<S: Stored>(&self, cr: &S) -> Passed<S> {
        let observed = self.observe(cr);
        let plan = decide(cr, &observed, self.now());
        let report = cr.report(&Reconcile { observed: &observed, plan: &plan, now: self.now() });
        let recorded = needs_record(cr, &report);
        Passed { observed, plan, report, recorded }
    }

    /// One whole pass. Checks on the way what must always hold.
    pub fn pass<S: Stored>(&mut self, cr: &mut S) -> Passed<S> {
        let mut passed = self.look(cr);
        if passed.plan.writes().next().is_some() {
            if passed.recorded {
                cr.set_status(passed.report.status.clone());
            }
            check_recorded(cr, &passed);
            self.act(&mut passed.plan);
            passed.report = cr.report(&Reconcile { observed: &passed.observed, plan: &passed.plan, now: self.now() });
        }
        check_plan(&passed);
        check_conditions(S::conditions(&passed.report.status));
        cr.set_status(passed.report.status.clone());
        passed
    }

    /// Passes until nothing is left to do.
    pub fn settle<S: Stored>(&mut self, cr: &mut S) -> Passed<S> {
        for _ in 0..30 {
            let passed = self.pass(cr);
            if passed.report.release || !matches!(passed.report.next, Next::Retry(_)) {
                return passed;
            }
            self.tick();
        }
        panic!("never settles: {:?}", self.look(cr).plan.steps);
    }

    /// The network stands, and deployments see it.
    pub fn with_network() -> (Self, DelegatedSubnet) {
        let mut world = Self::default();
        let mut network = subnet(&[]);
        world.settle(&mut network);
        world.show(&network);
        world.writes.clear();
        (world, network)
    }

    /// Network and service stand.
    pub fn serving(changes: &[(&str, Value)]) -> (Self, AciVnetDeployment) {
        let (mut world, _) = Self::with_network();
        let mut cr = deployment(changes);
        world.settle(&mut cr);
        world.writes.clear();
        (world, cr)
    }

    pub fn show(&mut self, network: &DelegatedSubnet) {
        let name = network.metadata.name.clone().unwrap();
        self.subnets.insert(name, serde_json::to_value(network).unwrap());
    }
}

/// Ids are in status before anything is made under them.
fn check_recorded<S: Stored>(cr: &S, passed: &Passed<S>) {
    for (step, _) in passed.plan.writes() {
        let node = &step.node;
        let known = cr.recorded().iter().any(|one| one.kind == node.kind.name && one.id == node.id.as_str());
        assert!(known || step.seen != Seen::Absent, "{} is made and not recorded", node.label());
    }
}

/// Order, and that nothing is written that is not ours or not read.
pub fn check_plan<S: Subject>(passed: &Passed<S>) {
    let there = |at: &usize| match (passed.plan.steps[*at].node.goal, &passed.plan.steps[*at].seen) {
        (Goal::Present, Seen::Settled) | (Goal::Gone, Seen::Absent | Seen::Foreign(_)) => true,
        (Goal::Gone, _) => passed.plan.steps[*at].node.hold == Hold::Referenced,
        (Goal::Present, _) => false,
    };
    for step in &passed.plan.steps {
        let node = &step.node;
        if let Action::Write(request) = &step.action {
            assert_eq!(node.hold, Hold::Owned, "{}", node.label());
            assert!(node.needs.iter().all(there), "{} is written before what it needs", node.label());
            assert!(
                !matches!(step.seen, Seen::Foreign(_) | Seen::Unread(_) | Seen::Busy | Seen::Settled if node.goal == Goal::Present),
                "{request:?}"
            );
            assert!(!matches!(step.seen, Seen::Foreign(_) | Seen::Unread(_) | Seen::Busy), "{request:?}");
            assert!(passed.plan.blocked.is_none());
        }
    }
}

pub fn check_conditions(conditions: &[Condition]) {
    let types: std::collections::BTreeSet<_> = conditions.iter().map(|one| &one.type_).collect();
    assert_eq!(types.len(), conditions.len(), "a type stands twice");
    let has = |type_: &str| conditions.iter().any(|one| one.type_ == type_);
    assert!(!(has(types::RECONCILING) && has(types::STALLED)), "{conditions:?}");
    for one in conditions {
        assert!(!one.message.is_empty() && one.observed_generation.is_some(), "{one:?}");
        assert!(reasons::ALL.iter().any(|(word, _)| *word == one.reason), "{} is no reason of the API", one.reason);
        assert!(types::ALL.iter().any(|(word, _)| *word == one.type_), "{} is no type of the API", one.type_);
        assert!(one.message.chars().count() <= 512, "{}", one.message);
        if [types::RECONCILING, types::STALLED, types::DELETION_BLOCKED].contains(&one.type_.as_str()) {
            assert_eq!(one.status, "True", "{} is there only when True", one.type_);
        }
    }
}

/// `Type=Status/Reason` of one type, or `-`.
pub fn said(conditions: &[Condition], type_: &str) -> String {
    let found = conditions.iter().find(|one| one.type_ == type_);
    found.map_or_else(|| "-".into(), |one| format!("{}/{}", one.status, one.reason))
}

/// All conditions as `Type=Status/Reason`.
pub fn all_said(conditions: &[Condition]) -> Vec<String> {
    conditions.iter().map(|one| format!("{}={}/{}", one.type_, one.status, one.reason)).collect()
}

pub fn message<'c>(conditions: &'c [Condition], type_: &str) -> &'c str {
    conditions.iter().find(|one| one.type_ == type_).map(|one| one.message.as_str()).unwrap_or_default()
}

/// `reason: message` of events.
pub fn told<S>(report: &Report<S>) -> Vec<String> {
    report
        .events
        .iter()
        .map(|one| format!("{}{}: {}", if one.warning { "!" } else { "" }, one.reason, one.message))
        .collect()
}

pub fn reasons_told<S>(report: &Report<S>) -> Vec<&'static str> {
    report.events.iter().map(|one| one.reason).collect()
}

/// One line for each pass until nothing is left to do: what was written, said and told.
pub fn timeline<S: Stored>(world: &mut World, cr: &mut S) -> String {
    let mut lines = Vec::new();
    for _ in 0..30 {
        world.writes.clear();
        let passed = world.pass(cr);
        let conditions = S::conditions(&passed.report.status);
        let progress =
            [types::RECONCILING, types::STALLED, types::DELETION_BLOCKED].map(|one| (one, said(conditions, one)));
        let progress = progress.iter().filter(|(_, said)| said != "-").map(|(one, said)| format!("{one}={said}"));
        lines.push(format!("wrote {:?}", world.writes));
        lines.push(format!("  Ready={} {}", said(conditions, types::READY), progress.collect::<Vec<_>>().join(" ")));
        lines.extend(told(&passed.report).iter().map(|event| format!("  event {event}")));
        lines.push(format!("  next {:?}{}", passed.report.next, if passed.report.release { ", released" } else { "" }));
        if passed.report.release || !matches!(passed.report.next, Next::Retry(_)) {
            return lines.join("\n");
        }
        world.tick();
    }
    panic!("never ends:\n{}", lines.join("\n"));
}
