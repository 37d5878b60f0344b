"""The pytest plugin, used as a project would."""

from __future__ import annotations

import queue

import pytest

from tidings import Gap, Message, PermanentError, UnavailableError, UnknownOutcomeError
from tidings.testing import TestBus

TYPE = "org.openedx.catalog.course.created.v1"


def test_assert_published(tidings_bus: TestBus) -> None:
    tidings_bus.publish(type=TYPE, data={"n": 1, "title": "A"}, key="a", topic="courses")
    tidings_bus.publish(type=TYPE, data={"n": 2, "title": "B"}, key="b", topic="courses")
    assert tidings_bus.assert_published(TYPE).key == "b"
    assert tidings_bus.assert_published(TYPE, data={"n": 1}, key="a").data["title"] == "A"
    tidings_bus.assert_published(TYPE, topic="courses", times=2)
    tidings_bus.assert_not_published("org.openedx.catalog.course.deleted.v1")
    for wrong in ({"times": 1}, {"topic": "other"}, {"data": {"n": 3}}, {"key": "c"}):
        with pytest.raises(AssertionError, match="found"):
            tidings_bus.assert_published(TYPE, **wrong)
    with pytest.raises(AssertionError):
        tidings_bus.assert_not_published(TYPE)


def test_deliver_runs_handlers_as_a_consumer_would(tidings_bus: TestBus) -> None:
    for n in range(3):
        tidings_bus.publish(type=TYPE, data={"n": n}, topic="courses")

    def handle(message: Message) -> None:
        if message.data["n"] == 1 and message.attempt == 1:
            raise ValueError("try again")
        if message.data["n"] == 2:
            raise PermanentError("never")

    delivered = tidings_bus.deliver(handle)
    assert sorted(event.data["n"] for event in delivered.handled) == [0, 1]
    assert [type(error) for _, error in delivered.failed] == [ValueError, PermanentError]
    (letter,) = delivered.dead
    assert letter["event"].data == {"n": 2}


def test_duplicates_find_handlers_that_are_not_idempotent(tidings_bus: TestBus) -> None:
    tidings_bus.publish(type=TYPE, data={}, topic="courses")
    seen = []
    tidings_bus.deliver(lambda message: seen.append(message.event.id), duplicate=True)
    assert len(seen) == 2
    assert len(set(seen)) == 1


def test_faults(tidings_bus: TestBus) -> None:
    tidings_bus.fail_publishing()
    with pytest.raises(UnavailableError):
        tidings_bus.publish(type=TYPE, data={"n": 1}, topic="courses")
    tidings_bus.assert_not_published(TYPE)
    tidings_bus.fail_publishing(error=UnknownOutcomeError)
    with pytest.raises(UnknownOutcomeError):
        tidings_bus.publish(type=TYPE, data={"n": 2}, topic="courses")
    tidings_bus.assert_published(TYPE, data={"n": 2})
    with tidings_bus.away(), pytest.raises(UnavailableError):
        tidings_bus.publish(type=TYPE, data={"n": 3}, topic="courses")
    assert tidings_bus.lose("courses", 1) == 1
    assert tidings_bus.deliver(lambda message: None).handled == []


def test_what_is_lost_to_a_group_is_told(tidings_bus: TestBus) -> None:
    tidings_bus.log.create_group("courses", "lms")
    for n in range(5):
        tidings_bus.publish(type=TYPE, data={"n": n}, topic="courses")
    assert tidings_bus.lose("courses", 3) == 3
    told: queue.SimpleQueue[Gap] = queue.SimpleQueue()
    counts = tidings_bus.consume(
        "courses", "lms", lambda message: None, max_events=2, on_gap=told.put
    )
    gap = told.get(timeout=30)
    assert (gap.topic, gap.group, gap.lost, gap.exact) == ("courses", "lms", 3, True)
    assert gap.cause
    assert counts["gaps"] == 1
