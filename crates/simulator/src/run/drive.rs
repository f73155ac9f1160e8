//! Connects the world and the runner: passes on what should run, and brings back what happened.

use std::net::Ipv4Addr;

use super::{Build, Place, Runner, Status};
use crate::Simulator;
use crate::arm::computes;
use crate::machine_learning::{self, Health, Outcome, Watched};
use crate::network::{self, prefixes};
use crate::world::World;

/// Hands builds and container groups to the runner and brings its results into the world. Nothing waits for a build or
/// a start: the next request asks again.
pub async fn drive(simulator: &Simulator) {
    let runner = simulator.runner();
    if runner.scripted() {
        return;
    }
    let _turn = simulator.driving().lock().await;
    build(simulator, runner.as_ref()).await;
    // A build that has just ended may have submitted its group.
    let pending = simulator.with(|world| machine_learning::pending(world));
    let filters = simulator.with(|world| network::filters(world));
    runner.filter(&filters).await;
    runner.keep_hosts(&simulator.with(|world| computes::hosts(world))).await;
    runner.converge(&pending.groups).await;
    for watched in pending.watched {
        let status = runner.status(&watched.group).await;
        let runs = runner.runs(&watched.group).await;
        simulator.with(|world| {
            machine_learning::note_runs(world, &watched.workspace, &watched.service, runs);
            note_status(world, &watched, status);
        });
    }
}

async fn build(simulator: &Simulator, runner: &dyn Runner) {
    let pending = simulator.with(|world| machine_learning::pending(world));
    for build in pending.builds {
        let (log, outcome) = match runner.build(&build.key, &build.environment).await {
            Build::Running { log } => (log, None),
            Build::Succeeded { log } => (log, Some(Outcome::Good)),
            Build::Failed { log } => (log, Some(Outcome::Bad)),
        };
        simulator.with(|world| {
            machine_learning::write_build_log(world, &build.workspace, &build.operation, &log);
            if let Some(outcome) = outcome {
                machine_learning::build_ended(world, &build.workspace, &build.operation, &outcome);
            }
        });
    }
}

/// Ends the operation that waits for a container, or says whether the container of a settled service is up.
fn note_status(world: &mut World, watched: &Watched, status: Status) {
    match (&watched.operation, status) {
        (Some(operation), Status::Healthy) => {
            machine_learning::deploy_ended(world, &watched.workspace, operation, &Outcome::Good);
        }
        (Some(operation), Status::CrashLoop) => {
            machine_learning::deploy_ended(world, &watched.workspace, operation, &Outcome::Bad);
        }
        (None, Status::Healthy) => {
            machine_learning::health(world, &watched.workspace, &watched.service, Health::Up);
        }
        (None, Status::CrashLoop | Status::Starting | Status::Absent) => {
            machine_learning::health(world, &watched.workspace, &watched.service, Health::Down);
        }
        (Some(_), Status::Starting | Status::Absent) => {}
    }
}

/// An address of a virtual network with the network's prefix that holds it.
pub(crate) fn place(world: &World, network: &str, address: Ipv4Addr) -> Option<Place> {
    let properties = &world.resources.get(network)?.properties;
    let space = properties.get("addressSpace")?.as_object()?;
    let prefixes = prefixes::texts(space, "addressPrefix", "addressPrefixes");
    let prefix = prefixes.iter().filter_map(|text| text.parse::<ipnet::Ipv4Net>().ok());
    let prefix = prefix.into_iter().find(|prefix| prefix.contains(&address))?;
    Some(Place { network: crate::store::key(network), address, prefix })
}
