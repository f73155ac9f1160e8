"""What the management libraries make of an Azure that throttles, fails and loses answers."""

from azure.core.exceptions import HttpResponseError

import management_bed as bed
import simulator
from checks import Area, Checks

AREA = Area("Faults")
NETWORK = {"location": bed.LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}}}


def create(name: str) -> object:
    return bed.network().virtual_networks.begin_create_or_update(bed.GROUP, name, NETWORK).result()


@AREA.quick_step
def an_operation_fails(checks: Checks) -> None:
    name = bed.new_name("failed")
    simulator.fault(method="PUT", path=name, operation="Failed", code="InternalServerError", message="A bad day.")
    checks.raises("the poller raises its error", HttpResponseError, "A bad day.", lambda: create(name))
    state = bed.network().virtual_networks.get(bed.GROUP, name).properties.provisioning_state
    checks.equal("the network has failed", state, "Failed")
    checks.equal("a second create repairs it", create(name).properties.provisioning_state, "Succeeded")
    simulator.fault(method="DELETE", path=name, operation="Failed", message="Not today.")
    checks.raises(
        "a delete that fails",
        HttpResponseError,
        "Not today.",
        lambda: bed.network().virtual_networks.begin_delete(bed.GROUP, name).result(),
    )
    simulator.fault(method="PUT", path=name, operation="Canceled", code="Canceled", message="Operation was canceled.")
    checks.raises("one that is canceled", HttpResponseError, "canceled", lambda: create(name))


@AREA.step
def an_operation_is_lost(checks: Checks) -> None:
    name = bed.new_name("lost")
    simulator.fault(method="PUT", path=name, operation="Lost")
    checks.raises("the poller says so", HttpResponseError, "NotFound", lambda: create(name))
    state = lambda: bed.network().virtual_networks.get(bed.GROUP, name).properties.provisioning_state
    simulator.wait_until("the network", lambda: state() != "Updating")
    checks.equal("the network came nevertheless", state(), "Succeeded")


@AREA.quick_step
def requests_are_throttled(checks: Checks) -> None:
    name = bed.new_name("throttled")
    throttled = {"error": {"code": "TooManyRequests", "message": "Slow down."}}
    simulator.fault(method="PUT", path=name, status=429, headers={"Retry-After": "1"}, body=throttled, times=2)
    checks.equal("429 with Retry-After is waited out", create(name).name, name)
    checks.equal("both were met", simulator.waiting_faults(), [])
    simulator.fault(method="GET", path="operations", status=429, headers={"Retry-After": "1"}, body=throttled)
    checks.that("in the middle of polling too", create(name))
    checks.equal("it was met", simulator.waiting_faults(), [])
    simulator.fault(method="PUT", path=name, status=429, headers={"Retry-After": "0"}, body=throttled, times=20)
    once = bed.NetworkManagementClient(bed.credential(), simulator.SUBSCRIPTION_ID, **bed.options(retry_total=1))
    checks.raises(
        "patience has an end",
        HttpResponseError,
        "TooManyRequests",
        lambda: once.virtual_networks.begin_create_or_update(bed.GROUP, name, NETWORK).result(),
    )
    simulator.clear_faults()


@AREA.step
def answers_go_wrong(checks: Checks) -> None:
    networks, name = bed.network().virtual_networks, bed.new_name("wrong")
    create(name)
    for status in (500, 502, 503, 504):
        simulator.fault(method="GET", path=name, status=status, body="<html>bad gateway</html>")
        checks.equal(f"{status} in HTML is tried again", networks.get(bed.GROUP, name).name, name)
    simulator.fault(method="GET", path=name, drop=True)
    checks.equal("a broken line too", networks.get(bed.GROUP, name).name, name)
    simulator.fault(method="PUT", path=name, drop=True, when="after")
    checks.equal("a write whose answer is lost is sent again", create(name).name, name)
    simulator.fault(method="GET", path=name, drop=True, times=20)
    once = bed.NetworkManagementClient(bed.credential(), simulator.SUBSCRIPTION_ID, **bed.options(retry_total=0))
    checks.raises(
        "patience has an end", Exception, "Connection aborted", lambda: once.virtual_networks.get(bed.GROUP, name)
    )
    simulator.clear_faults()


@AREA.step
def a_policy_refuses(checks: Checks) -> None:
    name = bed.new_name("policy")
    refusal = {"error": {"code": "RequestDisallowedByPolicy", "message": "Resource was disallowed by policy."}}
    simulator.fault(method="PUT", path=name, status=403, body=refusal)
    checks.raises("403 is not tried again", HttpResponseError, "RequestDisallowedByPolicy", lambda: create(name))
    checks.equal("it was asked once", simulator.waiting_faults(), [])
    missing = {
        "error": {
            "code": "MissingSubscriptionRegistration",
            "message": "The subscription is not registered to use namespace 'Microsoft.Network'.",
        }
    }
    create(name)
    simulator.fault(method="PATCH", path=name, status=409, body=missing)
    changed = bed.network().virtual_networks.update_tags(bed.GROUP, name, {"tags": {"a": "1"}})
    checks.equal("an unregistered provider is registered", changed.tags, {"a": "1"})
