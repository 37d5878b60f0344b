#!/usr/bin/env bash
# Tidings among its peers: builds the contenders in release, installs the peers from PyPI into a virtual
# environment, then runs `axes`. Usage: scripts/bench.sh measure [--only AXIS]… | draw | soak [--minutes N]
# `scripts/bench.sh ratios [--only NAME]` measures the ratios to raw limits instead, on Kafka where it can be had.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
what=${1:-measure}
[ $# -eq 0 ] || shift

say() { printf 'bench: %s\n' "$1" >&2; }

if [ "$what" = ratios ]; then
  features=()
  if scripts/kafka.sh; then features=(--features kafka); else say "no Kafka here: its measures are left out"; fi
  exec cargo run --quiet --release --locked -p tidings-benches --bin tidings-benches "${features[@]}" -- "$@"
fi
# Only what is run: linking each of the programs takes a minute.
programs=(--bin axes)
[ "$what" != measure ] || programs+=(--bin contender-tidings --bin contender-envelope --bin contender-avro)
say "building what is measured in release"
cargo build --quiet --release --locked -p tidings-benches "${programs[@]}" --target-dir "$target"
axes=$target/release/axes
if [ "$what" != measure ]; then
  exec "$axes" "$what" "$@"
fi
cargo build --quiet --release --locked -p tidings-cli --target-dir "$target"
cargo build --quiet --release --locked --manifest-path benches/peers/Cargo.toml --target-dir "$target/peers"
python=$(scripts/bench-venv.sh)
exec "$axes" measure --peers "$target/peers/release" --python "$python" "$@"
