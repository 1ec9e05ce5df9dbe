#!/bin/sh
# Prints the path of podman's Quadlet generator as Debian trixie ships it (podman 5.4.2), the
# oracle of the discovery tests and the yardstick of the bench.
set -eu

quadlet="$("$(dirname "$0")/trixie-package.sh" podman)/usr/libexec/podman/quadlet"
[ -x "$quadlet" ] || {
  echo "$0: expected usr/libexec/podman/quadlet in the podman package of trixie" >&2
  exit 1
}
echo "$quadlet"
