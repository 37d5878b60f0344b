#!/usr/bin/env bash
# Ratios of the Python package to edx-event-bus-redis and to bare redis-py: builds the wheel in release
# and installs it with the real packages into a virtual environment. Arguments go to the bench.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv=$target/bench-venv
requirements=(crates/cli/tests/peers/requirements.txt python/requirements-test.txt)

mkdir -p "$target"
if ! cat "${requirements[@]}" | cmp -s - "$venv/installed.txt"; then
  printf 'bench: installing the Open edX packages into %s (once)\n' "$venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    --requirement "${requirements[0]}" --requirement "${requirements[1]}"
  cat "${requirements[@]}" >"$venv/installed.txt"
fi
wheels=$target/bench-wheels
rm -rf "$wheels"
printf 'bench: building the wheel in release\n' >&2
PATH="$venv/bin:$PATH" "$venv/bin/maturin" build --quiet --release --locked \
  --manifest-path python/Cargo.toml --target-dir "$target" --interpreter "$venv/bin/python" --out "$wheels"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheels"/*.whl
exec "$venv/bin/python" benches/python/bench.py "$@"
