"""Of a list of objects, the newest that an owner of this name made. usage: newest.py OWNER [--whole] < LIST > NAME_OR_OBJECT"""

import json
import sys

owner, whole = sys.argv[1], "--whole" in sys.argv
items = [item for item in json.load(sys.stdin)["items"] if any(one["name"] == owner for one in item["metadata"].get("ownerReferences", []))]
# A ReplicaSet of an earlier template has no replicas left to make.
items = [item for item in items if item.get("spec", {}).get("replicas", 1) > 0]
if not items:
    sys.exit(1)
newest = max(items, key=lambda item: (int(item["metadata"].get("annotations", {}).get("deployment.kubernetes.io/revision", 0)), item["metadata"]["creationTimestamp"]))
print(json.dumps(newest) if whole else newest["metadata"]["name"])
