#!/usr/bin/env bash
# The Python package: builds its wheel, installs it with the real Open edX packages into a virtual
# environment ($TIDINGS_PYTHON_VENV, by default `python-venv` in the target folder), checks types
# and style, and runs its tests. Arguments go to pytest. Needs Python 3.11 or later with venv, Java and Maven.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
venv=$(realpath -m "${TIDINGS_PYTHON_VENV:-$target/python-venv}")
requirements=(crates/cli/tests/peers/requirements.txt python/requirements-{test,kafka,servers}.txt)

say() { printf 'python: %s\n' "$1" >&2; }

mkdir -p "$(dirname "$venv")"
exec 9>"$venv.lock"
flock 9
if ! cat "${requirements[@]}" | cmp -s - "$venv/installed.txt"; then
  say "installing maturin, pytest, mypy, ruff, servers and the Open edX packages into $venv (once)"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps \
    "${requirements[@]/#/--requirement=}"
  "$venv/bin/pip" check >&2
  cat "${requirements[@]}" >"$venv/installed.txt"
fi

# The broker and the registry of the tests on Kafka.
scripts/kafka.sh
scripts/registry.sh

# The dev profile: the wheel shares what `cargo test` has compiled.
wheels=$target/python-wheels
rm -rf "$wheels"
say "building the wheel"
PATH="$venv/bin:$PATH" "$venv/bin/maturin" build --quiet --profile dev --locked --auditwheel skip --features kafka \
  --manifest-path python/Cargo.toml --target-dir "$target" --interpreter "$venv/bin/python" --out "$wheels"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheels"/*.whl
flock -u 9

say "testing with openedx-events $("$venv/bin/python" -c 'import openedx_events as o; print(o.__version__)') on $("$venv/bin/python" --version)"
cd python
"$venv/bin/ruff" check --quiet --config pyproject.toml . ../benches/python
"$venv/bin/ruff" format --quiet --check --config pyproject.toml . ../benches/python
"$venv/bin/mypy" --no-error-summary src tests/conftest.py tests/core
"$venv/bin/stubtest" tidings._tidings >&2
export PYTHONDONTWRITEBYTECODE=1 TIDINGS_ROOT=$root
"$venv/bin/python" -m pytest -q -p no:cacheprovider "$@"
