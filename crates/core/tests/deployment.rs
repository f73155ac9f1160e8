//! An `AciVnetDeployment` through its life: create, change, drift, approval.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod common;

use acivnet_core::report::Next;
use common::*;
use std::time::Duration;

#[test]
fn from_nothing_to_serving() {
    let (mut world, _) = World::with_network();
    let mut cr = deployment(&[]);
    let first = world.pass(&mut cr);
    assert!(first.recorded);
    println!("{:#?}", all_said(&first.report.status.conditions));
    let last = world.settle(&mut cr);
    println!("{:#?}", told(&last.report));
    println!("{}", serde_json::to_string_pretty(&cr.status).unwrap());
    assert_eq!(last.report.next, Next::Sweep(Duration::from_secs(300)));
    assert_eq!(world.writes, ["POST ModelVersion/mymodel", "POST WebService/aciservice"]);
}
