"""A real Kafka and a real schema registry, and a Django service on them."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, TopicPartition
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal

from tests.django.servers import Server, free_port
from tests.openedx.conftest import run_until
from tidings.openedx import EventConsumer, EventProducer, create_producer

TARGET = Path(os.environ.get("CARGO_TARGET_DIR", Path(__file__).parents[3] / "target"))
JAVA = ["java", "-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]


def fetched(folder: str, variable: str) -> Path:
    """What a script in `scripts` has fetched."""
    found = Path(os.environ.get(variable, TARGET / folder))
    assert found.is_dir(), f"{found} is missing: run scripts/{folder}.sh"
    return found


class Kafka(Server):
    """Apache Kafka of one node, which makes topics when they are written to."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        super().__init__(folder, free_port())
        controller = free_port()
        self.properties = folder / "server.properties"
        self.properties.write_text(
            f"""process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{self.port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{self.port}
controller.listener.names=CONTROLLER
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs={folder / "data"}
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=2097152
"""
        )
        self.run(
            "kafka.tools.StorageTool",
            "format",
            "-t",
            "dGlkaW5ncy10ZXN0cy0xMg",
            "-c",
            str(self.properties),
        )

    def java(self, *arguments: str) -> list[str]:
        jars = fetched("kafka", "TIDINGS_KAFKA")
        # The classes as they stand in memory, which halves the start.
        classes = jars / "classes.jsa"
        kept = [f"-XX:SharedArchiveFile={classes}", "-Xlog:disable"] if classes.is_file() else []
        return [*JAVA, *kept, "-cp", f"{jars}/*", *arguments]

    def run(self, *arguments: str) -> None:
        done = subprocess.run(self.java(*arguments), capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def command(self) -> list[str]:
        return self.java("kafka.Kafka", str(self.properties))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                return True
        except OSError:
            return False


class Registry(Server):
    """Apicurio's registry, which keeps schemas in memory."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True)
        super().__init__(folder, free_port())

    def command(self) -> list[str]:
        runner = fetched("registry", "TIDINGS_REGISTRY") / "runner.jar"
        options = [f"-Dquarkus.http.port={self.port}", "-Dquarkus.http.host=127.0.0.1"]
        return [*JAVA, *options, "-jar", str(runner)]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/apis/ccompat/v7"

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/subjects", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class KafkaService:
    """A service on a Kafka of the tests."""

    def __init__(self, kafka: Kafka, registry: Registry, topic: str) -> None:
        self.kafka = kafka
        self.registry = registry
        self.topic = topic

    def producer(self) -> EventProducer:
        """Ours."""
        return create_producer()

    def their_producer(self) -> Any:
        """The real package's."""
        from edx_event_bus_kafka import create_producer as create

        return create()

    def consume(
        self, until: Callable[[dict[str, Any]], object], group: str = "g", **extra: Any
    ) -> None:
        """Runs our consumer until a received event satisfies `until`."""
        consumer = EventConsumer(self.topic, group, **extra)
        run_until(consumer, until, consumer.stop)

    def consume_theirs(self, until: Callable[[dict[str, Any]], object], group: str = "g") -> None:
        """Runs the real package's consumer."""
        from edx_event_bus_kafka import KafkaEventConsumer

        consumer = KafkaEventConsumer(self.topic, group)
        run_until(consumer, until, consumer._shut_down)

    def begin(self, group: str) -> None:
        """Puts a group at the beginning, where the package puts none."""
        client = Consumer({"bootstrap.servers": self.kafka.address, "group.id": group})
        client.commit(offsets=[TopicPartition(self.topic, 0, 0)], asynchronous=False)
        client.close()

    def messages(self, topic: str, count: int) -> list[Any]:
        """What stands in the topic."""
        client = Consumer(
            {
                "bootstrap.servers": self.kafka.address,
                "group.id": "looks",
                "enable.auto.commit": False,
            }
        )
        client.assign([TopicPartition(topic, 0, 0)])
        found: list[Any] = []
        while len(found) < count:
            more = client.consume(count - len(found), 60)
            assert more, "what was waited for did not come"
            found.extend(more)
        client.close()
        return found


def key_of_signal(signal: OpenEdxPublicSignal) -> str:
    """A path to a key of a signal: the package publishes nothing without one."""

    def paths(schema: Any, before: str) -> list[tuple[str, Any]]:
        inner = schema if "fields" in schema else schema["type"]
        found: list[tuple[str, Any]] = []
        for field in inner["fields"]:
            path = f"{before}{field['name']}"
            of = field["type"]
            if isinstance(of, dict) and "fields" in of:
                found.extend(paths(field, f"{path}."))
            else:
                found.append((path, of))
        return found

    known = paths(AvroSignalSerializer(signal).schema, "")
    for wanted in ("string", "long", "boolean"):
        for path, of in known:
            if of == wanted and not re.search("pii", path):
                return path
    return known[0][0]
