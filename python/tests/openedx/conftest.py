"""A Django service just large enough for the event bus, and the real packages beside ours."""

from __future__ import annotations

import atexit
import contextlib
import logging
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGINT
from typing import Any

import pytest
import redis
from django.conf import settings

from tests.conftest import DEADLINE, RedisServer
from tests.django.servers import MariaDb, Postgres, free_port

PEERS = Path(__file__).parents[3] / "crates/cli/tests/peers"
sys.path.append(str(PEERS))

FOLDER = Path(tempfile.mkdtemp(prefix="tidings-openedx-"))
FOLDER.chmod(0o755)
# Programs of the tests import this too, so pytest is not always there to remove it.
atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)
DATABASES: dict[str, dict[str, Any]] = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": FOLDER / "default.db"},
    "postgres": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": free_port(),
        "NAME": "postgres",
        "USER": "postgres",
    },
    "mariadb": {
        "ENGINE": "django.db.backends.mysql",
        "HOST": "127.0.0.1",
        "PORT": free_port(),
        "NAME": "app",
        "USER": "app",
        "PASSWORD": "app",
        "OPTIONS": {"charset": "utf8mb4"},
    },
}

settings.configure(
    INSTALLED_APPS=["openedx_events", "edx_event_bus_redis", "tidings.openedx", "tidings.django"],
    DATABASES=DATABASES,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    TIDINGS={"BUS": "memory:", "SERVICE": "lms"},
    USE_TZ=True,
    SECRET_KEY="test",
    EVENTS_SERVICE_NAME="lms",
    EVENT_BUS_PRODUCER="tidings.openedx.create_producer",
    EVENT_BUS_CONSUMER="tidings.openedx.EventConsumer",
    EVENT_BUS_PRODUCER_CONFIG={},
    # Their consumer looks whether it shall stop once per poll, and reads this when imported.
    EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT=1,
    LOGGING_CONFIG=None,
)

import django  # noqa: E402

django.setup()

from django.core.management import call_command  # noqa: E402
from django.db import connections  # noqa: E402
from django.test import override_settings  # noqa: E402
from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals  # noqa: E402

from tidings.openedx import EventConsumer, EventProducer, create_producer  # noqa: E402

load_all_signals()


class Service:
    """A service on a Redis of the test."""

    def __init__(self, server: RedisServer, topic: str) -> None:
        self.server = server
        self.topic = topic
        self.redis = redis.Redis(port=server.port)

    def producer(self) -> EventProducer:
        """Ours."""
        return create_producer()

    def their_producer(self) -> Any:
        """The real package's."""
        from edx_event_bus_redis import create_producer as create

        return create()

    def consume(
        self,
        until: Callable[[dict[str, Any]], object],
        group: str = "g",
        topic: str | None = None,
        **extra: Any,
    ) -> None:
        """Runs our consumer until a received event satisfies `until`."""
        consumer = EventConsumer(topic or self.topic, group, **extra)
        run_until(consumer, until, consumer.stop)

    def consume_theirs(
        self, until: Callable[[dict[str, Any]], object], group: str = "g", **extra: Any
    ) -> None:
        """Runs the real package's consumer; by default it does not move the group."""
        from edx_event_bus_redis import RedisEventConsumer

        extra.setdefault("check_backlog", True)
        extra.setdefault("consumer_name", "theirs")
        consumer = RedisEventConsumer(self.topic, group, **extra)
        run_until(consumer, until, consumer._shut_down)

    def fields(self, topic: str | None = None) -> list[dict[bytes, bytes]]:
        """What stands in the stream."""
        return [fields for _, fields in self.redis.xrange(topic or self.topic)]


def run_until(
    consumer: Any, until: Callable[[dict[str, Any]], object], stop: Callable[[], object]
) -> None:
    """Consumes in this thread until `until` is true of what a receiver was called with."""
    late = threading.Event()

    def give_up() -> None:
        late.set()
        stop()

    def receive(**kwargs: Any) -> None:
        if until(kwargs):
            stop()

    timer = threading.Timer(DEADLINE, give_up)
    timer.start()
    signals = OpenEdxPublicSignal.all_events()
    for signal in signals:
        signal.connect(receive, weak=False)
    try:
        consumer.consume_indefinitely()
    finally:
        timer.cancel()
        for signal in signals:
            signal.disconnect(receive)
    assert not late.is_set(), "what was waited for did not come"


@pytest.fixture
def service(shared_redis: RedisServer, topic: str) -> Iterator[Service]:
    with override_settings(EVENT_BUS_REDIS_CONNECTION_URL=shared_redis.url):
        yield Service(shared_redis, topic)


@pytest.fixture
def own_service(own_redis: RedisServer, topic: str) -> Iterator[Service]:
    """A service on a Redis that the test may stop or freeze."""
    with override_settings(EVENT_BUS_REDIS_CONNECTION_URL=own_redis.url):
        yield Service(own_redis, topic)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres(FOLDER / "postgres", DATABASES["postgres"]["PORT"])
    server.prepare()
    server.start()
    yield server
    server.stop(SIGINT)


@pytest.fixture(scope="session")
def mariadb() -> Iterator[MariaDb]:
    server = MariaDb(FOLDER / "mariadb", DATABASES["mariadb"]["PORT"])
    server.prepare()
    server.start()
    done = server.sql(
        "CREATE DATABASE app CHARACTER SET utf8mb4; CREATE USER app@'%' IDENTIFIED BY 'app'; "
        "GRANT ALL ON *.* TO app@'%'"
    )
    assert done.returncode == 0, done.stderr
    yield server
    server.stop()


@pytest.fixture(params=list(DATABASES))
def outbox(request: pytest.FixtureRequest) -> Iterator[str]:
    """The alias of each database in turn, with an empty outbox that Tidings is told to use."""
    alias = request.param
    if alias != "default":
        request.getfixturevalue(alias)
    with outbox_in(alias):
        yield alias


@pytest.fixture
def sqlite_outbox() -> Iterator[str]:
    with outbox_in("default"):
        yield "default"


@contextlib.contextmanager
def outbox_in(alias: str) -> Iterator[None]:
    configured = {"BUS": "openedx", "SERVICE": "lms", "DATABASE": alias}
    with override_settings(TIDINGS=configured):
        call_command("migrate", "tidings", database=alias, verbosity=0)
        with connections[alias].cursor() as cursor:
            cursor.execute("DELETE FROM tidings_outbox")
        yield
    connections[alias].close()


@pytest.fixture(autouse=True)
def _log_levels() -> None:
    for name in ("tidings", "edx_event_bus_redis"):
        logging.getLogger(name).setLevel(logging.INFO)
    logging.getLogger("openedx_events").setLevel(logging.WARNING)
