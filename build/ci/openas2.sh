#!/usr/bin/env bash
# Fetches the OpenAS2 server (an AS2 product that nobody here wrote) from Maven Central into .peers/openas2. Needs Java and Maven.
set -euo pipefail
root="$(cd "$(dirname "$0")/../.." && pwd)"
version=2.10.1
target="$root/.peers/openas2"
[ -f "$target/openas2-server-$version.jar" ] && exit 0
build="$(mktemp -d)"
trap 'rm -rf "$build"' EXIT
cat > "$build/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>waybill</groupId><artifactId>peers</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies><dependency><groupId>net.sf.openas2</groupId><artifactId>openas2-server</artifactId><version>$version</version></dependency></dependencies>
</project>
POM
mkdir -p "$target"
mvn -B -q -f "$build/pom.xml" dependency:copy-dependencies -DoutputDirectory="$target"
[ -f "$target/openas2-server-$version.jar" ]
