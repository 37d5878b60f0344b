#!/usr/bin/env bash
# Installs what the tests and the demo need on Debian or Ubuntu: a C compiler for the bundled
# SQLite, redis-server, PostgreSQL and MariaDB for the tests, Java and Maven for Kafka, Python for the
# peers from PyPI, Node and Chromium for the catalog's site. Idempotent; quiet when there is nothing to do. Usage: scripts/setup.sh [demo|test|ci]
set -euo pipefail
what=${1:-test}

say() { printf 'setup: %s\n' "$1" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"
  elif command -v sudo >/dev/null; then sudo "$@"
  else say "need root or sudo for: $*"; exit 1
  fi
}

need() { # need PROGRAM PACKAGE…: collects packages whose program is missing
  local program=$1; shift
  command -v "$program" >/dev/null || packages+=("$@")
}

packages=()
need cc gcc libc6-dev
if [ "$what" != demo ]; then
  need redis-server redis-server
  need mariadbd mariadb-server
  [ -d /usr/lib/postgresql ] || need initdb postgresql
  # mysqlclient, Django's driver for MySQL and MariaDB, is compiled.
  need mariadb_config libmariadb-dev
  need pkg-config pkg-config
  need pgbouncer pgbouncer
  need openssl openssl
  need c++ g++
  need python3 python3
  need git git
  need faketime faketime
  need valgrind valgrind
  # Kafka runs on Java 17 or later; librdkafka is compiled.
  java=openjdk-17-jre-headless
  apt-cache show "$java" >/dev/null 2>&1 || java=default-jre-headless
  need java "$java"
  need mvn maven
  need make make
  pkg-config --exists openssl 2>/dev/null || packages+=(libssl-dev)
  pkg-config --exists zlib 2>/dev/null || packages+=(zlib1g-dev)
  pkg-config --exists libcurl 2>/dev/null || packages+=(libcurl4-openssl-dev)
  # The site of the catalog is looked at in a browser.
  need node nodejs
  need npm npm
  need chromium chromium
  python3 -c 'import os, sysconfig; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null ||
    packages+=(python3-dev)
  python3 -c 'import ensurepip, venv' 2>/dev/null || packages+=(python3-venv)
fi

if [ ${#packages[@]} -gt 0 ]; then
  command -v apt-get >/dev/null || { say "install these by hand, then run again: ${packages[*]}"; exit 1; }
  say "installing ${packages[*]}"
  as_root apt-get update -qq
  # The tests start servers of their own; the packaged service must not start one more.
  policy=/usr/sbin/policy-rc.d
  made_policy=
  if [ ! -e "$policy" ]; then
    printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
    as_root chmod +x "$policy"
    made_policy=1
  fi
  as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
  [ -z "$made_policy" ] || as_root rm -f "$policy"
fi

command -v cargo >/dev/null || { say "Rust is missing: install rustup from your distribution or rustup.rs, then run again"; exit 1; }

if [ "$what" = ci ]; then
  # A debug build: it runs for a second, and builds in half the time.
  cargo deny --version >/dev/null 2>&1 || {
    say "building cargo-deny (a few minutes, once)"
    cargo install cargo-deny --version 0.20.2 --locked --debug --quiet
  }
fi
