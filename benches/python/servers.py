"""The logs of the bench: on free ports, in temporary folders, stopped at the end."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).parents[2] / "target"))
JARS = Path(os.environ.get("TIDINGS_KAFKA", TARGET / "kafka"))
REGISTRY = Path(os.environ.get("TIDINGS_REGISTRY", TARGET / "registry"))
JAVA = ["java", "-Xmx256m", "-XX:+UseSerialGC"]


def free_port() -> int:
    """A port that nobody has."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


@contextlib.contextmanager
def running(program: list[str], answers: Callable[[], object]) -> Iterator[None]:
    """A server, from its first answer on."""
    server = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(3000):
            with contextlib.suppress(OSError):
                answers()
                break
            if server.poll() is not None:
                sys.exit(f"{program[0]} ended with code {server.returncode}")
            time.sleep(0.02)
        else:
            sys.exit(f"{program[0]} does not answer")
        yield
    finally:
        server.terminate()
        server.wait()


@contextlib.contextmanager
def redis() -> Iterator[list[str]]:
    """A Redis without durability: a disk would hide what a client costs. Yields its URL."""
    port = free_port()
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("redis-server is missing: run scripts/setup.sh test")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        with running([program, *options], lambda: connect(port)):
            yield [f"redis://127.0.0.1:{port}/0"]


@contextlib.contextmanager
def kafka() -> Iterator[list[str]]:
    """Apache Kafka of one node, and Apicurio's registry. Yields the addresses of both."""
    port, controller, registry = free_port(), free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder:
        properties = Path(folder, "server.properties")
        properties.write_text(
            f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder}/data
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""
        )
        broker = [*JAVA, "-cp", f"{JARS}/*"]
        storage = ["kafka.tools.StorageTool", "format", "-t", "dGlkaW5ncy10ZXN0cy0xMg"]
        quiet = subprocess.DEVNULL
        subprocess.run([*broker, *storage, "-c", str(properties)], check=True, stdout=quiet)
        url = f"http://127.0.0.1:{registry}/apis/ccompat/v7"
        options = [f"-Dquarkus.http.port={registry}", "-Dquarkus.http.host=127.0.0.1"]
        runner = [*JAVA, *options, "-jar", str(REGISTRY / "runner.jar")]
        with (
            running([*broker, "kafka.Kafka", str(properties)], lambda: connect(port)),
            running(runner, lambda: urllib.request.urlopen(f"{url}/subjects", timeout=5).close()),
        ):
            yield [f"127.0.0.1:{port}", url]


def connect(port: int) -> None:
    """Ends once somebody listens there."""
    socket.create_connection(("127.0.0.1", port)).close()


def redis_version() -> str:
    """As the program says."""
    told = subprocess.run(["redis-server", "--version"], capture_output=True, text=True)
    return told.stdout.split()[2].removeprefix("v=")


def kafka_version() -> str:
    """As the names of the jars say."""
    (jar,) = JARS.glob("kafka-clients-*.jar")
    return jar.stem.removeprefix("kafka-clients-")
