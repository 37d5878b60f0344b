#!/usr/bin/env bash
# The full run of each scenario. Usage: scripts/chaos.sh [SEED]
set -euo pipefail
cd "$(dirname "$0")/.."
scripts/kafka.sh
cargo build --quiet --release -p tidings-chaos --features kafka
failed=0
for scenario in postgres-redis postgres-redis-everysec mariadb-redis postgres-kafka sqlite-sqlite; do
  target/release/tidings-chaos run --size full --scenario "$scenario" ${1:+--seed "$1"} || failed=1
  echo
done
exit $failed
