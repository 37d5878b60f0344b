#!/usr/bin/env bash
# The matrix of signals with the newest openedx-events, which needs Python 3.12 or later: in both
# directions against the real packages, and the definitions of the catalog made again from it, with the wheel that scripts/python.sh has built (its ABI is
# that of every Python since 3.11). On a machine without such a Python it says so and ends well.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
requirements=(python/requirements-openedx-newest.txt python/requirements-kafka.txt)
venv=$target/openedx-newest-venv

say() { printf 'openedx-newest: %s\n' "$1" >&2; }

# A shim of pyenv exists for interpreters that are not chosen; so each is run before it is believed.
find_python() {
  local candidate
  for candidate in python3 python3.12 python3.13 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[23]*/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(not (3, 12) <= sys.version_info < (3, 14))' \
      2>/dev/null; then
      printf '%s\n' "$candidate"
      return
    fi
  done
  return 1
}

python=$(find_python) || {
  say "SKIPPED openedx-events 11: no Python 3.12 or 3.13 with venv on this machine"
  exit 0
}
wheel=$(ls "$target"/python-wheels/*.whl 2>/dev/null | head -1) || true
[ -n "$wheel" ] || { say "there is no wheel in $target/python-wheels: run scripts/python.sh"; exit 1; }

mkdir -p "$target"
exec 9>"$venv.lock"
flock 9
if ! cat "${requirements[@]}" | cmp -s - "$venv/installed.txt"; then
  say "installing openedx-events 11 for $("$python" --version) into $venv (once)"
  rm -rf "$venv"
  "$python" -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps "${requirements[@]/#/--requirement=}"
  "$venv/bin/pip" check >&2
  cat "${requirements[@]}" >"$venv/installed.txt"
fi
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"
flock -u 9

say "testing with openedx-events $("$venv/bin/python" -c 'import openedx_events as o; print(o.__version__)') on $("$venv/bin/python" --version)"
cd python
export PYTHONDONTWRITEBYTECODE=1 TIDINGS_ROOT=$root
exec "$venv/bin/python" -m pytest -q -p no:cacheprovider \
  tests/openedx/test_signals.py tests/openedx/test_schemas.py tests/openedx/test_fleet.py \
  tests/openedx/test_kafka.py tests/openedx/test_catalog.py "$@"
