"""`az identity`, `role assignment`, `lock`: what docs/azure-identity.md tells an administrator to type."""

import json
import os
import pathlib

import simulator
from az_bed import GROUP, LOCATION, az, done
from checks import Area, Checks

AREA = Area("az: identities, roles, locks")
ROLES = pathlib.Path(__file__).parent.parent.parent / "deploy/azure/roles"
ISSUER = "https://localhost:9443"
SUBJECT = "system:serviceaccount:ml:acivnet"


def become_owner() -> None:
    """Contributor may not give roles; the person who follows the page is an owner."""
    role = {"principalId": principal_of_caller(), "role": "Owner", "scope": simulator.SUBSCRIPTION}
    simulator.admin("PUT", "seed", {"roleAssignments": [role]})


def principal_of_caller() -> str:
    """Object id of the application that az has signed in as, as tools/lib/clients.sh registers it."""
    return "00000000-0000-0000-0000-0000000000d1"


@AREA.quick_step
def the_identity_page_in_commands(checks: Checks) -> None:
    become_owner()
    group = ["--resource-group", GROUP]
    made = done("identity", "create", "--name", "acivnet-ml", *group, "--location", LOCATION)
    checks.contains("identity create", made["id"], "/resourcegroups/", "userAssignedIdentities/acivnet-ml")
    credential = done(
        "identity", "federated-credential", "create", "--name", "acivnet-ml", "--identity-name", "acivnet-ml", *group,
        "--issuer", ISSUER, "--subject", SUBJECT, "--audiences", "api://AzureADTokenExchange",
    )  # fmt: skip
    checks.equal("federated-credential create", (credential["issuer"], credential["subject"]), (ISSUER, SUBJECT))
    shown = done("identity", "show", "--name", "acivnet-ml", *group)
    checks.equal("identity show", shown["clientId"], made["clientId"])
    scopes = {
        "network": simulator.GROUP,
        "models": simulator.WORKSPACE,
        "compute-instance": simulator.WORKSPACE,
        "model-blobs": f"{simulator.GROUP}/providers/Microsoft.Storage/storageAccounts/amlstorage",
    }
    for file, scope in scopes.items():
        role = json.loads((ROLES / f"{file}.json").read_text())
        wanted = (role["Actions"], role["DataActions"])
        role["AssignableScopes"] = [simulator.SUBSCRIPTION]
        defined = done("role", "definition", "create", "--role-definition", json.dumps(role))
        permissions = defined["permissions"][0]
        checks.equal(f"role definition create, {file}", (permissions["actions"], permissions["dataActions"]), wanted)
        given = done(
            "role", "assignment", "create", "--assignee-object-id", shown["principalId"], "--assignee-principal-type",
            "ServicePrincipal", "--role", role["Name"], "--scope", scope,
        )  # fmt: skip
        checks.equal(f"role assignment create, {file}", (given["principalId"], given["scope"]), (shown["principalId"], scope))


@AREA.step
def identities(checks: Checks) -> None:
    group = ["--resource-group", GROUP]
    done("identity", "create", "--name", "azone", *group, "--location", LOCATION, "--tags", "team=ml")
    checks.contains("identity list", [one["name"] for one in done("identity", "list", *group)], "azone")
    for name in ("a1c", "b2c"):
        done(
            "identity", "federated-credential", "create", "--name", name, "--identity-name", "azone", *group,
            "--issuer", ISSUER, "--subject", f"{SUBJECT}-{name}", "--audiences", "api://AzureADTokenExchange",
        )  # fmt: skip
    where = ["--identity-name", "azone", *group]
    names = [one["name"] for one in done("identity", "federated-credential", "list", *where)]
    checks.equal("federated-credential list", sorted(names), ["a1c", "b2c"])
    checks.equal("its deletion", az("identity", "federated-credential", "delete", "--name", "a1c", *where, "--yes").status, 0)
    gone = az("identity", "federated-credential", "show", "--name", "a1c", *where)
    checks.that("it is gone", gone.status != 0, gone.out)
    checks.equal("identity delete", az("identity", "delete", "--name", "azone", *group).status, 0)
    checks.that("it is gone too", az("identity", "show", "--name", "azone", *group).status != 0)


@AREA.step
def roles(checks: Checks) -> None:
    become_owner()
    roles = done("role", "definition", "list", "--name", "Reader")
    checks.equal("role definition list", [one["roleName"] for one in roles], ["Reader"])
    identity = done("identity", "create", "--name", "azroles", "--resource-group", GROUP, "--location", LOCATION)
    words = ["--assignee-object-id", identity["principalId"], "--assignee-principal-type", "ServicePrincipal", "--role", "Reader"]
    done("role", "assignment", "create", *words, "--scope", simulator.GROUP)
    url = f"{simulator.GROUP}/providers/Microsoft.Authorization/roleAssignments?api-version=2022-04-01&$filter=atScope()"
    listed = done("rest", "--method", "get", "--url", os.environ["AZURE_RESOURCE_MANAGER"] + url)["value"]
    checks.contains("it is listed", [one["properties"]["principalId"] for one in listed], identity["principalId"])
    unknown = ["--assignee-object-id", "11111111-2222-4333-8444-555555555555", "--assignee-principal-type", "ServicePrincipal"]
    refused = az("role", "assignment", "create", *unknown, "--role", "Reader", "--scope", simulator.GROUP)
    checks.contains("nobody is given a role", refused.err, "PrincipalNotFound")


@AREA.step
def locks(checks: Checks) -> None:
    become_owner()
    done("group", "create", "-n", "azlocked", "-l", LOCATION)
    lock = done("lock", "create", "-n", "keep", "-g", "azlocked", "--lock-type", "CanNotDelete", "--notes", "the network team")
    checks.equal("lock create", (lock["level"], lock["notes"]), ("CanNotDelete", "the network team"))
    checks.contains("a locked group stays", az("group", "delete", "-n", "azlocked", "--yes").err, "ScopeLocked")
    checks.equal("lock list", [one["name"] for one in done("lock", "list", "-g", "azlocked")], ["keep"])
    checks.equal("lock delete", az("lock", "delete", "-n", "keep", "-g", "azlocked").status, 0)
    checks.equal("then it goes", az("group", "delete", "-n", "azlocked", "--yes").status, 0)
