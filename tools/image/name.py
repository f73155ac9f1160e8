"""Gives the image of an OCI layout the name that containerd imports it by, as `kind load image-archive` and `ctr images import` do.

usage: name.py LAYOUT NAME
Else it is named after the time and a tag, which no kubelet looks for (containerd, "Image import": `io.containerd.image.name`).
"""

import json
import pathlib
import sys

index = pathlib.Path(sys.argv[1]) / "index.json"
content = json.loads(index.read_text())
(entry,) = content["manifests"]
entry.setdefault("annotations", {})["io.containerd.image.name"] = sys.argv[2]
index.write_text(json.dumps(content, sort_keys=True))
