#!/usr/bin/env bash
# Holds the dependency directions of ARCHITECTURE.md against `cargo tree`: which of our crates a
# crate may reach (normal dependencies), and what must never stand under the pure ones.
set -euo pipefail
cd "$(dirname "$0")/.."
failed=0

reaches() { cargo tree --quiet -p "$1" -e normal --prefix none --format '{p}' | awk '{print $1}' | sort -u; }

# allow CRATE "OURS THAT IT MAY REACH"
allow() {
  local crate=$1 allowed=" $2 " dependency
  for dependency in $(reaches "$crate" | grep -E '^tidings' | grep -vx "$crate"); do
    [[ $allowed == *" $dependency "* ]] || { echo "$crate must not depend on $dependency" >&2; failed=1; }
  done
}

# never CRATE "FOREIGN CRATES"
never() {
  local crate=$1 dependency
  for dependency in $2; do
    ! reaches "$crate" | grep -qx "$dependency" || { echo "$crate must not depend on $dependency" >&2; failed=1; }
  done
}

base="tidings-event tidings-transport"
allow tidings-event ""
never tidings-event "tokio mio async-trait redis rusqlite"
allow tidings-catalog "tidings-event"
never tidings-catalog "tokio"
allow tidings-catalog-docs "tidings-event tidings-catalog"
never tidings-catalog-docs "tokio"
allow tidings-transport "tidings-event"
never tidings-transport "redis rusqlite"
allow tidings-transport-sqlite "$base"
never tidings-transport-sqlite "redis"
allow tidings-transport-redis "$base"
never tidings-transport-redis "rusqlite"
allow tidings-registry "$base"
never tidings-registry "redis rusqlite"
allow tidings-transport-kafka "$base"
never tidings-transport-kafka "redis rusqlite"
allow tidings-telemetry "$base"
never tidings-telemetry "redis rusqlite sqlx hyper opentelemetry"
allow tidings-runtime "$base tidings-telemetry"
never tidings-runtime "redis rusqlite"
allow tidings-outbox "$base tidings-runtime tidings-telemetry"
never tidings-outbox "redis rusqlite"
allow tidings-conformance "$base"
# librdkafka is for those who ask for it: the feature `kafka`.
never tidings-cli "rdkafka"
allow tidings "$base tidings-telemetry tidings-outbox tidings-catalog tidings-runtime tidings-transport-sqlite tidings-transport-redis"
allow tidings-cli "$base tidings tidings-telemetry tidings-outbox tidings-catalog tidings-catalog-docs tidings-runtime tidings-transport-sqlite tidings-transport-redis"
allow tidings-python "$base tidings tidings-telemetry tidings-catalog tidings-runtime tidings-transport-sqlite tidings-transport-redis"

# Every crate of the workspace has its line above, so that a new one is a decision.
for crate in $(cargo metadata --quiet --no-deps --format-version 1 | grep -oE '"name":"tidings[a-z-]*","version"' | cut -d'"' -f4 | sort -u); do
  case $crate in tidings-examples | tidings-benches | tidings-contender | tidings-instructions | tidings-chaos) continue ;; esac
  grep -qE "^allow $crate " "$0" || { echo "$crate has no line in $0" >&2; failed=1; }
done
[ $failed = 0 ] && echo "dependency directions hold"
exit $failed
