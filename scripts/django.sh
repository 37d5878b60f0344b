#!/usr/bin/env bash
# tidings.django with the long-term versions of Django, on real databases: PostgreSQL with psycopg,
# MariaDB with mysqlclient, SQLite. Run scripts/python.sh first: it builds the wheel. Everything runs
# with Django 5.2, and with 4.2 what does not kill processes. Arguments go to pytest.
# TIDINGS_EMIT_ROWS=100000 has every test of emission use a table of that size; otherwise two do: one emits it on
# MariaDB, and the example has all of it applied on PostgreSQL, by a receiver that takes a millisecond for each.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

say() { printf 'django: %s\n' "$1" >&2; }

wheel=$(ls "$target"/python-wheels/*.whl 2>/dev/null | head -1) || true
[ -n "$wheel" ] || { say "there is no wheel in $target/python-wheels: run scripts/python.sh"; exit 1; }
export PYTHONDONTWRITEBYTECODE=1
[ ! -x "$target/debug/tidings" ] || export TIDINGS_BIN=$target/debug/tidings

for version in 5.2 4.2; do
  venv=$target/django-$version-venv
  requirements=python/requirements-django-$version.txt
  exec 9>"$venv.lock"
  flock 9
  if ! cmp -s "$requirements" "$venv/installed.txt"; then
    say "installing Django $version and the drivers of its databases into $venv (once)"
    rm -rf "$venv"
    python3 -m venv "$venv"
    "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
    "$venv/bin/pip" check >&2
    cp "$requirements" "$venv/installed.txt"
  fi
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --force-reinstall "$wheel"
  flock -u 9
  some=()
  [ "$version" = 5.2 ] || some=(-m "not slow")
  say "testing with Django $version"
  (cd python/tests/django && "$venv/bin/python" -m pytest -q -p no:cacheprovider -p no:tidings "${some[@]}" "$@")
done
