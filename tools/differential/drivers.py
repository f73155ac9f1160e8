"""Compares our driver with the one that azureml-core generates, by what they do with the same scoring scripts: called as
the serving stack calls them, and behind Microsoft's server (served.py).

usage: drivers.py FOLDER_OF_RECORDINGS OUR_DRIVER PYTHON_WITH_THE_SERVER
"""

import base64
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import served

BODIES = ['{"data": [[1, 2]]}', "", b"\x00\xff\x80binary".hex(), "not JSON"]
HEADERS = {"x-ms-request-id": "42"}

# A scoring script by what it shows.
SCRIPTS = {
    "text": "def init(): pass\ndef run(data): return [type(data).__name__, data]",
    "state of init": "def init():\n  global n\n  n = 41\ndef run(data): return n + len(data)",
    "headers": "def init(): pass\ndef run(data, request_headers): return [data, request_headers]",
    "headers first": "def init(): pass\ndef run(request_headers, body): return [body, request_headers]",
    "headers by default": "def init(): pass\ndef run(body, request_headers=None): return [body, request_headers]",
    "further parameters by default": "def init(): pass\ndef run(body, limit=3): return [body, limit]",
    "raw requests": (
        "import functools\n"
        "def rawhttp(f):\n  @functools.wraps(f)\n  def inner(*a, **k): return {'raw': f(*a, **k)}\n  return inner\n"
        "def init(): pass\n@rawhttp\ndef run(request): return [type(request).__name__, len(request)]"
    ),
    "schema for swagger": (
        "import functools, inspect\n"
        "def input_schema(name):\n  def decorate(f):\n    @functools.wraps(f)\n    def inner(*a, **k): return f(*a, **k)\n"
        "    inner.schema = {name: 'string'}\n    return inner\n  return decorate\n"
        "def init(): pass\n@input_schema('data')\ndef run(data): return [run.schema, list(inspect.signature(run).parameters)]"
    ),
    "a module beside it": "import helper\ndef init(): pass\ndef run(data): return helper.ANSWER",
    "a file beside it": (
        "import os\ndef init(): pass\n"
        "def run(data): return open(os.path.join(os.path.dirname(os.path.realpath(__file__)), 'beside.txt')).read()"
    ),
    "its own name": "def init(): pass\ndef run(data): return [__name__, run.__module__]",
    "error in run": "def init(): pass\ndef run(data): raise ValueError(f'bad input {data!r}')",
    "error in init": "def init(): raise RuntimeError('no model here')\ndef run(data): return 1",
    "error at import": "import a_module_that_is_nowhere\ndef init(): pass\ndef run(data): return 1",
    "syntax error": "def init( pass",
    "no parameter": "def init(): pass\ndef run(): return 1",
    "no init": "def run(data): return 1",
    "no run": "def init(): pass",
}


def outcome(act) -> object:
    try:
        return {"result": act()}
    except BaseException as error:  # noqa: BLE001: whatever comes is what is compared
        return {"error": type(error).__name__, "text": str(error)}


def play(driver: str) -> None:
    """Loads a driver as the serving stack does and prints what it makes of each body."""
    folder = os.path.dirname(os.path.realpath(driver))
    sys.path.insert(0, folder)

    def load():
        spec = importlib.util.spec_from_file_location("entry_module", driver)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.init()
        return module

    loaded = outcome(load)
    if "error" in loaded:
        print(json.dumps(loaded))
        return
    module = loaded["result"]
    bodies = [*BODIES, bytes.fromhex(BODIES[2])]
    print(json.dumps([outcome(lambda body=body: module.run(body, request_headers=HEADERS)) for body in bodies], default=repr))


def laid_out(root: str, driver: bytes, script: str, folder_name: str) -> tuple[Path, str]:
    """Driver and script as in a container: the driver's path and the script's, relative to the root."""
    folder = Path(root) / folder_name
    folder.mkdir(exist_ok=True)
    (folder / "score.py").write_text(script)
    (folder / "helper.py").write_text("ANSWER = 42\n")
    (folder / "beside.txt").write_text("beside\n")
    path = Path(root) / "main.py"
    path.write_bytes(driver)
    return path, f"{folder_name}/score.py" if folder_name else "score.py"


def said_by(root: str, command: list[str], **variables: str) -> object:
    said = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=True)
    return json.loads(said.stdout.replace(root, "ROOT"))


def played(driver: bytes, script: str, folder_name: str) -> object:
    with tempfile.TemporaryDirectory() as root:
        path, entry = laid_out(root, driver, script, folder_name)
        return said_by(root, [sys.executable, __file__, "--play", str(path)], AZUREML_ENTRY_SCRIPT=entry)


def behind_the_server(python: str, driver: bytes, script: str, folder_name: str) -> object:
    with tempfile.TemporaryDirectory() as root:
        _, entry = laid_out(root, driver, script, folder_name)
        return said_by(root, [python, served.__file__, root, entry])


def generated(recordings: Path, configuration: str) -> bytes:
    """The driver that the SDK uploaded."""
    sent = json.loads((recordings / f"{configuration}.json").read_text())["sent"]
    (service,) = [one for one in sent if one["path"].endswith("/services")]
    driver = service["json"]["environmentImageRequest"]["driverProgram"]
    (upload,) = [one for one in sent if one["verb"] == "PUT" and one["path"].endswith(driver)]
    return base64.b64decode(upload["base64"])


def main(recordings: str, ours: str, server: str) -> int:
    failed = count = 0
    ours = Path(ours).read_bytes()
    decorated = {name: served.SCHEMAS + script for name, script in served.SCRIPTS.items()}
    for configuration, folder in (("article", ""), ("extra_files", "source")):
        theirs = generated(Path(recordings), configuration)
        ways = [(played, SCRIPTS), (partial(behind_the_server, server), {**SCRIPTS, **decorated})]
        for way, name, script in [(way, name, script) for way, scripts in ways for name, script in scripts.items()]:
            want, have = way(theirs, script, folder), way(ours, script, folder)
            count += 1
            if want != have:
                failed += 1
                print(f"{configuration}, {name}: the SDK's driver {want}, ours {have}")
    print(f"drivers: {count} scoring scripts, {failed} with another outcome")
    return 1 if failed else 0


if __name__ == "__main__":
    if sys.argv[1] == "--play":
        play(sys.argv[2])
    else:
        sys.exit(main(*sys.argv[1:]))
