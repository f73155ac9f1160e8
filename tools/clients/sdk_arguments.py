"""All 21 arguments of `AciWebservice.deploy_configuration`: what each does, and what is refused."""

import subprocess

from azureml.core.webservice import AciWebservice
from azureml.exceptions import WebserviceException

import sdk_bed
import simulator
from checks import Area, Checks

AREA = Area("Arguments of a deployment")


def certificate(name: str) -> dict[str, str]:
    """A self-made certificate for a host name, as the SDK's arguments."""
    key, pem = f"{name}.key", f"{name}.pem"
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
            "-addext",
            f"subjectAltName=DNS:{name}",
            "-keyout",
            key,
            "-out",
            pem,
        ],
        check=True,
        capture_output=True,
    )
    return {"ssl_cert_pem_file": pem, "ssl_key_pem_file": key, "ssl_cname": name}


@AREA.step
def all_that_go_together(checks: Checks) -> None:
    simulator.delegated_subnet("argnet", "argsub")
    service = sdk_bed.deploy(
        "arguments",
        cpu_cores=1.5,
        memory_gb=2.5,
        tags={"a": "1"},
        properties={"b": "2"},
        description="All arguments",
        location="japaneast",
        auth_enabled=True,
        ssl_enabled=True,
        enable_app_insights=True,
        **certificate("score.example.com"),
        primary_key="the-first-key",
        secondary_key="the-second-key",
        collect_model_data=True,
        cmk_vault_base_url="https://vault.example.com/",
        cmk_key_name="key",
        cmk_key_version="1",
        vnet_name="argnet",
        subnet_name="argsub",
    )
    service = sdk_bed.fresh(service)
    payload = service.serialize()
    resources = service.container_resource_requirements
    checks.equal("cpu_cores, memory_gb", (resources.cpu, resources.memory_in_gb), (1.5, 2.5))
    checks.equal("tags", service.tags, {"a": "1"})
    checks.equal("properties", service.properties["b"], "2")
    checks.equal("description", service.description, "All arguments")
    checks.equal("location", service.location, "japaneast")
    checks.equal("auth_enabled", service.auth_enabled, True)
    checks.equal("primary_key, secondary_key", service.get_keys(), ("the-first-key", "the-second-key"))
    checks.equal("ssl_enabled", service.ssl_enabled, True)
    checks.equal("ssl_cert_pem_file", service.ssl_certificate, open("score.example.com.pem").read())
    checks.equal("ssl_key_pem_file is never shown", payload["sslKey"] or "", "")
    checks.equal("ssl_cname", service.cname, "score.example.com")
    checks.that("TLS makes the address https", service.scoring_uri.startswith("https://"), service.scoring_uri)
    checks.equal("enable_app_insights", service.enable_app_insights, True)
    checks.equal(
        "cmk_vault_base_url, cmk_key_name, cmk_key_version",
        payload["encryptionProperties"],
        {"vaultBaseUrl": "https://vault.example.com/", "keyName": "key", "keyVersion": "1"},
    )
    checks.equal("vnet_name, subnet_name", payload["vnetConfiguration"], {"vnetName": "argnet", "subnetName": "argsub"})
    shown = next(found for found in simulator.admin("GET", "dump")["services"] if found["name"] == "arguments")
    checks.equal("collect_model_data", shown["dataCollection"]["storageEnabled"], True)


@AREA.step
def a_dns_label_makes_a_public_name(checks: Checks) -> None:
    service = sdk_bed.deploy("public", dns_name_label="my-label")
    checks.equal("dns_name_label", service.scoring_uri, "http://my-label.japaneast.azurecontainer.io/score")
    checks.that("there is a public address", service.public_ip)
    simulator.delegated_subnet()
    checks.raises(
        "not together with a network",
        WebserviceException,
        "dnsNameLabel",
        lambda: sdk_bed.deploy("label-in-net", dns_name_label="l", vnet_name="amlvnet1", subnet_name="amlsubnet1"),
    )


@AREA.step
def what_the_sdk_refuses_by_itself(checks: Checks) -> None:
    def refused(name: str, text: str, **configuration: object) -> None:
        checks.raises(name, WebserviceException, text, lambda: sdk_bed.deploy("refused", **configuration))

    refused("no cores", "cpu_cores must be positive", cpu_cores=-1)
    refused("no memory", "memory_gb must be positive", memory_gb=-1)
    refused("TLS without a certificate", "must provide a SSL certificate", ssl_enabled=True)
    files = {"ssl_cert_pem_file": "absent.pem", "ssl_key_pem_file": "absent.key", "ssl_cname": "x"}
    refused("a certificate that is not there", "unable to find SSL cert", ssl_enabled=True, **files)
    refused("half an encryption key", "customer managed key", cmk_key_name="key")
    refused("half a network", "vnet_name and subnet_name", vnet_name="amlvnet1")
    checks.raises("a name with a capital", WebserviceException, "name", lambda: sdk_bed.deploy("Refused", cpu_cores=1))
    checks.that(
        "and it can print a configuration", AciWebservice.deploy_configuration(1).print_deploy_configuration() is None
    )


@AREA.step
def what_azure_refuses(checks: Checks) -> None:
    def refused(name: str, text: str, **configuration: object) -> None:
        checks.raises(name, WebserviceException, text, lambda: sdk_bed.deploy("refused", **configuration))

    refused("a network that is not there", "nonet", vnet_name="nonet", subnet_name="sub")
    simulator.delegated_subnet("refnet", "refsub")
    refused("a subnet that is not there", "nosub", vnet_name="refnet", subnet_name="nosub")
    body = {"properties": {"addressPrefix": "10.0.9.0/24"}}
    simulator.resource(f"{simulator.NETWORK}/virtualNetworks/refnet/subnets/plain", "PUT", body)
    refused("a subnet that is not delegated", "elegat", vnet_name="refnet", subnet_name="plain")
    refused("a network of another region", "egion", location="westus", vnet_name="refnet", subnet_name="refsub")
    checks.raises(
        "nothing of it stands",
        WebserviceException,
        "WebserviceNotFound",
        lambda: AciWebservice(sdk_bed.workspace(), "refused"),
    )
