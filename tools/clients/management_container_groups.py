"""azure-mgmt-containerinstance: container groups in a subnet."""

from typing import Any

from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

import management_bed as bed
import simulator
from checks import Area, Checks

AREA = Area("Container groups")


def wanted(network: str, **properties: Any) -> dict:
    subnet = f"{simulator.NETWORK}/virtualNetworks/{network}/subnets/aci"
    container = {
        "image": "mcr.microsoft.com/azuredocs/aci-helloworld:latest",
        "ports": [{"port": 80, "protocol": "TCP"}],
        "environmentVariables": [{"name": "LEVEL", "value": "debug"}, {"name": "TOKEN", "secureValue": "hidden"}],
        "resources": {"requests": {"cpu": 1.0, "memoryInGB": 1.5}},
    }
    rest = {
        "containers": [{"name": "app", "properties": container}],
        "osType": "Linux",
        "restartPolicy": "Always",
        "ipAddress": {"type": "Private", "ports": [{"port": 80, "protocol": "TCP"}]},
        "subnetIds": [{"id": subnet}],
    }
    return {"location": bed.LOCATION, "properties": rest | properties}


def create(network: str, name: str, **properties: Any) -> Any:
    groups = bed.container_instances().container_groups
    return groups.begin_create_or_update(bed.GROUP, name, wanted(network, **properties)).result()


def start(name: str) -> None:
    bed.container_instances().container_groups.begin_start(bed.GROUP, name).result()


def started(name: str) -> bool:
    """Whether the group could be started; between two such requests Azure wants a pause."""
    try:
        start(name)
    except HttpResponseError:
        return False
    return True


def network() -> str:
    name = bed.new_name("acinet")
    bed.virtual_network(name)
    bed.delegated_subnet(name)
    return name


@AREA.quick_step
def a_group_lives(checks: Checks) -> None:
    groups, containers = bed.container_instances().container_groups, bed.container_instances().containers
    net, name = network(), bed.new_name("group")
    made = create(net, name)
    checks.equal("create", made.provisioning_state, "Succeeded")
    checks.equal("its private address", made.ip_address.ip, "10.0.1.4")
    read = groups.get(bed.GROUP, name)
    checks.equal("get shows it running", read.instance_view.state, "Running")
    container = read.containers[0]
    checks.equal("and its container", container.instance_view.current_state.state, "Running")
    variables = {variable.name: (variable.value, variable.secure_value) for variable in container.environment_variables}
    checks.equal("a secure value is never shown", variables, {"LEVEL": ("debug", None), "TOKEN": (None, None)})
    checks.that("list_logs", containers.list_logs(bed.GROUP, name, "app").content)
    checks.equal("list_logs cuts", len(containers.list_logs(bed.GROUP, name, "app", tail=1).content.splitlines()), 1)
    listed = next(found for found in groups.list_by_resource_group(bed.GROUP) if found.name == name)
    checks.equal("a list has no state", listed.instance_view, None)
    checks.contains("list of the subscription", [found.name for found in groups.list()], name)
    checks.equal("update changes tags", groups.update(bed.GROUP, name, {"tags": {"a": "b"}}).tags, {"a": "b"})
    subnet = bed.network().subnets.get(bed.GROUP, net, "aci")
    checks.equal("the subnet is linked", subnet.properties.service_association_links[0].name, "acisal")
    checks.raises(
        "and can't go",
        HttpResponseError,
        "InUseSubnetCannotBeDeleted",
        lambda: bed.network().subnets.begin_delete(bed.GROUP, net, "aci").result(),
    )
    groups.begin_delete(bed.GROUP, name).result()
    checks.raises(
        "after delete it is gone", ResourceNotFoundError, "ResourceNotFound", lambda: groups.get(bed.GROUP, name)
    )


@AREA.step
def a_group_is_stopped_and_started(checks: Checks) -> None:
    groups, name = bed.container_instances().container_groups, bed.new_name("group")

    def comes_to(state: str) -> str:
        """The group's state, when it is this one."""
        simulator.wait_until(state, lambda: groups.get(bed.GROUP, name).instance_view.state == state)
        return groups.get(bed.GROUP, name).instance_view.state

    create(network(), name)
    groups.stop(bed.GROUP, name)
    checks.raises("start right afterwards", HttpResponseError, "ContainerGroupTransitioning", lambda: start(name))
    checks.equal("stop", comes_to("Stopped"), "Stopped")
    simulator.wait_until("the group to take a start", lambda: started(name))
    checks.equal("start", comes_to("Running"), "Running")
    groups.begin_restart(bed.GROUP, name).result()
    checks.equal("restart", comes_to("Running"), "Running")


@AREA.step
def a_group_is_changed(checks: Checks) -> None:
    net, name = network(), bed.new_name("group")
    address = create(net, name).ip_address.ip
    body = wanted(net)
    body["properties"]["containers"][0]["properties"]["image"] = "mcr.microsoft.com/azuredocs/aci-helloworld:v2"
    groups = bed.container_instances().container_groups
    changed = groups.begin_create_or_update(bed.GROUP, name, body).result()
    checks.contains("another image", changed.containers[0].image, ":v2")
    checks.equal("at the same address", changed.ip_address.ip, address)
    checks.raises(
        "another restart policy is refused",
        HttpResponseError,
        "InvalidContainerGroupUpdate",
        lambda: create(net, name, restartPolicy="Never"),
    )


@AREA.step
def what_a_group_refuses(checks: Checks) -> None:
    net, groups = network(), bed.container_instances().container_groups

    def refused(name: str, code: str, **properties: Any) -> None:
        checks.raises(name, HttpResponseError, code, lambda: create(net, bed.new_name("refused"), **properties))

    refused("a private address without a subnet", "PrivateIp", subnetIds=None)
    plain = (
        bed.network()
        .subnets.begin_create_or_update(bed.GROUP, net, "plain", {"properties": {"addressPrefix": "10.0.2.0/24"}})
        .result()
    )
    refused("a subnet without the delegation", "SubnetMissingRequiredDelegation", subnetIds=[{"id": plain.id}])
    small = bed.delegated_subnet(net, "small", "10.0.3.0/29")
    for number in range(3):
        create(net, f"small-{number}", subnetIds=[{"id": small.id}])
    full = lambda: create(net, "small-3", subnetIds=[{"id": small.id}])
    checks.raises("a full subnet", HttpResponseError, "SubnetIsFull", full)
    checks.raises(
        "a group that is not there", ResourceNotFoundError, "ResourceNotFound", lambda: groups.get(bed.GROUP, "absent")
    )
    checks.raises(
        "logs of what is not there",
        HttpResponseError,
        "NotFound",
        lambda: bed.container_instances().containers.list_logs(bed.GROUP, "absent", "app"),
    )
    checks.equal("deleting what is not there is no error", groups.begin_delete(bed.GROUP, "absent").result(), None)
    simulator.page_size(2)
    pages = [len(list(page)) for page in groups.list_by_resource_group(bed.GROUP).by_page()]
    simulator.page_size(100)
    checks.that("lists come in pages", len(pages) > 1 and max(pages) == 2, pages)
    usage = {
        item.name.value: item.current_value for item in bed.container_instances().location.list_usage(bed.LOCATION)
    }
    checks.that("usage counts groups", usage["ContainerGroups"] >= 3, usage)


@AREA.step
def a_deployment_fails(checks: Checks) -> None:
    net, name = network(), bed.new_name("group")
    simulator.fault(method="PUT", path=name, operation="Failed", code="InternalServerError", message="A bad day.")
    checks.raises("the poller raises its error", HttpResponseError, "A bad day.", lambda: create(net, name))
    simulator.admin("POST", "container-scripts", {"container": "app", "group": "broken", "exit": {"code": 3}})
    create(net, "broken")
    state = bed.container_instances().container_groups.get(bed.GROUP, "broken").containers[0].instance_view
    checks.equal(
        "a container that ends shows its exit code",
        (state.current_state.exit_code or state.previous_state.exit_code),
        3,
    )
