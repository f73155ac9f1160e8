"""Runs the configurations with azureml-core and writes what each sent, as the simulator recorded it.

usage: record.py FOLDER_OF_CONFIGURATIONS FOLDER_OF_EXAMPLE FOLDER_WITH_CERTIFICATE FOLDER_OF_RECORDINGS
"""

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path

import azureml.core
import requests
from azureml.core import Workspace
from azureml.core.authentication import TokenAuthentication
from azureml.exceptions import WebserviceException

SUBSCRIPTION = "00000000-0000-0000-0000-000000000001"
GROUP = "amlrg"


def admin(method: str, path: str) -> requests.Response:
    answer = requests.request(method, f"{os.environ['AZURE_RESOURCE_MANAGER']}/simulator/{path}", timeout=30)
    answer.raise_for_status()
    return answer


def record(configuration, folders: list[Path], auth: TokenAuthentication) -> dict:
    """What one configuration sends, in a folder and a workspace of its own."""
    name = configuration.__name__
    ws = Workspace(SUBSCRIPTION, GROUP, f"w-{name.replace('_', '-')}"[:33], auth=auth)
    refused = None
    with tempfile.TemporaryDirectory() as folder:
        for files in folders:
            shutil.copytree(files, folder, dirs_exist_ok=True)
        shutil.copy(Path(folder, "score.py"), Path(folder, "source"))
        os.chdir(folder)
        if name == "registered_model":
            azureml.core.Model.register(ws, model_path="model.pkl", model_name="registered-before")
        admin("POST", "recording")
        try:
            configuration(ws)
        except WebserviceException as refusal:
            refused = refusal.message
        sent = admin("GET", "recording").json()
        os.chdir("/")
    return {"sdk": azureml.core.VERSION, "refused": refused, "sent": sent}


def main(configurations: str, example: str, certificate: str, recordings: str) -> None:
    sys.path.insert(0, configurations)
    from configurations import CONFIGURATIONS
    from sign_in import token

    auth = TokenAuthentication(token)
    for configuration in CONFIGURATIONS:
        recorded = record(configuration, [Path(example), Path(configurations) / "files", Path(certificate)], auth)
        path = Path(recordings) / f"{configuration.__name__}.json"
        path.write_text(json.dumps(recorded, indent=1))
        print(f"{configuration.__name__}: {len(recorded['sent'])} requests with a body")


if __name__ == "__main__":
    main(*sys.argv[1:])
