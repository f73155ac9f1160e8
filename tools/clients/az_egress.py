"""`az network public-ip`, `nat gateway`, `route-table`."""

from az_bed import GROUP, LOCATION, az, done
from checks import Area, Checks

AREA = Area("az: ways out")


@AREA.step
def a_nat_gateway(checks: Checks) -> None:
    group = ["-g", GROUP, "-n", "aznat"]
    address = done("network", "public-ip", "create", *group, "-l", LOCATION, "--sku", "Standard")["publicIp"]
    checks.that("public-ip create", address["ipAddress"])
    gateway = done(
        "network",
        "nat",
        "gateway",
        "create",
        *group,
        "-l",
        LOCATION,
        "--public-ip-addresses",
        "aznat",
        "--idle-timeout",
        "10",
    )
    checks.equal("nat gateway create", gateway["idleTimeoutInMinutes"], 10)
    done(
        "network", "vnet", "create", "-g", GROUP, "-n", "aznatnet", "-l", LOCATION, "--address-prefixes", "10.0.0.0/16"
    )
    subnet = done(
        "network",
        "vnet",
        "subnet",
        "create",
        "-g",
        GROUP,
        "--vnet-name",
        "aznatnet",
        "-n",
        "out",
        "--address-prefixes",
        "10.0.1.0/24",
        "--nat-gateway",
        "aznat",
    )
    checks.equal("subnet create --nat-gateway", subnet["natGateway"]["id"], gateway["id"])
    checks.contains(
        "nat gateway delete while it is used",
        az("network", "nat", "gateway", "delete", *group).err,
        "AssociatedToSubnet",
    )
    done("network", "vnet", "delete", "-g", GROUP, "-n", "aznatnet")
    checks.equal("nat gateway delete", az("network", "nat", "gateway", "delete", *group).status, 0)
    checks.equal("public-ip delete", az("network", "public-ip", "delete", *group).status, 0)


@AREA.step
def a_route_table(checks: Checks) -> None:
    table = ["network", "route-table"]
    done(*table, "create", "-g", GROUP, "-n", "aztable", "-l", LOCATION)
    route = done(
        *table,
        "route",
        "create",
        "-g",
        GROUP,
        "--route-table-name",
        "aztable",
        "-n",
        "out",
        "--address-prefix",
        "0.0.0.0/0",
        "--next-hop-type",
        "VirtualAppliance",
        "--next-hop-ip-address",
        "10.0.9.4",
    )
    checks.equal("route create", route["nextHopIpAddress"], "10.0.9.4")
    checks.equal(
        "show", [route["name"] for route in done(*table, "show", "-g", GROUP, "-n", "aztable")["routes"]], ["out"]
    )
    checks.contains("list", [found["name"] for found in done(*table, "list", "-g", GROUP)], "aztable")
    checks.equal("delete", az(*table, "delete", "-g", GROUP, "-n", "aztable").status, 0)
