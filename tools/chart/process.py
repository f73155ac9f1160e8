"""Prints what starts the operator as a Deployment says: its settings as NAME=VALUE, a line each, then `--`, then its arguments.

usage: kubectl get deployment NAME -o json | process.py
"""

import json
import sys

container = json.load(sys.stdin)["spec"]["template"]["spec"]["containers"][0]
for setting in container["env"]:
    print(f"{setting['name']}={setting['value']}")
print("--")
print("\n".join(container["args"]))
