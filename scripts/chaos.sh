#!/usr/bin/env bash
# The full run of each scenario. Usage: scripts/chaos.sh [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
cargo build --quiet --release -p tidings-chaos
failed=0
for scenario in postgres-redis postgres-redis-everysec mariadb-redis sqlite-sqlite; do
  target/release/tidings-chaos run --size full --scenario "$scenario" ${1:+--seed "$1"} || failed=1
  echo
done
exit $failed
