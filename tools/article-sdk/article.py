"""The how-to's own Python, from the model file to the scoring URI; run in the folder that holds its files.

What differs from the how-to: where config.json lies, `auth`, and environment variables that tell the SDK where Azure is
(inside.sh). There Workspace.from_config() alone finds the file in the current folder and opens a browser.
"""

from pathlib import Path

from azureml.core import Environment, Model, Workspace
from azureml.core.authentication import TokenAuthentication
from azureml.core.model import InferenceConfig
from azureml.core.webservice import AciWebservice

from sign_in import token

ws = Workspace.from_config(path=Path(__file__).with_name("config.json"), auth=TokenAuthentication(token))

model = Model.register(workspace=ws, model_path="model.pkl", model_name="mymodel")

env = Environment.from_conda_specification(name="myenv", file_path="myenv.yml")
inference_config = InferenceConfig(entry_script="score.py", environment=env)
deployment_config = AciWebservice.deploy_configuration(
    cpu_cores=1, memory_gb=1, location="japaneast", vnet_name="amlvnet1", subnet_name="amlsubnet1"
)

service = Model.deploy(ws, "aciservice", [model], inference_config, deployment_config)
service.wait_for_deployment(show_output=True)
print(service.state)
print(service.scoring_uri)
