#!/usr/bin/env bash
# Installs pyas2lib, an AS2 message library of others, into a Python environment of its own under .peers/.
set -euo pipefail
cd "$(dirname "$0")/../.."
venv=.peers/pyas2lib
if ! "$venv/bin/python" -c 'import pyas2lib' 2>/dev/null; then
  mkdir -p .peers
  python3 -m venv --clear "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check 'pyas2lib==1.4.4'
  # Its oscrypto 1.3.0 does not recognise OpenSSL versions with two digits at the end, such as 3.0.17.
  sed -i 's/\\\\d\\\\\.\\\\d\\\\\.\\\\d\[a-z\]/\\\\d\\\\.\\\\d\\\\.\\\\d+[a-z]/' "$venv"/lib/python3*/site-packages/oscrypto/_openssl/_libcrypto_*.py
  "$venv/bin/python" -c 'import pyas2lib'
fi
