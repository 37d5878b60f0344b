"""The Python package as a contender: a bus that publishes and consumes events."""

from __future__ import annotations

import json
import os
import signal
from functools import cache
from typing import Any

from common import (
    Work,
    answer,
    documents,
    event_id,
    now,
    offer_by_threads,
    publish_by_threads,
    serve,
)

import tidings


@cache
def connected(url: str) -> tidings.Bus:
    """One bus for all jobs."""
    return tidings.connect(url, service="lms")


@cache
def events(payload: str, keys: str) -> list[tidings.Event]:
    """Made before the time is taken, as for every contender."""
    return [tidings.Event.from_json(document) for _, document in documents(payload, keys)]


@cache
def parts(payload: str, keys: str) -> list[dict[str, Any]]:
    """To make events of whose number the id tells."""
    found = []
    for key, document in documents(payload, keys):
        whole = json.loads(document)
        found.append({"data": whole["data"], "type": whole["type"], "key": key})
    return found


def consume(bus: tidings.Bus, job: Any) -> dict[str, Any]:
    """In this thread; where receivers wait, in 64 threads."""
    work = Work(job, lambda: os.kill(os.getpid(), signal.SIGTERM))

    def receive(message: tidings.Message) -> None:
        work.handle(int(message.event.id[-12:], 16))

    bus.consume(
        job.streams,
        job.group,
        receive,
        start="earliest",
        concurrency=64 if job.cost == "wait" else 1,
    )
    return work.answer()


def run(job: Any) -> dict[str, Any]:
    """One job."""
    bus = connected(job.url)
    if job.verb == "ready":
        bus.publish(events(job.payload, job.keys)[0], topic=job.streams[0])
        return answer(now(), 1)
    if job.verb == "publish":
        made = events(job.payload, job.keys)
        return publish_by_threads(job, lambda s, n: bus.publish(made[n], topic=s), len(made))
    if job.verb == "offer":
        made = parts(job.payload, job.keys)

        def publish(stream: str, n: int) -> None:
            bus.publish(id=event_id(n), topic=stream, **made[n % len(made)])

        return offer_by_threads(job, publish)
    return consume(bus, job)


# A consumer ends by it; between consumers it means nothing.
signal.signal(signal.SIGTERM, lambda *_: None)
serve(run)
