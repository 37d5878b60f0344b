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

# Written last, so a fetch that was interrupted is not taken for a whole one.
if cmp -s scripts/kafka.xml "$folder/fetched.xml" && [ -e "$folder/classes.jsa" ]; then exit 0; fi

for tool in java mvn; do
  command -v "$tool" >/dev/null || { echo "kafka: $tool is not installed" >&2; exit 1; }
done
if ! cmp -s scripts/kafka.xml "$folder/fetched.xml"; then
  echo "kafka: fetching Apache Kafka into $folder (about two minutes, once)" >&2
  rm -f "$folder"/*.jar "$folder/fetched.xml" "$folder/classes.jsa"
  mvn --batch-mode --quiet --file scripts/kafka.xml dependency:copy-dependencies \
    -DincludeScope=runtime -DoutputDirectory="$folder" >&2
  cp scripts/kafka.xml "$folder/fetched.xml"
fi

# Brokers that find their classes as they stand in memory start in half the time: what one loads
# until it serves, and is told to end, is kept.
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
port=$((20000 + RANDOM % 9000))
cat >"$made/server.properties" <<END
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
listeners=CLIENT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$((port + 1))
listener.security.protocol.map=CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=CLIENT
log.dirs=$made/data
END
kafka() { java -Xmx256m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "$@" >"$made/log" 2>&1; }
kafka -cp "$folder/*" kafka.tools.StorageTool format -t dGlkaW5ncy10ZXN0cy0xMg \
  -c "$made/server.properties"
kafka -XX:ArchiveClassesAtExit="$made/classes.jsa" -cp "$folder/*" kafka.Kafka \
  "$made/server.properties" &
for _ in $(seq 600); do
  ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  sleep 0.1
done
pkill --parent $! java || true
wait $! || true # a broker that was told to end says so by its exit code
if [ ! -e "$made/classes.jsa" ]; then
  cat "$made/log" >&2
  echo "kafka: the classes could not be kept" >&2
  exit 1
fi
mv "$made/classes.jsa" "$folder/classes.jsa"
