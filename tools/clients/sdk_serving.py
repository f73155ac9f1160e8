"""`service.run` against containers that really run: Microsoft's scoring server with the model and the script."""

import json
import os

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


@AREA.step
def a_script_that_fails_at_its_beginning(checks: Checks) -> None:
    service = deploy(
        "broken", "weights", "def init():\n    raise ValueError('no such weights')\n\n\ndef run(d):\n    return d\n"
    )
    checks.raises("the deployment fails", WebserviceException, "CrashLoopBackOff", service.wait_for_deployment)
    checks.contains("and the log says why", service.get_logs(), "no such weights")
