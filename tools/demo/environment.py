"""Has the environment of the how-to built ahead, as its first deployment would. usage: environment.py SOCKET

SOCKET is that of `acivnet-simulator environments`. What is asked for is what azureml-core sends for the how-to. A failure is left
for the deployment to tell.
"""

import json
import socket
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def environment() -> dict:
    recording = json.loads((ROOT / "tests/differential/recordings/article.json").read_text())
    bodies = (request["body"] for request in recording["requests"] if isinstance(request.get("body"), dict))
    return next(body["environmentImageRequest"]["environment"] for body in bodies if "environmentImageRequest" in body)


def connect(path: str) -> socket.socket:
    for _ in range(100):
        builder = socket.socket(socket.AF_UNIX)
        try:
            builder.connect(path)
            return builder
        except OSError:
            builder.close()
            time.sleep(0.1)
    sys.exit(f"{path}: nobody answers")


with connect(sys.argv[1]) as builder:
    builder.sendall(json.dumps({"environment": environment()}).encode() + b"\n")
    for line in builder.makefile():
        print(line, end="")
