#!/usr/bin/env bash
# Installs what the tests of the catalog's site need of npm, by the lock file, into `site-node` in the
# target folder, and looks for Node and Chromium. Idempotent, and quiet when there is nothing to do.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=crates/cli/tests/catalog/node
folder=${CARGO_TARGET_DIR:-target}/site-node

say() { printf 'site: %s\n' "$1" >&2; }

for program in node npm chromium; do
  command -v "$program" >/dev/null || { say "$program is missing: run scripts/setup.sh"; exit 1; }
done
node -e 'process.exit(parseInt(process.versions.node) < 18 ? 1 : 0)' || {
  say "Node 18 or later is needed, this is $(node --version)"
  exit 1
}

mkdir -p "$folder"
# Two test runs may start at once; the second waits and then finds everything there.
exec 9>"$folder.lock"
flock 9
# The copy is written last, so a run that was interrupted is not taken for a whole one.
! cmp -s "$wanted/package-lock.json" "$folder/installed.json" || exit 0
say "installing axe-core, puppeteer-core, ajv and the AsyncAPI parser into $folder (once)"
cp "$wanted/package.json" "$wanted/package-lock.json" "$folder/"
(cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
cp "$wanted/package-lock.json" "$folder/installed.json"
