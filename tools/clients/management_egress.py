"""azure-mgmt-network: the ways out of a subnet, NAT gateways, public addresses and route tables."""

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

import management_bed as bed
from checks import Area, Checks

AREA = Area("Ways out")


@AREA.step
def a_nat_gateway(checks: Checks) -> None:
    client, net = bed.network(), bed.new_name("egress")
    address = client.public_ip_addresses.begin_create_or_update(
        bed.GROUP,
        net,
        {"location": bed.LOCATION, "sku": {"name": "Standard"}, "properties": {"publicIPAllocationMethod": "Static"}},
    ).result()
    checks.that("a public address has one", address.properties.ip_address)
    body = {
        "location": bed.LOCATION,
        "sku": {"name": "Standard"},
        "properties": {"publicIpAddresses": [{"id": address.id}], "idleTimeoutInMinutes": 10},
    }
    gateway = client.nat_gateways.begin_create_or_update(bed.GROUP, net, body).result()
    checks.equal("a gateway", gateway.properties.idle_timeout_in_minutes, 10)
    bed.virtual_network(net)
    subnet = bed.delegated_subnet(net)
    subnet.properties.nat_gateway = {"id": gateway.id}
    changed = client.subnets.begin_create_or_update(bed.GROUP, net, "aci", subnet).result()
    checks.equal("a subnet uses it", changed.properties.nat_gateway.id, gateway.id)
    checks.equal(
        "it shows the subnet", [s.id for s in client.nat_gateways.get(bed.GROUP, net).properties.subnets], [subnet.id]
    )
    checks.raises(
        "then it can't go",
        HttpResponseError,
        "AssociatedToSubnet",
        lambda: client.nat_gateways.begin_delete(bed.GROUP, net).result(),
    )
    checks.raises(
        "nor can its address",
        HttpResponseError,
        "CannotBeDeleted",
        lambda: client.public_ip_addresses.begin_delete(bed.GROUP, net).result(),
    )
    checks.contains("list of gateways", [found.name for found in client.nat_gateways.list(bed.GROUP)], net)
    checks.contains("list of addresses", [found.name for found in client.public_ip_addresses.list(bed.GROUP)], net)
    client.virtual_networks.begin_delete(bed.GROUP, net).result()
    client.nat_gateways.begin_delete(bed.GROUP, net).result()
    client.public_ip_addresses.begin_delete(bed.GROUP, net).result()
    checks.raises(
        "after delete it is gone",
        ResourceNotFoundError,
        "ResourceNotFound",
        lambda: client.nat_gateways.get(bed.GROUP, net),
    )


@AREA.step
def a_route_table(checks: Checks) -> None:
    client, net = bed.network(), bed.new_name("routes")
    table = client.route_tables.begin_create_or_update(bed.GROUP, net, {"location": bed.LOCATION}).result()
    route = {
        "properties": {"addressPrefix": "0.0.0.0/0", "nextHopType": "VirtualAppliance", "nextHopIpAddress": "10.0.9.4"}
    }
    made = client.routes.begin_create_or_update(bed.GROUP, net, "out", route).result()
    checks.equal("a route", made.properties.next_hop_ip_address, "10.0.9.4")
    checks.equal("list", [found.name for found in client.routes.list(bed.GROUP, net)], ["out"])
    bed.virtual_network(net)
    body = {"properties": {"addressPrefix": "10.0.1.0/24", "routeTable": {"id": table.id}}}
    subnet = client.subnets.begin_create_or_update(bed.GROUP, net, "routed", body).result()
    checks.equal("a subnet uses the table", subnet.properties.route_table.id, table.id)
    checks.raises(
        "then it can't go",
        HttpResponseError,
        "InUseRouteTableCannotBeDeleted",
        lambda: client.route_tables.begin_delete(bed.GROUP, net).result(),
    )
    client.virtual_networks.begin_delete(bed.GROUP, net).result()
    checks.equal("afterwards it can", client.route_tables.begin_delete(bed.GROUP, net).result(), None)
