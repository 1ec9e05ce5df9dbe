#!/bin/sh
# Prints the path of a Debian root, which tests copy and boot: `debian-root.sh bookworm` has systemd 252
# and podman 4.3.1, `trixie` systemd 257 and podman 5.4.2, `forky` (not released yet, so its versions
# move) systemd 262 and podman 5.8. The root is made once, by debootstrap and with its signatures
# checked, into a cache.
set -eu

[ $# = 1 ] || {
  echo "usage: $0 SUITE" >&2
  exit 2
}
suite=$1
cache="${XDG_CACHE_HOME:-$HOME/.cache}/berth-test"
target="$cache/$suite-root"
if [ -x "$target/usr/lib/systemd/systemd" ]; then
  echo "$target"
  exit 0
fi

[ "$(id -u)" = 0 ] || {
  echo "$0: expected to run as root, which debootstrap needs" >&2
  exit 1
}
. "$(dirname "$0")/debian-archive.sh"

mkdir -p "$cache"
work=$(mktemp -d "$cache/$suite-root.XXXXXX")
trap 'rm -rf --one-file-system "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"
packages=systemd,systemd-sysv,dbus,podman,crun,netavark,aardvark-dns,ca-certificates,uidmap
# Tests that need more of forky install it (debian-debs.sh).
[ "$suite" = forky ] || packages="$packages,ostree,ostree-boot"
# A debootstrap knows the suites of its time by name; sid's script serves each later one.
script=/usr/share/debootstrap/scripts/$suite
[ -e "$script" ] || script=/usr/share/debootstrap/scripts/sid
debootstrap --variant=minbase --keyring="$keyring" --include="$packages" \
  "$suite" "$work/root" "$mirror" "$script" >&2
# Another run may have come first: its result is as good, and a rename onto it is refused.
mv -T "$work/root" "$target" 2>/dev/null || [ -x "$target/usr/lib/systemd/systemd" ]
echo "$target"
