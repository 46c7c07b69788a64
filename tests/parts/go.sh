# shellcheck shell=bash
# Go programs and files, of modules whose go.mod and go.sum are kept in this repository.
# shellcheck source=tests/parts/debian.sh
. "$ROOT/tests/parts/debian.sh"

# use_go: has a Go for any module. It is that of this machine, or Debian trixie's if there is none or it is too
# old; where a go.mod asks for a later one, Go itself fetches that toolchain from the module proxy.
use_go() {
  export CGO_ENABLED=0 GOFLAGS='-mod=readonly -buildvcs=false' GOTOOLCHAIN=auto
  if ! go version | grep -q -E 'go1\.(2[3-9]|[3-9][0-9])'; then
    debian_go "$SHARED/go-1.24"
    export PATH=$SHARED/go-1.24/usr/lib/go-1.24/bin:$PATH
  fi
}

# debian_go FOLDER: unpacks Debian's Go there, once for all recipes.
debian_go() {
  (
    flock 8
    [ ! -d "$1" ] || exit 0
    rm -rf "$1.new"
    mkdir "$1.new"
    cd "$1.new"
    debian_packages trixie golang-1.24-go golang-1.24-src
    mv -T "$1.new" "$1"
  ) 8>"$1.lock"
}

# module_version MODULE: the version of a module that the go.mod in the current folder requires.
module_version() {
  go list -m -f '{{.Version}}' "$1" || give_up "$1 could not be fetched from the Go module proxy"
}

# module_folder MODULE: where the files of such a module are.
module_folder() {
  go mod download "$1" || give_up "$1 could not be fetched from the Go module proxy"
  go list -m -f '{{.Dir}}' "$1"
}
