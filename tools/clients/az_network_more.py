"""`az network vnet` and its neighbours, with what azure-cli's own tests of them look at."""

import simulator
from az_bed import GROUP, LOCATION, az, done
from checks import Area, Checks

AREA = Area("az: addresses, peerings, services of networks")
IN_GROUP = ["-g", GROUP]
VNET = ["network", "vnet"]
SUBNET = ["network", "vnet", "subnet"]


def network(name: str, prefix: str, *more: str) -> None:
    done(*VNET, "create", *IN_GROUP, "-n", name, "-l", LOCATION, "--address-prefixes", prefix, *more)


@AREA.step
def addresses(checks: Checks) -> None:
    network("azfree", "10.40.0.0/16", "--subnet-name", "default", "--subnet-prefixes", "10.40.0.0/24")
    check = [*VNET, "check-ip-address", *IN_GROUP, "-n", "azfree", "--ip-address"]
    checks.equal("check-ip-address of a free one", done(*check, "10.40.0.50")["available"], True)
    taken = done(*check, "10.40.0.1")
    checks.equal("of one that Azure keeps", taken["available"], False)
    checks.that("with others that are free", taken["availableIPAddresses"], taken)
    checks.contains("of one in no subnet", az(*check, "10.41.0.1").err, "PrivateIPAddressNotInAnySubnet")
    free = done(*VNET, "list-available-ips", *IN_GROUP, "-n", "azfree")
    checks.equal("vnet list-available-ips", free, [f"10.40.0.{last}" for last in range(4, 9)])
    free = done(*SUBNET, "list-available-ips", *IN_GROUP, "--vnet-name", "azfree", "-n", "default")
    checks.equal("subnet list-available-ips", len(free), 5)


@AREA.step
def services_of_a_region(checks: Checks) -> None:
    services = [found["name"] for found in done(*VNET, "list-endpoint-services", "-l", LOCATION)]
    checks.contains("list-endpoint-services", services, "Microsoft.Storage")
    delegations = [found["serviceName"] for found in done(*SUBNET, "list-available-delegations", "-l", LOCATION)]
    checks.contains("list-available-delegations", delegations, "Microsoft.ContainerInstance/containerGroups")


@AREA.step
def peerings(checks: Checks) -> None:
    network("azhub", "10.42.0.0/16")
    network("azspoke", "10.43.0.0/16")
    network("azsame", "10.42.0.0/16")
    peering = [*VNET, "peering"]
    create = [*peering, "create", *IN_GROUP, "--allow-vnet-access"]
    first = done(*create, "-n", "to-spoke", "--vnet-name", "azhub", "--remote-vnet", "azspoke")
    checks.equal("peering create, the first", first["peeringState"], "Initiated")
    second = done(*create, "-n", "to-hub", "--vnet-name", "azspoke", "--remote-vnet", "azhub")
    checks.equal("and back", second["peeringState"], "Connected")
    shown = done(*peering, "show", *IN_GROUP, "-n", "to-spoke", "--vnet-name", "azhub")
    checks.equal("peering show", shown["peeringState"], "Connected")
    prefixes = shown["remoteAddressSpace"]["addressPrefixes"]
    checks.equal("which knows the other's addresses", prefixes, ["10.43.0.0/16"])
    overlap = az(*create, "-n", "to-same", "--vnet-name", "azhub", "--remote-vnet", "azsame")
    checks.contains("networks that overlap", overlap.err, "VnetAddressSpacesOverlap")
    listed = done(*peering, "list", *IN_GROUP, "--vnet-name", "azhub")
    checks.equal("peering list", [found["name"] for found in listed], ["to-spoke"])
    changed = done(*VNET, "update", *IN_GROUP, "-n", "azhub", "--set", "tags.a=b")
    checks.equal("a network keeps its peerings", len(changed["virtualNetworkPeerings"]), 1)
    gone = az(*peering, "delete", *IN_GROUP, "-n", "to-hub", "--vnet-name", "azspoke")
    checks.equal("peering delete", gone.status, 0)
    shown = done(*peering, "show", *IN_GROUP, "-n", "to-spoke", "--vnet-name", "azhub")
    checks.equal("the other side notices", shown["peeringState"], "Disconnected")


@AREA.step
def dns_servers_and_times(checks: Checks) -> None:
    network("azdns", "10.44.0.0/16", "--dns-servers", "10.44.0.4", "10.44.0.5")
    shown = done(*VNET, "show", *IN_GROUP, "-n", "azdns")
    checks.equal("--dns-servers", shown["dhcpOptions"]["dnsServers"], ["10.44.0.4", "10.44.0.5"])
    changed = done(*VNET, "update", *IN_GROUP, "-n", "azdns", "--flowtimeout", "20")
    checks.equal("--flowtimeout", changed["flowTimeoutInMinutes"], 20)
    checks.that("one that Azure has not", az(*VNET, "update", *IN_GROUP, "-n", "azdns", "--flowtimeout", "60").status)
    wrong = az(*VNET, "create", *IN_GROUP, "-n", "bad$name", "-l", LOCATION)
    checks.contains("a name that Azure refuses", wrong.err, "InvalidResourceName")


@AREA.step
def rules_with_prefixes_of_all_kinds(checks: Checks) -> None:
    done("network", "nsg", "create", *IN_GROUP, "-n", "azprefixes", "-l", LOCATION)
    rule = ["network", "nsg", "rule", "create", *IN_GROUP, "--nsg-name", "azprefixes", "--access", "Allow", "--protocol", "*"]
    several = done(*rule, "-n", "several", "--priority", "300", "--source-address-prefixes", "10.0.0.0/24", "10.0.2.0/24")
    checks.equal("several prefixes", several["sourceAddressPrefixes"], ["10.0.0.0/24", "10.0.2.0/24"])
    tag = done(*rule, "-n", "tag", "--priority", "301", "--source-address-prefixes", "VirtualNetwork")
    checks.equal("a service tag", tag["sourceAddressPrefix"], "VirtualNetwork")
    number = done(*rule, "-n", "number", "--priority", "302", "--source-address-prefixes", "789")
    checks.equal("a number, as Azure takes it", number["sourceAddressPrefix"], "789")
    ports = done(*rule, "-n", "ports", "--priority", "303", "--destination-port-ranges", "80-90", "443")
    checks.equal("ranges of ports", ports["destinationPortRanges"], ["80-90", "443"])
    low = az(*rule, "-n", "low", "--priority", "99")
    checks.contains("a priority below 100", low.err, "SecurityRuleInvalidPriority")
    simulator.resource(f"{simulator.NETWORK}/networkSecurityGroups/azprefixes", "DELETE")
