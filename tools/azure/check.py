"""Holds deploy/azure together: Bicep and Terraform parse, name what Azure has, and give the roles of deploy/azure/roles.

usage: check.py FOLDER      the folder deploy/azure
Neither `bicep` nor the provider of Terraform runs here: expressions are not evaluated, and nothing is planned.
"""

import json
import pathlib
import sys

import azure.mgmt.authorization.v2022_04_01.models as authorization
import azure.mgmt.msi.models as identities
import hcl2
import pycep

MSI, AUTH = "Microsoft.ManagedIdentity/userAssignedIdentities", "Microsoft.Authorization"
# Microsoft's own model of each type, and the version of the API that it is of.
MODELS = {
    f"{MSI}@2024-11-30": identities.Identity,
    f"{MSI}/federatedIdentityCredentials@2024-11-30": identities.FederatedIdentityCredential,
    f"{AUTH}/roleDefinitions@2022-04-01": authorization.RoleDefinition,
    f"{AUTH}/roleAssignments@2022-04-01": authorization.RoleAssignmentCreateParameters,
}
# Members of Bicep itself.
OF_BICEP = {"name", "parent", "scope"}
# Arguments of the provider's resources: its documentation at 5.12, website/docs/r. True: it has to be given.
ARGUMENTS = {
    "azurerm_role_definition": {
        "name": True, "scope": True, "description": False, "assignable_scopes": False, "permissions": False,
    },
    "azurerm_user_assigned_identity": {"name": True, "resource_group_name": True, "location": True},
    "azurerm_federated_identity_credential": {
        "name": True, "user_assigned_identity_id": True, "issuer": True, "subject": True, "audience": True,
    },
    "azurerm_role_assignment": {
        "scope": True, "principal_id": True, "role_definition_id": False, "principal_type": False,
    },
}  # fmt: skip
OF_TERRAFORM = {"for_each"}
SUBJECT = {"bicep": "system:serviceaccount:${namespace}:acivnet", "terraform": "system:serviceaccount:${each.key}:acivnet"}
AUDIENCE = "api://AzureADTokenExchange"

wrong: list[str] = []


def hold(what: bool, otherwise: str) -> None:
    if not what:
        wrong.append(otherwise)


def paths(value: dict, before: str = "") -> list[str]:
    """The members of a body, those below `properties` with it in front, as the models name them."""
    found = []
    for name, member in value.items():
        nested = name == "properties" and isinstance(member, dict)
        found += paths(member, "properties.") if nested else [before + name]
    return found


def body_of(resource: dict) -> dict:
    """The body inside a loop and a condition."""
    config = resource["config"]
    while "config" in config:
        config = config["config"]
    return config


def check_bicep(file: pathlib.Path) -> dict:
    tree = pycep.BicepParser().parse(text=file.read_text())
    for name, resource in tree["resources"].items():
        if resource["existing"]:
            continue
        kind = f"{resource['type']}@{resource['api_version']}"
        model = MODELS.get(kind)
        hold(model is not None, f"{file.name}: {name} is of {kind}, for which no model is known here")
        known = {entry["key"] for entry in model._attribute_map.values()} if model else set()
        for path in paths(body_of(resource)):
            hold(path in known | OF_BICEP, f"{file.name}: {name} has no member {path} at {kind}; known: {sorted(known)}")
    return tree


def check_terraform(folder: pathlib.Path) -> dict:
    options = hcl2.SerializationOptions(strip_string_quotes=True) if hasattr(hcl2, "SerializationOptions") else None
    files = [hcl2.loads(file.read_text(), serialization_options=options) if options else hcl2.loads(file.read_text())
             for file in sorted(folder.glob("*.tf"))]  # fmt: skip
    resources = {}
    for entry in (entry for file in files for entry in file.get("resource", [])):
        for kind, named in entry.items():
            kind = kind.strip('"')
            for body in named.values():
                given = {name for name in body if not name.startswith("__")} - OF_TERRAFORM
                arguments = ARGUMENTS.get(kind, {})
                hold(bool(arguments), f"terraform: {kind} is not known here")
                needed = {name for name, must in arguments.items() if must}
                hold(needed <= given, f"terraform: {kind} lacks {sorted(needed - given)}")
                hold(given <= set(arguments), f"terraform: {kind} has no {sorted(given - set(arguments))}")
                resources[kind] = body
    hold(resources.keys() == ARGUMENTS.keys(), f"terraform: it makes {sorted(resources)}")
    return resources


def main(folder: pathlib.Path) -> int:
    roles = {file.stem: json.loads(file.read_text()) for file in sorted((folder / "roles").glob("*.json"))}
    texts = {name: (folder / name).read_text() for name in ("bicep/roles.bicep", "bicep/identity.bicep", "terraform/main.tf")}
    for stem, role in roles.items():
        members = ["Name", "IsCustom", "Description", "Actions", "NotActions", "DataActions", "NotDataActions", "AssignableScopes"]
        hold(list(role) == members, f"roles/{stem}.json has {list(role)}, not what `az role definition create` takes")
        hold(f"'../roles/{stem}.json'" in texts["bicep/roles.bicep"], f"roles.bicep does not make {stem}.json")
        hold(f"'{role['Name']}')" in texts["bicep/identity.bicep"], f"identity.bicep does not give {role['Name']}")
        made = next(line for line in texts["terraform/main.tf"].splitlines() if "for file in [" in line)
        hold(f'"{stem}"' in made, f"main.tf does not make {stem}.json")
    check_bicep(folder / "bicep/roles.bicep")
    tree = check_bicep(folder / "bicep/identity.bicep")
    credentials = tree["resources"]["credentials"]
    properties = body_of(credentials)["properties"]
    hold((properties.get("subject"), properties.get("audiences")) == (SUBJECT["bicep"], [AUDIENCE]), f"identity.bicep: {properties}")
    hold({"type": "batchSize", "argument": 1} in credentials["decorators"], "identity.bicep writes credentials at once")
    credential = check_terraform(folder / "terraform").get("azurerm_federated_identity_credential", {})
    hold(SUBJECT["terraform"] in str(credential.get("subject")), f"main.tf: subject {credential.get('subject')}")
    hold(AUDIENCE in str(credential.get("audience")), f"main.tf: audience {credential.get('audience')}")
    for line in wrong:
        print(line, file=sys.stderr)
    print(f"deploy/azure: {len(roles)} roles, Bicep and Terraform checked, {len(wrong)} wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(pathlib.Path(sys.argv[1])))
