"""`az cloud`, `login`, `account`, `group`, `provider`, `rest`."""

import os

import az_bed
import simulator
from az_bed import az, done
from checks import Area, Checks

AREA = Area("az: accounts and groups")


@AREA.quick_step
def signing_in(checks: Checks) -> None:
    az_bed.choose_cloud()
    checks.contains("login with a wrong secret", az_bed.login("wrong").err, "AADSTS7000215")
    checks.equal("login", az_bed.login(os.environ["AZURE_CLIENT_SECRET"]).status, 0)
    account = done("account", "show")
    checks.equal("account show", (account["id"], account["state"]), (simulator.SUBSCRIPTION_ID, "Enabled"))
    checks.equal("its tenant", account["tenantId"], os.environ["AZURE_TENANT_ID"])
    checks.equal("account list", [found["name"] for found in done("account", "list")], ["demo"])
    checks.that("account get-access-token", done("account", "get-access-token")["accessToken"])


@AREA.quick_step
def groups(checks: Checks) -> None:
    made = done("group", "create", "-n", "azgroup", "-l", "japaneast", "--tags", "team=ml")
    checks.equal("group create", (made["name"], made["properties"]["provisioningState"]), ("azgroup", "Succeeded"))
    checks.equal("group exists", done("group", "exists", "-n", "azgroup"), True)
    checks.equal("group show", done("group", "show", "-n", "azgroup")["tags"], {"team": "ml"})
    checks.equal("group delete", az("group", "delete", "-n", "azgroup", "--yes").status, 0)
    checks.equal("group exists, afterwards", done("group", "exists", "-n", "azgroup"), False)


@AREA.step
def more_of_groups(checks: Checks) -> None:
    checks.contains("group list", [found["name"] for found in done("group", "list")], "amlrg")
    done("group", "create", "-n", "azmore", "-l", "japaneast")
    changed = done("group", "update", "-n", "azmore", "--set", "tags.a=b")
    checks.equal("group update", changed["tags"], {"a": "b"})
    missing = az("group", "show", "-n", "absent")
    checks.equal("group show of nothing", missing.status, 3)
    checks.contains("and why", missing.err, "ResourceGroupNotFound")
    checks.equal(
        "provider show", done("provider", "show", "-n", "Microsoft.Network")["registrationState"], "Registered"
    )


@AREA.step
def rest(checks: Checks) -> None:
    url = f"{simulator.GROUP}?api-version=2021-04-01"
    checks.equal("rest get", done("rest", "--method", "get", "--url", url)["name"], "amlrg")
    body = '{"location": "japaneast", "tags": {"by": "rest"}}'
    url = f"{simulator.SUBSCRIPTION}/resourceGroups/azrest?api-version=2021-04-01"
    checks.equal("rest put", done("rest", "--method", "put", "--url", url, "--body", body)["tags"], {"by": "rest"})
    missing = az(
        "rest", "--method", "get", "--url", f"{simulator.SUBSCRIPTION}/resourceGroups/absent?api-version=2021-04-01"
    )
    checks.contains("rest get of nothing", missing.err, "ResourceGroupNotFound")
    workspace = done("rest", "--method", "get", "--url", f"{simulator.WORKSPACE}?api-version=2022-05-01")
    checks.that("rest get of the workspace", workspace["properties"]["discoveryUrl"])
