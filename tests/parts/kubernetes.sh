# shellcheck shell=bash
# Programs of Kubernetes, which are published as sources: built from the Go module k8s.io/kubernetes.
# shellcheck source=tests/parts/go.sh
. "$ROOT/tests/parts/go.sh"

# kubernetes PROGRAM...: builds them into the current folder.
kubernetes() {
  local version flags into=$PWD
  use_go
  cd "$ROOT/tests/kubernetes/kubernetes"
  version=$(module_version k8s.io/kubernetes)
  # Without its version linked in, a server calls itself v0.0.0 and charts refuse it.
  IFS=. read -r major minor _ <<<"${version#v}"
  flags="-s -w -X k8s.io/client-go/pkg/version.gitVersion=$version"
  flags+=" -X k8s.io/component-base/version.gitVersion=$version"
  flags+=" -X k8s.io/component-base/version.gitMajor=$major -X k8s.io/component-base/version.gitMinor=$minor"
  go build -trimpath -ldflags "$flags" -o "$into/" "${@/#/k8s.io/kubernetes/cmd/}" ||
    give_up "Kubernetes $version could not be built"
  cd "$into"
}
