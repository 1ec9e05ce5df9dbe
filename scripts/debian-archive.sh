# Sourced: where to fetch Debian's packages, as `keyring` and `mirror`, and an apt that leaves the machine's own as it is.
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

# apt_in WORK WORDS...: apt-get with everything in the directory WORK, whose `status` says what is installed.
apt_in() {
  apt_work=$1
  shift
  apt-get -q -y \
    -o Dir::Etc::SourceList="$apt_work/sources.list" -o Dir::Etc::SourceParts="$apt_work/parts" \
    -o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts="$apt_work/parts" \
    -o Dir::State="$apt_work" -o Dir::State::Lists="$apt_work/lists" -o Dir::State::status="$apt_work/status" \
    -o Dir::Cache="$apt_work" -o Dir::Cache::archives="$apt_work/archives" \
    -o APT::Sandbox::User="" -o Acquire::Languages=none -o Debug::NoLocking=1 \
    -o APT::Update::Post-Invoke::= "$@" >&2
}

# apt_update SUITE WORK: learns what a suite has.
apt_update() {
  mkdir -p "$2/lists/partial" "$2/archives/partial" "$2/parts"
  echo "deb [signed-by=$keyring] $mirror $1 main" >"$2/sources.list"
  apt_in "$2" update
}
