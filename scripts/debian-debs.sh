#!/bin/sh
# Prints a directory with a package of a suite of Debian, and with what it needs besides the root that
# debian-root.sh makes, as files for dpkg: `debian-debs.sh forky nodejs`. They are fetched once, by apt and with their
# signatures checked, into a cache.
set -eu

[ $# = 2 ] || {
  echo "usage: $0 SUITE PACKAGE" >&2
  exit 2
}
suite=$1
package=$2
cache="${XDG_CACHE_HOME:-$HOME/.cache}/berth-test"
target="$cache/$package-debs-$suite"
if [ -d "$target" ]; then
  echo "$target"
  exit 0
fi

root=$("$(dirname "$0")/debian-root.sh" "$suite")
. "$(dirname "$0")/debian-archive.sh"

work=$(mktemp -d "$cache/$package-$suite.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
cp "$root/var/lib/dpkg/status" "$work/status"
apt_update "$suite" "$work"
apt_in "$work" install --download-only --no-install-recommends "$package"
rmdir "$work/archives/partial"
rm -f "$work/archives/lock"
# Another run may have come first: its result is as good, and a rename onto it is refused.
mv -T "$work/archives" "$target" 2>/dev/null || [ -d "$target" ]
echo "$target"
