"""Deletes by the SDK what article.py made by it."""

from pathlib import Path

from azureml.core import Model, Workspace
from azureml.core.authentication import TokenAuthentication
from azureml.core.webservice import Webservice

from sign_in import token

ws = Workspace.from_config(path=Path(__file__).with_name("config.json"), auth=TokenAuthentication(token))
Webservice(ws, "aciservice").delete()
Model(ws, "mymodel").delete()
print("web services:", [service.name for service in Webservice.list(ws)])
print("models:", [model.id for model in Model.list(ws)])
