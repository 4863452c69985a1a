#!/usr/bin/env bash
# ProFTPD beside vsftpd: Debian's packages exclude each other, so this one is unpacked into .peers/ and run from there.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
target="$root/.peers/proftpd"
[ -x "$target/usr/sbin/proftpd" ] && exit 0

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
cd "$work"
apt-get download -qq proftpd-core proftpd-mod-crypto
rm -rf "$target"
mkdir -p "$target"
for package in ./*.deb; do dpkg -x "$package" "$target"; done
