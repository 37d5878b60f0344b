"""Ratios of `tidings.openedx` to `edx-event-bus-redis` and to bare redis-py: `make bench-python`.

Contenders run alternately on one Redis and the same events, each in one process of its own, after a
warm-up pair that does not count. The table shows medians, and the range of the ratios over the
pairs. CPU time counts all threads of the contender; that of the server does not.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import json
import os
import platform
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAIRS = 5
EVENTS = 2_000
Figures = dict[str, float]


class Contender:
    """A process that does what it is told."""

    def __init__(self, who: str, url: str) -> None:
        self.who = who
        program = [sys.executable, str(Path(__file__).with_name("contender.py")), who, url]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True)

    def __call__(self, command: str, **arguments: object) -> Figures:
        """Has it do something, and waits for the figures."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([command, arguments]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"the contender {self.who!r} ended with code {self._process.wait()}")
        figures: Figures = json.loads(answer)
        return figures

    def end(self) -> None:
        """Ends the process."""
        self._process.communicate()


class Bench:
    """One Redis, and what is measured on it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._topics = 0

    def topic(self) -> str:
        """A name that nothing has used."""
        self._topics += 1
        return f"bench-{self._topics}"

    @contextlib.contextmanager
    def contender(self, who: str) -> Iterator[Contender]:
        """A process of its own meanwhile."""
        contender = Contender(who, self.url)
        try:
            yield contender
        finally:
            contender.end()


Pair = tuple[Figures, Figures]


def pairs(ours: Callable[[], Figures], theirs: Callable[[], Figures]) -> list[Pair]:
    """Runs both alternately; the order changes, so that neither always meets the colder machine."""
    found = []
    for round_ in range(PAIRS + 1):
        if round_ % 2 == 0:
            mine = ours()
            other = theirs()
        else:
            other = theirs()
            mine = ours()
        if round_:
            found.append((mine, other))
    return found


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    peer: str
    unit: str
    pairs: list[tuple[float, float | None]]
    target: float
    more_is_better: bool = False

    def show(self) -> str:
        """As Markdown."""
        ours = statistics.median(mine for mine, _ in self.pairs)
        theirs = [other for _, other in self.pairs if other is not None]
        ratios = [mine / (other or 1.0) for mine, other in self.pairs]
        ratio = statistics.median(ratios)
        reached = ratio >= self.target if self.more_is_better else ratio <= self.target
        sign = ">=" if self.more_is_better else "<="
        peer = f"{statistics.median(theirs):,.1f} {self.unit} {self.peer}" if theirs else ""
        shown = f"{ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        return (
            f"| {self.name} | {ours:,.1f} {self.unit} | {peer} | {shown} "
            f"| {sign} {self.target:.3g} | {'reached' if reached else 'missed'} |"
        )


def sending(bench: Bench) -> Iterator[Row]:
    """`send()` with the answer of Redis."""
    like = bench.topic()
    with (
        bench.contender("ours") as ours,
        bench.contender("theirs") as theirs,
        bench.contender("bare") as bare,
    ):
        ours("send", topic=like, events=1)
        found = pairs(
            lambda: ours("send", topic=bench.topic(), events=EVENTS),
            lambda: bare("xadd", topic=bench.topic(), events=EVENTS, like=like),
        )
        peer = "bare redis-py `XADD`"
        yield row("`send()`, time", peer, "µs", found, "wall", 1.6)
        yield row("`send()`, CPU", peer, "µs", found, "cpu", 1.6)
        found = pairs(
            lambda: ours("send", topic=bench.topic(), events=EVENTS),
            lambda: theirs("send", topic=bench.topic(), events=EVENTS),
        )
        yield row("`send()`, CPU", "its `send()`", "µs", found, "cpu", 1 / 6)
        yield row("`send()`, time", "its `send()`", "µs", found, "wall", 1.0)


def buffering(bench: Bench) -> Iterator[Row]:
    """`send()` into the buffer."""
    with bench.contender("ours") as ours, bench.contender("theirs") as theirs:
        found = pairs(
            lambda: ours("buffered", topic=bench.topic(), events=10 * EVENTS),
            lambda: theirs("send", topic=bench.topic(), events=EVENTS),
        )
        calls = [(mine["call"], None) for mine, _ in found]
        yield Row("buffered `send()`, time of the call", "", "µs", calls, 30)
        calls = [(mine["call_thread"], None) for mine, _ in found]
        yield Row("buffered `send()`, CPU of the call", "", "µs", calls, 30)
        yield rates("events a second, buffered, to the last answer", "its `send()`", found, 10)
        yield row("buffered `send()`, CPU in all", "its `send()`", "µs", found, "cpu", 1 / 6)


def consuming(bench: Bench) -> Iterator[Row]:
    """A consumer with one receiver that does nothing."""
    with bench.contender("ours") as ours, bench.contender("theirs") as theirs:
        topic, group = bench.topic(), 0
        theirs("send", topic=topic, events=EVENTS)

        def consume(who: Contender) -> Figures:
            nonlocal group
            group += 1
            return who("consume", topic=topic, group=f"g{group}", events=EVENTS)

        found = pairs(lambda: consume(ours), lambda: consume(theirs))
        peer = "its consumer"
        yield rates("events a second, one receiver", peer, found, 5)
        yield row("consume, CPU around the receiver", peer, "µs", found, "cpu", 1 / 5)


def remembering(bench: Bench) -> Iterator[Row]:
    """Memory of a process that consumes 20 topics, to one of theirs that consumes one."""
    topics = [bench.topic() for _ in range(20)]
    with bench.contender("theirs") as theirs:
        for topic in topics:
            theirs("send", topic=topic, events=EVENTS // 10)

    def consume(who: str, topics: list[str]) -> Figures:
        with bench.contender(who) as contender:
            events = len(topics) * EVENTS // 10
            return contender("consume", topic=",".join(topics), group=bench.topic(), events=events)

    found = pairs(lambda: consume("ours", topics), lambda: consume("theirs", topics[:1]))
    mebibytes = [(mine["memory"] / 2**20, other["memory"] / 2**20) for mine, other in found]
    yield Row("memory, 20 topics in one process", "for one topic", "MiB", list(mebibytes), 1.2)


def row(name: str, peer: str, unit: str, found: list[Pair], figure: str, target: float) -> Row:
    """A figure of both, of which less is better."""
    return Row(name, peer, unit, [(m[figure], o[figure]) for m, o in found], target)


def rates(name: str, peer: str, found: list[Pair], target: float) -> Row:
    """Events a second."""
    table = [(1e6 / mine["wall"], 1e6 / other["wall"]) for mine, other in found]
    return Row(name, peer, "/s", list(table), target, more_is_better=True)


MEASURES = {
    "send": sending,
    "buffered": buffering,
    "consume": consuming,
    "memory": remembering,
}


@contextlib.contextmanager
def redis_server() -> Iterator[str]:
    """A server of our own, without durability for both: a disk would hide what a client costs."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = shutil.which("redis-server")
    if program is None:
        sys.exit("redis-server is missing: run scripts/setup.sh test")
    with tempfile.TemporaryDirectory() as folder:
        options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", folder, "--save", ""]
        server = subprocess.Popen([program, *options], stdout=subprocess.DEVNULL)
        try:
            for _ in range(1000):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.02)
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            server.terminate()
            server.wait()


def conditions() -> str:
    """What the figures depend on."""
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line for line in cpuinfo if line.startswith("model name")), ": unknown")
    server = subprocess.run(["redis-server", "--version"], capture_output=True, text=True)
    packages = ("edx-event-bus-redis", "openedx-events", "redis", "Django", "tidings")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = os.getloadavg()[0]
    cores = sorted(os.sched_getaffinity(0))
    return (
        f"machine     cores {cores} of {os.cpu_count()}, {model.partition(':')[2].strip()}, "
        f"shared by the server and its clients; load {load:.1f} at the start\n"
        f"python      {platform.python_version()}; {versions}\n"
        f"redis       {server.stdout.split()[2]}, no append-only file, no snapshots\n"
        f"events      org.openedx.learning.course.enrollment.created.v1, {EVENTS:,} a run\n"
    )


def main() -> None:
    """Runs the measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--only", choices=MEASURES, help="one measure")
    parser.add_argument("--one-core", action="store_true", help="server and clients share one core")
    arguments = parser.parse_args()
    if arguments.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(conditions())
    print("| measure | ours | peer | ratio (range) | target | |\n|---|---|---|---|---|---|")
    with redis_server() as url:
        bench = Bench(url)
        for name, measure in MEASURES.items():
            if arguments.only in (None, name):
                for line in measure(bench):
                    print(line.show(), flush=True)


if __name__ == "__main__":
    main()
