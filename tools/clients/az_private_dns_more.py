"""`az network private-dns` with what azure-cli's own tests of it look at: every type of record, conditions, links."""

from az_bed import GROUP, LOCATION, az, done
from checks import Area, Checks

AREA = Area("az: records of every type")
ZONE = "more.example.com"
DNS = ["network", "private-dns"]
IN_ZONE = ["-g", GROUP, "--zone-name", ZONE]


@AREA.step
def a_zone(checks: Checks) -> None:
    made = done(*DNS, "zone", "create", "-g", GROUP, "-n", ZONE, "--tags", "team=ml")
    checks.equal("zone create --tags", made["tags"], {"team": "ml"})
    checks.equal("it begins with its SOA", made["numberOfRecordSets"], 1)
    changed = done(*DNS, "zone", "update", "-g", GROUP, "-n", ZONE, "--tags", "team=data")
    checks.equal("zone update", changed["tags"], {"team": "data"})
    stale = az(*DNS, "zone", "update", "-g", GROUP, "-n", ZONE, "--tags", "a=b", "--if-match", made["etag"])
    checks.contains("with an etag that is no more", stale.err, "etag mismatch")


@AREA.step
def records(checks: Checks) -> None:
    for kind, name, words, member in (
        ("a", "one", ["-a", "10.0.0.10"], "aRecords"),
        ("aaaa", "two", ["-a", "2001:db8:0:1:1:1:1:1"], "aaaaRecords"),
        ("cname", "three", ["-c", "mycname"], "cnameRecord"),
        ("mx", "four", ["-e", "12", "-p", "13"], "mxRecords"),
        ("ptr", "five", ["-d", "foobar.com"], "ptrRecords"),
        ("srv", "six", ["-p", "1", "-w", "1", "-r", "1234", "-t", "target.com"], "srvRecords"),
        ("txt", "seven", ["-v", "hi"], "txtRecords"),
    ):
        verb = "set-record" if kind == "cname" else "add-record"
        made = done(*DNS, "record-set", kind, verb, *IN_ZONE, "-n", name, *words)
        checks.that(f"record-set {kind} {verb}", made[member], made)
        shown = done(*DNS, "record-set", kind, "show", *IN_ZONE, "-n", name)
        checks.equal("show", shown["fqdn"], f"{name}.{ZONE}.")
    soa = done(*DNS, "record-set", "soa", "update", *IN_ZONE, "-e", "foo.com", "-m", "10")
    checks.equal("record-set soa update", (soa["soaRecord"]["email"], soa["soaRecord"]["minimumTtl"]), ("foo.com", 10))
    names = sorted(found["name"] for found in done(*DNS, "record-set", "list", *IN_ZONE))
    checks.equal("record-set list", names, ["@", "five", "four", "one", "seven", "six", "three", "two"])
    capitals = done(*DNS, "record-set", "a", "add-record", *IN_ZONE, "-n", "recordA", "-a", "10.0.0.11")
    checks.equal("names come back in small letters", capitals["name"], "recorda")
    again = az(*DNS, "record-set", "a", "create", *IN_ZONE, "-n", "one", "--if-none-match")
    checks.that("what stands is not made anew", again.status, again.out)


@AREA.step
def links(checks: Checks) -> None:
    done("network", "vnet", "create", "-g", GROUP, "-n", "azlinknet", "-l", LOCATION, "--address-prefixes", "10.45.0.0/16")
    link = [*DNS, "link", "vnet"]
    made = done(*link, "create", *IN_ZONE, "-n", "l1", "-v", "azlinknet", "-e", "true")
    checks.equal("link vnet create -e true", made["registrationEnabled"], True)
    changed = done(*link, "update", *IN_ZONE, "-n", "l1", "-e", "false")
    checks.equal("link vnet update", changed["registrationEnabled"], False)
    stale = az(*link, "update", *IN_ZONE, "-n", "l1", "-e", "true", "--if-match", made["etag"])
    checks.contains("with an etag that is no more", stale.err, "etag mismatch")
    checks.equal("link vnet delete", az(*link, "delete", *IN_ZONE, "-n", "l1", "--yes").status, 0)
