"""`az network private-dns`: zone, record-set, link."""

from az_bed import GROUP, LOCATION, az, done
from checks import Area, Checks

AREA = Area("az: private DNS")
ZONE = "az.example.com"
DNS = ["network", "private-dns"]
IN_ZONE = ["-g", GROUP, "--zone-name", ZONE]


@AREA.step
def zone_records_and_link(checks: Checks) -> None:
    zone = ["-g", GROUP, "-n", ZONE]
    checks.equal("zone create", done(*DNS, "zone", "create", *zone)["provisioningState"], "Succeeded")
    checks.contains("zone list", [found["name"] for found in done(*DNS, "zone", "list", "-g", GROUP)], ZONE)
    records = [*DNS, "record-set", "a"]
    done(*records, "create", *IN_ZONE, "-n", "app", "--ttl", "30")
    added = done(*records, "add-record", *IN_ZONE, "-n", "app", "-a", "10.0.1.4")
    checks.equal("record-set a add-record", added["aRecords"], [{"ipv4Address": "10.0.1.4"}])
    done(*records, "add-record", *IN_ZONE, "-n", "app", "-a", "10.0.1.5")
    shown = done(*records, "show", *IN_ZONE, "-n", "app")
    checks.equal("a second one", [found["ipv4Address"] for found in shown["aRecords"]], ["10.0.1.4", "10.0.1.5"])
    checks.equal("record-set a list", [found["name"] for found in done(*records, "list", *IN_ZONE)], ["app"])
    checks.equal("record-set a update", done(*records, "update", *IN_ZONE, "-n", "app", "--set", "ttl=60")["ttl"], 60)
    checks.equal("remove-record", az(*records, "remove-record", *IN_ZONE, "-n", "app", "-a", "10.0.1.5").status, 0)
    checks.equal("record-set a delete", az(*records, "delete", *IN_ZONE, "-n", "app", "--yes").status, 0)
    done(
        "network", "vnet", "create", "-g", GROUP, "-n", "azdnsnet", "-l", LOCATION, "--address-prefixes", "10.0.0.0/16"
    )
    link = [*DNS, "link", "vnet"]
    made = done(
        *link, "create", *IN_ZONE, "-n", "link", "--virtual-network", "azdnsnet", "--registration-enabled", "false"
    )
    checks.equal("link vnet create", made["virtualNetworkLinkState"], "Completed")
    checks.contains(
        "zone delete while it is linked", az(*DNS, "zone", "delete", *zone, "--yes").err, "CannotDeleteResource"
    )
    checks.equal("link vnet list", [found["name"] for found in done(*link, "list", *IN_ZONE)], ["link"])
    checks.equal("link vnet delete", az(*link, "delete", *IN_ZONE, "-n", "link", "--yes").status, 0)
    checks.equal("zone delete", az(*DNS, "zone", "delete", *zone, "--yes").status, 0)
    checks.equal("zone show, afterwards", az(*DNS, "zone", "show", *zone).status, 3)
