//! The custom roles of `deploy/azure/roles` suffice for every scenario, and none of their actions is unused.

use acivnet_tests::{
    azure_roles::{self, Given},
    in_process::{
        actions,
        azure::admin,
        bed::{self, Bed, PRINCIPAL},
        campaign::{Case, parallel},
        driver::Driver,
        scenario::Scenario,
        scenarios,
        wire::Disturbance,
    },
};
use http::Method;
use serde_json::{Value, json};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::timeout;

/// A role's name, and one of its actions.
type Action = (String, String);

/// Every scenario runs with these roles and no other (`bed::roles`).
#[test]
fn suffice_and_nothing_of_them_is_unused() {
    let all: Vec<&'static Scenario> = scenarios::all().collect();
    let rights = parallel(&all, |&scenario| {
        let case = Case { scenario, interruptions: Vec::new() };
        case.disturbed().map(|run| run.rights).unwrap_or_else(|why| panic!("{}: {why}", scenario.name))
    });
    assert_eq!(refused(&rights), [] as [String; 0], "actions that no role of ours gives");
    assert_eq!(unused(&bed::roles(), &rights), [] as [Action; 0], "actions that no scenario needs");
}

/// The comparison above finds an action that is taken out of a role, and one that is put in.
#[test]
fn one_that_is_missing_and_one_too_many_are_found() {
    const MISSING: &str = "Microsoft.Network/virtualNetworks/subnets/write";
    const UNUSED: &str = "Microsoft.Network/virtualNetworks/subnets/joinLoadBalancer/action";
    let mut roles = bed::roles();
    let actions = roles[0].role["Actions"].as_array_mut().expect("a list");
    actions.retain(|action| *action != MISSING);
    actions.push(json!(UNUSED));
    let rights = [paused(network_with(&roles))];
    let refused = refused(&rights);
    assert!(!refused.is_empty() && refused.iter().all(|one| one.contains(MISSING)), "{refused:?}");
    assert!(unused(&roles, &rights).contains(&(name(&roles[0]), UNUSED.to_owned())));
}

fn paused<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// What a tenant with these roles asks for that makes a network.
async fn network_with(roles: &[Given]) -> Value {
    let bed = Bed::new(Disturbance::default()).await;
    admin(&bed.azure, Method::DELETE, &format!("roles?principalId={PRINCIPAL}"), Value::Null).await;
    let seed = json!({"roleAssignments": azure_roles::assignments(PRINCIPAL, roles)});
    admin(&bed.azure, Method::PUT, "seed", seed).await;
    let mut driver = Driver::start(&bed).await;
    actions::network(&bed).await;
    // what is refused is tried again and again
    timeout(Duration::from_secs(1800), driver.until_stable()).await.ok();
    bed.rights().await
}

fn refused(rights: &[Value]) -> Vec<String> {
    let all = rights.iter().flat_map(|rights| rights["refused"].as_array().into_iter().flatten());
    let distinct: BTreeSet<String> = all.map(ToString::to_string).collect();
    distinct.into_iter().collect()
}

fn unused(roles: &[Given], rights: &[Value]) -> Vec<Action> {
    let used = |role: &str, member: &str| -> BTreeSet<String> {
        rights.iter().flat_map(|rights| texts(&rights["given"][role][member])).collect()
    };
    let mut unused = Vec::new();
    for given in roles {
        for (of_role, of_rights) in [("Actions", "actions"), ("DataActions", "dataActions")] {
            let used = used(&name(given), of_rights);
            let idle = texts(&given.role[of_role]).filter(|action| !used.contains(action));
            unused.extend(idle.map(|action| (name(given), action)));
        }
    }
    unused
}

fn name(given: &Given) -> String {
    given.role["Name"].as_str().expect("a name").to_owned()
}

fn texts(list: &Value) -> impl Iterator<Item = String> {
    list.as_array().into_iter().flatten().map(|one| one.as_str().expect("a text").to_owned())
}
