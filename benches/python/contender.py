"""One contender of the bench, in a process of its own: a small Open edX service.

Usage: contender.py ours|theirs|bare REDIS_URL. Reads commands as JSON lines, answers each with one.
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
import redis
from django.conf import settings

PEERS = Path(__file__).parents[2] / "crates/cli/tests/peers"
sys.path.append(str(PEERS))

ENTRY_POINTS = {
    "ours": ("tidings.openedx.create_producer", "tidings.openedx.EventConsumer"),
    "theirs": ("edx_event_bus_redis.create_producer", "edx_event_bus_redis.RedisEventConsumer"),
}
ENTRY_POINTS["bare"] = ENTRY_POINTS["theirs"]

WHO, URL = sys.argv[1:3]


def set_up() -> None:
    """Configures a service as Open edX does; both packages get the same."""
    producer, consumer = ENTRY_POINTS[WHO]
    settings.configure(
        INSTALLED_APPS=["openedx_events", "edx_event_bus_redis"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
        EVENTS_SERVICE_NAME="lms",
        EVENT_BUS_PRODUCER=producer,
        EVENT_BUS_CONSUMER=consumer,
        EVENT_BUS_PRODUCER_CONFIG={},
        EVENT_BUS_REDIS_CONNECTION_URL=URL,
        EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT=1,
        LOGGING_CONFIG=None,
    )
    logging.basicConfig(level=logging.WARNING)
    django.setup()
    from openedx_events.tooling import load_all_signals

    load_all_signals()


set_up()

from example_data import Generator  # noqa: E402
from openedx_events.event_bus import get_producer, make_single_consumer  # noqa: E402
from openedx_events.learning.signals import COURSE_ENROLLMENT_CREATED as SIGNAL  # noqa: E402

CLIENT = redis.Redis.from_url(URL)


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


def send(topic: str, events: int) -> dict[str, float]:
    """``send()``, one after the other, each answered by Redis."""
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
    return clock.stop(events)


def buffered(topic: str, events: int) -> dict[str, float]:
    """``send()`` into the buffer, and how long until Redis has answered for all."""
    settings.EVENT_BUS_TIDINGS_BUFFERED = True
    settings.EVENT_BUS_TIDINGS_SEND_TIMEOUT = 60
    settings.EVENT_BUS_TIDINGS_BUFFER_SIZE = 100_000
    get_producer.cache_clear()
    calls = send(topic, events)
    clock = Clock()
    get_producer().prepare_for_shutdown()
    rest = clock.stop(events)
    whole = {name: calls[name] + rest[name] for name in calls}
    return {"call": calls["wall"], "call_thread": calls["thread"], **whole}


def xadd(topic: str, events: int, like: str) -> dict[str, float]:
    """What redis-py takes for the fields of an entry, byte for byte, and nothing else."""
    ((_, fields),) = CLIENT.xrange(like, count=1)
    clock = Clock()
    for _ in range(events):
        CLIENT.xadd(topic, fields, maxlen=10_000, approximate=True)
    return clock.stop(events)


def consume(topic: str, group: str, events: int) -> dict[str, float]:
    """Through one connected receiver, from its first call to its last."""
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


def memory() -> float:
    """Resident bytes of this process."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmRSS:"))
    return float(line.split()[1]) * 1024


def main() -> None:
    """Answers commands until there are no more."""
    commands = {f.__name__: f for f in (send, buffered, xadd, consume)}
    for line in sys.stdin:
        name, arguments = json.loads(line)
        print(json.dumps(commands[name](**arguments)), flush=True)


main()
