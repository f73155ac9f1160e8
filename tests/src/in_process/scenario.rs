//! Scenarios, and running them with and without interruptions.

use super::{
    bed::{Bed, NAMESPACE},
    driver::Driver,
    end_state::EndState,
    wire::{Interruption, Sent},
};
use crate::{examples, repository};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use futures::future::{BoxFuture, FutureExt as _, ready};
use serde_json::{Value, json};

use super::api_server::resources::{ACI_VNET_DEPLOYMENTS, DELEGATED_SUBNETS};

/// What a person does.
pub type Act = for<'b> fn(&'b Bed) -> BoxFuture<'b, ()>;

/// Something that happens to the world, and from which every interruption has to lead to the same end.
#[derive(Clone, Copy)]
pub struct Scenario {
    /// Its name.
    pub name: &'static str,
    /// What is done, and comes to rest, beforehand.
    pub prepare: Act,
    /// What is done then. The requests that follow are those that are interrupted.
    pub act: Act,
}

/// All scenarios.
pub const SCENARIOS: &[Scenario] = &[
    Scenario { name: "article create", prepare: nothing, act: article },
    Scenario { name: "model update", prepare: article, act: other_model },
    Scenario { name: "delete all", prepare: article, act: delete_all },
];

/// How a run went.
#[derive(Clone, Debug)]
pub struct Run {
    /// Every request.
    pub trace: Vec<Sent>,
    /// The same in lines, with the statuses of the answers.
    pub log: Vec<String>,
    /// The number of the first request after the act.
    pub acted: usize,
    /// What stood when all had settled.
    pub end: EndState,
    /// How often an operator was started.
    pub starts: u64,
}

impl Scenario {
    /// Runs it with these interruptions. Time has to be paused.
    ///
    /// # Errors
    /// What did not settle, or was touched although it belongs to others.
    pub async fn run(&self, planned: Vec<Interruption>) -> Result<Run, String> {
        let bed = Bed::new(planned).await;
        let foreign = bed.foreign().await;
        (self.prepare)(&bed).await;
        let mut driver = Driver::start(&bed).await;
        driver.until_stable().await.map_err(|why| format!("beforehand, {why}"))?;
        let acted = bed.wire.count();
        (self.act)(&bed).await;
        driver.until_stable().await?;
        if bed.foreign().await != foreign {
            return Err("something that belongs to others was touched".into());
        }
        match bed.wire.unmet().as_slice() {
            [] => Ok(Run { trace: bed.wire.trace(), log: bed.wire.log(0), acted, end: EndState::of(&bed).await, starts: bed.starts() }),
            [unmet, ..] => Err(format!("there never was a request {}", unmet.request)),
        }
    }
}

impl Run {
    /// The numbers of the requests after the act that `concerns` selects.
    pub fn numbers(&self, concerns: impl Fn(&Sent) -> bool) -> Vec<usize> {
        let after = self.trace.iter().enumerate().skip(self.acted);
        after.filter(|(_, sent)| concerns(sent)).map(|(number, _)| number).collect()
    }

    /// What is wrong with an interrupted run, compared with this undisturbed one; empty when nothing is.
    pub fn wrong_with(&self, interrupted: &Self, first: &Interruption) -> Vec<String> {
        let until = first.request + 1;
        let mut wrong = self.end.differences(&interrupted.end);
        let pairs = self.trace.iter().zip(&interrupted.trace).take(until);
        wrong.extend(pairs.enumerate().find(|(_, (want, have))| want != have).map(|(number, (want, have))| {
            format!("the runs part before the interruption, at request {number}: undisturbed {want}, here {have}")
        }));
        wrong
    }
}

fn nothing(_: &Bed) -> BoxFuture<'_, ()> {
    ready(()).boxed()
}

/// The how-to's two objects and their files.
fn article(bed: &Bed) -> BoxFuture<'_, ()> {
    bed.apply(files("churn"));
    bed.apply(examples::subnet().0);
    bed.apply(examples::deployment().0);
    ready(()).boxed()
}

/// Another model under another name of ConfigMap, as kustomize's generator names it.
fn other_model(bed: &Bed) -> BoxFuture<'_, ()> {
    let mut other = files("churn-2");
    other["binaryData"]["model.pkl"] = STANDARD.encode(b"\x80\x04another model").into();
    bed.apply(other);
    let mut deployment = examples::deployment().0;
    let spec = &mut deployment["spec"];
    for file in [["model", "source"], ["scoring", "script"], ["environment", "conda"], ["probe", "request"]] {
        let [part, member] = file;
        spec[part][member]["configMap"]["name"] = "churn-2".into();
    }
    bed.apply(deployment);
    ready(()).boxed()
}

fn delete_all(bed: &Bed) -> BoxFuture<'_, ()> {
    bed.api.delete(&Bed::key(&ACI_VNET_DEPLOYMENTS, examples::deployment().name()));
    bed.api.delete(&Bed::key(&DELEGATED_SUBNETS, examples::subnet().name()));
    ready(()).boxed()
}

/// The example's ConfigMap: text in `data`, the rest in `binaryData`.
fn files(name: &str) -> Value {
    let folder = repository().join("deploy/examples/article");
    let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": NAMESPACE}});
    for file in ["model.pkl", "score.py", "myenv.yml", "sample.json"] {
        let bytes = std::fs::read(folder.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        match String::from_utf8(bytes) {
            Ok(text) => map["data"][file] = text.into(),
            Err(binary) => map["binaryData"][file] = STANDARD.encode(binary.as_bytes()).into(),
        }
    }
    map
}
