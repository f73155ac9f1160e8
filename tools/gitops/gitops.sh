#!/usr/bin/env bash
# Argo CD and Flux, their real programs, with the operator on the real bed: a Kubernetes API server, the operator as a process,
# the simulated Azure with containers that really run, and a Git repository served on loopback.
# usage: gitops.sh [--quick]      --quick leaves out what takes minutes
# The last line is the number of checks. By environment: ACIVNET_GITOPS (default: all of them; of customizations, argocd, flux),
# ACIVNET_GITOPS_REST (seconds that both tools are looked at while nothing happens; default 600, quick 10).
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/common.sh
source "$root/tools/lib/common.sh"
# shellcheck source=../lib/outside.sh
source "$root/tools/lib/outside.sh"

# Files that the tools' own modules ship, and that an installation applies.
definitions() { # PROGRAM MODULE FOLDER
  local module
  module=$(tools/go-tool.sh "$1" "$2")
  [ -d "$module/$3" ] || die "$2 has no folder $3; the version in tools/go/$1 keeps its definitions elsewhere"
  printf '%s\n' "$module/$3"
}

main() {
  case ${1:-} in
    --quick) export ACIVNET_GITOPS_QUICK=1 ;;
    '') ;;
    *) die "usage: gitops.sh [--quick]" ;;
  esac
  "$root/tools/preflight.sh" gitops || exit 77
  prepare
  ACIVNET_KUBE_BIN=$(tools/kube/programs.sh)
  KUSTOMIZE=$(tools/go-tool.sh kustomize)
  ARGOCD=$(tools/go-tool.sh argocd)
  FLUX_SOURCE=$(tools/go-tool.sh flux-source-controller)
  FLUX_KUSTOMIZE=$(tools/go-tool.sh flux-kustomize-controller)
  ARGOCD_DEFINITIONS=$(definitions argocd github.com/argoproj/argo-cd/v3 manifests/crds)
  FLUX_SOURCE_DEFINITIONS=$(definitions flux-source-controller github.com/fluxcd/source-controller config/crd/bases)
  FLUX_KUSTOMIZE_DEFINITIONS=$(definitions flux-kustomize-controller github.com/fluxcd/kustomize-controller config/crd/bases)
  ACIVNET_GITOPS_PYTHON=$(python_environment "PyYAML" python3.11 pyyaml==6.0.3)
  export ACIVNET_KUBE_BIN KUSTOMIZE ARGOCD FLUX_SOURCE FLUX_KUSTOMIZE ACIVNET_GITOPS_PYTHON
  export ARGOCD_DEFINITIONS FLUX_SOURCE_DEFINITIONS FLUX_KUSTOMIZE_DEFINITIONS
  play tools/gitops/inside.sh
}

main "$@"
