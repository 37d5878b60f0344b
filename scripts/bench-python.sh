#!/usr/bin/env bash
# Ratios of the Python package to edx-event-bus-redis and to bare redis-py. Arguments go to the bench.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/bench-venv.sh)
exec "$python" benches/python/bench.py "$@"
