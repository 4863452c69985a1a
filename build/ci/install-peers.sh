#!/usr/bin/env bash
# Installs the real peers that the tests talk to, from Debian's packages. Needs root and a Debian system.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

packages=(
  openssh-server openssh-client # SFTP against OpenSSH
  putty-tools                   # PuTTY's key files
  chromium                      # the window
  gnome-keyring dbus            # the keychain, on a session bus of its own
  openssl                       # CMS and certificates
)
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
