"""The chart with its own values says what deploy/operator and deploy/crds say.

usage: parity.py CHART.yaml KUSTOMIZE.yaml…     renders of both for release and namespace as in deploy/operator
"""

import sys

from render import fail_if, objects
from settings import defaults

# Who made an object, which differs by design. The namespace is made by `helm --create-namespace`, or was there before.
LABELS = {
    "helm.sh/chart",
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/name",
    "app.kubernetes.io/part-of",
    "app.kubernetes.io/version",
    "app.kubernetes.io/component",
}
# For objects that a GitOps tool takes from a kustomization. Of a chart Argo CD knows `helm.sh/resource-policy` itself
# (argo-cd, controller/appcontroller.go, shouldBeDeleted); the rest is said by `crds.annotations`.
OF_TOOLS = ("argocd.argoproj.io/", "kustomize.toolkit.fluxcd.io/")
# Of a Deployment, the API server's own default.
DEFAULTS = {"revisionHistoryLimit": 10}


def without_origin(one):
    meta = one["metadata"]
    for place, leave in (("labels", LABELS), ("annotations", {"helm.sh/resource-policy"})):
        given = (meta.get(place) or {}).items()
        kept = {key: value for key, value in given if key not in leave and not key.startswith(OF_TOOLS)}
        meta.pop(place, None)
        if kept:
            meta[place] = kept
    if one["kind"] == "Deployment":
        for field, value in DEFAULTS.items():
            one["spec"].setdefault(field, value)
        container = one["spec"]["template"]["spec"]["containers"][0]
        container["env"] = sorted(container["env"], key=lambda setting: setting["name"])
    return one


def is_default(setting, defaults):
    value, default = setting.get("value"), defaults.get(setting["name"])
    try:
        return value == default or float(value) == float(default)
    except (TypeError, ValueError):
        return False


def without_defaults(one, defaults):
    """A setting that has its default may stand there or not."""
    if one["kind"] == "Deployment":
        container = one["spec"]["template"]["spec"]["containers"][0]
        container["env"] = [env for env in container["env"] if not is_default(env, defaults)]
    return one


def differences(left, right, path=""):
    if isinstance(left, dict) and isinstance(right, dict):
        for key in sorted(left.keys() | right.keys(), key=str):
            yield from differences(left.get(key), right.get(key), f"{path}/{key}")
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for at, (one, other) in enumerate(zip(left, right)):
            yield from differences(one, other, f"{path}/{at}")
    elif left != right:
        yield f"{path}: {left!r} in the chart, {right!r} in deploy"


def main(chart, *kustomizations):
    chart, deploy = objects(chart), {}
    for path in kustomizations:
        deploy.update(objects(path))
    deploy = {key: one for key, one in deploy.items() if key[0] != "Namespace"}
    problems = [f"{key} is only in the chart" for key in sorted(chart.keys() - deploy.keys())]
    problems += [f"{key} is only in deploy" for key in sorted(deploy.keys() - chart.keys())]
    for key in sorted(chart.keys() & deploy.keys()):
        ours, theirs = (without_defaults(without_origin(one), defaults()) for one in (chart[key], deploy[key]))
        problems += [f"{'/'.join(key)}{one}" for one in differences(ours, theirs)]
    fail_if(problems)
    print(f"{len(chart)} objects are the same in the chart and in deploy")


main(*sys.argv[1:])
