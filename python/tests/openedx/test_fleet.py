"""A fleet that moves one service at a time loses nothing."""

from __future__ import annotations

import threading
from typing import Any

from django.test import override_settings

from tests.openedx.conftest import Service
from tests.openedx.events import registration, send
from tidings.openedx import EventConsumer


def test_old_and_new_producers_new_and_old_consumers(service: Service) -> None:
    ours, theirs = service.producer(), service.their_producer()
    sent = [
        send(producer, service.topic, registration(n)).id
        for n in range(10)
        for producer in (ours, theirs)
    ]
    for group, consume in (("new", service.consume), ("old", service.consume_theirs)):
        seen: list[Any] = []

        def until(kwargs: dict[str, Any], seen: list[Any] = seen) -> bool:
            seen.append(kwargs["metadata"].id)
            return len(seen) == len(sent)

        consume(until, group=group, check_backlog=True)
        if group == "old":
            assert seen == sent
            continue
        # Ours keeps the order of each user: definitions name the key of a registration.
        assert sorted(seen) == sorted(sent)
        for first, second in zip(sent[::2], sent[1::2], strict=True):
            assert seen.index(first) < seen.index(second)


def test_an_old_and_a_new_consumer_in_one_group(service: Service) -> None:
    """The old one with `check_backlog` on, as the guide requires."""
    producer = service.producer()
    seen: set[Any] = set()
    lock = threading.Lock()
    sent: set[Any] = set()

    def until_all(kwargs: dict[str, Any]) -> bool:
        with lock:
            seen.add(kwargs["metadata"].id)
            return seen >= sent and len(sent) == 60

    def until_half(kwargs: dict[str, Any]) -> bool:
        with lock:
            seen.add(kwargs["metadata"].id)
            return len(seen) >= 20

    for n in range(30):
        sent.add(send(producer, service.topic, registration(n)).id)
    # The old one does its part and goes; entries that it leaves behind come to the new one.
    service.consume_theirs(until_half, group="g")
    for n in range(30, 60):
        sent.add(send(producer, service.topic, registration(n)).id)
    with override_settings(EVENT_BUS_TIDINGS_LEASE=1.0):
        service.consume(until_all, group="g")
    assert seen == sent


@override_settings(EVENT_BUS_TIDINGS_LEASE=1.0)
def test_an_old_and_a_new_consumer_at_the_same_time(service: Service) -> None:
    """As in a rolling deployment: whoever reads an event handles it, and none is left."""
    producers = service.producer(), service.their_producer()
    service.redis.xgroup_create(service.topic, "g", id="0", mkstream=True)
    sent: set[Any] = set()
    seen: set[Any] = set()

    def publish() -> None:
        for n in range(40):
            for producer in producers:
                sent.add(send(producer, service.topic, registration(n)).id)

    def until(kwargs: dict[str, Any]) -> bool:
        seen.add(kwargs["metadata"].id)
        return len(seen) == 80

    new = EventConsumer(service.topic, "g")
    threads = [threading.Thread(target=work) for work in (publish, new.consume_indefinitely)]
    for thread in threads:
        thread.start()
    # Theirs needs the main thread.
    service.consume_theirs(until)
    new.stop()
    for thread in threads:
        thread.join()
    assert seen == sent
    assert service.redis.xpending(service.topic, "g")["pending"] == 0
