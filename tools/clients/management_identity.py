"""azure-identity: a client secret, a federated token of another issuer, and what the authority refuses."""

import json
import os
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import jwt
from azure.core.credentials import AccessToken
from azure.core.exceptions import ClientAuthenticationError
from azure.identity import (
    ClientAssertionCredential,
    EnvironmentCredential,
    ManagedIdentityCredential,
    WorkloadIdentityCredential,
)
from cryptography.hazmat.primitives.asymmetric import rsa

import management_bed as bed
import simulator
from checks import Area, Checks

AREA = Area("Identity")
FEDERATED_CLIENT = "00000000-0000-0000-0000-00000000000f"
SUBJECT = "system:serviceaccount:ml:acivnet"
AUDIENCE = "api://AzureADTokenExchange"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def claims(token: str) -> dict:
    return jwt.decode(token, options={"verify_signature": False})


class Issuer(BaseHTTPRequestHandler):
    """What a cluster publishes about the keys of its service accounts."""

    def do_GET(self) -> None:
        if self.path.endswith("openid-configuration"):
            body = {"issuer": self.server.url, "jwks_uri": f"{self.server.url}/keys"}
        else:
            key = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(KEY.public_key()))
            body = {"keys": [key | {"kid": "one", "alg": "RS256", "use": "sig"}]}
        data = json.dumps(body).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


def start_issuer() -> str:
    server = ThreadingHTTPServer(("localhost", 0), Issuer)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["ISSUER_CERTIFICATE"], os.environ["ISSUER_KEY"])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = f"https://localhost:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.url


def federate(issuer: str) -> None:
    """An application that a service account of the cluster signs in as."""
    object_id = "00000000-0000-0000-0000-0000000000f1"
    credential = {"name": "cluster", "issuer": issuer, "subject": SUBJECT, "audience": AUDIENCE}
    application = {
        "tenantId": bed.TENANT,
        "clientId": FEDERATED_CLIENT,
        "objectId": object_id,
        "displayName": "operator",
        "federatedCredentials": [credential],
    }
    role = {"principalId": object_id, "role": "Reader", "scope": simulator.GROUP}
    simulator.admin("PUT", "seed", {"applications": [application], "roleAssignments": [role]})


def service_account_token(issuer: str, subject: str = SUBJECT) -> str:
    now = int(time.time())
    body = {"iss": issuer, "sub": subject, "aud": [AUDIENCE], "iat": now, "nbf": now, "exp": now + 600}
    return jwt.encode(body, KEY, algorithm="RS256", headers={"kid": "one"})


@AREA.quick_step
def a_client_secret(checks: Checks) -> None:
    token = bed.client_secret().get_token(bed.SCOPE)
    checks.equal("the token is for the tenant", claims(token.token)["tid"], bed.TENANT)
    checks.that("it lasts about an hour", 3000 < token.expires_on - time.time() < 5500, token.expires_on)
    again = bed.credential()
    checks.equal(
        "a second one comes from the cache", again.get_token(bed.SCOPE).token, again.get_token(bed.SCOPE).token
    )
    environment = EnvironmentCredential(
        authority=bed.AUTHORITY, disable_instance_discovery=True, connection_verify=bed.CA
    )
    checks.that("the environment's variables do too", environment.get_token(bed.SCOPE).token)
    checks.raises(
        "a wrong secret",
        ClientAuthenticationError,
        "AADSTS7000215",
        lambda: bed.client_secret("wrong").get_token(bed.SCOPE),
    )
    unknown = "00000000-0000-0000-0000-0000000000ff"
    checks.raises(
        "an unknown tenant",
        Exception,
        "Unable to get authority configuration",
        lambda: bed.client_secret(tenant=unknown).get_token(bed.SCOPE),
    )


@AREA.quick_step
def a_workload_identity(checks: Checks) -> None:
    issuer = start_issuer()
    federate(issuer)
    path = Path("token")
    path.write_text(service_account_token(issuer))
    common = {"authority": bed.AUTHORITY, "disable_instance_discovery": True, "connection_verify": bed.CA}
    credential = WorkloadIdentityCredential(
        tenant_id=bed.TENANT, client_id=FEDERATED_CLIENT, token_file_path=str(path), **common
    )
    checks.equal("a token from a file", claims(credential.get_token(bed.SCOPE).token)["appid"], FEDERATED_CLIENT)
    reader = bed.ResourceManagementClient(credential, simulator.SUBSCRIPTION_ID, **bed.options())
    checks.equal("it reads what its role allows", reader.resource_groups.get(bed.GROUP).name, bed.GROUP)
    checks.raises(
        "and writes nothing",
        Exception,
        "AuthorizationFailed",
        lambda: reader.resource_groups.update(bed.GROUP, {"tags": {"a": "b"}}),
    )

    def asserted(subject: str) -> str:
        token = service_account_token(issuer, subject)
        assertion = ClientAssertionCredential(bed.TENANT, FEDERATED_CLIENT, lambda: token, **common)
        return assertion.get_token(bed.SCOPE).token

    checks.that("an assertion by a function", asserted(SUBJECT))
    checks.raises(
        "another service account",
        ClientAuthenticationError,
        "AADSTS70021",
        lambda: asserted("system:serviceaccount:other:acivnet"),
    )


@AREA.step
def what_a_token_does_not_open(checks: Checks) -> None:
    class Nobody:
        def get_token(self, *_: object, **__: object) -> object:
            return AccessToken("no-token", int(time.time()) + 3600)

    nobody = bed.ResourceManagementClient(Nobody(), simulator.SUBSCRIPTION_ID, **bed.options())
    checks.raises(
        "a token that is none",
        ClientAuthenticationError,
        "InvalidAuthenticationToken",
        lambda: nobody.resource_groups.get(bed.GROUP),
    )
    other = bed.ResourceManagementClient(bed.credential(), "00000000-0000-0000-0000-0000000000aa", **bed.options())
    checks.raises(
        "a subscription that is not there",
        Exception,
        "SubscriptionNotFound",
        lambda: other.resource_groups.get(bed.GROUP),
    )


@AREA.quick_step
def a_managed_identity(checks: Checks) -> None:
    mine = "00000000-0000-0000-0000-0000000000e0"
    other = "00000000-0000-0000-0000-0000000000e1"
    assigned = f"{simulator.GROUP}/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other"
    identities = [
        {"tenantId": bed.TENANT, "clientId": mine, "objectId": mine},
        {"tenantId": bed.TENANT, "clientId": other, "objectId": other, "resourceId": assigned},
    ]
    role = {"principalId": mine, "role": "Reader", "scope": simulator.GROUP}
    simulator.admin("PUT", "seed", {"managedIdentities": identities, "roleAssignments": [role]})
    # At 169.254.169.254, as on every machine in Azure.
    system = ManagedIdentityCredential()
    checks.equal("the machine's own", claims(system.get_token(bed.SCOPE).token)["appid"], mine)
    reader = bed.ResourceManagementClient(system, simulator.SUBSCRIPTION_ID, **bed.options())
    checks.equal("it reads what its role allows", reader.resource_groups.get(bed.GROUP).name, bed.GROUP)
    token = ManagedIdentityCredential(client_id=other).get_token(bed.SCOPE).token
    checks.equal("a user-assigned one by client id", claims(token)["appid"], other)
    token = ManagedIdentityCredential(identity_config={"resource_id": assigned}).get_token(bed.SCOPE).token
    checks.equal("and by resource id", claims(token)["appid"], other)
    unknown = ManagedIdentityCredential(client_id="00000000-0000-0000-0000-0000000000ee")
    checks.raises(
        "one that the machine has not",
        ClientAuthenticationError,
        "Identity not found",
        lambda: unknown.get_token(bed.SCOPE),
    )
