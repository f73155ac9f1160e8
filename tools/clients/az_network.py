"""`az network vnet`, `vnet subnet`, `nsg`, `nsg rule`."""

import simulator
from az_bed import GROUP, LOCATION, az, done
from checks import Area, Checks

AREA = Area("az: networks")
ACI = "Microsoft.ContainerInstance/containerGroups"


@AREA.quick_step
def the_how_to_in_commands(checks: Checks) -> None:
    group = ["-g", GROUP]
    nsg = done("network", "nsg", "create", *group, "-n", "aznsg", "-l", LOCATION)["NewNSG"]
    checks.equal("nsg create", nsg["provisioningState"], "Succeeded")
    rule = done(
        "network",
        "nsg",
        "rule",
        "create",
        *group,
        "--nsg-name",
        "aznsg",
        "-n",
        "AllowAml",
        "--priority",
        "100",
        "--access",
        "Allow",
        "--direction",
        "Inbound",
        "--protocol",
        "Tcp",
        "--source-address-prefixes",
        "AzureMachineLearning",
        "--destination-port-ranges",
        "44224",
    )
    checks.equal("nsg rule create", (rule["priority"], rule["destinationPortRange"]), (100, "44224"))
    vnet = done(
        "network",
        "vnet",
        "create",
        *group,
        "-n",
        "azvnet",
        "-l",
        LOCATION,
        "--address-prefixes",
        "10.0.0.0/16",
        "--subnet-name",
        "default",
        "--subnet-prefixes",
        "10.0.0.0/24",
        "--nsg",
        "aznsg",
    )["newVNet"]
    checks.equal("vnet create", vnet["addressSpace"]["addressPrefixes"], ["10.0.0.0/16"])
    checks.equal("with a subnet", [subnet["name"] for subnet in vnet["subnets"]], ["default"])
    subnet = done(
        "network",
        "vnet",
        "subnet",
        "create",
        *group,
        "--vnet-name",
        "azvnet",
        "-n",
        "azaci",
        "--address-prefixes",
        "10.0.1.0/24",
        "--delegations",
        ACI,
    )
    checks.equal("subnet create --delegations", subnet["delegations"][0]["serviceName"], ACI)
    shown = done("network", "vnet", "show", *group, "-n", "azvnet")
    checks.equal("vnet show", sorted(subnet["name"] for subnet in shown["subnets"]), ["azaci", "default"])
    busy = az("network", "nsg", "delete", *group, "-n", "aznsg")
    checks.contains("nsg delete while it is used", busy.err, "InUseNetworkSecurityGroupCannotBeDeleted")
    checks.equal("vnet delete", az("network", "vnet", "delete", *group, "-n", "azvnet").status, 0)
    checks.equal("nsg delete", az("network", "nsg", "delete", *group, "-n", "aznsg").status, 0)
    checks.equal("vnet show, afterwards", az("network", "vnet", "show", *group, "-n", "azvnet").status, 3)


@AREA.step
def networks_change(checks: Checks) -> None:
    group = ["-g", GROUP]
    done("network", "vnet", "create", *group, "-n", "azchange", "-l", LOCATION, "--address-prefixes", "10.0.0.0/16")
    done(
        "network",
        "vnet",
        "subnet",
        "create",
        *group,
        "--vnet-name",
        "azchange",
        "-n",
        "one",
        "--address-prefixes",
        "10.0.1.0/24",
    )
    changed = done(
        "network", "vnet", "update", *group, "-n", "azchange", "--address-prefixes", "10.0.0.0/16", "10.1.0.0/16"
    )
    checks.equal("vnet update", changed["addressSpace"]["addressPrefixes"], ["10.0.0.0/16", "10.1.0.0/16"])
    checks.equal("which keeps its subnets", [subnet["name"] for subnet in changed["subnets"]], ["one"])
    tagged = done("network", "vnet", "update", *group, "-n", "azchange", "--set", "tags.a=b")
    checks.equal("vnet update of tags", tagged["tags"], {"a": "b"})
    checks.contains("vnet list", [found["name"] for found in done("network", "vnet", "list", *group)], "azchange")
    done("network", "nsg", "create", *group, "-n", "azchange", "-l", LOCATION)
    subnet = ["network", "vnet", "subnet"]
    at = [*group, "--vnet-name", "azchange", "-n", "one"]
    changed = done(*subnet, "update", *at, "--network-security-group", "azchange", "--delegations", ACI)
    checks.that("subnet update of its security group", changed["networkSecurityGroup"]["id"].endswith("/azchange"))
    checks.equal("subnet update of its delegation", changed["delegations"][0]["serviceName"], ACI)
    changed = done(*subnet, "update", *at, "--remove", "networkSecurityGroup")
    checks.equal("subnet update --remove", changed.get("networkSecurityGroup"), None)
    checks.equal("which keeps the delegation", changed["delegations"][0]["serviceName"], ACI)
    changed = done(*subnet, "update", *at, "--service-endpoints", "Microsoft.Storage")
    checks.equal("subnet update of service endpoints", changed["serviceEndpoints"][0]["service"], "Microsoft.Storage")
    checks.equal("subnet show", done(*subnet, "show", *at)["addressPrefix"], "10.0.1.0/24")
    checks.equal(
        "subnet list", [found["name"] for found in done(*subnet, "list", *group, "--vnet-name", "azchange")], ["one"]
    )
    checks.equal("subnet delete", az(*subnet, "delete", *at).status, 0)
    checks.equal("subnet list, afterwards", done(*subnet, "list", *group, "--vnet-name", "azchange"), [])


@AREA.step
def security_groups_change(checks: Checks) -> None:
    group = ["-g", GROUP]
    done("network", "nsg", "create", *group, "-n", "azrules", "-l", LOCATION, "--tags", "a=b")
    rule = ["network", "nsg", "rule"]
    at = [*group, "--nsg-name", "azrules", "-n", "Web"]
    done(
        *rule,
        "create",
        *at,
        "--priority",
        "200",
        "--destination-port-ranges",
        "80",
        "443",
        "--access",
        "Allow",
        "--protocol",
        "Tcp",
    )
    checks.equal("several ports", done(*rule, "show", *at)["destinationPortRanges"], ["80", "443"])
    checks.equal("nsg rule update", done(*rule, "update", *at, "--access", "Deny")["access"], "Deny")
    checks.equal(
        "nsg rule list", [found["name"] for found in done(*rule, "list", *group, "--nsg-name", "azrules")], ["Web"]
    )
    with_defaults = done(*rule, "list", *group, "--nsg-name", "azrules", "--include-default")
    checks.equal("with the six default rules", len(with_defaults), 7)
    conflict = az(
        *rule, "create", *group, "--nsg-name", "azrules", "-n", "Other", "--priority", "200", "--access", "Allow"
    )
    checks.contains("two of one priority", conflict.err, "SecurityRuleConflict")
    checks.equal("nsg rule delete", az(*rule, "delete", *at).status, 0)
    checks.equal("nsg show", done("network", "nsg", "show", *group, "-n", "azrules")["securityRules"], [])
    checks.contains("nsg list", [found["name"] for found in done("network", "nsg", "list", *group)], "azrules")
    checks.equal(
        "nsg update of tags",
        done("network", "nsg", "update", *group, "-n", "azrules", "--set", "tags.c=d")["tags"],
        {"a": "b", "c": "d"},
    )


@AREA.step
def what_goes_wrong(checks: Checks) -> None:
    group = ["-g", GROUP]
    done("network", "vnet", "create", *group, "-n", "azwrong", "-l", LOCATION, "--address-prefixes", "10.0.0.0/16")
    create = ["network", "vnet", "subnet", "create", *group, "--vnet-name", "azwrong", "-n", "s", "--address-prefixes"]
    checks.contains("a subnet outside", az(*create, "10.9.0.0/24").err, "NetcfgSubnetRangeOutsideVnet")
    simulator.fault(method="PUT", path="/subnets/s", operation="Failed", message="A bad day.")
    failed = az(*create, "10.0.1.0/24")
    checks.contains("an operation that fails", failed.err, "A bad day.")
    checks.equal("ends with an error", failed.status, 1)
    throttled = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
    simulator.fault(method="PUT", path="/subnets/s", status=429, headers={"Retry-After": "1"}, body=throttled)
    checks.equal("429 is waited out", done(*create, "10.0.1.0/24")["provisioningState"], "Succeeded")
    checks.equal("it was met", simulator.waiting_faults(), [])
    checks.contains(
        "a group that is not there", az("network", "vnet", "list", "-g", "absent").err, "ResourceGroupNotFound"
    )
    simulator.page_size(1)
    names = [found["name"] for found in done("network", "vnet", "list", *group)]
    simulator.page_size(100)
    checks.contains("a list in pages of one", names, "azwrong")
