"""Entry module of a container of an Azure ML web service: hands requests to the scoring script.

The serving stack calls init() once and run(body, request_headers) for each request. Microsoft's server
(azureml-inference-server-http, user_script.py) knows a driver by its global `driver_module`, the scoring script: it then
calls the script's own run(), with decoded arguments where it is decorated with a schema, and makes swagger.json from it.
Stacks that load the script that AZUREML_ENTRY_SCRIPT names by themselves leave this file alone.
"""
import importlib.util
import inspect
import os
import sys

_ROOT = os.path.dirname(os.path.abspath(__file__))
_SCRIPT = os.path.join(_ROOT, os.environ.get("AZUREML_ENTRY_SCRIPT", "score.py"))
_FOLDER = os.path.dirname(_SCRIPT)
if _FOLDER not in sys.path:
    sys.path.append(_FOLDER)


def _load():
    spec = importlib.util.spec_from_file_location("service_driver", _SCRIPT)
    if spec is None or spec.loader is None:
        raise ImportError(f"no scoring script at {_SCRIPT}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


driver_module = _load()


def init():
    global _body, _takes_headers
    parameters = list(inspect.signature(driver_module.run).parameters)
    _takes_headers = "request_headers" in parameters
    _body = [name for name in parameters if name != "request_headers"][0]
    driver_module.init()


def run(http_body, request_headers):
    arguments = {_body: http_body}
    if _takes_headers:
        arguments["request_headers"] = request_headers
    return driver_module.run(**arguments)
