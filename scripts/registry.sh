#!/usr/bin/env bash
# Fetches the schema registry that the tests start, Apicurio's, by Maven, into $TIDINGS_REGISTRY, by
# default `registry` in the target folder. Idempotent, and quiet when there is nothing to do. Needs
# Java 17 or later and Maven.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "${TIDINGS_REGISTRY:-${CARGO_TARGET_DIR:-target}/registry}")
# The last line of releases that runs on Java 17.
version=3.0.9

mkdir -p "$folder"
# Two test runs may start at once; the second waits and then finds everything there.
exec 9>"$folder.lock"
flock 9

# The file is written last, so a fetch that was interrupted is not taken for a whole one.
[ "$(cat "$folder/fetched.txt" 2>/dev/null)" != "$version" ] || exit 0

for tool in java mvn tar; do
  command -v "$tool" >/dev/null || { echo "registry: $tool is missing: run scripts/setup.sh" >&2; exit 1; }
done
echo "registry: fetching Apicurio Registry $version into $folder (about a minute, once)" >&2
rm -rf "$folder"
mkdir -p "$folder"
mvn --batch-mode --quiet dependency:copy -Dartifact="io.apicurio:apicurio-registry-app:$version:tar.gz:all" \
  -DoutputDirectory="$folder" >&2
tar -xzf "$folder/apicurio-registry-app-$version-all.tar.gz" -C "$folder"
rm "$folder/apicurio-registry-app-$version-all.tar.gz"
ln -sf "apicurio-registry-app-$version-runner.jar" "$folder/runner.jar"
echo "$version" >"$folder/fetched.txt"
