# Sourced: where to fetch of Debian, as `keyring` and `mirror`.
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
