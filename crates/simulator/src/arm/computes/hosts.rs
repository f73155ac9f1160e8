//! Compute instances as machines in their subnets, for a runner that can run them.

use super::writes::subnet_of;
use super::{KIND, inner_text};
use crate::network::addresses;
use crate::run::{COMPUTE_PREFIX, Place};
use crate::store::parent_of;
use crate::world::World;
use std::collections::BTreeMap;

/// Those that run and have an address in a network, by the name of their machine. Of two workspaces' instances of one name
/// the first in the order of ids has it.
pub(crate) fn hosts(world: &World) -> BTreeMap<String, Place> {
    let mut hosts = BTreeMap::new();
    let all = world.resources.iter().filter(|resource| resource.kind == KIND);
    for compute in all.filter(|compute| inner_text(compute, "/state") == "Running") {
        let subnet = subnet_of(compute);
        let address = addresses::seat_of(world, subnet, &compute.id);
        let place =
            address.zip(parent_of(subnet)).and_then(|(address, network)| crate::run::place(world, network, address));
        if let Some(place) = place {
            hosts.entry(format!("{COMPUTE_PREFIX}{}", compute.name.to_ascii_lowercase())).or_insert(place);
        }
    }
    hosts
}
