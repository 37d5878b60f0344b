#!/usr/bin/env bash
# Fetches the jars of the Apache Kafka that the tests start, by Maven, into $TIDINGS_KAFKA, by
# default `kafka` in the target folder. Idempotent, and quiet when there is nothing to do. Needs
# Java 17 or later and Maven.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "${TIDINGS_KAFKA:-${CARGO_TARGET_DIR:-target}/kafka}")

mkdir -p "$folder"
# Two test runs may start at once; the second waits and then finds everything there.
exec 9>"$folder.lock"
flock 9

# The copy is written last, so a fetch that was interrupted is not taken for a whole one.
! cmp -s scripts/kafka.xml "$folder/fetched.xml" || exit 0

for tool in java mvn; do
  command -v "$tool" >/dev/null || { echo "kafka: $tool is not installed" >&2; exit 1; }
done
echo "kafka: fetching Apache Kafka into $folder (about two minutes, once)" >&2
rm -f "$folder"/*.jar "$folder/fetched.xml"
mvn --batch-mode --quiet --file scripts/kafka.xml dependency:copy-dependencies \
  -DincludeScope=runtime -DoutputDirectory="$folder" >&2
cp scripts/kafka.xml "$folder/fetched.xml"
