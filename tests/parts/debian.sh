# shellcheck shell=bash
# Debian packages of any suite, unpacked instead of installed, by a private apt that leaves the system alone.
# shellcheck source=tests/parts/recipe.sh
. "$ROOT/tests/parts/recipe.sh"

APT=$SHARED/apt
DEBIAN_MIRROR=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
KEYRING=/usr/share/keyrings/debian-archive-keyring.gpg

# configure_apt SUITE: an apt of one suite with sources, lists and cache of its own.
configure_apt() {
  mkdir -p "$APT/$1/lists/partial" "$APT/$1/cache/archives/partial"
  echo "deb [signed-by=$KEYRING] $DEBIAN_MIRROR $1 main" >"$APT/$1/sources.list"
  cat >"$APT/$1/apt.conf" <<END
Dir::Etc::sourcelist "$APT/$1/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$APT/$1/lists";
Dir::State::status "/dev/null";
Dir::Cache "$APT/$1/cache";
APT::Sandbox::User "$(id -un)";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Post-Invoke;
END
}

# debian_packages SUITE PACKAGE...: unpacks the packages into the current folder.
debian_packages() {
  local suite=$1 package
  shift
  need apt-get apt
  need dpkg dpkg
  [ -e "$KEYRING" ] || give_up "$KEYRING is not there (Debian package debian-archive-keyring)"
  configure_apt "$suite"
  # One update at a time; the suite's packages are found again by name, so its lists may be as new as they like.
  flock "$APT/$suite/lock" apt-get -q -c "$APT/$suite/apt.conf" update ||
    give_up "$DEBIAN_MIRROR has no $suite for us; set DEBIAN_MIRROR to one that has"
  apt-get -q -c "$APT/$suite/apt.conf" download "$@" || give_up "Debian $suite has no $*"
  for package in *.deb; do
    dpkg-deb -f "$package" Package Version | paste -sd' ' >>versions
    dpkg -x "$package" .
    rm "$package"
  done
}

# works PROGRAM ARGUMENT...: gives up unless the unpacked program runs on this machine.
works() {
  "$@" || give_up "$1 of a later Debian does not run on this machine; is its libc too old?"
}
