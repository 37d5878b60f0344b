"""One contender of the bench, in a process of its own: a small Open edX service.

Usage: contender.py ours|theirs|bare REDIS_URL, and for Kafka … BROKERS REGISTRY_URL. Reads commands
as JSON lines, answers each with one.
"""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import django
from django.conf import settings

PEERS = Path(__file__).parents[2] / "crates/cli/tests/peers"
sys.path.append(str(PEERS))

WHO, URL, *REGISTRY = sys.argv[1:]
OURS = ("tidings.openedx.create_producer", "tidings.openedx.EventConsumer")
if REGISTRY:
    PACKAGE = "edx_event_bus_kafka"
    THEIRS = (f"{PACKAGE}.create_producer", f"{PACKAGE}.KafkaEventConsumer")
    LOG = {
        "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS": URL,
        "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL": REGISTRY[0],
        "EVENT_BUS_KAFKA_CONSUMER_POLL_TIMEOUT": 1,
        # The first event of a topic makes it, and registers its schemas.
        "EVENT_BUS_TIDINGS_SEND_TIMEOUT": 60,
    }
else:
    PACKAGE = "edx_event_bus_redis"
    THEIRS = (f"{PACKAGE}.create_producer", f"{PACKAGE}.RedisEventConsumer")
    LOG = {"EVENT_BUS_REDIS_CONNECTION_URL": URL, "EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT": 1}


def set_up() -> None:
    """Configures a service as Open edX does; both packages get the same."""
    producer, consumer = OURS if WHO == "ours" else THEIRS
    settings.configure(
        INSTALLED_APPS=["openedx_events", PACKAGE],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
        EVENTS_SERVICE_NAME="lms",
        EVENT_BUS_PRODUCER=producer,
        EVENT_BUS_CONSUMER=consumer,
        EVENT_BUS_PRODUCER_CONFIG={},
        LOGGING_CONFIG=None,
        **LOG,
    )
    logging.basicConfig(level=logging.WARNING)
    django.setup()
    from openedx_events.tooling import load_all_signals

    load_all_signals()


set_up()

from example_data import Generator  # noqa: E402
from openedx_events.event_bus import get_producer, make_single_consumer  # noqa: E402
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED as SIGNAL  # noqa: E402


class Clock:
    """Wall time and CPU time: of this process, and of this thread alone."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        """Begins anew."""
        self.wall, self.cpu, self.thread = self._now()

    def stop(self, events: int) -> dict[str, float]:
        """Microseconds an event since the start."""
        now = self._now()
        names = ("wall", "cpu", "thread")
        since = zip(names, now, (self.wall, self.cpu, self.thread), strict=True)
        return {name: (end - begun) * 1e6 / events for name, end, begun in since}

    @staticmethod
    def _now() -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), time.thread_time()


def example(n: int) -> dict[str, Any]:
    """The data of an event about the nth entity."""
    generator = Generator()
    generator.count = 1_000 * n
    return generator.event_data(SIGNAL)


ENTITIES = [example(n) for n in range(200)]
"""Keys differ in a real service, and events of different keys need not wait for each other."""


def send(topic: str, events: int, each: Callable[[], object] | None = None) -> dict[str, float]:
    """``send()``, one after the other; ours, and theirs on Redis, is answered by the log."""
    producer = get_producer()
    metadata = [SIGNAL.generate_signal_metadata() for _ in range(events)]
    clock = Clock()
    for one, data in zip(metadata, cycle(ENTITIES)):
        producer.send(
            signal=SIGNAL,
            topic=topic,
            event_key_field="enrollment.user.pii.username",
            event_data=data,
            event_metadata=one,
        )
        if each:
            each()
    return clock.stop(events)


def flushed(topic: str, events: int, each: bool = False) -> dict[str, float]:
    """``send()``, and how long until the log has answered: for each before the next, or for all."""
    flush = get_producer().prepare_for_shutdown
    calls = send(topic, events, flush if each else None)
    clock = Clock()
    flush()
    rest = clock.stop(events)
    whole = {name: calls[name] + rest[name] for name in calls}
    return {"call": calls["wall"], "call_thread": calls["thread"], **whole}


def buffered(topic: str, events: int) -> dict[str, float]:
    """``send()`` into the buffer, and how long until the log has answered for all."""
    if not getattr(settings, "EVENT_BUS_TIDINGS_BUFFERED", False):
        settings.EVENT_BUS_TIDINGS_BUFFERED = True
        settings.EVENT_BUS_TIDINGS_SEND_TIMEOUT = 60
        settings.EVENT_BUS_TIDINGS_BUFFER_SIZE = 100_000
        get_producer.cache_clear()
    return flushed(topic, events)


def xadd(topic: str, events: int, like: str) -> dict[str, float]:
    """What redis-py takes for the fields of an entry, byte for byte, and nothing else."""
    import redis

    client = redis.Redis.from_url(URL)
    ((_, fields),) = client.xrange(like, count=1)
    clock = Clock()
    for _ in range(events):
        client.xadd(topic, fields, maxlen=10_000, approximate=True)
    return clock.stop(events)


def produce(topic: str, events: int) -> dict[str, float]:
    """What confluent-kafka takes for the bytes of a message of that topic, and nothing else."""
    from confluent_kafka import Consumer, Producer, TopicPartition

    reader = Consumer({"bootstrap.servers": URL, "group.id": "looks", "enable.auto.commit": False})
    reader.assign([TopicPartition(topic, 0, 0)])
    (message,) = reader.consume(1, 60)
    key, value, headers = message.key(), message.value(), message.headers()
    reader.close()
    producer = Producer({"bootstrap.servers": URL})
    producer.list_topics(topic)
    clock = Clock()
    for _ in range(events):
        producer.produce(topic, key=key, value=value, headers=headers)
        producer.poll(0)
    producer.flush()
    return clock.stop(events)


def consume(topic: str, group: str, events: int) -> dict[str, float]:
    """Through one connected receiver, from its first call to its last."""
    if REGISTRY and WHO == "theirs":
        # There is no setting that has a new group of theirs begin at the first event.
        from_the_beginning(topic, group)
        consumer = make_single_consumer(topic=topic, group_id=group)
    else:
        consumer = make_single_consumer(
            topic=topic, group_id=group, consumer_name="bench", check_backlog=True
        )
    stop: Callable[[], Any] = consumer.stop if WHO == "ours" else consumer._shut_down
    received, clock, result = 0, Clock(), {}

    def receive(**_: Any) -> None:
        nonlocal received
        received += 1
        if received == 1:
            clock.start()
        elif received == events:
            result.update(clock.stop(events - 1))
            stop()

    SIGNAL.connect(receive)
    consumer.consume_indefinitely()
    SIGNAL.disconnect(receive)
    return {**result, "memory": memory()}


def from_the_beginning(topic: str, group: str) -> None:
    """Puts a group on Kafka at the first event of the only partition."""
    from confluent_kafka import Consumer, TopicPartition

    client = Consumer({"bootstrap.servers": URL, "group.id": group})
    client.commit(offsets=[TopicPartition(topic, 0, 0)], asynchronous=False)
    client.close()


def memory() -> float:
    """Resident bytes of this process."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmRSS:"))
    return float(line.split()[1]) * 1024


def main() -> None:
    """Answers commands until there are no more."""
    commands = {f.__name__: f for f in (send, flushed, buffered, xadd, produce, consume)}
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(commands[name](**arguments)), flush=True)


main()
