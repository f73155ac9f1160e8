"""Trains the example's model: ridge regression on scikit-learn's diabetes data.

usage: python train.py [--alpha 0.03] [--output model.pkl]

The same alpha gives the same model. Needs the scikit-learn and numpy that myenv.yml names.
"""

import argparse
from pathlib import Path

import joblib
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--alpha", type=float, default=0.03, help="strength of the regularisation")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("model.pkl"))
    arguments = parser.parse_args()
    features, progression = load_diabetes(return_X_y=True)
    model = Ridge(alpha=arguments.alpha).fit(features, progression)
    joblib.dump(model, arguments.output)
    print(f"alpha={arguments.alpha:g} R2={model.score(features, progression):.4f} -> {arguments.output}")


if __name__ == "__main__":
    main()
