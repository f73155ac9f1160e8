"""Serves a scoring script behind a driver with Microsoft's server and prints what it answers to each request.

usage: served.py FOLDER ENTRY_SCRIPT     FOLDER holds the driver as main.py, and the scoring script
"""

import json
import os
import sys

# Scoring scripts that differ only where the server knows which function is the user's.
SCHEMAS = (
    "from inference_schema.schema_decorators import input_schema, output_schema\n"
    "from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType\n"
    "from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType\n"
    "from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType\n"
    "import numpy, pandas\n"
    "def init(): pass\n"
)
SCRIPTS = {
    "a schema of Python types": (
        "@input_schema('param', StandardPythonParameterType({'name': ['a'], 'age': [1]}))\n"
        "@output_schema(StandardPythonParameterType({'age': [1]}))\n"
        "def run(param): return {'age': param['age']}"
    ),
    "a schema of numpy": (
        "@input_schema('data', NumpyParameterType(numpy.array([[1.5, 2.0]])))\n"
        "@output_schema(NumpyParameterType(numpy.array([3.5])))\n"
        "def run(data): return [type(data).__name__, data.sum(axis=1).tolist()]"
    ),
    "a schema of pandas": (
        "@input_schema('data', PandasParameterType(pandas.DataFrame({'a': [1], 'b': ['x']})))\n"
        "def run(data): return [type(data).__name__, data['a'].tolist()]"
    ),
    "two decorated parameters and headers": (
        "@input_schema('first', StandardPythonParameterType(1))\n"
        "@input_schema('second', StandardPythonParameterType(['a']))\n"
        "def run(first, second, request_headers): return [first, second, 'Content-Type' in request_headers]"
    ),
    "a decorated parameter with a default": (
        "@input_schema('limit', StandardPythonParameterType(3))\n"
        "def run(limit=3): return limit"
    ),
    "only the output is decorated": (
        "@output_schema(StandardPythonParameterType([1]))\n"
        "def run(data): return [type(data).__name__]"
    ),
    "raw requests": (
        "from azureml_inference_server_http.api.aml_request import rawhttp\n"
        "from azureml_inference_server_http.api.aml_response import AMLResponse\n"
        "@rawhttp\n"
        "def run(request): return AMLResponse(f'{request.method} {request.get_data()!r} {sorted(request.args)}', 203)"
    ),
    "raw requests and a schema": (
        "from azureml_inference_server_http.api.aml_request import rawhttp\n"
        "@rawhttp\n@input_schema('data', StandardPythonParameterType(1))\n"
        "def run(data): return data"
    ),
    "a coroutine": "async def run(data): return data",
    "any arguments": "def run(*args, **kwargs): return 1",
    "by position only": "def run(data, /): return data",
    "a method of a class": "class Model:\n  def run(self, data): return [data]\nrun = Model().run",
    "a numpy array as the result": "def run(data): return numpy.array([1])",
    "no number as the result": "def run(data): return float('nan')",
}
POSTS = [
    '{"param": {"name": ["x"], "age": [7]}, "data": [[1, 2]], "first": 1, "second": ["b"]}',
    '{"data": [{"a": 5, "b": "y"}]}',
    '{"limit": 4}',
    "{}",
    "[1]",
    "not JSON",
    "",
    b"\x00\xff\x80",
]


def answers(client) -> list:
    """What comes back to each request; texts of errors too, since a client sees them."""
    asked = [client.post("/score", data=body, content_type="application/json") for body in POSTS]
    asked += [client.post("/score", data=POSTS[0], content_type="text/plain"), client.get("/score?limit=5&first=1&second=b")]
    asked += [client.options("/score"), *(client.get(f"/swagger.json?version={version}") for version in ("2", "3", "3.1", "9"))]
    return [[answer.status_code, answer.content_type, answer.get_data(as_text=True)] for answer in asked]


def serve(folder: str, script: str) -> object:
    """The server reads its settings when it is imported: no script, so that it loads `main` as Azure's older stacks do."""
    os.environ.pop("AZUREML_ENTRY_SCRIPT", None)
    os.environ["AML_APP_ROOT"] = folder
    os.chdir(folder)
    from azureml_inference_server_http.server import create_app
    from azureml_inference_server_http.server.user_script import UserScript, UserScriptError

    os.environ["AZUREML_ENTRY_SCRIPT"] = script
    try:
        UserScript(None).load_script(folder)
    except UserScriptError as refusal:
        return {"refused": str(refusal), "by": repr(refusal.__cause__)}
    sys.modules.pop("main")
    try:
        return answers(create_app.create().test_client())
    except SystemExit as end:
        return {"ended": end.code}


if __name__ == "__main__":
    told = sys.stdout
    # the server and the scripts print, too
    sys.stdout = sys.stderr
    print(json.dumps(serve(*sys.argv[1:])), file=told)
