//! Who has which address of a subnet, and the service association link that container groups leave behind.

use super::{prefixes, subnets, virtual_networks};
use crate::clock::after;
use crate::error::Refusal;
use crate::store::{Resource, key, parent_of};
use crate::world::World;
use http::StatusCode;
use ipnet::{IpNet, Ipv4Net};
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::net::Ipv4Addr;

/// The delegation that container groups need.
pub const CONTAINER_GROUPS: &str = "Microsoft.ContainerInstance/containerGroups";
/// How long the link stays after the last container group, in seconds: 10 to 15 minutes by the documentation ("Failed
/// to delete a virtual network or subnet used by Azure Container Instances").
const LINK_LINGERS_SECONDS: f64 = 720.0;
/// Addresses at the start of a subnet that Azure reserves: network, gateway, two for DNS.
const RESERVED_FIRST: usize = 4;

/// A container group that wants an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Id, unique in the simulator.
    pub id: String,
    /// Region of the container group.
    pub location: String,
}

/// The holders of a subnet's addresses.
#[derive(Debug, Default)]
pub(crate) struct Occupancy {
    seats: BTreeMap<Ipv4Addr, Seat>,
    link: Option<Link>,
}

#[derive(Debug, Clone)]
struct Seat {
    holder: String,
    is_container_group: bool,
}

/// The link `acisal`; `until` is set once nothing holds it any more.
#[derive(Debug)]
struct Link {
    until: Option<Timestamp>,
}

/// Takes the first free address for a container group; the one it has already, if it has one.
///
/// # Errors
/// See [`check_subnet`].
pub fn take_address(world: &mut World, subnet: &str, holder: &Holder) -> Result<Ipv4Addr, Refusal> {
    if let Some(address) = seat_of(world, subnet, &holder.id) {
        return Ok(address);
    }
    check_subnet(world, subnet, holder)?;
    let address = take(world, subnet, &holder.id, true)?;
    occupancy(world, subnet).link = Some(Link { until: None });
    virtual_networks::touch(world, parent_of_subnet(subnet));
    Ok(address)
}

/// Takes the first free address for a machine, for which the subnet may not be delegated.
///
/// # Errors
/// `400` when the subnet is missing, delegated or full.
pub fn take_host_address(world: &mut World, subnet: &str, holder: &str) -> Result<Ipv4Addr, Refusal> {
    if let Some(address) = seat_of(world, subnet, holder) {
        return Ok(address);
    }
    if delegations(world, subnet)?.iter().any(|name| name.eq_ignore_ascii_case(CONTAINER_GROUPS)) {
        let message = format!("Subnet {subnet} is delegated to {CONTAINER_GROUPS} and can't hold a network interface.");
        return Err(Refusal::bad_request("SubnetIsDelegated", message));
    }
    let address = take(world, subnet, holder, false)?;
    virtual_networks::touch(world, parent_of_subnet(subnet));
    Ok(address)
}

/// Whether a container group could take an address of the subnet.
///
/// # Errors
/// `400 InvalidResourceReference` when network or subnet is missing or going, `SubnetMissingRequiredDelegation`,
/// `SubnetIsFull`, and for another region `SubnetRegionMismatch` (code not confirmed).
pub fn check_subnet(world: &World, subnet: &str, holder: &Holder) -> Result<(), Refusal> {
    let location = &holder.location;
    let delegations = delegations(world, subnet)?;
    let network = world.resources.get(parent_of_subnet(subnet)).and_then(|network| network.location.clone());
    let region = network.unwrap_or_default();
    if !region.eq_ignore_ascii_case(location) {
        let message = format!(
            "The subnet '{subnet}' is in region '{region}', the container group in region '{location}'. Both must be \
             in the same region."
        );
        return Err(Refusal::bad_request("SubnetRegionMismatch", message));
    }
    if !delegations.iter().any(|name| name.eq_ignore_ascii_case(CONTAINER_GROUPS)) {
        let name = holder.id.rsplit('/').next().unwrap_or_default();
        let message =
            format!("Subnet missing required delegation 'Microsoft.ContainerInstance' for container group '{name}'.");
        return Err(Refusal::bad_request("SubnetMissingRequiredDelegation", message));
    }
    first_free(world, subnet).map(|_| ())
}

/// Releases the address. It is free at once; after the last container group the link lingers.
pub fn release_address(world: &mut World, subnet: &str, holder: &str) {
    let until = after(world.now, world.scaled(LINK_LINGERS_SECONDS));
    let occupied = occupancy(world, subnet);
    let before = occupied.seats.len();
    occupied.seats.retain(|_, seat| seat.holder != holder);
    if occupied.seats.len() == before {
        return;
    }
    let is_last = !occupied.seats.values().any(|seat| seat.is_container_group);
    if let Some(link) = occupied.link.as_mut().filter(|_| is_last) {
        link.until = Some(until);
        let (delay, subnet) = (world.scaled(LINK_LINGERS_SECONDS), subnet.to_owned());
        world.schedule(delay, move |world| drop_expired_link(world, &subnet));
    }
    virtual_networks::touch(world, parent_of_subnet(subnet));
}

fn drop_expired_link(world: &mut World, subnet: &str) {
    let now = world.now;
    let Some(occupied) = world.network.occupancy.get_mut(&key(subnet)) else { return };
    if occupied.link.as_ref().and_then(|link| link.until).is_some_and(|until| until <= now) {
        occupied.link = None;
        virtual_networks::touch(world, parent_of_subnet(subnet));
    }
}

/// Removes the link now if no container group is left, and returns whether there was one.
///
/// # Errors
/// The id of a container group that still holds it.
pub(crate) fn drop_link(world: &mut World, subnet: &str) -> Result<bool, String> {
    let occupied = occupancy(world, subnet);
    if let Some(seat) = occupied.seats.values().find(|seat| seat.is_container_group) {
        return Err(seat.holder.clone());
    }
    let had = occupied.link.take().is_some();
    if had {
        virtual_networks::touch(world, parent_of_subnet(subnet));
    }
    Ok(had)
}

/// The address of a holder, in any subnet.
pub fn address_of(world: &World, holder: &str) -> Option<Ipv4Addr> {
    let seats = world.network.occupancy.values().flat_map(|occupied| &occupied.seats);
    seats.into_iter().find(|(_, seat)| seat.holder == holder).map(|(address, _)| *address)
}

/// The first IPv4 prefix of a subnet.
pub fn subnet_prefix(world: &World, subnet: &str) -> Option<Ipv4Net> {
    let subnet = world.resource(subnet, subnets::KIND)?;
    let texts = prefixes::texts(&subnet.properties, "addressPrefix", "addressPrefixes");
    texts.iter().find_map(|text| match text.parse() {
        Ok(IpNet::V4(prefix)) => Some(prefix),
        _ => None,
    })
}

/// Forgets everything about a deleted subnet.
pub fn forget(world: &mut World, subnet: &str) {
    world.network.occupancy.remove(&key(subnet));
}

/// Holders of addresses in the order of the addresses.
pub(crate) fn holders(world: &World, subnet: &str) -> Vec<String> {
    let occupied = world.network.occupancy.get(&key(subnet));
    occupied.into_iter().flat_map(|occupied| occupied.seats.values().map(|seat| seat.holder.clone())).collect()
}

/// Whether the link is there.
pub(crate) fn has_link(world: &World, subnet: &str) -> bool {
    world.network.occupancy.get(&key(subnet)).is_some_and(|occupied| occupied.link.is_some())
}

/// How many addresses are taken, and how many there are.
pub(crate) fn usage(world: &World, subnet: &str) -> (usize, usize) {
    let taken = world.network.occupancy.get(&key(subnet)).map_or(0, |occupied| occupied.seats.len());
    (taken, subnet_prefix(world, subnet).map_or(0, |prefix| usable(prefix).count()))
}

/// Whether an address of the subnet is free; none if it is not one of the usable addresses.
pub(crate) fn is_free(world: &World, subnet: &str, address: Ipv4Addr) -> Option<bool> {
    subnet_prefix(world, subnet).filter(|prefix| usable(*prefix).any(|one| one == address))?;
    let occupied = world.network.occupancy.get(&key(subnet));
    Some(!occupied.is_some_and(|occupied| occupied.seats.contains_key(&address)))
}

/// Whether an address lies in the first IPv4 prefix of the subnet.
pub(crate) fn contains(world: &World, subnet: &str, address: Ipv4Addr) -> bool {
    subnet_prefix(world, subnet).is_some_and(|prefix| prefix.contains(&address))
}

/// The free addresses of the subnet behind `address`, in their order.
pub(crate) fn free_after(world: &World, subnet: &str, address: Ipv4Addr) -> impl Iterator<Item = Ipv4Addr> {
    let usable = subnet_prefix(world, subnet).into_iter().flat_map(usable);
    let occupied = world.network.occupancy.get(&key(subnet));
    usable
        .filter(move |one| *one > address)
        .filter(move |one| !occupied.is_some_and(|occupied| occupied.seats.contains_key(one)))
}

fn usable(prefix: Ipv4Net) -> impl Iterator<Item = Ipv4Addr> {
    let broadcast = prefix.broadcast();
    let all = u32::from(prefix.network())..u32::from(broadcast);
    all.map(Ipv4Addr::from).skip(RESERVED_FIRST)
}

fn take(world: &mut World, subnet: &str, holder: &str, is_container_group: bool) -> Result<Ipv4Addr, Refusal> {
    let address = first_free(world, subnet)?;
    let seat = Seat { holder: holder.to_owned(), is_container_group };
    occupancy(world, subnet).seats.insert(address, seat);
    Ok(address)
}

/// The first free address.
///
/// # Errors
/// `400 SubnetIsFull`.
pub(crate) fn first_free(world: &World, subnet: &str) -> Result<Ipv4Addr, Refusal> {
    let prefix = subnet_prefix(world, subnet).ok_or_else(|| missing(subnet))?;
    let occupied = world.network.occupancy.get(&key(subnet));
    let is_free = |address: &Ipv4Addr| !occupied.is_some_and(|occupied| occupied.seats.contains_key(address));
    usable(prefix).find(is_free).ok_or_else(|| {
        let name = subnet.rsplit('/').next().unwrap_or_default();
        let message = format!("Subnet {name} with address prefix {prefix} is already full.");
        Refusal::bad_request("SubnetIsFull", message)
    })
}

/// The address of a holder in a subnet.
pub(crate) fn seat_of(world: &World, subnet: &str, holder: &str) -> Option<Ipv4Addr> {
    let occupied = world.network.occupancy.get(&key(subnet))?;
    occupied.seats.iter().find(|(_, seat)| seat.holder == holder).map(|(address, _)| *address)
}

fn occupancy<'a>(world: &'a mut World, subnet: &str) -> &'a mut Occupancy {
    world.network.occupancy.entry(key(subnet)).or_default()
}

/// A subnet that exists and is not being deleted.
///
/// # Errors
/// `400 InvalidResourceReference`.
pub(crate) fn existing_subnet<'a>(world: &'a World, subnet: &str) -> Result<&'a Resource, Refusal> {
    let found = world.resource(subnet, subnets::KIND).filter(|found| found.state != "Deleting");
    found.ok_or_else(|| missing(subnet))
}

/// Service names of the delegations of such a subnet.
fn delegations(world: &World, subnet: &str) -> Result<Vec<String>, Refusal> {
    let found = existing_subnet(world, subnet)?;
    let list = found.properties.get("delegations").and_then(Value::as_array).into_iter().flatten();
    Ok(list.filter_map(|one| one.pointer("/properties/serviceName")?.as_str()).map(str::to_owned).collect())
}

fn missing(subnet: &str) -> Refusal {
    let message = format!(
        "Resource {subnet} was not found. Please make sure that the referenced resource exists, and that both \
         resources are in the same region."
    );
    Refusal::service(StatusCode::BAD_REQUEST, "InvalidResourceReference", message)
        .detail("NotFound", format!("Resource {subnet} not found."))
}

fn parent_of_subnet(subnet: &str) -> &str {
    parent_of(subnet).unwrap_or_default()
}
