#!/usr/bin/env bash
# All tests against real servers and the real packages of the peers. What a machine cannot run is
# named, with the reason; in CI that is an error.
set -euo pipefail
cd "$(dirname "$0")/.."

# The peers: edx-event-bus-redis and openedx-events from PyPI, in a virtual environment.
if scripts/peers.sh; then
  export TIDINGS_PEERS=required
elif [ -n "${CI:-}" ]; then
  echo "test: the peers could not be installed, and in CI nothing may be skipped" >&2
  exit 1
else
  echo "test: SKIPPED the tests against edx-event-bus-redis: its packages could not be installed" >&2
  export TIDINGS_PEERS=absent
fi

# A server that is too old, for what is said of such a one.
if scripts/redis60.sh >/dev/null; then
  export TIDINGS_OLD_REDIS=required
elif [ -n "${CI:-}" ]; then
  echo "test: Redis 6.0 could not be installed, and in CI nothing may be skipped" >&2
  exit 1
else
  echo "test: SKIPPED the test with a Redis that is too old: the wheel that carries it could not be installed" >&2
  export TIDINGS_OLD_REDIS=absent
fi

# Node's packages and Chromium, for the site of the catalog.
if scripts/site.sh; then
  export TIDINGS_SITE=required
elif [ -n "${CI:-}" ]; then
  echo "test: the packages for the catalog's site could not be installed, and in CI nothing may be skipped" >&2
  exit 1
else
  echo "test: SKIPPED the tests of the catalog's site in a browser: what they need could not be installed" >&2
  export TIDINGS_SITE=absent
fi

# A schema registry with Confluent's API.
if scripts/registry.sh; then
  export TIDINGS_REGISTRY_TESTS=required
elif [ -n "${CI:-}" ]; then
  echo "test: the schema registry could not be fetched, and in CI nothing may be skipped" >&2
  exit 1
else
  echo "test: SKIPPED the tests against a schema registry: it could not be fetched" >&2
  export TIDINGS_REGISTRY_TESTS=absent
fi

# Apache Kafka, and with it what is behind the feature `kafka`.
if scripts/kafka.sh; then
  kafka=(--features tidings-cli/kafka,tidings-chaos/kafka)
elif [ -n "${CI:-}" ]; then
  echo "test: Kafka could not be fetched, and in CI nothing may be skipped" >&2
  exit 1
else
  echo "test: SKIPPED the tests against Kafka: its jars could not be fetched" >&2
  kafka=(--exclude tidings-transport-kafka)
fi

cargo test --workspace --quiet --no-fail-fast "${kafka[@]}"

# No part takes more instructions for an event than the repository says.
cargo run --quiet --release -p tidings-instructions

# The Python package, against the same peers.
if [ "$TIDINGS_PEERS" = required ]; then
  scripts/python.sh
  scripts/openedx-newest.sh
  scripts/django.sh
else
  echo "test: SKIPPED the tests of the Python package: its packages could not be installed" >&2
fi

# Once more against the oldest Redis that is supported.
if server=$(scripts/redis62.sh); then
  TIDINGS_REDIS_SERVER=$server cargo test --quiet -p tidings-cli --test monitoring gaps
  TIDINGS_REDIS_SERVER=$server cargo test --quiet -p tidings-transport-redis \
    --test conformance --test servers -- --skip tls_ # that server is built without TLS
elif [ -n "${CI:-}" ]; then
  echo "test: Redis 6.2 could not be installed, and in CI nothing may be skipped" >&2
  exit 1
else
  echo "test: SKIPPED Redis 6.2: the wheel that carries its server could not be installed" >&2
fi
