//! What can't be deleted with its resource group, because something outside the group uses it.

use super::tracked::Kind;
use super::{addresses, references, subnets, virtual_networks};
use crate::error::Refusal;
use crate::store::{Resource, is_within};
use crate::world::World;

/// Resources of Microsoft.Network in a group that its deletion would leave behind, and how each refuses: those that a
/// resource of another group uses, and those that they use in turn.
pub(crate) fn in_group(world: &World, group: &str) -> Vec<(String, Refusal)> {
    let mut blocked: Vec<(String, Refusal)> = Vec::new();
    loop {
        let stays = |user: &str| !is_within(user, group) || blocked.iter().any(|(id, _)| is_within(user, id));
        let is_new = |found: &&Resource| !blocked.iter().any(|(id, _)| *id == found.id);
        let more: Vec<(String, Refusal)> = world
            .resources
            .below(group)
            .filter(is_new)
            .filter_map(|found| Some((found.id.clone(), refusal(world, found, &stays)?)))
            .collect();
        if more.is_empty() {
            return blocked;
        }
        blocked.extend(more);
    }
}

/// How the deletion of a resource is refused by those of its users that stay; none if there are none.
fn refusal(world: &World, found: &Resource, stays: &dyn Fn(&str) -> bool) -> Option<Refusal> {
    if found.kind == virtual_networks::KIND {
        let subnets = world.resources.children(&found.id, subnets::KIND);
        let is_held = |subnet: &&Resource| addresses::holders(world, &subnet.id).iter().any(|holder| stays(holder));
        return subnets.into_iter().find(is_held).and_then(|subnet| subnets::check_unused(world, subnet).err());
    }
    let kind = Kind::of(found.kind)?;
    let users: Vec<String> = references::referrers(world, found).into_iter().filter(|user| stays(user)).collect();
    (!users.is_empty()).then(|| (kind.in_use)(found, &users))
}
