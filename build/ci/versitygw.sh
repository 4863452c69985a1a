#!/usr/bin/env bash
# A second S3 server, of other authors and in another language: built from its Go module into .peers/.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
target="$root/.peers/versitygw"
[ -x "$target/versitygw" ] && exit 0
mkdir -p "$target"
cd /
GOBIN="$target" go install github.com/versity/versitygw/cmd/versitygw@v1.8.0
