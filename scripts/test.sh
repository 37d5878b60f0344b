#!/usr/bin/env bash
# All tests against real servers and the real packages of the peers. What a machine cannot run is
# named, with the reason; in CI that is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

# have WHAT SCRIPT: whether WHAT, which some tests need, is here or could be installed.
have() {
  if "scripts/$2" >/dev/null; then
    return 0
  elif [ -n "${CI:-}" ]; then
    echo "test: $1 could not be installed, and in CI nothing may be skipped" >&2
    exit 1
  fi
  echo "test: SKIPPED the tests with $1, which could not be installed" >&2
  return 1
}

# need VARIABLE WHAT SCRIPT: the same, told to the tests.
need() { if have "$2" "$3"; then export "$1=required"; else export "$1=absent"; fi; }

need TIDINGS_PEERS "the real packages of Open edX (edx-event-bus-redis and others)" peers.sh
need TIDINGS_OLD_REDIS "Redis 6.0, which is too old" redis60.sh
need TIDINGS_SITE "the site of the catalog in a browser (Node and Chromium)" site.sh
need TIDINGS_REGISTRY_TESTS "a schema registry with Confluent's API" registry.sh

# part COMMAND…: goes on when it fails, so that one run tells all that is wrong.
failed=()
part() { "$@" || failed+=("$*"); }

# Apache Kafka, and with it what is behind the feature `kafka`.
kafka=(--exclude tidings-transport-kafka)
if have "Apache Kafka" kafka.sh; then kafka=(--features tidings-cli/kafka,tidings-chaos/kafka); fi

part cargo test --workspace --quiet --no-fail-fast "${kafka[@]}"

# No part takes more instructions for an event than the repository says.
part cargo run --quiet --release -p tidings-instructions

# The Python package, against the same peers.
if [ "$TIDINGS_PEERS" = required ]; then
  part scripts/python.sh
  part scripts/openedx-newest.sh
  part scripts/django.sh
else
  echo "test: SKIPPED the tests of the Python package, which need the same packages" >&2
fi

# Once more against the oldest Redis that is supported.
if have "Redis 6.2" redis62.sh; then
  TIDINGS_REDIS_SERVER=$(scripts/redis62.sh)
  export TIDINGS_REDIS_SERVER
  part cargo test --quiet -p tidings-cli --test monitoring gaps
  part cargo test --quiet -p tidings-transport-redis \
    --test conformance --test servers -- --skip tls_ # that server is built without TLS
fi

if [ ${#failed[@]} -gt 0 ]; then
  printf 'test: FAILED: %s\n' "${failed[@]}" >&2
  exit 1
fi
