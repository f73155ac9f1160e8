"""`az container` in a delegated subnet."""

from az_bed import GROUP, LOCATION, az, done
from checks import Area, Checks

AREA = Area("az: container groups")
IMAGE = "mcr.microsoft.com/azuredocs/aci-helloworld:latest"
BODY = [
    "--image",
    IMAGE,
    "--os-type",
    "Linux",
    "--cpu",
    "1",
    "--memory",
    "1.5",
    "--ports",
    "80",
    "--location",
    LOCATION,
]


@AREA.quick_step
def a_group_in_a_network(checks: Checks) -> None:
    group = ["-g", GROUP, "-n", "azgroup"]
    done(
        "network", "vnet", "create", "-g", GROUP, "-n", "azacinet", "-l", LOCATION, "--address-prefixes", "10.0.0.0/16"
    )
    made = done(
        "container",
        "create",
        *group,
        *BODY,
        "--vnet",
        "azacinet",
        "--subnet",
        "azacisub",
        "--vnet-address-prefix",
        "10.0.0.0/16",
        "--subnet-address-prefix",
        "10.0.1.0/24",
        "--environment-variables",
        "LEVEL=debug",
    )
    checks.equal("create --vnet --subnet", made["provisioningState"], "Succeeded")
    checks.equal("at a private address", (made["ipAddress"]["type"], made["ipAddress"]["ip"]), ("Private", "10.0.1.4"))
    subnet = done("network", "vnet", "subnet", "show", "-g", GROUP, "--vnet-name", "azacinet", "-n", "azacisub")
    checks.equal(
        "az has delegated the subnet",
        subnet["delegations"][0]["serviceName"],
        "Microsoft.ContainerInstance/containerGroups",
    )
    shown = done("container", "show", *group)
    checks.equal("show", shown["instanceView"]["state"], "Running")
    logs = az("container", "logs", *group)
    checks.that("logs", logs.status == 0 and logs.out.strip(), logs.err)
    checks.equal("delete", az("container", "delete", *group, "--yes").status, 0)
    checks.equal("show, afterwards", az("container", "show", *group).status, 3)


@AREA.step
def a_group_is_stopped_and_started(checks: Checks) -> None:
    group = ["-g", GROUP, "-n", "azlife"]
    done(
        "container",
        "create",
        *group,
        *BODY,
        "--vnet",
        "azlifenet",
        "--subnet",
        "azlifesub",
        "--vnet-address-prefix",
        "10.0.0.0/16",
        "--subnet-address-prefix",
        "10.0.1.0/24",
    )
    checks.contains("list", [found["name"] for found in done("container", "list", "-g", GROUP)], "azlife")
    checks.equal("restart", az("container", "restart", *group).status, 0)
    checks.equal("stop", az("container", "stop", *group).status, 0)
    checks.equal("stopped", done("container", "show", *group)["instanceView"]["state"], "Stopped")
    checks.equal("start", az("container", "start", *group).status, 0)
    checks.equal("started", done("container", "show", *group)["instanceView"]["state"], "Running")
    logs = az("container", "logs", *group, "--container-name", "azlife")
    checks.equal("logs of a container", logs.status, 0)
    missing = az("container", "show", "-g", GROUP, "-n", "absent")
    checks.contains("one that is not there", missing.err, "ResourceNotFound")
    done("container", "delete", *group, "--yes")
