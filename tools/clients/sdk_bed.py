"""What every area of azureml-core begins with: the workspace, models, environments, a way to deploy."""

import functools
from pathlib import Path
from typing import Any

from azureml.core import Environment, Model, Workspace
from azureml.core.authentication import TokenAuthentication
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice, Webservice

import simulator
from sign_in import token

SCORE = "def init():\n    pass\n\n\ndef run(data):\n    return data\n"
PATIENCE_SECONDS = 60


@functools.cache
def workspace() -> Workspace:
    auth = TokenAuthentication(token)
    return Workspace.get("amlws", auth=auth, subscription_id=simulator.SUBSCRIPTION_ID, resource_group="amlrg")


def file(name: str, text: str) -> str:
    """A file in the current folder."""
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).write_text(text)
    return name


def register(name: str, text: str = "a model", **arguments: Any) -> Model:
    return Model.register(workspace(), model_path=file(f"{name}.txt", text), model_name=name, **arguments)


@functools.cache
def model() -> Model:
    """One model that no check is about."""
    return register("common")


def environment(name: str = "common") -> Environment:
    dependencies = "name: e\ndependencies:\n- python=3.11\n- pip:\n  - azureml-defaults\n"
    return Environment.from_conda_specification(name, file("common.yml", dependencies))


def inference(**arguments: Any) -> InferenceConfig:
    file("score.py", SCORE)
    return InferenceConfig(**{"entry_script": "score.py", "environment": environment()} | arguments)


def deploy(name: str, wait: bool = True, overwrite: bool = False, **configuration: Any) -> Webservice:
    """A web service of the common model. The arguments are those of `AciWebservice.deploy_configuration`."""
    wanted = AciWebservice.deploy_configuration(**{"cpu_cores": 1, "memory_gb": 1} | configuration)
    service = Model.deploy(workspace(), name, [model()], inference(), wanted, overwrite=overwrite)
    return settled(service) if wait else service


def settled(service: Webservice) -> Webservice:
    """The service when it is no longer in transition. The SDK's own waiting loop looks every five seconds."""

    def ended() -> bool:
        service.update_deployment_state()
        return service.state != "Transitioning"

    simulator.wait_until(f"{service.name} to settle", ended, PATIENCE_SECONDS)
    return service


def fresh(service: Webservice) -> Webservice:
    """The same service as Azure shows it now."""
    return Webservice(workspace(), service.name)
