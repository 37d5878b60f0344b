"""A small Open edX service as a contender: `openedx.py ours|theirs`.

The same service with `tidings.openedx` or with `edx-event-bus-redis` in its settings. Events go out
by the `send()` of the producer, and come to one receiver that is connected to the signal.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from functools import cache
from typing import Any
from uuid import UUID

import attr
import django
from common import (
    CONNECTIONS,
    TYPES,
    Work,
    answer,
    avro,
    event_id,
    key_numbers,
    now,
    offer_by_threads,
    publish_by_threads,
    serve,
)
from django.conf import settings

WHO = sys.argv[1]
ENTRY_POINTS = {
    "ours": ("tidings.openedx.create_producer", "tidings.openedx.EventConsumer"),
    "theirs": ("edx_event_bus_redis.create_producer", "edx_event_bus_redis.RedisEventConsumer"),
}
KEY_FIELDS = {
    "small": "user.pii.username",
    "median": "enrollment.user.pii.username",
    "large": "ledger_transaction.uuid",
    "huge": "tracking_log.name",
}


def pooled(url: str) -> str:
    """With as many connections as there may be callers."""
    return f"{url}?max_connections={CONNECTIONS}"


@cache
def set_up(url: str) -> None:
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
        EVENT_BUS_REDIS_CONNECTION_URL=url
        if WHO == "ours"
        else f"{url}?max_connections={CONNECTIONS}",
        EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT=1,
        # What is laid out to be consumed is more than the default keeps.
        EVENT_BUS_REDIS_STREAM_MAX_LEN=1_000_000,
        LOGGING_CONFIG=None,
    )
    logging.basicConfig(level=logging.CRITICAL)
    django.setup()
    from openedx_events.tooling import load_all_signals

    load_all_signals()


@cache
def signal_of(payload: str) -> Any:
    """The signal whose events have this size."""
    from openedx_events.tooling import OpenEdxPublicSignal

    return OpenEdxPublicSignal.get_signal_by_type(TYPES[payload])


@cache
def data(payload: str, keys: str) -> list[dict[str, Any]]:
    """The recorded event about as many entities as there are keys."""
    from openedx_events.event_bus.avro.deserializer import deserialize_bytes_to_event_data

    first = deserialize_bytes_to_event_data(avro(payload), signal_of(payload))
    if payload == "huge":
        log = attr.evolve(first["tracking_log"], data="x" * 60_000)
        first = {"tracking_log": log}
    name, *path = KEY_FIELDS[payload].split(".")
    numbers = key_numbers(payload, keys)
    return [{name: with_key(first[name], path, number)} for number in numbers]


def with_key(value: Any, path: list[str], number: int) -> Any:
    """The same about another entity."""
    if not path:
        return UUID(int=number + 1) if isinstance(value, UUID) else f"learner_{number:06}"
    inner = getattr(value, path[0])
    return attr.evolve(value, **{path[0]: with_key(inner, path[1:], number)})


def sender(job: Any) -> Any:
    """Sends the nth event to a stream."""
    from openedx_events.event_bus import get_producer

    which, all_data = signal_of(job.payload), data(job.payload, job.keys)
    metadata = which.generate_signal_metadata()
    producer = get_producer()

    def send(stream: str, n: int) -> None:
        producer.send(
            signal=which,
            topic=stream,
            event_key_field=KEY_FIELDS[job.payload],
            event_data=all_data[n % len(all_data)],
            event_metadata=attr.evolve(metadata, id=UUID(event_id(n))),
        )

    return send


def consume(job: Any) -> dict[str, Any]:
    """Through one connected receiver; ours, where it waits, in 64 threads."""
    from openedx_events.event_bus import make_single_consumer

    settings.EVENT_BUS_TIDINGS_CONCURRENCY = 64 if job.cost == "wait" else 1
    consumer = make_single_consumer(
        topic=",".join(job.streams),
        group_id=job.group,
        consumer_name=str(os.getpid()),
        check_backlog=True,
    )
    work = Work(job, consumer.stop if WHO == "ours" else consumer._shut_down)

    def receive(metadata: Any, **_: Any) -> None:
        work.handle(metadata.id.node)

    which = signal_of(job.payload)
    which.connect(receive)
    consumer.consume_indefinitely()
    which.disconnect(receive)
    return work.answer()


def run(job: Any) -> dict[str, Any]:
    """One job."""
    set_up(job.url)
    if job.verb == "ready":
        sender(job)(job.streams[0], 0)
        return answer(now(), 1)
    if job.verb == "publish":
        return publish_by_threads(job, sender(job), len(data(job.payload, job.keys)))
    if job.verb == "offer":
        return offer_by_threads(job, sender(job))
    return consume(job)


signal.signal(signal.SIGTERM, lambda *_: None)
serve(run)
