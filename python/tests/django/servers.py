"""Real servers for these tests: started on free ports in a temporary folder, stopped at the end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def program(*names: str) -> str:
    """The full path of the first of these programs that is installed."""
    folders = [*sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True), "/usr/sbin"]
    path = os.pathsep.join([os.environ["PATH"], *map(str, folders)])
    for name in names:
        found = shutil.which(name, path=path)
        if found:
            return found
    raise FileNotFoundError(f"{' or '.join(names)} is not installed: run scripts/setup.sh")


class Server:
    """A server process."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"

    def command(self) -> list[str]:
        raise NotImplementedError

    def answers(self) -> bool:
        raise NotImplementedError

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), stdout=log, stderr=log, start_new_session=True
            )
        deadline = time.monotonic() + 90
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.stop()
                tail = self.log.read_text(errors="replace")[-2000:]
                raise RuntimeError(f"{self.command()[0]} does not start:\n{tail}")
            time.sleep(0.1)

    def stop(self, number: int = signal.SIGTERM) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Postgres(Server):
    """PostgreSQL refuses to run as root: there it runs as the user that its package makes."""

    def prepare(self) -> None:
        self.folder.mkdir(parents=True)
        if os.getuid() == 0:
            shutil.chown(self.folder, "postgres", "postgres")
        self._run(
            program("initdb"),
            "-D",
            self.data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C",
        )

    @property
    def data(self) -> str:
        return str(self.folder / "data")

    def as_user(self, *command: str) -> list[str]:
        if os.getuid() != 0:
            return list(command)
        return [
            program("setpriv"),
            "--reuid=postgres",
            "--regid=postgres",
            "--init-groups",
            *command,
        ]

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            self.as_user(*command), capture_output=True, text=True, cwd=self.folder
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]}: {done.stderr}")

    def command(self) -> list[str]:
        options = ["-k", str(self.folder), "-h", "127.0.0.1", "-p", str(self.port)]
        settings = ["-c", "fsync=off", "-c", "max_connections=60"]
        return self.as_user(program("postgres"), "-D", self.data, *options, *settings)

    def answers(self) -> bool:
        return self.sql("SELECT 1", database="postgres").returncode == 0

    def sql(self, text: str, database: str = "app") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                program("psql"),
                "-h",
                "127.0.0.1",
                "-p",
                str(self.port),
                "-U",
                "postgres",
                "-d",
                database,
                "-c",
                text,
            ],
            capture_output=True,
            text=True,
            cwd="/",
        )


class MariaDb(Server):
    """MariaDB, which Open edX can run in the place of MySQL."""

    def prepare(self) -> None:
        self.folder.mkdir(parents=True)
        done = subprocess.run(
            [
                program("mariadb-install-db", "mysql_install_db"),
                "--no-defaults",
                f"--datadir={self.folder}/data",
                "--auth-root-authentication-method=normal",
                "--skip-test-db",
                *self._user(),
            ],
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db: {done.stdout}{done.stderr}")

    def _user(self) -> list[str]:
        return ["--user=root"] if os.getuid() == 0 else []

    def command(self) -> list[str]:
        return [
            program("mariadbd", "mysqld"),
            "--no-defaults",
            *self._user(),
            f"--datadir={self.folder}/data",
            f"--port={self.port}",
            "--bind-address=127.0.0.1",
            f"--socket={self.folder}/socket",
            f"--pid-file={self.folder}/pid",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-buffer-pool-size=64M",
            "--skip-name-resolve",
        ]

    def answers(self) -> bool:
        return self.sql("SELECT 1").returncode == 0

    def sql(self, text: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [
                program("mariadb", "mysql"),
                "--no-defaults",
                f"--socket={self.folder}/socket",
                "-u",
                "root",
                "-e",
                text,
            ],
            capture_output=True,
            text=True,
        )


class Redis(Server):
    """Redis, which keeps every write."""

    def prepare(self) -> None:
        self.folder.mkdir(parents=True)

    def command(self) -> list[str]:
        return [
            program("redis-server"),
            "--port",
            str(self.port),
            "--dir",
            str(self.folder),
            "--appendonly",
            "yes",
            "--save",
            "",
            "--bind",
            "127.0.0.1",
        ]

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as client:
                client.sendall(b"PING\r\n")
                return client.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def written(self) -> int:
        """Bytes of what it has written down."""
        return self._append_only_file().stat().st_size

    def lose_power(self, synced: int) -> None:
        """Kills it, and with it its machine: only so much had come to the disk."""
        self.stop(signal.SIGKILL)
        os.truncate(self._append_only_file(), synced)

    def _append_only_file(self) -> Path:
        """The file that grows: in a folder of its own from Redis 7 on."""
        found = [*self.folder.glob("appendonlydir/*.incr.aof"), *self.folder.glob("*.aof")]
        return found[0]
