#!/bin/sh
# A stand-in for bootc, of which Debian has no package: the options, the order of the steps and the
# answers of bootc 1.16, as its documentation and source tell them, over the real ostree. What a
# registry would have as the OS image is the branch acme/stable of the sysroot's own repository.
# With /etc/old-bootc there, it is one that knows no --download-only. What is written into
# /run/composefs/staged-deployment is the digest of a root that composefs has queued, no more.
set -eu

# ROLE and checksum.serial of each deployment.
deployments() {
  ostree admin status | awk '
    $1 == "*" { print "booted", $3 }
    $1 == "acme" { print (/\((staged|finalization locked)\)/ ? "staged" : booted ? "rollback" : "other"), $2 }
    $1 == "*" { booted = 1 }'
}

deployment() {
  deployments | sed -n "s/^$1 //p" | head -n 1
}

is_locked() {
  [ -e /run/ostree/staged-deployment-locked ]
}

composefs() {
  printf '{"image":null,"cachedUpdate":null,"incompatible":false,"pinned":false,"softRebootCapable":false,'
  printf '"downloadOnly":false,"store":null,"ostree":null,"composefs":{"verity":"%s","bootType":"Bls",' "$1"
  printf '"bootloader":"Grub","bootDigest":null}}'
}

entry() {
  if [ "$1" = staged ] && [ -s /run/composefs/staged-deployment ]; then
    composefs "$(cat /run/composefs/staged-deployment)"
    return
  fi
  id=$(deployment "$1")
  [ -n "$id" ] || { printf null; return; }
  locked=false
  if [ "$1" = staged ] && is_locked; then locked=true; fi
  image='{"image":"registry.example.com/acme/os:stable","transport":"registry"}'
  printf '{"image":{"image":%s,"version":null,"timestamp":null,"imageDigest":"sha256:%s","architecture":"amd64"},' \
    "$image" "${id%.*}"
  printf '"cachedUpdate":null,"incompatible":false,"pinned":false,"softRebootCapable":false,"downloadOnly":%s,' \
    "$locked"
  printf '"store":"ostreeContainer","ostree":{"stateroot":"acme","checksum":"%s","deploySerial":%s},"composefs":null}' \
    "${id%.*}" "${id##*.}"
}

status() {
  printf '{"apiVersion":"org.containers.bootc/v1","kind":"BootcHost","metadata":{"name":"host"},'
  printf '"spec":{"bootOrder":"default","image":null},"status":{"staged":%s,"booted":%s,"rollback":%s,' \
    "$(entry staged)" "$(entry booted)" "$(entry rollback)"
  printf '"rollbackQueued":false,"type":"bootcHost","usrOverlay":null,"readOnly":false}}\n'
}

upgrade() {
  apply=false download=false downloaded=false
  for option; do
    case $option in
      --quiet) ;;
      --apply) apply=true ;;
      --download-only | --from-downloaded | --help)
        if [ "$option" = --help ]; then
          echo '      --quiet'
          echo '      --apply'
          [ -e /etc/old-bootc ] || printf '      %s\n' --download-only --from-downloaded
          return
        fi
        [ ! -e /etc/old-bootc ] || unexpected "$option"
        if [ "$option" = --download-only ]; then download=true; else downloaded=true; fi
        ;;
      *) unexpected "$option" ;;
    esac
  done
  staged=$(deployment staged)
  if $downloaded; then
    [ -n "$staged" ] || { echo 'error: Upgrading: No staged deployment found' >&2; exit 1; }
    if is_locked; then ostree admin lock-finalization --unlock; fi
  else
    next=$(ostree rev-parse --repo=/ostree/repo acme/stable)
    booted=$(deployment booted)
    if [ "${staged%.*}" = "$next" ]; then
      if $download && ! is_locked; then ostree admin lock-finalization; fi
      if ! $download && is_locked; then ostree admin lock-finalization --unlock; fi
    elif [ "${booted%.*}" = "$next" ]; then
      echo 'No update available.'
      return
    elif $download; then
      ostree admin deploy --os=acme --stage --lock-finalization acme/stable
    else
      ostree admin deploy --os=acme --stage acme/stable
    fi
  fi
  if $apply; then systemctl reboot; fi
}

# It insists on CAP_SYS_ADMIN, enters a mount namespace of its own unless it is in one, and makes /sysroot
# writable there, to lock it.
privileged() {
  bounding=$(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)
  if [ $((0x$bounding >> 21 & 1)) = 0 ]; then
    echo 'error: Status: This command requires full root privileges (CAP_SYS_ADMIN)' >&2
    exit 1
  fi
  first=$(readlink /proc/1/ns/mnt)
  if [ "$(readlink /proc/self/ns/mnt)" = "$first" ]; then exec unshare -m -- "$0" "$@"; fi
  mount -o remount,bind,rw /sysroot
  true >>/sysroot/ostree/lock
}

unexpected() {
  echo "error: unexpected argument '$1' found" >&2
  exit 2
}

case "$*" in
  'status --format=json') privileged "$@"; status ;;
  'upgrade' | 'upgrade '*) shift; upgrade "$@" ;;
  *) unexpected "$*" ;;
esac
