"""Whether two renders hold the same objects, however they are laid out. usage: same.py RENDER RENDER"""

import sys
from pathlib import Path

import yaml


def objects(file):
    documents = (one for one in yaml.safe_load_all(Path(file).read_text(encoding="utf-8")) if one)
    return {(one["kind"], one["metadata"].get("namespace"), one["metadata"]["name"]): one for one in documents}


left, right = map(objects, sys.argv[1:3])
differ = [key for key in left.keys() | right.keys() if left.get(key) != right.get(key)]
print(*(f"{key} is another, or in one only" for key in sorted(map(str, differ))), sep="\n", end="\n" if differ else "")
sys.exit(bool(differ))
