"""What every Python contender is made of: it reads jobs as JSON lines, answers each with figures.

The lines are those of `benches/contender`, which says what each field is for.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
RECORDED = ROOT / "crates/event/tests/fixtures/openedx-redis-entries.jsonl"

TYPES = {
    "small": "org.openedx.learning.student.registration.completed.v1",
    "median": "org.openedx.learning.course.enrollment.created.v1",
    "large": "org.openedx.enterprise.subsidy_ledger_transaction.committed.v1",
    "huge": "org.openedx.analytics.tracking.event.emitted.v1",
}

JOB = {
    "verb": "ready",
    "url": "",
    "streams": [],
    "group": "",
    "payload": "median",
    "keys": "uniform",
    "callers": 0,
    "cost": "none",
    "events": 0,
    "seconds": 0.0,
    "rate": 0.0,
    "begin": 0,
    "allocations": False,
}


CONNECTIONS = 512
"""More than there are callers: by default the pool of redis-py has 100, and refuses the rest."""


class Job:
    """One job. What a line leaves out is as in `JOB`."""

    def __init__(self, line: str) -> None:
        self.__dict__.update(JOB, **json.loads(line))


def recorded(payload: str) -> dict[str, Any]:
    """The first event of this size that the real packages were recorded to write."""
    with RECORDED.open() as lines:
        entries = (json.loads(line) for line in lines)
        entry: dict[str, Any] = next(e for e in entries if e["event_type"] == TYPES[payload])
    if payload == "huge":
        entry["avro_record_json"]["tracking_log"]["data"] = "x" * 60_000
    return entry


def avro(payload: str) -> bytes:
    """Its data in Avro, as recorded."""
    return base64.b64decode(recorded(payload)["fields_b64"]["event_data"])


def key_numbers(payload: str, keys: str) -> Iterator[int]:
    """Which of a thousand keys (fifty, of the huge events) each of as many events has."""
    for n in range(50 if payload == "huge" else 1_000):
        hot = keys == "one" or (keys == "hot" and n % 2 == 0)
        yield 0 if hot else n


def event_id(number: int) -> str:
    """An id that tells its number."""
    return f"8353e8ea-e784-11f1-8511-{number:012x}"


def documents(payload: str, keys: str) -> list[tuple[str, str]]:
    """Events as CloudEvents documents, with their keys."""
    data = json.dumps(
        recorded(payload)["avro_record_json"], separators=(",", ":"), ensure_ascii=False
    )
    found = []
    for n, number in enumerate(key_numbers(payload, keys)):
        key = f"learner_{number:06}"
        found.append(
            (
                key,
                f'{{"specversion":"1.0","id":"{event_id(n)}","source":"/openedx/lms/web",'
                f'"type":"{TYPES[payload]}","time":"2026-11-23T21:26:15.021067Z","minorversion":0,'
                f'"sourcehost":"lms-1","partitionkey":"{key}",'
                f'"datacontenttype":"application/json","data":{data}}}',
            )
        )
    return found


def memory() -> int:
    """Resident bytes of this process."""
    with open("/proc/self/status") as status:
        (line,) = (line for line in status if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024


def answer(began: tuple[int, float], events: int, **more: Any) -> dict[str, Any]:
    """The figures since a moment."""
    at, cpu = now()
    return {
        "events": events,
        "seconds": (at - began[0]) / 1e9,
        "cpu": cpu - began[1],
        "memory": memory(),
        **more,
    }


def now() -> tuple[int, float]:
    """A moment: the clock that all processes share, and the processor time of all threads."""
    return time.monotonic_ns(), time.process_time()


class Work:
    """What the receivers of a consumer do: from the end of the first to that of the last."""

    def __init__(self, job: Any, stop: Callable[[], object]) -> None:
        self.job = job
        self.lock = threading.Lock()
        self.handled = 0
        self.uncounted = 0
        self.first: tuple[int, float] | None = None
        self.figures: dict[str, Any] | None = None
        self.waits: list[float] = []
        self._stop = stop
        shared = job.verb == "consume" and job.begin > 0
        self._since = job.begin if shared else None
        patience = job.seconds + (0.05 if shared else 10.0)
        self._timer = threading.Timer(patience, self._late)
        self._timer.daemon = True
        self._timer.start()

    def note(self, number: int) -> None:
        """When an event comes to its receiver."""
        if self.job.verb == "receive":
            due = self.job.begin + number * 1e9 / self.job.rate
            self.waits.append(max(0.0, time.monotonic_ns() - due) / 1e3)

    def cost(self) -> None:
        """What a receiver takes."""
        if self.job.cost == "compute":
            until = time.perf_counter_ns() + 100_000
            while time.perf_counter_ns() < until:
                pass
        elif self.job.cost == "wait":
            time.sleep(0.005)

    def done(self, events: int = 1) -> None:
        """When a receiver has ended."""
        with self.lock:
            self.handled += events
            if self.first is None:
                self.first = now()
                # What came with the first does not count, since its time does not.
                self.uncounted = events
            job = self.job
            if self.figures is not None:
                return
            since = self._since or self.first[0]
            late = job.verb == "consume" and (time.monotonic_ns() - since) / 1e9 >= job.seconds
            if late or self.handled >= job.events:
                self._end()

    def handle(self, number: int) -> None:
        """All of it, where a receiver has one event."""
        self.note(number)
        self.cost()
        self.done()

    def _late(self) -> None:
        with self.lock:
            if self.figures is None:
                self._end()

    def _end(self) -> None:
        counted = self.handled - self.uncounted
        whole = self.job.verb != "receive" or self.handled >= self.job.events
        if self.first is not None and counted > 0 and whole:
            self.figures = answer(self.first, counted)
        else:
            came = f"{self.handled} of {self.job.events} events came in time"
            self.figures = {"error": came}
        self._stop()

    def answer(self) -> dict[str, Any]:
        """When the consumer has ended."""
        self._timer.cancel()
        return {**(self.figures or {"error": "the consumer ended early"}), "waits": self.waits}


def publish_by_threads(
    job: Any, publish: Callable[[str, int], object], events: int
) -> dict[str, Any]:
    """As fast as the callers can, each a thread; `publish` takes a stream and which event."""
    callers = max(1, job.callers)
    share = job.events // callers if job.events else sys.maxsize

    def call(caller: int) -> int:
        done = 0
        while done < share and time.monotonic() < deadline:
            n = caller + done * callers
            publish(job.streams[n % len(job.streams)], n % events)
            done += 1
        return done

    with ThreadPoolExecutor(callers) as threads:
        deadline = time.monotonic() + job.seconds
        began = now()
        published = sum(threads.map(call, range(callers)))
        return answer(began, published)


def offer_by_threads(job: Any, publish: Callable[[str, int], object]) -> dict[str, Any]:
    """At a rate; eight threads share the timetable, so that one that waits keeps nobody."""
    began = now()

    def call(first: int) -> None:
        for n in range(first, job.events, 8):
            rest = (job.begin + n * 1e9 / job.rate - time.monotonic_ns()) / 1e9
            if rest > 0:
                time.sleep(rest)
            publish(job.streams[n % len(job.streams)], n)

    with ThreadPoolExecutor(8) as threads:
        # What a thread raises is raised here.
        list(threads.map(call, range(8)))
    return answer(began, job.events)


def serve(run: Callable[[Any], dict[str, Any]]) -> None:
    """Does jobs until there are no more."""
    # What libraries print must not come between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        try:
            figures = run(Job(line))
        except Exception as error:
            figures = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(figures), file=answers, flush=True)
