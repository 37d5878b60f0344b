"""Servers of applications, as processes of their own, and clients that keep them busy."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import tidings
from tests.conftest import DEADLINE, RedisServer, wait_for
from tests.django.servers import free_port

PYTHON = Path(__file__).parents[2]
BIN = Path(sys.executable).parent


class Service:
    """The service of `app.py` under some server."""

    def __init__(self, redis: RedisServer, topic: str, folder: Path) -> None:
        self.redis = redis
        self.topic = topic
        self.port = free_port()
        self.accepted: dict[str, int] = {}
        """The process that accepted an event, by the id of the event."""
        self._log = folder / "server.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._stop = threading.Event()
        self._clients: list[threading.Thread] = []

    def start(self, *command: str, **environment: str) -> None:
        """Starts the server, and waits until it answers."""
        environment = {
            **os.environ,
            "APP_REDIS": self.redis.url,
            "APP_TOPIC": self.topic,
            "PYTHONPATH": str(PYTHON),
            **environment,
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [str(BIN / command[0]), *command[1:]],
                cwd=PYTHON,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """What the server has said."""
        return self._log.read_text(errors="replace")

    def ask(self, path: str) -> bool:
        """One request. Notes the event that was accepted; `False` if the server does not answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            body = answer.read()
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()
        assert answer.status == 200, self.log
        said: dict[str, Any] = json.loads(body)
        self.accepted[said["id"]] = said["pid"]
        return True

    def keep_busy(self, *paths: str) -> None:
        """Several clients ask for these all the while."""

        def ask() -> None:
            while not self._stop.is_set():
                for path in paths:
                    self.ask(path) or time.sleep(0.01)

        self._clients = [threading.Thread(target=ask, daemon=True) for _ in range(4)]
        for client in self._clients:
            client.start()

    def rest(self) -> None:
        """The clients end."""
        self._stop.set()
        for client in self._clients:
            client.join()

    def workers(self, since: int = 0) -> set[int]:
        """The processes that have accepted events, after the first so many."""
        return set(list(self.accepted.values())[since:])

    def wait(self, condition: Callable[[], object]) -> None:
        """Waits until a condition holds; the server is to be alive meanwhile."""

        def holds() -> object:
            assert self._process is not None
            assert self._process.poll() is None, self.log
            return condition()

        wait_for(holds)

    def tell(self, number: signal.Signals) -> None:
        """Sends a signal to the server."""
        assert self._process is not None
        self._process.send_signal(number)

    def ended(self) -> int:
        """Waits for its end, and returns its code."""
        assert self._process is not None
        try:
            return self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            pytest.fail(f"the server does not end\n{self.log}")

    def check_end(self) -> None:
        """It ends in good order, and all that was accepted is in the log, under different ids."""
        assert self.ended() == 0, self.log
        assert "panicked" not in self.log, self.log
        assert "Traceback" not in self.log, self.log
        published = self.published()
        assert set(self.accepted) <= set(published), self.log
        published += self.published(f"{self.topic}-imports")
        assert len(set(published)) == len(published)

    def kill(self) -> None:
        """Leaves nothing behind."""
        self._stop.set()
        if self._process is not None:
            try:
                os.killpg(self._process.pid, signal.SIGKILL)
            except ProcessLookupError:
                return
            self._process.wait()

    def published(self, topic: str | None = None) -> list[str]:
        """The ids of what stands in the log."""
        bus = tidings.connect(self.redis.url)
        found = [event for _, event in bus.log.read(topic or self.topic, limit=100_000)]
        bus.close()
        return [event.id for event in found if isinstance(event, tidings.Event)]


@pytest.fixture
def service(own_redis: RedisServer, topic: str, tmp_path: Path) -> Iterator[Service]:
    service = Service(own_redis, topic, tmp_path)
    yield service
    service.kill()
