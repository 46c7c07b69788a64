# shellcheck shell=bash
# Words for recipes; `. "$ROOT/tests/parts/recipe.sh"`. A recipe runs in the empty folder that becomes the part.
set -euo pipefail

# give_up REASON: ends the recipe; the part is missing for this reason.
give_up() {
  echo "$*" >&3
  exit 1
}

# progress TEXT: tells who waits what is being done and about how long it takes.
progress() {
  echo "$*" >&4
}

# need PROGRAM PACKAGE: gives up unless the program is on the PATH.
need() {
  command -v "$1" >/dev/null || give_up "$1 is not installed (Debian package $2)"
}

# runner COMMAND...: makes ./run, which runs the command with $part as the part's folder.
runner() {
  # shellcheck disable=SC2016 # The runner expands these, not we.
  printf '#!/bin/sh\npart=$(dirname "$(readlink -f "$0")")\nexec %s "$@"\n' "$*" >run
  chmod +x run
}

# from_assets PROGRAM: links the program if the folder $KUBEBUILDER_ASSETS has it, as setup-envtest makes one.
from_assets() {
  [ -n "${KUBEBUILDER_ASSETS:-}" ] && [ -x "$KUBEBUILDER_ASSETS/$1" ] && ln -s "$KUBEBUILDER_ASSETS/$1" .
}
