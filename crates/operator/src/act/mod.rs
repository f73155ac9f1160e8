//! A plan to writes, in its order. Nothing is read here but the payloads that are uploaded.

pub(crate) mod slots;
pub(crate) mod writers;

use crate::{
    act::{slots::Slot, writers::TurnReport},
    cache::{config_maps::Files, secrets::Secrets},
    ctx::Ctx,
    object::ObjectKey,
};
use acivnet_api::conditions::reasons;
use acivnet_azure::{Azure, is_not_leading};
use acivnet_core::{
    blueprint::{Node, PayloadSource},
    failure::Failure,
    names::Names,
    plan::{Action, Held, Plan, Progress, Request, Step},
    retry::Retry,
    seen::Seen,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{collections::BTreeMap, time::Duration};

/// Code of the failure of a write that was not sent because the turn in its virtual network is another object's.
const NOT_ITS_TURN: &str = "NotItsTurn";

fn is_not_its_turn(failure: &Failure) -> bool {
    failure.code == NOT_ITS_TURN
}

/// This process may no longer write: the one that holds the lease looks for itself.
#[derive(Debug)]
pub(crate) struct NotLeading;

/// Sends every write of a plan, in its order, and notes in its step what came of it. One that fails keeps no other from its
/// turn.
///
/// # Errors
/// [`NotLeading`], after which nothing more is sent and nothing is reported.
pub(crate) async fn act(
    ctx: &Ctx,
    azure: &Azure,
    (who, meta): (&ObjectKey, &ObjectMeta),
    secrets: &Secrets,
    plan: &mut Plan,
) -> Result<(), NotLeading> {
    let namespace = meta.namespace();
    let (kube, metrics, limits) = (&ctx.kube, &*ctx.metrics, &ctx.options.models);
    let payloads = Files { kube, metrics, limits, namespace, owner: meta, secrets, azure };
    for step in &mut plan.steps {
        let Some(request) = step.request() else { continue };
        let result = write(ctx, who, &payloads, &step.node, request).await;
        if result.as_ref().is_err_and(is_not_leading) {
            return Err(NotLeading);
        }
        step.result = Some(result);
        ctx.per_object.began(meta.uid(), who, step);
    }
    Ok(())
}

/// Sends one write, once its turn has come.
async fn write(
    ctx: &Ctx,
    who: &ObjectKey,
    payloads: &Files<'_>,
    node: &Node,
    request: &Request,
) -> Result<Progress, Failure> {
    take_turn(ctx, who, node)?;
    let permit = ctx.azure.gate().open()?;
    let result = match upload(ctx, payloads.azure, request) {
        Ok(_turn) => payloads.azure.carry_out(permit, node, request, payloads).await,
        Err(busy) => Err(busy),
    };
    ctx.snapshots.forget(&node.id);
    log(payloads.namespace, node, &result);
    result
}

fn log(namespace: &str, node: &Node, result: &Result<Progress, Failure>) {
    match result {
        Ok(progress) => tracing::info!(namespace, resource = node.label(), ?progress, "written to Azure"),
        Err(failure) if is_not_leading(failure) => {}
        Err(failure) => tracing::warn!(
            namespace,
            resource = node.label(),
            reason = failure.reason,
            code = failure.code,
            message = failure.message,
            "Azure was not written"
        ),
    }
}

/// The turn of a write that uploads a file out of a URI, whose blocks are in memory; no reconcile waits for one.
fn upload(ctx: &Ctx, azure: &Azure, request: &Request) -> Result<Option<Slot>, Failure> {
    let Request::RegisterModel { payloads, .. } = request else { return Ok(None) };
    if !payloads.iter().any(|file| matches!(file.source, PayloadSource::Uri { .. })) {
        return Ok(None);
    }
    let busy = || {
        let message = "the model waits, because files of others are being uploaded; it is tried again by itself";
        Failure::local("UploadsUnderWay", message, Retry::Soon, reasons::READING_MODEL)
    };
    ctx.uploads.take(&azure.identity()).map(Some).ok_or_else(busy)
}

/// The turn of a write in a virtual network. No reconcile waits for one: whose turn begins is told to look.
fn take_turn(ctx: &Ctx, who: &ObjectKey, node: &Node) -> Result<(), Failure> {
    let Some(network) = node.network() else { return Ok(()) };
    let Err(turn) = ctx.writers.take(&network.folded(), who, ctx.pace) else { return Ok(()) };
    turn.next.iter().for_each(|next| ctx.queue.want(next));
    let message = format!(
        "{} waits for its turn: Azure takes one write at a time in virtual network {}, and others come first",
        node.label(),
        network.name()
    );
    let retry = Retry::After(turn.wait.unwrap_or_default());
    Err(Failure::local(NOT_ITS_TURN, message, retry, reasons::PROGRESSING))
}

/// Says at the end of a reconcile which turns go on, and tells those whose turn begins. How long the object waits before
/// it looks by itself, when it has to write and the turn is another's.
pub(crate) fn end_turns(ctx: &Ctx, who: &ObjectKey, plan: &Plan) -> Option<Duration> {
    let mut networks: BTreeMap<String, Vec<&Step>> = BTreeMap::new();
    for step in &plan.steps {
        if let Some(network) = step.node.network() {
            networks.entry(network.folded()).or_default().push(step);
        }
    }
    let moves = moves(plan);
    let turns = networks.into_iter().map(|(network, steps)| {
        let turn = ctx.writers.reconciled(&network, who, told(&steps, moves), ctx.pace);
        turn.next.iter().for_each(|next| ctx.queue.want(next));
        turn.wait
    });
    turns.collect::<Vec<_>>().into_iter().flatten().min()
}

/// A write that Azure refused just now, or that could not be sent.
fn failed(step: &Step) -> bool {
    step.failure().is_some_and(|failure| !is_not_its_turn(failure))
}

/// Whether something is under way that what waits for it can follow. Otherwise nothing of an object comes before somebody
/// has done something.
fn moves(plan: &Plan) -> bool {
    let under_way = |step: &Step| {
        matches!(step.action, Action::Wait | Action::Hold(Held::Turn | Held::Unread(_)))
            || step.writes() && !failed(step)
    };
    plan.steps.iter().any(under_way)
}

/// What the steps in one virtual network, and what became of them, tell of its turn.
fn told(steps: &[&Step], moves: bool) -> TurnReport {
    let results = || steps.iter().filter_map(|step| step.result.as_ref());
    let runs = |result: &Result<Progress, Failure>| match result {
        Ok(progress) => matches!(progress, Progress::Running(_)),
        // somebody else's operation runs, or this one may have begun
        Err(failure) => [reasons::BUSY, reasons::AZURE_UNREACHABLE].contains(&failure.reason),
    };
    let asked = results().filter_map(|result| match result {
        Ok(Progress::Running(asked)) => *asked,
        Ok(Progress::Carried) | Err(_) => None,
    });
    let follows = |step: &&Step| moves && matches!(step.action, Action::Hold(Held::Turn | Held::Needs));
    let wants = |step: &&Step| follows(step) || step.writes() && !failed(step);
    TurnReport {
        unseen: steps.iter().any(|step| matches!(step.seen, Seen::Unread(_))),
        goes_on: steps.iter().any(|step| step.seen == Seen::Busy)
            || results().any(runs)
            || results().any(Result::is_ok) && steps.iter().any(follows),
        asked: asked.max(),
        wants: steps.iter().any(wants),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kubernetes::mock::Mock;
    use acivnet_azure::{Identity, Secret};
    use acivnet_core::{
        blueprint::{Goal, Payload},
        id::ResourceId,
        kinds::virtual_network::VIRTUAL_NETWORK,
        owner::Mark,
    };
    use serde_json::Value;

    #[tokio::test]
    async fn uploads_out_of_uris_have_a_bound_and_others_have_none() {
        let ctx = Mock::new(|seen| panic!("{seen:?}")).ctx();
        let asked = |team: &str, source: PayloadSource| {
            let azure = ctx.azure.session(&Identity::client_secret("t", team, Secret::new("s")));
            let (container, path) = ("c".into(), "m".into());
            let payloads = vec![Payload { source, container, path, digest: String::new(), size: 1 }];
            upload(&ctx, &azure, &Request::RegisterModel { body: Value::Null, payloads })
        };
        let uri = || PayloadSource::Uri { uri: "https://a/m".into(), etag: "\"1\"".into() };
        let held: Vec<_> = ["a", "a", "b", "b"].into_iter().map(|team| asked(team, uri()).unwrap().unwrap()).collect();
        for team in ["a", "c"] {
            let busy = asked(team, uri()).err().unwrap();
            assert!(busy.retry == Retry::Soon && busy.message.contains("files of others are being uploaded"));
            assert!(asked(team, PayloadSource::Text("x")).unwrap().is_none());
        }
        drop(held);
        let _one_team = [asked("a", uri()).unwrap(), asked("a", uri()).unwrap()];
        assert!(asked("a", uri()).is_err() && asked("c", uri()).is_ok());
    }

    #[test]
    fn what_waits_for_a_refusal_wants_no_turn() {
        let id = ResourceId::group_id("s", "g");
        let step = |action| Step {
            node: Node::new(&VIRTUAL_NETWORK, id.clone(), Goal::Present, Value::Null, Mark::None),
            seen: Seen::Absent,
            action,
            change: None,
            result: None,
        };
        let held = || step(Action::Hold(Held::Needs));
        let refused = || {
            Err(Failure {
                status: 400,
                code: "InvalidRequestFormat".into(),
                message: String::new(),
                retry: Retry::Slowly,
                reason: reasons::AZURE_REFUSED,
            })
        };
        for (before, result, wants) in [
            (Action::Hold(Held::Broken("it failed".into())), None, false),
            (Action::Hold(Held::Suspended), None, false),
            (Action::Write(Request::Delete { if_match: None, successor: None }), Some(refused()), false),
            (Action::Write(Request::Delete { if_match: None, successor: None }), Some(Ok(Progress::Carried)), true),
            (Action::Wait, None, true),
            (Action::Hold(Held::Turn), None, true),
        ] {
            let plan = Plan { steps: vec![Step { result, ..step(before.clone()) }, held()], ..Plan::default() };
            let told = told(&[&held()], moves(&plan));
            assert_eq!(told.wants, wants, "{before:?}");
        }
    }
}
