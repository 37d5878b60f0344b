"""Receivers that fail, and events that nobody can receive."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.test import override_settings
from example_data import Generator
from openedx_events.learning.signals import STUDENT_REGISTRATION_COMPLETED
from openedx_events.tooling import OpenEdxPublicSignal

import tidings
from tests.conftest import wait_for
from tests.openedx.conftest import Service
from tests.openedx.events import assert_no_payload, count_to, registration, send

FAST = {"EVENT_BUS_TIDINGS_BACKOFF": (0.001, 0.01), "EVENT_BUS_TIDINGS_MAX_ATTEMPTS": 3}


@override_settings(**FAST)
def test_a_receiver_that_raises_is_called_again_and_then_the_event_is_kept(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    producer = service.producer()
    first = send(producer, service.topic)
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g", "earliest")
    attempts: list[Any] = []

    def send_another() -> None:
        wait_for(lambda: bus.log.groups(service.topic)["g"]["dead_letters"] == 1)
        send(producer, service.topic, registration(1))

    def until(kwargs: dict[str, Any]) -> bool:
        attempts.append(kwargs["metadata"].id)
        if kwargs["metadata"].id == first.id:
            raise ValueError("not today")
        return True

    sending = threading.Thread(target=send_another)
    sending.start()
    service.consume(until)
    sending.join()
    assert attempts.count(first.id) == 3
    assert len(attempts) == 4, "the next event is not held up"
    (letter,) = bus.log.dead_letters(service.topic, "g")
    assert letter["attempts"] == 3
    assert letter["event"].id == str(first.id)
    assert letter["message"].startswith("ReceiverError: ValueError in until")
    assert "Error consuming event from Redis: ReceiverError(" in caplog.text
    assert "ValueError('not today')" in caplog.text
    assert_no_payload(caplog)


def failing_first(
    service: Service, keys: tuple[str, str], ids: list[Any], expected: int
) -> list[Any]:
    """Sends two events of one user and one of another; the first fails. What was handled."""
    producer = service.producer()
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    for data, key in zip((0, 0, 1), (*keys, keys[1]), strict=True):
        ids.append(send(producer, service.topic, registration(data), key=key).id)
    handled: list[Any] = []

    def until(kwargs: dict[str, Any]) -> bool:
        event_id = kwargs["metadata"].id
        if event_id == ids[0]:
            raise ValueError
        handled.append(event_id)
        return len(handled) == expected and bool(bus.log.dead_letters(service.topic, "g"))

    def another() -> None:
        """Sees to a call of `until` after the first has failed for good."""
        wait_for(lambda: bus.log.dead_letters(service.topic, "g"))
        ids.append(send(producer, service.topic, registration(2), key=keys[1]).id)

    sending = threading.Thread(target=another)
    sending.start()
    service.consume(until)
    sending.join()
    return handled


USER = "user.pii.username"
KEYLESS = "org.openedx.content_authoring.content_library.collection.updated.v1"
"""Of this type the definitions name no key."""


@override_settings(**FAST)
def test_later_events_of_its_key_wait_behind_it_until_it_is_released(service: Service) -> None:
    ids: list[Any] = []
    handled = failing_first(service, (USER, USER), ids, expected=2)
    first, second, other, last = ids
    assert handled == [other, last]
    bus = tidings.connect(service.server.url)
    letters = bus.log.dead_letters(service.topic, "g")
    assert [letter["event"].id for letter in letters] == [str(first), str(second)]
    assert all(letter["parked"] for letter in letters)
    assert bus.log.groups(service.topic)["g"]["parked_keys"] == 1
    assert bus.log.release(service.topic, "g", letters[0]["key"]) == 2
    until = count_to(2)
    service.consume(until)
    assert [kwargs["metadata"].id for kwargs in until.seen] == [first, second]


@override_settings(EVENT_BUS_TIDINGS_ON_FAILURE="skip", **FAST)
def test_with_skip_later_events_of_its_key_go_on(service: Service) -> None:
    ids: list[Any] = []
    handled = failing_first(service, (USER, USER), ids, expected=3)
    assert sorted(handled) == sorted(ids[1:])
    bus = tidings.connect(service.server.url)
    (letter,) = bus.log.dead_letters(service.topic, "g")
    assert (letter["event"].id, letter["parked"]) == (str(ids[0]), False)


@override_settings(EVENT_BUS_TIDINGS_MAX_ATTEMPTS=1)
def test_what_has_no_key_holds_up_nothing(service: Service) -> None:
    """Neither the producer nor the definition of the type names one: parking acts as skipping."""
    signal = OpenEdxPublicSignal.get_signal_by_type(KEYLESS)
    producer = service.producer()
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    data = Generator().event_data(signal)
    ids = [send(producer, service.topic, data, signal, "").id for _ in range(2)]
    assert b"key" not in service.fields()[0]

    def until(kwargs: dict[str, Any]) -> bool:
        if kwargs["metadata"].id == ids[0]:
            raise ValueError
        wait_for(lambda: bus.log.dead_letters(service.topic, "g"))
        return True

    service.consume(until)
    (letter,) = bus.log.dead_letters(service.topic, "g")
    assert (letter["event"].id, letter["parked"], letter["key"]) == (str(ids[0]), False, None)


@override_settings(
    EVENT_BUS_REDIS_CONSUMER_CONSECUTIVE_ERRORS_LIMIT=2,
    EVENT_BUS_TIDINGS_BACKOFF=(0.001, 0.01),
    EVENT_BUS_TIDINGS_MAX_ATTEMPTS=20,
)
def test_too_many_failing_receivers_in_a_row_exit_non_zero(service: Service) -> None:
    send(service.producer(), service.topic)

    def until(kwargs: dict[str, Any]) -> bool:
        raise ValueError

    with pytest.raises(SystemExit) as caught:
        service.consume(until, check_backlog=True)
    assert caught.value.code == 70
    # It is not lost: it comes again, with its attempts.
    again = count_to(1)
    service.consume(again)
    assert len(again.seen) == 1


def test_malformed_entries_become_dead_letters_with_reason(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    send(service.their_producer(), service.topic)
    (good,) = service.fields()
    event_type = STUDENT_REGISTRATION_COMPLETED.event_type.encode()
    for fields in (
        {b"something": b"else"},
        {**good, b"event_data": good[b"event_data"] + b"\x00"},
        {**good, b"event_data": good[b"event_data"][:-3]},
        {b"type": b"org.example.unknown.thing.happened.v1", b"event_data": b""},
        {**good, b"id": b"no-uuid"},
        {**good, b"time": b"yesterday"},
        {**good, b"minorversion": b"x"},
    ):
        service.redis.xadd(service.topic, fields)
    service.redis.xadd(service.topic, {**good, b"type": event_type})
    until = count_to(2)
    service.consume(until, check_backlog=True)
    bus = tidings.connect(service.server.url)
    wait_for(lambda: len(bus.log.dead_letters(service.topic, "g")) == 7)
    letters = bus.log.dead_letters(service.topic, "g")
    said = " | ".join(letter["message"] for letter in letters)
    for part in ("unrecognised", "payload", "org.example.unknown", "EventsMetadata", "`time`"):
        assert part in said
    assert caplog.text.count("Error consuming event from Redis: UnusableMessageError(") == 7
    assert_no_payload(caplog)
