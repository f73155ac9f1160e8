"""Reads the simulator's dump from standard input and says what stands in Azure.

usage: azure.py rules NSG | service NAME | services | holdings
       azure.py requests      reads the simulator's counts instead
       azure.py specs         reads what the simulator found in comparing with Microsoft's API descriptions instead
"""

import json
import sys

# Made by the person who prepared the subscription, before acivnet came.
PREPARED = {"resourcegroups", "workspaces", "storageaccounts", "subscriptions"}


def short_type(resource_id: str) -> str:
    """`/…/virtualNetworks/v/subnets/s` -> `subnets`."""
    parts = resource_id.strip("/").split("/")
    return parts[-2] if len(parts) >= 2 else parts[-1]


def resources(dump: dict, kind: str) -> dict:
    return {i: body for i, body in dump["resources"].items() if short_type(i).lower() == kind.lower()}


def name_of(item: object) -> str:
    if not isinstance(item, dict):
        return str(item)
    name = str(item.get("id") or item.get("artifactId") or item.get("name") or item.get("key"))
    return f"{name}, {item['size']} bytes" if "size" in item else name


def rules(dump: dict, group: str) -> int:
    """Names of the security rules of a network security group, one a line."""
    for resource_id, body in resources(dump, "networkSecurityGroups").items():
        if resource_id.lower().endswith(f"/{group.lower()}"):
            for rule in body.get("properties", {}).get("securityRules", []):
                print(rule["name"])
            return 0
    return 1


def find_service(dump: dict, name: str):
    return next((s for s in dump["services"] if isinstance(s, dict) and s.get("name") == name), None)


def service(dump: dict, name: str) -> int:
    """Succeeds when the web service stands."""
    return 0 if find_service(dump, name) else 1


def services(dump: dict) -> int:
    """Every web service with its state and address."""
    for item in dump["services"]:
        print(f"{item.get('name')}  {item.get('state')}  {item.get('scoringUri')}")
    return 0


def holdings(dump: dict) -> int:
    """What stands, by kind; fails when something stands that acivnet has to remove."""
    ours = [i for i in dump["resources"] if short_type(i).lower() not in PREPARED]
    ours += [f"web service {name_of(s)}" for s in dump["services"]]
    ours += [f"model {name_of(m)}" for m in dump["models"]]
    prepared = [i for i in dump["resources"] if short_type(i).lower() in PREPARED]
    table("prepared before acivnet", prepared)
    table("networks, services, models", ours)
    for kind, why in (
        ("artifacts", "what was uploaded"),
        ("blobs", "its content, in the workspace's storage account"),
        ("environments", "what the service registered"),
        ("images", "built of it, in the workspace's registry"),
    ):
        table(f"{kind} (kept by Azure ML: {why})", [name_of(item) for item in dump.get(kind, [])])
    return 1 if ours else 0


def requests(counts: dict) -> int:
    """How many requests Azure has seen, by verb."""
    by_verb = sorted(counts["byVerb"].items())
    print(", ".join(f"{verb} {number}" for verb, number in by_verb) + f"; sign-in {counts.get('token', 0)}")
    return 0


def specs(report: dict) -> int:
    """What was compared with Microsoft's API descriptions; fails when a description was violated."""
    not_covered = report["notCovered"]
    print(f"{report['covered']} requests checked in {len(report['operations'])} operations, "
          f"{sum(not_covered.values())} in types and versions that no description is at hand of, "
          f"{sum(report['unpublished'].values())} that Microsoft has not described")
    for kind, number in sorted(not_covered.items()):
        print(f"    not covered: {kind}: {number}")
    for reason, number in sorted(report["differences"].items()):
        print(f"    known difference, {number} times: {reason}")
    for member, number in sorted(report["unknownMembers"].items()):
        print(f"    not described: {member}: {number}")
    for found in report["violations"]:
        print(f"    VIOLATION, {found['times']} times: {found['method']} {found['path']} ({found['apiVersion']}, "
              f"{found['operation']}, {found['status']}): {found['part']} {found['pointer']}: {found['message']}")
    return 1 if report["violationCount"] else 0


def table(title: str, names: list) -> None:
    print(f"{title}: {len(names) or 'none'}")
    for name in sorted(names):
        print(f"    {name}")


def main() -> int:
    commands = (rules, service, services, holdings, requests, specs)
    command, *arguments = sys.argv[1:]
    return {c.__name__: c for c in commands}[command](json.load(sys.stdin), *arguments)


if __name__ == "__main__":
    sys.exit(main())
