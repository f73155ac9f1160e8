"""What every area of the management libraries begins with: who signs in, and the clients."""

import functools
import os
import uuid
from typing import Any

from azure.core.credentials import TokenCredential
from azure.identity import ClientSecretCredential
from azure.mgmt.containerinstance import ContainerInstanceManagementClient
from azure.mgmt.network import NetworkManagementClient
from azure.mgmt.privatedns import PrivateDnsManagementClient
from azure.mgmt.resource.resources import ResourceManagementClient

import simulator

ENDPOINT = os.environ["AZURE_RESOURCE_MANAGER"]
AUTHORITY = os.environ["AZURE_AUTHORITY_HOST"]
TENANT = os.environ["AZURE_TENANT_ID"]
CA = os.environ["SSL_CERT_FILE"]
SCOPE = "https://management.azure.com/.default"
GROUP = "amlrg"
LOCATION = simulator.LOCATION


def client_secret(secret: str | None = None, tenant: str = TENANT) -> ClientSecretCredential:
    return ClientSecretCredential(
        tenant,
        os.environ["AZURE_CLIENT_ID"],
        secret or os.environ["AZURE_CLIENT_SECRET"],
        authority=AUTHORITY,
        disable_instance_discovery=True,
        connection_verify=CA,
    )


def options(**more: Any) -> dict[str, Any]:
    """What tells a client where Azure is, and to look twice a second."""
    return {
        "base_url": ENDPOINT,
        "credential_scopes": [SCOPE],
        "connection_verify": CA,
        "polling_interval": 0.5,
    } | more


@functools.cache
def credential() -> TokenCredential:
    return client_secret()


@functools.cache
def resources() -> ResourceManagementClient:
    return ResourceManagementClient(credential(), simulator.SUBSCRIPTION_ID, **options())


@functools.cache
def network() -> NetworkManagementClient:
    return NetworkManagementClient(credential(), simulator.SUBSCRIPTION_ID, **options())


@functools.cache
def container_instances() -> ContainerInstanceManagementClient:
    return ContainerInstanceManagementClient(credential(), simulator.SUBSCRIPTION_ID, **options())


@functools.cache
def private_dns() -> PrivateDnsManagementClient:
    return PrivateDnsManagementClient(credential(), simulator.SUBSCRIPTION_ID, **options())


def new_name(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:8]}"


def virtual_network(name: str, **properties: Any) -> Any:
    """A virtual network that no check is about."""
    body = {"location": LOCATION, "properties": {"addressSpace": {"addressPrefixes": ["10.0.0.0/16"]}} | properties}
    return network().virtual_networks.begin_create_or_update(GROUP, name, body).result()


def delegated_subnet(network_name: str, name: str = "aci", prefix: str = "10.0.1.0/24") -> Any:
    delegation = {"name": "aci", "properties": {"serviceName": "Microsoft.ContainerInstance/containerGroups"}}
    body = {"properties": {"addressPrefix": prefix, "delegations": [delegation]}}
    return network().subnets.begin_create_or_update(GROUP, network_name, name, body).result()
