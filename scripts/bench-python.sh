#!/usr/bin/env bash
# Ratios of the Python package to edx-event-bus-redis and bare redis-py; with --kafka, to
# edx-event-bus-kafka and bare confluent-kafka. Arguments go to the bench.
set -euo pipefail
cd "$(dirname "$0")/.."
features=()
if [[ " $* " = *" --kafka "* ]]; then
  scripts/kafka.sh
  scripts/registry.sh
  # Nothing that is repaired: the module finds the system's libraries where it was built.
  features=(--features kafka --auditwheel skip)
fi
python=$(scripts/bench-venv.sh "${features[@]}")
exec "$python" benches/python/bench.py "$@"
