"""What all tests share: real servers, and child processes that must end."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DEADLINE = 120
"""Seconds that anything may take on a loaded machine."""


class RedisServer:
    """A redis-server of our own on a free port."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        program = shutil.which("redis-server")
        assert program, "redis-server is missing: run scripts/setup.sh test"
        self.process = subprocess.Popen(
            [
                program,
                "--port",
                str(self.port),
                "--bind",
                "127.0.0.1",
                "--dir",
                str(self.folder),
                "--appendonly",
                "yes",
                "--appendfsync",
                "always",
                "--save",
                "",
            ],
            stdout=subprocess.DEVNULL,
        )
        wait_for(self._answers)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(7).startswith(b"+PONG")
        except OSError:
            return False

    def freeze(self) -> None:
        """It takes connections, and answers nothing."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


def wait_for(condition: Callable[[], object], deadline: float = DEADLINE) -> None:
    """Waits until a condition holds."""
    until = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < until, "it did not come to be in time"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def shared_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """One server for tests that only need topics of their own."""
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[RedisServer]:
    """A server that the test may stop or freeze."""
    server = RedisServer(tmp_path)
    yield server
    server.stop()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic name that no other test has."""
    return "".join(c if c.isalnum() else "-" for c in request.node.name)[:80]


class Script:
    """A Python program in a process of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def start(self, text: str, *arguments: str) -> subprocess.Popen[str]:
        path = self.folder / f"script{len(list(self.folder.glob('script*.py')))}.py"
        path.write_text(textwrap.dedent(text))
        process: subprocess.Popen[str] = subprocess.Popen(
            [sys.executable, str(path), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        return process

    def run(self, text: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Runs it to its end, which must come."""
        process = self.start(text, *arguments)
        try:
            out, err = process.communicate(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            pytest.fail(f"the program did not end\n{out}\n{err}")
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)


@pytest.fixture
def script(tmp_path: Path) -> Script:
    """Runs Python programs in processes of their own."""
    return Script(tmp_path)
