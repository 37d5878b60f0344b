#!/usr/bin/env bash
# The virtual environment of the benches: the peers from PyPI, installed once, and the wheel, built anew in
# release; arguments go to maturin. Prints its interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv=$target/bench-venv
requirements=(crates/cli/tests/peers/requirements.txt python/requirements-{test,kafka}.txt benches/python/requirements.txt)

mkdir -p "$target"
if ! cat "${requirements[@]}" | cmp -s - "$venv/installed.txt"; then
  printf 'bench: installing the peers into %s (once)\n' "$venv" >&2
  rm -rf "$venv"
  python3 -m venv "$venv"
  for file in "${requirements[@]}"; do
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$file" >&2
  done
  cat "${requirements[@]}" >"$venv/installed.txt"
fi
wheels=$target/bench-wheels
rm -rf "$wheels"
printf 'bench: building the wheel in release\n' >&2
PATH="$venv/bin:$PATH" "$venv/bin/maturin" build --quiet --release --locked --manifest-path python/Cargo.toml \
  --target-dir "$target" --interpreter "$venv/bin/python" --out "$wheels" "$@" >&2
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheels"/*.whl >&2
printf '%s\n' "$venv/bin/python"
