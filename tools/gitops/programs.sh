# shellcheck shell=bash
# Starts the programs of Argo CD and Flux as their manifests do, but as processes. Sourced by inside.sh.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
# shellcheck source=../lib/bed.sh
source "$root/tools/lib/bed.sh"

# Programs find their own namespace in the context.
kubeconfig_for() { # NAMESPACE
  sed "s/user: admin}/user: admin, namespace: $1}/" "$STATE/kube/kubeconfig" > "$STATE/$1.kubeconfig"
  chmod 600 "$STATE/$1.kubeconfig"
}

argocd_program() { # NAME ARGUMENT…
  local name=$1
  shift
  start "$name" env KUBECONFIG="$STATE/argocd.kubeconfig" ARGOCD_BINARY_NAME="$name" ARGOCD_FAKE_IN_CLUSTER=true \
    ARGOCD_GPG_ENABLED=false ARGOCD_TLS_DATA_PATH="$STATE/argocd/tls" ARGOCD_SSH_DATA_PATH="$STATE/argocd/ssh" \
    ARGOCD_APPLICATION_CONTROLLER_PERSIST_RESOURCE_HEALTH=true ARGOCD_REDIS_DISABLE_TLS=true \
    TMPDIR="$STATE/argocd/tmp" PATH="$STATE/argocd/bin:$PATH" "$ARGOCD" "$@"
}

# `kubectl wait` fails on a definition that has no conditions yet.
established() { # NAME…
  kubectl wait --for=condition=Established --timeout=1s "${@/#/crd/}" > "$STATE/logs/crds.log" 2>&1
}

start_argocd() {
  mkdir -p "$STATE"/argocd/{bin,tls,ssh,tmp}
  touch "$STATE/argocd/ssh/ssh_known_hosts"
  # A script that Argo CD's image has beside the program.
  install -m 755 "$ARGOCD_DEFINITIONS/../../hack/git-verify-wrapper.sh" "$STATE/argocd/bin/"
  kubectl create namespace argocd
  # Of the Applications' definition its annotation alone would be too large for client-side apply.
  kubectl apply --server-side -k "$ARGOCD_DEFINITIONS"
  wait_until "Argo CD's definitions" 60 established applications.argoproj.io appprojects.argoproj.io
  kubectl apply --server-side -n argocd -f tools/gitops/argocd.yaml
  kubectl patch configmap argocd-cm -n argocd --patch-file deploy/argocd/argocd-cm.yaml
  kubeconfig_for argocd
  start redis redis-server --port 6379 --bind 127.0.0.1 --save '' --appendonly no --dir "$STATE/argocd"
  argocd_program argocd-repo-server --redis 127.0.0.1:6379 --address 127.0.0.1 --port 8081 --metrics-port 8084 --disable-tls \
    --client-ca-path ''
  argocd_program argocd-application-controller --redis 127.0.0.1:6379 --repo-server 127.0.0.1:8081 --repo-server-plaintext \
    --metrics-port 8082 --app-resync 5 --app-resync-jitter 0
  argocd_program argocd-server --redis 127.0.0.1:6379 --repo-server 127.0.0.1:8081 --repo-server-plaintext \
    --address 127.0.0.1 --port 8090 --metrics-port 8083 --insecure --disable-auth
  wait_until "Argo CD's API server" 60 curl -sf -o /dev/null http://127.0.0.1:8090/healthz
}

stop_argocd() {
  stop argocd-server argocd-application-controller argocd-repo-server redis
}

flux_program() { # NAME FILE ARGUMENT…
  local name=$1 file=$2
  shift 2
  start "$name" env KUBECONFIG="$STATE/flux-system.kubeconfig" RUNTIME_NAMESPACE=flux-system TMPDIR="$STATE/flux/tmp" "$file" \
    --watch-all-namespaces --log-level=info --enable-leader-election=false "$@"
}

start_flux() {
  mkdir -p "$STATE"/flux/{storage,tmp}
  kubectl create namespace flux-system
  kubectl apply --server-side -f "$FLUX_SOURCE_DEFINITIONS" -f "$FLUX_KUSTOMIZE_DEFINITIONS"
  wait_until "Flux's definitions" 60 established gitrepositories.source.toolkit.fluxcd.io \
    kustomizations.kustomize.toolkit.fluxcd.io
  kubeconfig_for flux-system
  flux_program source-controller "$FLUX_SOURCE" --storage-path="$STATE/flux/storage" --storage-addr=127.0.0.1:9790 \
    --storage-adv-addr=127.0.0.1:9790 --metrics-addr=127.0.0.1:9791 --health-addr=127.0.0.1:9792
  flux_program kustomize-controller "$FLUX_KUSTOMIZE" --no-remote-bases --requeue-dependency=2s \
    --metrics-addr=127.0.0.1:9793 --health-addr=127.0.0.1:9794
  wait_until "Flux's source-controller" 60 curl -sf -o /dev/null http://127.0.0.1:9792/readyz
  wait_until "Flux's kustomize-controller" 60 curl -sf -o /dev/null http://127.0.0.1:9794/readyz
}
