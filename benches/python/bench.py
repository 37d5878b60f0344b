"""Ratios of `tidings.openedx` to the packages of Open edX and to bare clients: `make bench-python`.

Contenders run alternately on one log and the same events, each in one process of its own, after a
warm-up pair that does not count. The table shows medians, and the range of the ratios over the
pairs. CPU time counts all threads of the contender; that of the server does not.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import os
import platform
from collections.abc import Callable, Iterator

import servers
from contest import Bench, Contender, Figures, Row, pairs, rates, row

EVENTS = 2_000


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
    yield from one_receiver(bench, "send", EVENTS, rate=5, cpu=1 / 5)


def one_receiver(
    bench: Bench, publish: str, events: int, *, rate: float, cpu: float
) -> Iterator[Row]:
    """Events a second, and CPU around the receiver, in the same events for both."""
    with bench.contender("ours") as ours, bench.contender("theirs") as theirs:
        topic, group = bench.topic(), 0
        theirs(publish, topic=topic, events=events)

        def consume(who: Contender) -> Figures:
            nonlocal group
            group += 1
            return who("consume", topic=topic, group=f"g{group}", events=events)

        found = pairs(lambda: consume(ours), lambda: consume(theirs))
        peer = "its consumer"
        yield rates("events a second, one receiver", peer, found, rate)
        yield row("consume, CPU around the receiver", peer, "µs", found, "cpu", cpu)


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


def answered_on_kafka(bench: Bench) -> Iterator[Row]:
    """`send()` with the answer of the brokers; theirs does not wait, so it is told to flush."""
    topic, events = bench.topic(), EVENTS // 4
    with bench.contender("ours") as ours, bench.contender("theirs") as theirs:
        # Makes the topic, and registers the schemas.
        for who in (ours, theirs):
            who("flushed", topic=topic, events=1, each=True)
        found = pairs(
            lambda: ours("send", topic=topic, events=events),
            lambda: theirs("flushed", topic=topic, events=events, each=True),
        )
        peer = "its `send()` and `flush()`"
        yield row("`send()`, time", peer, "µs", found, "wall", 1.0)
        yield row("`send()`, CPU", peer, "µs", found, "cpu", 1.0)


def buffering_on_kafka(bench: Bench) -> Iterator[Row]:
    """As their `send()` does it by default, and ours where it is told to; one flush at the end."""
    topic, events = bench.topic(), 3 * EVENTS
    with (
        bench.contender("ours") as ours,
        bench.contender("theirs") as theirs,
        bench.contender("bare") as bare,
    ):
        for who in (ours, theirs):
            who("flushed", topic=topic, events=1)
        found = pairs(
            lambda: ours("buffered", topic=topic, events=events),
            lambda: theirs("flushed", topic=topic, events=events),
        )
        peer = "its `send()`"
        yield row("buffered `send()`, CPU of the call", peer, "µs", found, "call_thread", 1.0)
        yield rates("events a second, buffered, to the last answer", peer, found, 1)
        yield row("buffered `send()`, CPU in all", peer, "µs", found, "cpu", 1.0)
        found = pairs(
            lambda: ours("buffered", topic=topic, events=events),
            lambda: bare("produce", topic=topic, events=events),
        )
        peer = "bare confluent-kafka `produce()`"
        yield row("buffered `send()`, CPU in all", peer, "µs", found, "cpu", None)


def consuming_on_kafka(bench: Bench) -> Iterator[Row]:
    """The same on Kafka."""
    yield from one_receiver(bench, "flushed", 3 * EVENTS, rate=1, cpu=1)


Measure = Callable[[Bench], Iterator[Row]]
ON_REDIS: dict[str, Measure] = {
    "send": sending,
    "buffered": buffering,
    "consume": consuming,
    "memory": remembering,
}
ON_KAFKA: dict[str, Measure] = {
    "send": answered_on_kafka,
    "buffered": buffering_on_kafka,
    "consume": consuming_on_kafka,
}


def conditions(log: str, server: str, client: str) -> str:
    """What the figures depend on."""
    with open("/proc/cpuinfo") as cpuinfo:
        model = next((line for line in cpuinfo if line.startswith("model name")), ": unknown")
    packages = (f"edx-event-bus-{log}", "openedx-events", client, "Django", "tidings")
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in packages)
    load = os.getloadavg()[0]
    cores = sorted(os.sched_getaffinity(0))
    return (
        f"machine     cores {cores} of {os.cpu_count()}, {model.partition(':')[2].strip()}, "
        f"shared by the server and its clients; load {load:.1f} at the start\n"
        f"python      {platform.python_version()}; {versions}\n"
        f"{log:<11} {server}\n"
        f"events      org.openedx.learning.course.enrollment.created.v1, of 200 users\n"
    )


def main() -> None:
    """Runs the measures and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kafka", action="store_true", help="on Kafka, with its schema registry")
    parser.add_argument("--only", choices=ON_REDIS, help="one measure")
    parser.add_argument("--one-core", action="store_true", help="server and clients share one core")
    arguments = parser.parse_args()
    if arguments.one_core:
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    if arguments.kafka:
        one_node = (
            f"{servers.kafka_version()}, one node (KRaft), heap of 256 MB, one partition a topic"
        )
        log, measures = servers.kafka(), ON_KAFKA
        print(conditions("kafka", one_node, "confluent-kafka"))
    else:
        volatile = f"{servers.redis_version()}, no append-only file, no snapshots"
        log, measures = servers.redis(), ON_REDIS
        print(conditions("redis", volatile, "redis"))
    print("| measure | ours | peer | ratio (range) | target | |\n|---|---|---|---|---|---|")
    with log as address:
        bench = Bench(address)
        for name, measure in measures.items():
            if arguments.only in (None, name):
                for line in measure(bench):
                    print(line.show(), flush=True)


if __name__ == "__main__":
    main()
