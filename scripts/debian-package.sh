#!/bin/sh
# Prints the directory of a package as a suite of Debian ships it, unpacked:
# `debian-package.sh forky containerd`.
# It is fetched once, by apt and with its signatures checked, into a cache; the machine's own apt
# configuration stays as it is, and nothing is installed.
set -eu

[ $# = 2 ] || {
  echo "usage: $0 SUITE PACKAGE" >&2
  exit 2
}
suite=$1
package=$2
cache="${XDG_CACHE_HOME:-$HOME/.cache}/berth-test"
target="$cache/$package-$suite"
if [ -d "$target/usr" ]; then
  echo "$target"
  exit 0
fi

. "$(dirname "$0")/debian-archive.sh"

mkdir -p "$cache"
work=$(mktemp -d "$cache/$package-$suite.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"
: >"$work/status"
apt_update "$suite" "$work"
(cd "$work" && apt_in "$work" download "$package")
dpkg-deb -x "$work/${package}"_*.deb "$work/unpacked"
# Another run may have come first: its result is as good, and a rename onto it is refused.
mv -T "$work/unpacked" "$target" 2>/dev/null || [ -d "$target/usr" ]
echo "$target"
