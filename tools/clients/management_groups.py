"""azure-mgmt-resource: resource groups, what is in them, providers, tags."""

from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError

import management_bed as bed
import simulator
from checks import Area, Checks

AREA = Area("Resource groups")


@AREA.quick_step
def a_group_lives(checks: Checks) -> None:
    groups, name = bed.resources().resource_groups, bed.new_name("group")
    checks.equal("it is not there at first", groups.check_existence(name), False)
    made = groups.create_or_update(name, {"location": "Japan East", "tags": {"team": "ml"}})
    checks.equal(
        "create", (made.name, made.location, made.properties.provisioning_state), (name, "japaneast", "Succeeded")
    )
    checks.equal("it is there", groups.check_existence(name), True)
    checks.equal("get", groups.get(name).tags, {"team": "ml"})
    checks.equal("create again changes tags", groups.create_or_update(name, {"location": "japaneast"}).tags or {}, {})
    checks.equal("update", groups.update(name, {"tags": {"a": "b"}}).tags, {"a": "b"})
    checks.contains("list", [group.name for group in groups.list()], name, bed.GROUP)
    groups.begin_delete(name).result()
    checks.equal("after delete it is gone", groups.check_existence(name), False)
    checks.raises("get of what is gone", ResourceNotFoundError, "ResourceGroupNotFound", lambda: groups.get(name))


@AREA.step
def what_a_group_refuses(checks: Checks) -> None:
    groups = bed.resources().resource_groups
    checks.raises(
        "no location", HttpResponseError, "LocationRequired", lambda: groups.create_or_update("g", {"tags": {}})
    )
    checks.raises(
        "no such location",
        HttpResponseError,
        "LocationNotAvailableForResourceGroup",
        lambda: groups.create_or_update("g", {"location": "moon"}),
    )
    checks.raises(
        "another location",
        ResourceExistsError,
        "InvalidResourceGroupLocation",
        lambda: groups.create_or_update(bed.GROUP, {"location": "westus"}),
    )
    simulator.admin("POST", "locks", {"scope": simulator.GROUP, "level": "CanNotDelete", "name": "keep"})
    checks.raises("a locked group", ResourceExistsError, "ScopeLocked", lambda: groups.begin_delete(bed.GROUP))
    simulator.admin("DELETE", f"locks?scope={simulator.GROUP}")


@AREA.step
def groups_come_in_pages(checks: Checks) -> None:
    groups = bed.resources().resource_groups
    for number in range(5):
        groups.create_or_update(f"paged-{number}", {"location": "japaneast", "tags": {"n": str(number)}})
    everything = sorted(group.name for group in groups.list())
    simulator.page_size(2)
    checks.equal("pages of two make the same list", sorted(group.name for group in groups.list()), everything)
    pages = [len(list(page)) for page in groups.list().by_page()]
    simulator.page_size(100)
    checks.that("and are pages", len(pages) > 2 and max(pages) == 2, pages)


@AREA.step
def providers_are_registered(checks: Checks) -> None:
    providers = bed.resources().providers
    found = providers.get("Microsoft.Network")
    checks.equal("get", (found.namespace, found.registration_state), ("Microsoft.Network", "Registered"))
    checks.equal("register", providers.register("Microsoft.ContainerInstance").registration_state, "Registered")
    checks.raises(
        "one that is not there", ResourceNotFoundError, "InvalidResourceNamespace", lambda: providers.get("No.Such")
    )


@AREA.step
def tags_of_any_resource(checks: Checks) -> None:
    network = bed.virtual_network(bed.new_name("tagged"))
    tags = bed.resources().tags
    tags.begin_create_or_update_at_scope(network.id, {"properties": {"tags": {"a": "1", "b": "2"}}}).result()
    checks.equal("put", tags.get_at_scope(network.id).properties.tags, {"a": "1", "b": "2"})
    merge = {"operation": "Merge", "properties": {"tags": {"b": "3", "c": "4"}}}
    tags.begin_update_at_scope(network.id, merge).result()
    checks.equal("merge", tags.get_at_scope(network.id).properties.tags, {"a": "1", "b": "3", "c": "4"})
    tags.begin_update_at_scope(network.id, {"operation": "Delete", "properties": {"tags": {"a": "1"}}}).result()
    checks.equal("delete", tags.get_at_scope(network.id).properties.tags, {"b": "3", "c": "4"})
    tags.begin_update_at_scope(network.id, {"operation": "Replace", "properties": {"tags": {"z": "9"}}}).result()
    checks.equal("replace", tags.get_at_scope(network.id).properties.tags, {"z": "9"})
    checks.equal(
        "the resource shows them", bed.network().virtual_networks.get(bed.GROUP, network.name).tags, {"z": "9"}
    )
