"""azure-mgmt-privatedns: zones, record sets, links to networks."""

from typing import Any

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceModifiedError, ResourceNotFoundError

import management_bed as bed
import simulator
from checks import Area, Checks

AREA = Area("Private DNS")


def new_zone() -> str:
    name = f"{bed.new_name('zone')}.example.com"
    bed.private_dns().private_zones.begin_create_or_update(bed.GROUP, name, {"location": "global"}).result()
    return name


def addresses(*ips: str, ttl: int = 30) -> dict:
    return {"properties": {"ttl": ttl, "aRecords": [{"ipv4Address": ip} for ip in ips]}}


def ips(record: Any) -> list[str]:
    return [found.ipv4_address for found in record.properties.a_records]


@AREA.quick_step
def a_zone_lives(checks: Checks) -> None:
    zones, name = bed.private_dns().private_zones, f"{bed.new_name('zone')}.example.com"
    poller = zones.begin_create_or_update(bed.GROUP, name, {"location": "global", "tags": {"a": "1"}})
    made = poller.result()
    checks.equal("create", (made.name, made.properties.provisioning_state), (name, "Succeeded"))
    checks.equal("it has its SOA", made.properties.number_of_record_sets, 1)
    checks.equal("get", zones.get(bed.GROUP, name).tags, {"a": "1"})
    checks.contains("list", [found.name for found in zones.list_by_resource_group(bed.GROUP)], name)
    checks.contains("list of the subscription", [found.name for found in zones.list()], name)
    checks.equal("update", zones.begin_update(bed.GROUP, name, {"tags": {"b": "2"}}).result().tags, {"b": "2"})
    zones.begin_delete(bed.GROUP, name).result()
    checks.raises(
        "after delete it is gone", ResourceNotFoundError, "ResourceNotFound", lambda: zones.get(bed.GROUP, name)
    )


@AREA.quick_step
def record_sets_live(checks: Checks) -> None:
    records, zone = bed.private_dns().record_sets, new_zone()
    made = records.create_or_update(bed.GROUP, zone, "A", "app", addresses("10.0.1.4"))
    checks.equal("create", (made.properties.fqdn, ips(made)), (f"app.{zone}.", ["10.0.1.4"]))
    checks.equal("it was not registered by itself", made.properties.is_auto_registered, False)
    checks.equal("get", records.get(bed.GROUP, zone, "A", "app").properties.ttl, 30)
    changed = records.create_or_update(bed.GROUP, zone, "A", "app", addresses("10.0.1.5", "10.0.1.6"))
    checks.equal("create again replaces", ips(changed), ["10.0.1.5", "10.0.1.6"])
    checks.equal(
        "update merges", records.update(bed.GROUP, zone, "A", "app", {"properties": {"ttl": 60}}).properties.ttl, 60
    )
    checks.raises(
        "only if it is not there",
        ResourceExistsError,
        "PreconditionFailed",
        lambda: records.create_or_update(
            bed.GROUP, zone, "A", "app", addresses("10.0.1.9"), match_condition=MatchConditions.IfMissing
        ),
    )
    checks.raises(
        "only if it is as it was",
        ResourceModifiedError,
        "PreconditionFailed",
        lambda: records.create_or_update(
            bed.GROUP,
            zone,
            "A",
            "app",
            addresses("10.0.1.9"),
            etag=made.etag,
            match_condition=MatchConditions.IfNotModified,
        ),
    )
    checks.equal("none of which changed it", ips(records.get(bed.GROUP, zone, "A", "app")), ["10.0.1.5", "10.0.1.6"])
    records.create_or_update(bed.GROUP, zone, "A", "other", addresses("10.0.1.7"))
    checks.equal(
        "list by type", sorted(found.name for found in records.list_by_type(bed.GROUP, zone, "A")), ["app", "other"]
    )
    checks.contains(
        "list has the SOA too", [found.type.split("/")[-1] for found in records.list(bed.GROUP, zone)], "SOA"
    )
    simulator.page_size(1)
    pages = [len(list(page)) for page in records.list_by_type(bed.GROUP, zone, "A").by_page()]
    simulator.page_size(100)
    checks.equal("lists come in pages", pages, [1, 1])
    records.delete(bed.GROUP, zone, "A", "app")
    checks.raises(
        "after delete it is gone", ResourceNotFoundError, "NotFound", lambda: records.get(bed.GROUP, zone, "A", "app")
    )
    checks.equal("deleting it again is no error", records.delete(bed.GROUP, zone, "A", "app"), None)


@AREA.step
def a_zone_is_linked(checks: Checks) -> None:
    links, zone, net = bed.private_dns().virtual_network_links, new_zone(), bed.new_name("dnsnet")
    network = bed.virtual_network(net)
    body = {"location": "global", "properties": {"registrationEnabled": False, "virtualNetwork": {"id": network.id}}}
    made = links.begin_create_or_update(bed.GROUP, zone, "link", body).result()
    checks.equal("create", made.properties.provisioning_state, "Succeeded")
    checks.equal("it is complete", made.properties.virtual_network_link_state, "Completed")
    checks.equal("get", links.get(bed.GROUP, zone, "link").properties.virtual_network.id, network.id)
    checks.equal("list", [found.name for found in links.list(bed.GROUP, zone)], ["link"])
    checks.equal(
        "the zone counts it",
        bed.private_dns().private_zones.get(bed.GROUP, zone).properties.number_of_virtual_network_links,
        1,
    )
    checks.raises(
        "the zone can't go",
        HttpResponseError,
        "CannotDeleteResource",
        lambda: bed.private_dns().private_zones.begin_delete(bed.GROUP, zone).result(),
    )
    checks.raises(
        "a second link of the same network",
        HttpResponseError,
        "Conflict",
        lambda: links.begin_create_or_update(bed.GROUP, zone, "second", body).result(),
    )
    links.begin_delete(bed.GROUP, zone, "link").result()
    checks.equal("list, afterwards", list(links.list(bed.GROUP, zone)), [])
    checks.equal("then the zone can", bed.private_dns().private_zones.begin_delete(bed.GROUP, zone).result(), None)


@AREA.step
def what_private_dns_refuses(checks: Checks) -> None:
    dns, zone = bed.private_dns(), new_zone()
    single = lambda: dns.private_zones.begin_create_or_update(bed.GROUP, "single", {"location": "global"}).result()
    checks.raises("a zone of one label", HttpResponseError, "BadRequest", single)
    checks.raises(
        "a record that is no address",
        HttpResponseError,
        "BadRequest",
        lambda: dns.record_sets.create_or_update(bed.GROUP, zone, "A", "bad", addresses("300.1.1.1")),
    )
    checks.raises(
        "a record of a zone that is not there",
        ResourceNotFoundError,
        "NotFound",
        lambda: dns.record_sets.create_or_update(bed.GROUP, "absent.example.com", "A", "a", addresses("10.0.0.4")),
    )
    body = {
        "location": "global",
        "properties": {"virtualNetwork": {"id": f"{simulator.NETWORK}/virtualNetworks/absent"}},
    }
    checks.raises(
        "a link to a network that is not there",
        HttpResponseError,
        "absent",
        lambda: dns.virtual_network_links.begin_create_or_update(bed.GROUP, zone, "l", body).result(),
    )
    simulator.fault(method="PUT", path="/virtualNetworkLinks/", operation="Failed", message="A bad day.")
    network = bed.virtual_network(bed.new_name("dnsnet"))
    body["properties"]["virtualNetwork"]["id"] = network.id
    checks.raises(
        "an operation that fails",
        HttpResponseError,
        "A bad day.",
        lambda: dns.virtual_network_links.begin_create_or_update(bed.GROUP, zone, "l", body).result(),
    )
    simulator.clear_faults()
