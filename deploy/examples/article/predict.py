"""The same answer in plain Python, without any server.

usage: python predict.py [--model model.pkl] [--request sample.json] [--compare ANSWER.json]

With --compare it also says whether another answer is the same (to 1e-9) and fails if not.
"""

import argparse
import json
import math
import sys
from pathlib import Path

import joblib
import numpy

HERE = Path(__file__).parent


def same(ours: list, theirs: object) -> bool:
    return (
        isinstance(theirs, list)
        and len(ours) == len(theirs)
        and all(isinstance(t, float) and math.isclose(o, t, rel_tol=1e-9) for o, t in zip(ours, theirs))
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", type=Path, default=HERE / "model.pkl")
    parser.add_argument("--request", type=Path, default=HERE / "sample.json")
    parser.add_argument("--compare", type=Path, help="a file with the answer of the web service")
    arguments = parser.parse_args()
    data = numpy.array(json.loads(arguments.request.read_text())["data"])
    answer = joblib.load(arguments.model).predict(data).tolist()
    print(json.dumps(answer))
    if arguments.compare:
        text = arguments.compare.read_text()
        if not same(answer, json.loads(text)):
            sys.exit(f"the web service answered something else: {text}")
        print("the web service gave the same answer")


if __name__ == "__main__":
    main()
