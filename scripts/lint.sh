#!/usr/bin/env bash
# What must hold besides the tests. Stops at the first thing that does not.
set -euo pipefail
cd "$(dirname "$0")/.."

cargo fmt --all --check
cargo clippy --quiet --workspace --all-targets --features tidings-cli/kafka,tidings-chaos/kafka,tidings-benches/kafka -- -D warnings
cargo deny --log-level warn check bans licenses sources
scripts/check-dependencies.sh
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --features tidings-cli/kafka
cargo check --quiet --manifest-path fuzz/Cargo.toml --target-dir target/fuzz
