"""`examples/django`, as its README runs it: on files, and on servers with kills."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import Manage, eventually
from servers import Postgres

EXAMPLE = Path(__file__).parents[3] / "examples" / "django"

#: Rows of the table that a new consumer starts from. The whole takes minutes, so one does it all.
ROWS = {"postgresql": 100_000, "mysql": 3_000}
if given := os.environ.get("TIDINGS_EMIT_ROWS"):
    ROWS = dict.fromkeys(ROWS, int(given))

#: Seconds that the whole of them may take on a loaded machine.
PATIENCE = 300 + max(ROWS.values()) // 100


def environment(**more):
    """That of a shell, without what belongs to these tests."""
    kept = {k: v for k, v in os.environ.items() if k != "DJANGO_SETTINGS_MODULE"}
    # The README says `python3`: the one that runs the tests.
    path = f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"
    return {**kept, "PATH": path, **more}


@pytest.mark.slow
def test_the_readme_runs_to_the_letter(tmp_path):
    """Its first block of commands, in a copy of the folder."""
    import shutil

    shutil.copytree(EXAMPLE, tmp_path / "examples" / "django")
    readme = (EXAMPLE / "README.md").read_text()
    commands = re.search(r"```\n(cd examples/django\n.*?)```", readme, re.S)
    done = subprocess.run(
        ["bash", "-euc", commands.group(1)],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    digests = re.findall(r"^[0-9,]+ courses, .+$", done.stdout, re.M)
    assert len(digests) == 2, done.stdout
    assert digests[0] == digests[1]
    assert digests[0].startswith("1,000 courses, ")
    assert "75 announcements" in done.stderr


class Service:
    """A service of the example, with its commands."""

    def __init__(self, name, **variables):
        self.name = name
        self.environment = environment(**variables)

    def run(self, *arguments):
        done = subprocess.run(
            [sys.executable, f"{self.name}/manage.py", *map(str, arguments)],
            cwd=EXAMPLE,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def start(self, *arguments):
        return Manage(
            *arguments,
            program=[sys.executable, f"{self.name}/manage.py"],
            cwd=EXAMPLE,
            environ=self.environment,
        )


def relay_of(kind, catalog, url, bus):
    """The relay: Django's on MariaDB, the command's on PostgreSQL where it is built."""
    program = os.environ.get("TIDINGS_BIN")
    has_relay = (
        program and not subprocess.run([program, "relay", "--help"], capture_output=True).returncode
    )
    if kind == "postgresql" and has_relay:
        command = [program, "relay", "--database", url, "--bus", bus]
        return Manage(program=command, environ=environment())
    return catalog.start("tidings_relay")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_on_servers_with_kills(kind, request, redis_server):
    """Emission, changes and rollbacks, while relay and consumer are killed: equal at the end."""
    total = ROWS[kind]
    if kind == "postgresql":
        server = request.getfixturevalue("postgres")
        for name in ("catalog", "lms"):
            assert server.sql(f"CREATE DATABASE {name}").returncode == 0
        base = f"postgresql://postgres@127.0.0.1:{server.port}"
    else:
        server = request.getfixturevalue("mariadb")
        assert server.sql("CREATE DATABASE catalog; CREATE DATABASE lms").returncode == 0
        base = f"mysql://app:app@127.0.0.1:{server.port}"
    bus = f"redis://127.0.0.1:{redis_server.port}?prefix=example-{kind}-{time.time_ns()}"
    catalog = Service("catalog", TIDINGS_BUS=bus, CATALOG_DATABASE=f"{base}/catalog")
    lms = Service("lms", TIDINGS_BUS=bus, LMS_DATABASE=f"{base}/lms")
    running = []
    try:
        catalog.run("migrate", "-v", 0)
        lms.run("migrate", "-v", 0)
        catalog.run("fill", total)
        assert "made, from earliest" in lms.run(
            "tidings_consume", "--create-groups", "--start", "earliest"
        )

        relay = relay_of(kind, catalog, f"{base}/catalog", bus)
        consumer = lms.start("tidings_consume", "--lease", "1")
        running += [relay, consumer]
        emission = catalog.start("tidings_emit", "courses.Course", "--batch", "200")
        running.append(emission)
        eventually(lambda: rows(server, "lms", "courses_course") > total // 10, 180, consumer)
        relay.kill()
        consumer.kill()
        relay = relay_of(kind, catalog, f"{base}/catalog", bus)
        consumer = lms.start("tidings_consume", "--lease", "1")
        running += [relay, consumer]
        renamed = catalog.run("rename", 200)
        assert "150 renamed, 50 rolled back" in renamed
        assert emission.wait(PATIENCE) == 0, emission
        relay.kill()
        relay = relay_of(kind, catalog, f"{base}/catalog", bus)
        running.append(relay)

        eventually(lambda: rows(server, "catalog", "tidings_outbox") == 0, PATIENCE, relay)
        eventually(lambda: rows(server, "lms", "courses_announcement") == 150, PATIENCE, consumer)
        eventually(lambda: rows(server, "lms", "courses_course") == total, PATIENCE, consumer)
        # Those that were in hand when the last was counted.
        assert consumer.kill(signal.SIGTERM) == 0, consumer
        assert lms.run("tidings_consume", "--until-idle", "2")
        theirs, ours = (service.run("digest").splitlines()[0] for service in (catalog, lms))
        assert re.fullmatch(rf"{total:,} courses, [0-9a-f]{{16}}", ours)
        assert ours == theirs
        assert rows(server, "lms", "courses_announcement") == 150
    finally:
        for command in running:
            if command.process.poll() is None:
                command.kill()


def rows(server, database, table):
    """How many rows a table has."""
    text = f"SELECT count(*) FROM {table}"
    if isinstance(server, Postgres):
        done = server.sql(text, database=database)
    else:
        done = server.sql(f"USE {database}; {text}")
    return int(re.search(r"^\s*(\d+)\s*$", done.stdout, re.M).group(1))
