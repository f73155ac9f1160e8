"""The Git repository that both tools read: a copy of deploy/ and a folder for each team below `models`."""

import os
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STATE = Path(os.environ["STATE"])
URL = "http://127.0.0.1:9419/acivnet.git"
# The operator as in tools/demo/operator. No controller of the bed fills in the status of a PodDisruptionBudget, and both tools
# would wait for it.
OPERATOR = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [../tools/demo/operator]
patches:
  - target: {kind: PodDisruptionBudget}
    patch: |
      apiVersion: policy/v1
      kind: PodDisruptionBudget
      metadata: {name: acivnet}
      $patch: delete
"""
BARE, WORK = STATE / "git/acivnet.git", STATE / "work"


def git(*words: str, folder: Path = WORK) -> str:
    """Runs a command that has to succeed, and gives what it printed."""
    author = ["-c", "user.name=a team", "-c", "user.email=team@example.com", "-c", "init.defaultBranch=main"]
    ended = subprocess.run(["git", *author, *words], cwd=folder, capture_output=True, text=True, check=False)
    if ended.returncode:
        raise RuntimeError(f"git {' '.join(words)} ended with {ended.returncode}: {ended.stderr}")
    return ended.stdout.strip()


def create() -> None:
    """Makes it, with what this repository has to install."""
    BARE.mkdir(parents=True)
    git("init", "--bare", folder=BARE)
    git("clone", str(BARE), str(WORK), folder=STATE)
    for part in ("deploy/crds", "deploy/operator", "deploy/kustomize", "tools/demo/operator"):
        shutil.copytree(ROOT / part, WORK / part)
    write("operator/kustomization.yaml", OPERATOR)
    push("the operator")


def write(path: str, content: "str | bytes") -> None:
    file = WORK / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content if isinstance(content, bytes) else content.encode())


def remove(path: str) -> None:
    (WORK / path).unlink()


def push(message: str) -> str:
    """Commits all there is and gives the revision."""
    git("add", "--all")
    git("commit", "--allow-empty", "--message", message)
    git("push", "--quiet", "origin", "HEAD:main")
    return git("rev-parse", "HEAD")
