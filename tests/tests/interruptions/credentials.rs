//! A ServiceAccount goes with its namespace. An operator that is stopped meanwhile can't sign in any more: it says so and
//! lets nothing go, where one that has its token finishes.

use acivnet_tests::in_process::{
    actions,
    campaign::{Case, Clean, parallel},
    end_state::EndState,
    expect,
    scenario::Scenario,
    wire::{Mode, Sent},
};

static DELETION: Scenario = Scenario {
    name: "namespace deletion with a ServiceAccount",
    prepare: actions::article,
    act: actions::delete_namespace,
    ends: expect::no_namespace,
};

#[test]
fn nothing_is_let_go_in_silence() {
    let clean = Clean::of(&DELETION).unwrap_or_else(|why| panic!("{why}"));
    let cases = clean.cases(&clean.run.numbers(Sent::writes), &Mode::ALL);
    let wrong: Vec<String> = parallel(&cases, |case| finished_or_told(&clean, case)).into_iter().flatten().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What is wrong with the end, if anything is.
fn finished_or_told(clean: &Clean, case: &Case) -> Option<String> {
    let run = match case.disturbed() {
        Ok(run) => run,
        Err(why) => return Some(format!("{case}: {why}")),
    };
    let restarted = run.starts > clean.run.starts;
    let good = clean.run.end.differences(&run.end).is_empty() || restarted && all_are_kept(&run.end);
    (!good).then(|| format!("{case}: neither finished nor told: {:#}", run.end.kubernetes))
}

/// As much stands in Kubernetes as needs a finalizer for what stands in Azure, and says why it does.
fn all_are_kept(end: &EndState) -> bool {
    let objects = |kind: &str| end.kubernetes[kind].as_object().into_iter().flatten().collect::<Vec<_>>();
    let (subnets, deployments) = (objects("delegatedsubnets"), objects("acivnetdeployments"));
    let in_azure = |part: &str| end.azure["resources"].as_object().unwrap().keys().any(|id| id.contains(part));
    let services = ["services", "models"].iter().any(|what| !end.azure[what].as_array().unwrap().is_empty());
    let network = in_azure("amlvnet1") || in_azure("amlnsg");
    let says = |conditions: &serde_json::Value| {
        let conditions = conditions.as_array().into_iter().flatten();
        conditions.into_iter().any(|one| one["type"] == "DeletionBlocked" && one["reason"] == "CredentialsLost")
    };
    let told = subnets.iter().chain(&deployments).any(|(_, object)| says(&object["status"]["conditions"]));
    told && (!services || !deployments.is_empty()) && (!network || !subnets.is_empty())
}
