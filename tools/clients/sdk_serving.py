"""`service.run` against containers that really run: Microsoft's scoring server with the model and the script."""

import json
import os
import subprocess
import tempfile
from pathlib import Path

import requests
from azureml.core import Environment, Model
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice
from azureml.exceptions import WebserviceException

import sdk_bed
import simulator
from checks import Area, Checks

AREA = Area("Serving")
SCORE = """
import json
import os
from pathlib import Path

model = None


def init():
    global model
    print("init begins")
    files = [path for path in Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*") if path.is_file()]
    model = files[0].read_text()


def run(data):
    numbers = json.loads(data)["data"]
    return {"model": model, "sum": sum(numbers), "level": os.environ.get("LEVEL")}
"""


def deploy(name: str, text: str, score: str = SCORE, **configuration: object) -> AciWebservice:
    # The environment of the article: built once on this machine.
    environment = Environment.from_conda_specification("myenv", os.environ["ARTICLE_ENVIRONMENT"])
    environment.environment_variables = {"LEVEL": "debug"}
    inference = InferenceConfig(sdk_bed.file("score.py", score), environment=environment)
    model = sdk_bed.register("weights", text)
    network = {"vnet_name": "amlvnet1", "subnet_name": "amlsubnet1"}
    wanted = AciWebservice.deploy_configuration(cpu_cores=1, memory_gb=1, **network, **configuration)
    return Model.deploy(sdk_bed.workspace(), name, [model], inference, wanted)


@AREA.step
def a_service_answers(checks: Checks) -> None:
    simulator.delegated_subnet()
    sdk_bed.PATIENCE_SECONDS = 900
    service = sdk_bed.settled(deploy("serving", "first weights"))
    checks.equal("it is healthy", service.state, "Healthy")
    answer = service.run(json.dumps({"data": [1, 2, 3]}))
    checks.equal("run gives what the script gives", answer, {"model": "first weights", "sum": 6, "level": "debug"})
    checks.contains("get_logs has what it printed", service.get_logs(), "init begins")
    checks.raises("an error in the script", WebserviceException, "x-ms-run-function-failed", lambda: service.run("no json"))
    checks.equal(
        "GET / is the liveness", requests.get(service.scoring_uri.replace("/score", "/"), timeout=10).status_code, 200
    )
    checks.that("swagger_uri", service.swagger_uri.endswith("/swagger.json"), service.swagger_uri)
    newer = sdk_bed.register("weights", "second weights")
    environment = Environment.from_conda_specification("myenv", os.environ["ARTICLE_ENVIRONMENT"])
    service.update(models=[newer], inference_config=InferenceConfig("score.py", environment=environment))
    sdk_bed.settled(service)
    answer = service.run(json.dumps({"data": [4]}))
    checks.equal("after an update it is the new model", answer, {"model": "second weights", "sum": 4, "level": None})


NO_ANSWER = requests.exceptions.RequestException


def container_group(service: str) -> dict:
    """What Container Instances shows of the group behind a service."""
    header = sdk_bed.workspace()._auth.get_authentication_header()
    base, version = os.environ["SIMULATOR"].removesuffix("/simulator"), {"api-version": "2023-05-01"}
    groups = f"{base}{simulator.GROUP}/providers/Microsoft.ContainerInstance/containerGroups"
    listed = requests.get(groups, version, headers=header, timeout=30).json()["value"]
    found = next(group for group in listed if group["name"].startswith(service))
    return requests.get(base + found["id"], version, headers=header, timeout=30).json()["properties"]


def previous_state(service: str) -> dict:
    return container_group(service)["containers"][0]["properties"]["instanceView"].get("previousState", {})


def answered(url: str, key: str | None = None, data: str = '{"data": [1]}', **more: object) -> int:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
    return requests.post(url, data, headers=headers, timeout=30, **more).status_code


@AREA.step
def keys_are_asked_for(checks: Checks) -> None:
    service = sdk_bed.settled(deploy("locked", "weights", auth_enabled=True))
    uri, (primary, secondary) = service.scoring_uri, service.get_keys()
    checks.equal("no key", answered(uri), 401)
    checks.equal("a wrong key", answered(uri, "wrong"), 401)
    checks.equal("the primary key", answered(uri, primary), 200)
    checks.equal("the secondary key", answered(uri, secondary), 200)
    checks.equal("run sends it", service.run(json.dumps({"data": [1, 1]}))["sum"], 2)
    service.regen_key("Primary")
    checks.equal("a key that was replaced", answered(uri, primary), 401)
    checks.equal("the new one", answered(uri, service.get_keys()[0]), 200)
    checks.raises("the server's own port is closed", NO_ANSWER, "", lambda: answered(uri.replace("/score", ":5001/score"), primary))
    service.delete()


@AREA.step
def tls_is_spoken(checks: Checks) -> None:
    folder = Path(tempfile.mkdtemp())
    for form, command in [("pkcs1", "genrsa -traditional 2048"), ("ec", "ecparam -name prime256v1 -genkey")]:
        key, certificate = folder / f"{form}.key", folder / f"{form}.pem"
        key.write_bytes(subprocess.run(["openssl", *command.split()], check=True, capture_output=True).stdout)
        subject = ["-subj", "/CN=model.corp", "-addext", "subjectAltName=IP:10.0.1.4,DNS:model.corp", "-days", "2"]
        subprocess.run(["openssl", "req", "-x509", "-new", "-key", key, *subject, "-out", certificate], check=True)
        tls = {"ssl_enabled": True, "ssl_cert_pem_file": certificate, "ssl_key_pem_file": key, "ssl_cname": "model.corp"}
        service = sdk_bed.settled(deploy(f"tls-{form}", "weights", **tls))
        address = container_group(service.name)["ipAddress"]["ip"]
        code = subprocess.run(
            ["curl", "-s", "-o", folder / "answer", "-w", "%{http_code}", "--cacert", certificate, "--resolve",
             f"model.corp:443:{address}", "-d", '{"data": [1]}', "-H", "Content-Type: application/json",
             "https://model.corp/score"], capture_output=True, text=True)
        checks.equal(f"{form}: https with the certificate that was sent", code.stdout, "200")
        checks.raises(f"{form}: port 80 is closed", NO_ANSWER, "", lambda: answered(f"http://{address}/score"))
        service.delete()


@AREA.step
def too_much_memory_ends_the_container(checks: Checks) -> None:
    greedy = SCORE.replace("numbers = json", "held = bytearray(3 * 2**30) if 'all' in data else None\n    numbers = json")
    service = sdk_bed.settled(deploy("greedy", "weights", greedy))
    checks.equal("as long as it has enough", answered(service.scoring_uri), 200)
    checks.equal("who asks for too much", answered(service.scoring_uri, data='{"data": [1], "all": 1}'), 502)
    simulator.wait_until("its end to show", lambda: previous_state("greedy"))
    ended = previous_state("greedy")
    checks.equal("its end", (ended["exitCode"], ended["detailStatus"]), (137, "OOMKilled"))
    simulator.wait_until("it to be started again", lambda: previous_state("greedy") and answered(service.scoring_uri) == 200)
    checks.equal("it is healthy again", sdk_bed.fresh(service).state, "Healthy")
    service.delete()


@AREA.step
def security_rules_are_carried_out(checks: Checks) -> None:
    service = sdk_bed.settled(deploy("walled", "weights"))
    denied = {"name": "denyall", "properties": {
        "priority": 100, "direction": "Inbound", "access": "Deny", "protocol": "*", "sourceAddressPrefix": "*",
        "sourcePortRange": "*", "destinationAddressPrefix": "*", "destinationPortRange": "*"}}
    group = f"{simulator.NETWORK}/networkSecurityGroups/wall"
    subnet = f"{simulator.NETWORK}/virtualNetworks/amlvnet1/subnets/amlsubnet1"
    checks.equal("without rules", answered(service.scoring_uri), 200)
    simulator.resource(group, "PUT", {"location": simulator.LOCATION, "properties": {"securityRules": [denied]}})
    simulator.resource(subnet, "PATCH", {"properties": {"networkSecurityGroup": {"id": group}}})
    checks.raises("with a rule that denies all", NO_ANSWER, "", lambda: requests.get(service.scoring_uri, timeout=2))
    simulator.resource(subnet, "PATCH", {"properties": {"networkSecurityGroup": None}})
    checks.equal("without the group again", answered(service.scoring_uri), 200)
    service.delete()


@AREA.step
def a_script_that_fails_at_its_beginning(checks: Checks) -> None:
    service = deploy(
        "broken", "weights", "def init():\n    raise ValueError('no such weights')\n\n\ndef run(d):\n    return d\n"
    )
    checks.raises("the deployment fails", WebserviceException, "CrashLoopBackOff", service.wait_for_deployment)
    checks.contains("and the log says why", service.get_logs(), "no such weights")
