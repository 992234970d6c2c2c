#!/usr/bin/env bash
# Puts Debian 11, the last one with a package of Odoo (14), into the given folder and changes nothing else on the machine.
# The mirror is one of the machine's own apt sources, or TIDEWAY_TEST_ODOO_MIRROR.
set -euo pipefail
folder=${1:?the folder to install into}
root=$folder/debian

say() { echo "$*"; }
# The one line that is told to whoever asked for it.
cannot() { echo "Odoo 14 cannot be installed: $*" >&2; exit 1; }

# Only a finished installation has the name.
[[ -d $root ]] && exit 0
[[ $EUID == 0 ]] || cannot 'it needs root, for a root folder of its own.'
for tool in apt-get apt-config dpkg dpkg-deb gpgv wget chroot unshare; do
  command -v "$tool" >/dev/null || cannot "there is no $tool."
done
# What is mounted meanwhile is gone with this process, however it ends.
if [[ ${TIDEWAY_MOUNTS_ALONE:-} != 1 ]]; then
  unshare --mount true 2>/dev/null || cannot 'this machine does not let it mount anything (unshare --mount).'
  TIDEWAY_MOUNTS_ALONE=1 exec unshare --mount "$0" "$@"
fi
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[[ -r $keyring ]] || cannot "there is no $keyring (apt-get install debian-archive-keyring)."

mkdir -p "$folder"
folder=$(realpath "$folder")
root=$folder/debian
fresh=$folder/unfinished
log=$folder/install.log
rm -rf --one-file-system "$fresh"
mkdir -p "$fresh/tool" "$fresh/root"
: >"$log"
logged() { "$@" >>"$log" 2>&1 || cannot "$1 failed; the end of $log: $(tail -3 "$log" | tr '\n' ' ')"; }

proxy=
eval "$(apt-config shell proxy Acquire::http::Proxy)"
[[ -z $proxy ]] || export http_proxy=$proxy

apt-get -q update >>"$log" 2>&1 || say 'apt-get update failed; going on with what is known.'
mirrors() {
  [[ -z ${TIDEWAY_TEST_ODOO_MIRROR:-} ]] || { echo "${TIDEWAY_TEST_ODOO_MIRROR%/}"; return; }
  local site
  for site in $(apt-get indextargets --format '$(ORIGIN)|$(LABEL)|$(REPO_URI)' 'Created-By: Packages' |
    sed -nE 's#^Debian\|Debian\|(https?://.*[^/])/*$#\1#p' | sort -u); do
    # Mirrors move what is old to an archive beside the rest.
    echo "$site"
    echo "${site%/debian}/debian-archive/debian"
    echo "${site%/debian}/debian-archive"
  done
}
mirror=
for site in $(mirrors); do
  if wget -q --spider --timeout=20 --tries=2 "$site/dists/bullseye/InRelease"; then mirror=$site && break; fi
done
[[ -n $mirror ]] || cannot 'no apt source of this machine has Debian 11 (bullseye); name a mirror in TIDEWAY_TEST_ODOO_MIRROR.'

say "Installing Odoo 14 from $mirror into $root (1.4 GB, some minutes, once); $log tells more."
cd "$fresh"
logged apt-get -q -o APT::Sandbox::User=root download debootstrap
logged dpkg-deb -x debootstrap_*.deb tool
DEBOOTSTRAP_DIR=$fresh/tool/usr/share/debootstrap \
  logged "$fresh/tool/usr/sbin/debootstrap" --variant=minbase --keyring="$keyring" bullseye "$fresh/root" "$mirror"
# No service of the packages starts.
printf '#!/bin/sh\nexit 101\n' >root/usr/sbin/policy-rc.d
chmod 755 root/usr/sbin/policy-rc.d
mount -t proc proc root/proc
export DEBIAN_FRONTEND=noninteractive LC_ALL=C
inside=(chroot "$fresh/root" apt-get -q -o Acquire::Check-Valid-Until=false)
logged "${inside[@]}" update
logged "${inside[@]}" install -y --no-install-recommends odoo-14
logged "${inside[@]}" clean
umount root/proc
mv root "$root"
cd "$folder"
rm -rf --one-file-system "$fresh"
say "Installed: $(chroot "$root" dpkg-query -W odoo-14)"
