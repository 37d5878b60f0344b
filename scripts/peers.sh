#!/usr/bin/env bash
# Installs the peers of the tests, the real Open edX packages, into a virtual environment:
# $TIDINGS_VENV, by default `peers-venv` in the target folder. Idempotent, and quiet when there is
# nothing to do. Needs Python 3.11 or later with venv.
set -euo pipefail
cd "$(dirname "$0")/.."
requirements=crates/cli/tests/peers/requirements.txt
venv=${TIDINGS_VENV:-${CARGO_TARGET_DIR:-target}/peers-venv}

say() { printf 'peers: %s\n' "$1" >&2; }

mkdir -p "$(dirname "$venv")"
# Two test runs may start at once; the second waits and then finds everything there.
exec 9>"$venv.lock"
flock 9

# The copy is written last, so a run that was interrupted is not taken for a whole one.
! cmp -s "$requirements" "$venv/installed.txt" || exit 0

python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  say "Python 3.11 or later is needed, this is $(python3 --version 2>&1)"
  exit 1
}
say "installing the Open edX packages into $venv (about a minute, once)"
rm -rf "$venv"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps --requirement "$requirements"
"$venv/bin/pip" check >&2
cp "$requirements" "$venv/installed.txt"
