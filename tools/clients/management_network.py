"""azure-mgmt-network: virtual networks, subnets, network security groups."""

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

import management_bed as bed
import simulator
from checks import Area, Checks

AREA = Area("Networks")
ACI = "Microsoft.ContainerInstance/containerGroups"


@AREA.quick_step
def a_network_lives(checks: Checks) -> None:
    networks, name = bed.network().virtual_networks, bed.new_name("net")
    poller = networks.begin_create_or_update(
        bed.GROUP,
        name,
        {
            "location": bed.LOCATION,
            "tags": {"a": "1"},
            "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}},
        },
    )
    checks.equal("create is an operation", poller.done(), False)
    made = poller.result()
    checks.equal("that succeeds", (poller.status(), made.properties.provisioning_state), ("Succeeded", "Succeeded"))
    read = networks.get(bed.GROUP, name)
    checks.equal("get", list(read.properties.address_space.address_prefixes), ["10.0.0.0/16"])
    checks.equal("tags", read.tags, {"a": "1"})
    checks.that("it has an etag", read.etag)
    wider = {
        "location": bed.LOCATION,
        "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16", "10.1.0.0/16"]}},
    }
    changed = networks.begin_create_or_update(bed.GROUP, name, wider).result()
    checks.equal("update", len(changed.properties.address_space.address_prefixes), 2)
    checks.equal("update_tags", networks.update_tags(bed.GROUP, name, {"tags": {"b": "2"}}).tags, {"b": "2"})
    checks.contains("list", [found.name for found in networks.list(bed.GROUP)], name)
    checks.contains("list of the subscription", [found.name for found in networks.list_all()], name)
    networks.begin_delete(bed.GROUP, name).result()
    checks.raises(
        "after delete it is gone", ResourceNotFoundError, "ResourceNotFound", lambda: networks.get(bed.GROUP, name)
    )
    checks.equal("deleting it again is no error", networks.begin_delete(bed.GROUP, name).result(), None)


@AREA.quick_step
def a_delegated_subnet_lives(checks: Checks) -> None:
    network, subnets = bed.new_name("net"), bed.network().subnets
    bed.virtual_network(network)
    made = bed.delegated_subnet(network)
    delegation = made.properties.delegations[0]
    checks.equal("create", made.properties.address_prefix, "10.0.1.0/24")
    checks.equal("its delegation", delegation.properties.service_name, ACI)
    checks.that("with actions", delegation.properties.actions)
    groups = bed.network().network_security_groups
    group = groups.begin_create_or_update(bed.GROUP, bed.new_name("nsg"), {"location": bed.LOCATION}).result()
    read = subnets.get(bed.GROUP, network, "aci")
    read.properties.network_security_group = {"id": group.id}
    changed = subnets.begin_create_or_update(bed.GROUP, network, "aci", read).result()
    checks.equal("what was read can be written with a change", changed.properties.network_security_group.id, group.id)
    checks.equal("and keeps its delegation", changed.properties.delegations[0].properties.service_name, ACI)
    checks.equal(
        "the group shows the subnet", [s.id for s in groups.get(bed.GROUP, group.name).properties.subnets], [made.id]
    )
    checks.equal("list", [found.name for found in subnets.list(bed.GROUP, network)], ["aci"])
    checks.equal(
        "the network shows it",
        [s.name for s in bed.network().virtual_networks.get(bed.GROUP, network).properties.subnets],
        ["aci"],
    )
    checks.raises(
        "its security group can't go",
        HttpResponseError,
        "InUseNetworkSecurityGroupCannotBeDeleted",
        lambda: groups.begin_delete(bed.GROUP, group.name).result(),
    )
    subnets.begin_delete(bed.GROUP, network, "aci").result()
    checks.raises(
        "after delete it is gone", ResourceNotFoundError, "NotFound", lambda: subnets.get(bed.GROUP, network, "aci")
    )
    checks.equal("then the group can", groups.begin_delete(bed.GROUP, group.name).result(), None)


@AREA.step
def subnets_are_kept_or_wiped(checks: Checks) -> None:
    networks, name = bed.network().virtual_networks, bed.new_name("wipe")
    bed.virtual_network(name)
    bed.delegated_subnet(name)
    body = {"location": bed.LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    kept = networks.begin_create_or_update(bed.GROUP, name, body).result()
    checks.equal("a new api-version keeps what is not named", [s.name for s in kept.properties.subnets], ["aci"])
    wiped = networks.begin_create_or_update(bed.GROUP, name, body, api_version="2022-07-01").result()
    checks.equal("an old one does not", wiped.properties.subnets or [], [])


@AREA.step
def lists_come_in_pages(checks: Checks) -> None:
    name, subnets = bed.new_name("paged"), bed.network().subnets
    bed.virtual_network(name)
    for number in range(4):
        bed.delegated_subnet(name, f"s{number}", f"10.0.{number}.0/24")
    simulator.page_size(3)
    pages = [[found.name for found in page] for page in subnets.list(bed.GROUP, name).by_page()]
    simulator.page_size(100)
    checks.equal("subnets in pages of three", pages, [["s0", "s1", "s2"], ["s3"]])


@AREA.quick_step
def a_security_group_lives(checks: Checks) -> None:
    groups, rules, name = bed.network().network_security_groups, bed.network().security_rules, bed.new_name("nsg")
    rule = {
        "priority": 100,
        "direction": "Inbound",
        "access": "Allow",
        "protocol": "Tcp",
        "sourceAddressPrefix": "AzureMachineLearning",
        "sourcePortRange": "*",
        "destinationAddressPrefix": "*",
        "destinationPortRange": "44224",
    }
    made = groups.begin_create_or_update(
        bed.GROUP,
        name,
        {"location": bed.LOCATION, "properties": {"securityRules": [{"name": "AllowAml", "properties": rule}]}},
    ).result()
    checks.equal("its rule", made.properties.security_rules[0].properties.destination_port_range, "44224")
    checks.equal("six default rules", len(made.properties.default_security_rules), 6)
    second = rules.begin_create_or_update(bed.GROUP, name, "Second", {"properties": rule | {"priority": 110}}).result()
    checks.equal("a rule of its own", second.properties.priority, 110)
    checks.equal("list", [found.name for found in rules.list(bed.GROUP, name)], ["AllowAml", "Second"])
    checks.equal("get", rules.get(bed.GROUP, name, "Second").properties.access, "Allow")
    checks.raises(
        "two of one priority",
        HttpResponseError,
        "SecurityRuleConflict",
        lambda: rules.begin_create_or_update(bed.GROUP, name, "Third", {"properties": rule}).result(),
    )
    checks.raises(
        "a priority of 9",
        HttpResponseError,
        "SecurityRule",
        lambda: rules.begin_create_or_update(bed.GROUP, name, "Third", {"properties": rule | {"priority": 9}}).result(),
    )
    rules.begin_delete(bed.GROUP, name, "Second").result()
    checks.equal("delete of a rule", [found.name for found in rules.list(bed.GROUP, name)], ["AllowAml"])
    checks.equal("update_tags", groups.update_tags(bed.GROUP, name, {"tags": {"a": "1"}}).tags, {"a": "1"})
    emptied = groups.begin_create_or_update(bed.GROUP, name, {"location": bed.LOCATION}).result()
    checks.equal("a create without rules takes them", emptied.properties.security_rules or [], [])
    checks.contains("list of groups", [found.name for found in groups.list(bed.GROUP)], name)
    groups.begin_delete(bed.GROUP, name).result()
    checks.raises(
        "after delete it is gone", ResourceNotFoundError, "ResourceNotFound", lambda: groups.get(bed.GROUP, name)
    )


@AREA.step
def what_networks_refuse(checks: Checks) -> None:
    network, subnets, networks = bed.new_name("strict"), bed.network().subnets, bed.network().virtual_networks
    bed.virtual_network(network)
    bed.delegated_subnet(network)

    def refused(name: str, code: str, **properties: object) -> None:
        body = {"properties": properties}
        checks.raises(
            name,
            HttpResponseError,
            code,
            lambda: subnets.begin_create_or_update(bed.GROUP, network, "other", body).result(),
        )

    refused("an overlap", "NetcfgSubnetRangesOverlap", addressPrefix="10.0.1.0/25")
    refused("outside the network", "NetcfgSubnetRangeOutsideVnet", addressPrefix="10.9.0.0/24")
    refused("host bits", "InvalidCIDRNotation", addressPrefix="10.0.2.1/24")
    missing = {"id": f"{simulator.NETWORK}/networkSecurityGroups/absent"}
    refused(
        "a security group that is not there",
        "InvalidResourceReference",
        addressPrefix="10.0.2.0/24",
        networkSecurityGroup=missing,
    )
    checks.raises(
        "a network that is not there", ResourceNotFoundError, "ResourceNotFound", lambda: bed.delegated_subnet("absent")
    )
    checks.raises(
        "a group that is not there",
        ResourceNotFoundError,
        "ResourceGroupNotFound",
        lambda: networks.get("absent", network),
    )
    body = {"location": "westus", "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}
    checks.raises(
        "another location",
        HttpResponseError,
        "InvalidResourceLocation",
        lambda: networks.begin_create_or_update(bed.GROUP, network, body).result(),
    )
    checks.raises(
        "a stale etag",
        HttpResponseError,
        "PreconditionFailed",
        lambda: subnets.begin_create_or_update(
            bed.GROUP, network, "aci", subnets.get(bed.GROUP, network, "aci"), headers={"If-Match": 'W/"stale"'}
        ).result(),
    )
