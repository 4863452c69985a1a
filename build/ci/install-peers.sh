#!/usr/bin/env bash
# Installs the real peers that the tests talk to, from Debian's packages. Needs root and a Debian system.
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive

packages=(
  openssh-server openssh-client # SFTP against OpenSSH
  putty-tools                   # PuTTY's key files
  chromium                      # the window
  vsftpd lftp curl              # FTPS against vsftpd; lftp to measure against; both at the practice partner
  libhiredis0.14 libmemcached11 libmemcachedutil2 libpcre2-posix3 # what ProFTPD links to
  gnome-keyring dbus            # the keychain, on a session bus of its own
  openssl                       # CMS and certificates
  maven                         # fetches OpenAS2
  openjdk-17-jre-headless       # Java's key stores
  zip unzip libarchive-tools    # ZIP files of Info-ZIP and bsdtar
  gnupg                         # OpenPGP messages and keys
  radosgw ceph-mon ceph-osd ceph-common # S3 against Ceph's gateway
  rclone                        # to measure against; at the practice partner
  faketime                      # a clock that is wrong
  python3-aiosmtpd              # e-mail under TLS
  # The Electron ring: a display, and what the old runtime links to.
  xvfb libgtk-3-0 libnss3 libxss1 libxtst6 libasound2 libgbm1
)
# Its runtime comes out of a Python package.
python3 -m pip --version >/dev/null 2>&1 || packages+=(python3-pip)
python3 -m ensurepip --version >/dev/null 2>&1 || packages+=(python3-venv) # for pyas2lib's environment
missing=()
for package in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ "${#missing[@]}" -gt 0 ]; then
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}"
fi
bash "$(dirname "$0")/electron-ring.sh"
bash "$(dirname "$0")/proftpd.sh"
bash "$(dirname "$0")/pyas2lib.sh"
bash "$(dirname "$0")/versitygw.sh"
bash "$(dirname "$0")/openas2.sh"
