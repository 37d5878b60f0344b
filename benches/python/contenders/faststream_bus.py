"""FastStream over Redis streams as a contender.

Settings: its binary message format, which is the default; a consumer group; batches of 100 with an
acknowledgement of each batch, which its documentation offers for throughput, and where a receiver
waits, it waits for the events of a batch together; no casting of types (`apply_types=False`), since
nobody here asks for any. Publishers are tasks of one loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from functools import cache
from typing import Any

from common import CONNECTIONS, Work, answer, documents, event_id, now, serve
from faststream.redis import RedisBroker, StreamSub

LOOP = asyncio.new_event_loop()
AT_ONCE = 64
"""Publishes under way at once where events are offered at a rate."""
NUMBER = len('{"specversion":"1.0","id":"8353e8ea-e784-11f1-8511-')


@cache
def publisher(url: str) -> RedisBroker:
    """One connected broker for all jobs."""
    broker = RedisBroker(url, logger=None, max_connections=CONNECTIONS)
    LOOP.run_until_complete(broker.connect())
    return broker


@cache
def bodies(payload: str, keys: str) -> list[bytes]:
    """The events."""
    return [document.encode() for _, document in documents(payload, keys)]


async def publish(broker: RedisBroker, job: Any) -> dict[str, Any]:
    """As fast as the callers can."""
    events = bodies(job.payload, job.keys)
    callers = max(1, job.callers)
    share = job.events // callers if job.events else sys.maxsize
    began, deadline = now(), time.monotonic() + job.seconds

    async def call(caller: int) -> int:
        done = 0
        while done < share and time.monotonic() < deadline:
            n = caller + done * callers
            stream = job.streams[n % len(job.streams)]
            await broker.publish(events[n % len(events)], stream=stream)
            done += 1
        return done

    published = await asyncio.gather(*(call(caller) for caller in range(callers)))
    return answer(began, sum(published))


async def offer(broker: RedisBroker, job: Any) -> dict[str, Any]:
    """At a rate, waiting for nobody; but no more at once than there are connections, of which each
    publish takes one for itself: a pool refuses who comes then. What waits here is late all the
    same.
    """
    events = bodies(job.payload, job.keys)
    room = asyncio.Semaphore(AT_ONCE)

    async def publish(stream: str, event: bytes) -> None:
        async with room:
            await broker.publish(event, stream=stream)

    began, publishing = now(), []
    for n in range(job.events):
        rest = (job.begin + n * 1e9 / job.rate - time.monotonic_ns()) / 1e9
        if rest > 0:
            await asyncio.sleep(rest)
        event = events[n % len(events)]
        event = event[: NUMBER - 24] + event_id(n).encode() + event[NUMBER + 12 :]
        stream = job.streams[n % len(job.streams)]
        publishing.append(asyncio.ensure_future(publish(stream, event)))
    await asyncio.gather(*publishing)
    return answer(began, job.events)


async def consume(job: Any) -> dict[str, Any]:
    """By batches."""
    over = asyncio.Event()
    loop = asyncio.get_running_loop()
    work = Work(job, lambda: loop.call_soon_threadsafe(over.set))
    broker = RedisBroker(job.url, logger=None, apply_types=False, max_connections=CONNECTIONS)
    await broker.connect()
    for stream in job.streams:
        try:
            await broker._connection.xgroup_create(stream, job.group, "0", mkstream=True)
        except Exception as error:
            if "BUSYGROUP" not in str(error) and "already exists" not in str(error):
                raise
        source = StreamSub(
            stream,
            group=job.group,
            consumer=str(os.getpid()),
            last_id=">",
            batch=True,
            max_records=100,
        )

        @broker.subscriber(stream=source)
        async def receive(events: list[dict[str, Any]]) -> None:
            for event in events:
                work.note(int(event["id"][-12:], 16))
            if job.cost == "wait":
                await asyncio.gather(*(asyncio.sleep(0.005) for _ in events))
            else:
                for _ in events:
                    work.cost()
            work.done(len(events))

    await broker.start()
    await over.wait()
    await broker.stop()
    return work.answer()


def run(job: Any) -> dict[str, Any]:
    """One job."""
    broker = publisher(job.url)
    if job.verb == "ready":
        event = bodies(job.payload, job.keys)[0]
        LOOP.run_until_complete(broker.publish(event, stream=job.streams[0]))
        return answer(now(), 1)
    if job.verb == "publish":
        return LOOP.run_until_complete(publish(broker, job))
    if job.verb == "offer":
        return LOOP.run_until_complete(offer(broker, job))
    return LOOP.run_until_complete(consume(job))


logging.disable(logging.ERROR)
serve(run)
