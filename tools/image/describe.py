"""What an OCI layout holds. usage: describe.py LAYOUT [digest|size|config]; default: digest and compressed size in bytes."""

import json
import pathlib
import sys


def blob(layout: pathlib.Path, descriptor: dict) -> dict:
    algorithm, _, name = descriptor["digest"].partition(":")
    return json.loads((layout / "blobs" / algorithm / name).read_text())


def main(layout: pathlib.Path, what: str) -> None:
    (entry,) = json.loads((layout / "index.json").read_text())["manifests"]
    manifest = blob(layout, entry)
    size = manifest["config"]["size"] + sum(layer["size"] for layer in manifest["layers"])
    match what:
        case "digest":
            print(entry["digest"])
        case "size":
            print(size)
        case "config":
            print(json.dumps({"annotations": manifest.get("annotations", {}), **blob(layout, manifest["config"])}))
        case _:
            print(entry["digest"], size)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), sys.argv[2] if len(sys.argv) > 2 else "")
