#!/bin/sh
# Prints the directory of a package as Debian trixie ships it, unpacked: `trixie-package.sh skopeo`.
exec "$(dirname "$0")/debian-package.sh" trixie "$@"
