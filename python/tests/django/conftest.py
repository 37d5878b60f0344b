"""A Django project with a database of each kind, all real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from servers import MariaDb, Postgres, Redis, free_port

HERE = Path(__file__).parent
FOLDER = Path(tempfile.mkdtemp(prefix="tidings-django-"))
FOLDER.chmod(0o755)
PORTS = {name: free_port() for name in ("postgres", "mariadb", "redis")}
ALIASES = ("default", "postgres", "mariadb")

os.environ["TIDINGS_TEST_FOLDER"] = str(FOLDER)
os.environ["TIDINGS_TEST_PORTS"] = json.dumps(PORTS)
os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
sys.path.insert(0, str(HERE))


def pytest_configure(config):
    import django

    django.setup()


def pytest_unconfigure(config):
    import shutil

    shutil.rmtree(FOLDER, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres():
    server = Postgres(FOLDER / "postgres", PORTS["postgres"])
    server.prepare()
    server.start()
    assert server.sql("CREATE DATABASE app", database="postgres").returncode == 0
    yield server
    server.stop(signal.SIGINT)


@pytest.fixture(scope="session")
def mariadb():
    server = MariaDb(FOLDER / "mariadb", PORTS["mariadb"])
    server.prepare()
    server.start()
    done = server.sql(
        "CREATE DATABASE app CHARACTER SET utf8mb4; CREATE USER app@'%' IDENTIFIED BY 'app'; "
        "GRANT ALL ON *.* TO app@'%'"
    )
    assert done.returncode == 0, done.stderr
    yield server
    server.stop()


@pytest.fixture(scope="session")
def redis_server():
    server = Redis(FOLDER / "redis", PORTS["redis"])
    server.prepare()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def migrated():
    """Migrates each database once."""
    from django.core.management import call_command

    done = set()

    def migrate(alias):
        if alias not in done:
            call_command("migrate", database=alias, verbosity=0)
            done.add(alias)

    return migrate


@pytest.fixture(params=ALIASES)
def alias(request, migrated):
    """Each database in turn, empty."""
    if request.param != "default":
        request.getfixturevalue(request.param)
    migrated(request.param)
    empty(request.param)
    yield request.param
    from django.db import connections

    connections[request.param].close()


@pytest.fixture
def sqlite(migrated):
    """The SQLite database, empty."""
    migrated("default")
    empty("default")
    return "default"


def empty(alias):
    from django.db import connections

    tables = (
        "tidings_outbox",
        "tidings_outbox_published",
        "tidings_inbox",
        "tidings_emission",
        "shop_course",
        "shop_copy",
        "shop_effect",
    )
    with connections[alias].cursor() as cursor:
        for table in tables:
            cursor.execute(f"DELETE FROM {table}")


@pytest.fixture
def new_bus(tmp_path, settings):
    """A bus of this test's own, in a file: its URL."""
    url = f"sqlite:{tmp_path}/bus.db"
    settings(BUS=url)
    return url


@pytest.fixture(params=["sqlite", "redis"])
def bus_url(request, tmp_path, settings):
    """A bus of this test's own, on each log in turn."""
    if request.param == "sqlite":
        url = f"sqlite:{tmp_path}/bus.db"
    else:
        server = request.getfixturevalue("redis_server")
        url = f"redis://127.0.0.1:{server.port}?prefix=t{time.time_ns()}"
    settings(BUS=url)
    return url


@pytest.fixture
def settings():
    """Changes keys of `TIDINGS` for this test."""
    from django.conf import settings as django_settings
    from django.test import override_settings

    overrides = []

    def change(**keys):
        override = override_settings(TIDINGS={**django_settings.TIDINGS, **keys})
        override.enable()
        overrides.append(override)

    yield change
    for override in reversed(overrides):
        override.disable()


@pytest.fixture
def published():
    """What stands on a topic of the bus: events, oldest first."""

    def read(topic="courses"):
        from tidings import NotFoundError
        from tidings.django import bus

        try:
            return [event for _, event in bus().log.read(topic, limit=200_000)]
        except NotFoundError:
            return []

    return read


class Manage:
    """A command of ``manage.py`` as a process of its own."""

    def __init__(self, *arguments, program=None, cwd=None, environ=None, **environment):
        self.process = subprocess.Popen(
            [*(program or [sys.executable, "-m", "django"]), *map(str, arguments)],
            cwd=cwd,
            env=environ or {**os.environ, "PYTHONPATH": str(HERE), **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.output, self.errors = [], []
        self._readers = [
            threading.Thread(target=self._read, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.output), (self.process.stderr, self.errors))
        ]
        for reader in self._readers:
            reader.start()

    @staticmethod
    def _read(stream, lines):
        for line in stream:
            lines.append(line)

    def wait(self, seconds=120):
        code = self.process.wait(seconds)
        for reader in self._readers:
            reader.join(10)
        return code

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.wait()

    def until(self, text, seconds=60):
        """Waits for a line of its standard error."""
        eventually(lambda: any(text in line for line in self.errors), seconds, self)

    def __str__(self):
        return "".join(self.output + self.errors)


@pytest.fixture
def manage(tmp_path):
    """Runs commands; whatever is left is killed at the end."""
    running = []

    def start(*arguments, **environment):
        command = Manage(*arguments, **environment)
        running.append(command)
        return command

    yield start
    for command in running:
        if command.process.poll() is None:
            command.kill()


def eventually(condition, seconds=60, context=""):
    """Waits until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"it did not come to that in {seconds} s\n{context}"
        time.sleep(0.05)
