#!/bin/sh
# Prints the path of podman's Quadlet generator as Debian trixie ships it (podman 5.4.2), the
# oracle of the discovery tests and the yardstick of the bench. It is fetched once, by apt and
# with its signatures checked, into a cache; the machine's own apt configuration stays as it is.
set -eu

cache="${XDG_CACHE_HOME:-$HOME/.cache}/berth-test"
target="$cache/podman-trixie"
quadlet="$target/usr/libexec/podman/quadlet"
if [ -x "$quadlet" ]; then
  echo "$quadlet"
  exit 0
fi

keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keyring" ] || {
  echo "$0: expected Debian's archive keys in $keyring; install debian-archive-keyring" >&2
  exit 1
}

# The mirror that this machine uses for Debian's main archive: the one of a release itself, not
# of its security updates, which lie elsewhere.
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' |
  awk -v codename="$codename" '$2 == codename && $3 == "main" { print $1; exit }')
[ -n "$mirror" ] || {
  echo "$0: expected a Debian archive among the machine's apt sources, found none" >&2
  exit 1
}

mkdir -p "$cache"
work=$(mktemp -d "$cache/podman-trixie.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
chmod 755 "$work"
mkdir -p "$work/lists/partial" "$work/archives/partial" "$work/parts"
: >"$work/status"
echo "deb [signed-by=$keyring] $mirror trixie main" >"$work/sources.list"

apt() {
  apt-get -q -y \
    -o Dir::Etc::SourceList="$work/sources.list" -o Dir::Etc::SourceParts="$work/parts" \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$work/parts" \
    -o Dir::State="$work" -o Dir::State::Lists="$work/lists" -o Dir::State::status="$work/status" \
    -o Dir::Cache="$work" -o Dir::Cache::archives="$work/archives" \
    -o APT::Sandbox::User="" -o Acquire::Languages=none -o Debug::NoLocking=1 \
    -o APT::Update::Post-Invoke::= "$@" >&2
}

apt update
(cd "$work" && apt download podman)
dpkg-deb -x "$work"/podman_*.deb "$work/unpacked"
[ -x "$work/unpacked/usr/libexec/podman/quadlet" ] || {
  echo "$0: expected usr/libexec/podman/quadlet in the podman package of trixie" >&2
  exit 1
}
# Another run may have come first: its result is as good, and a rename onto it is refused.
mv -T "$work/unpacked" "$target" 2>/dev/null || [ -x "$quadlet" ]
echo "$quadlet"
