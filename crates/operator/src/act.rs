//! A plan to writes, in its order. Nothing is read here but the payloads that are uploaded.

use crate::{config_maps::Files, ctx::Ctx, queue::Who, secrets::Secrets, turns::Turn, writers::Told};
use acivnet_api::conditions::reasons;
use acivnet_azure::{Azure, NOT_LEADING};
use acivnet_core::{
    blueprint::{Blueprint, Node, PayloadSource},
    failure::Failure,
    plan::{Action, Done, Held, Plan, Progress, Request, Step},
    retry::Retry,
    seen::Seen,
    subject::names,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use std::{collections::BTreeSet, time::Duration};

/// Code of the failure of a write that was not sent because the turn in its virtual network is another object's.
const NOT_ITS_TURN: &str = "NotItsTurn";

/// Carries out every write of a plan. One that fails keeps no other from its turn; none when this process may no longer
/// write, since whoever may looks for itself.
pub(crate) async fn act(
    ctx: &Ctx,
    azure: &Azure,
    (who, meta): (&Who, &ObjectMeta),
    secrets: &Secrets,
    blueprint: &Blueprint,
    plan: &Plan,
) -> Option<Done> {
    let (mut done, namespace) = (Done::default(), names(meta).0);
    let payloads = Files { ctx, namespace, owner: meta, secrets, azure };
    for (at, request) in plan.writes() {
        let Some(node) = blueprint.nodes.get(at) else { continue };
        if let Err(waits) = take_turn(ctx, who, node) {
            done.results.push((at, Err(waits)));
            continue;
        }
        let permit = ctx.azure.gate().open().ok()?;
        let result = match upload(ctx, azure, request) {
            Ok(_turn) => azure.carry_out(permit, node, request, &payloads).await,
            Err(busy) => Err(busy),
        };
        ctx.snapshots.drop_around(&node.id);
        if let (Ok(progress), Some(step)) = (&result, plan.steps.get(at)) {
            ctx.running.began(meta, node, step, *progress);
        }
        match &result {
            Err(failure) if failure.code == NOT_LEADING => return None,
            Ok(progress) => tracing::info!(namespace, resource = node.label(), ?progress, "written to Azure"),
            Err(failure) => tracing::warn!(
                namespace,
                resource = node.label(),
                reason = failure.reason,
                code = failure.code,
                message = failure.message,
                "Azure was not written"
            ),
        }
        done.results.push((at, result));
    }
    Some(done)
}

/// The turn of a write that uploads a file out of a URI, whose blocks are in memory; no pass waits for one.
fn upload(ctx: &Ctx, azure: &Azure, request: &Request) -> Result<Option<Turn>, Failure> {
    let Request::RegisterModel { payloads, .. } = request else { return Ok(None) };
    if !payloads.iter().any(|file| matches!(file.source, PayloadSource::Uri { .. })) {
        return Ok(None);
    }
    let busy = || Failure {
        status: 0,
        code: "UploadsUnderWay".into(),
        message: "the model waits, because files of others are being uploaded; it is tried again by itself".into(),
        retry: Retry::Soon,
        reason: reasons::READING_MODEL,
    };
    ctx.uploads.take(&azure.identity()).map(Some).ok_or_else(busy)
}

/// The turn of a write in a virtual network. No pass waits for one: whose turn begins is told to look.
fn take_turn(ctx: &Ctx, who: &Who, node: &Node) -> Result<(), Failure> {
    let Some(network) = node.network() else { return Ok(()) };
    let Err(turn) = ctx.writers.take(&network.folded(), who, ctx.pace) else { return Ok(()) };
    turn.next.iter().for_each(|next| ctx.queue.want(next));
    Err(Failure {
        status: 0,
        code: NOT_ITS_TURN.into(),
        message: format!(
            "{} waits for its turn: Azure takes one write at a time in virtual network {}, and others come first",
            node.label(),
            network.name()
        ),
        retry: Retry::After(turn.wait.unwrap_or_default()),
        reason: reasons::PROGRESSING,
    })
}

/// Says at the end of a pass which turns go on, and tells those whose turn begins. How long the object waits before it
/// looks by itself, when it has to write and the turn is another's.
pub(crate) fn end_turns(ctx: &Ctx, who: &Who, blueprint: &Blueprint, plan: &Plan, done: &Done) -> Option<Duration> {
    let networks: BTreeSet<String> = blueprint.nodes.iter().filter_map(Node::network).map(|id| id.folded()).collect();
    let turns = networks.into_iter().map(|of| {
        let steps = blueprint.nodes.iter().zip(&plan.steps);
        let inside = steps.filter(|(node, _)| node.network().is_some_and(|id| id.folded() == of));
        let steps: Vec<&Step> = inside.map(|(_, step)| step).collect();
        let turn = ctx.writers.passed(&of, who, told(&steps, done, moves(plan, done)), ctx.pace);
        turn.next.iter().for_each(|next| ctx.queue.want(next));
        turn.wait
    });
    turns.collect::<Vec<_>>().into_iter().flatten().min()
}

/// What became of a write.
fn result<'a>(done: &'a Done, step: &Step) -> Option<&'a Result<Progress, Failure>> {
    done.results.iter().find(|(at, _)| *at == step.node).map(|(_, result)| result)
}

/// A write that Azure refused in this pass, or that could not be sent.
fn failed(done: &Done, step: &Step) -> bool {
    let failure = result(done, step).and_then(|result| result.as_ref().err());
    failure.is_some_and(|failure| failure.code != NOT_ITS_TURN)
}

/// Whether something is under way that what waits for it can follow. Otherwise nothing of an object comes before somebody
/// has done something.
fn moves(plan: &Plan, done: &Done) -> bool {
    let under_way = |step: &Step| {
        matches!(step.action, Action::Wait | Action::Hold(Held::Turn | Held::Unread(_)))
            || step.writes() && !failed(done, step)
    };
    plan.steps.iter().any(under_way)
}

/// What the steps in one virtual network, and what became of them, tell of its turn.
fn told(steps: &[&Step], done: &Done, moves: bool) -> Told {
    let results = || steps.iter().filter_map(|step| result(done, step));
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
    let wants = |step: &&Step| follows(step) || step.writes() && !failed(done, step);
    Told {
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
    use crate::mock::Mock;
    use acivnet_azure::{Identity, Secret};
    use acivnet_core::blueprint::Payload;
    use serde_json::Value;

    #[tokio::test]
    async fn uploads_out_of_uris_have_a_bound_and_others_have_none() {
        let ctx = Mock::new(|seen| panic!("{seen:?}")).ctx();
        let asked = |team: &str, source: PayloadSource| {
            let azure = ctx.azure.pass(&Identity::client_secret("t", team, Secret::new("s")));
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
        let step = |node, action| Step { node, seen: Seen::Absent, action, change: None };
        let held = || step(1, Action::Hold(Held::Needs));
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
            let plan = Plan { steps: vec![step(0, before.clone()), held()], ..Plan::default() };
            let done = Done { results: result.into_iter().map(|result| (0, result)).collect() };
            let told = told(&[&held()], &done, moves(&plan, &done));
            assert_eq!(told.wants, wants, "{before:?}");
        }
    }
}
