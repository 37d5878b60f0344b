"""Schemas that changed: resolved where Avro can, refused where it cannot, never misread."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import attr
import pytest
from django.test import override_settings
from opaque_keys.edx.keys import CourseKey
from openedx_events.tooling import OpenEdxPublicSignal

import tidings
from tests.conftest import wait_for
from tests.openedx.conftest import Service
from tests.openedx.events import send
from tidings._tidings import Reader
from tidings.openedx import EventConsumer
from tidings.openedx import avro as codec

TYPE = "org.openedx.learning.discussions.configuration.changed.v1"
COURSE = CourseKey.from_string("course-v1:edX+DemoX+2026")


# `CourseDiscussionConfigurationData` before and after openedx-events 11.1.0, without the members
# that 10.5.0 cannot put on a bus: the change inserted `enabled` before `enable_in_context`.


@attr.s(frozen=True)
class Before:
    course_key = attr.ib(type=CourseKey)
    provider_type = attr.ib(type=str)
    enable_in_context = attr.ib(type=bool, default=True)
    enable_graded_units = attr.ib(type=bool, default=False)
    unit_level_visibility = attr.ib(type=bool, default=False)


@attr.s(frozen=True)
class After:
    course_key = attr.ib(type=CourseKey)
    provider_type = attr.ib(type=str)
    enabled = attr.ib(type=bool, default=True)
    enable_in_context = attr.ib(type=bool, default=True)
    enable_graded_units = attr.ib(type=bool, default=False)


@attr.s(frozen=True)
class Renamed:
    course_key = attr.ib(type=CourseKey)
    provider = attr.ib(type=str)


@attr.s(frozen=True)
class Widened:
    course_key = attr.ib(type=str)
    provider_type = attr.ib(type=str)
    note = attr.ib(type=str, default=None)


for of in (Before, After, Renamed, Widened):
    of.__name__ = "CourseDiscussionConfigurationData"


@pytest.fixture
def become() -> Iterator[Any]:
    """Makes the signal of the type what another version of openedx-events makes it."""
    original = OpenEdxPublicSignal.get_signal_by_type(TYPE)
    instances = OpenEdxPublicSignal.instances
    position = instances.index(original)

    def become(of: type) -> OpenEdxPublicSignal:
        signal = OpenEdxPublicSignal(TYPE, {"configuration": of})
        instances.remove(signal)
        instances[position] = signal
        return signal

    yield become
    instances[position] = original
    OpenEdxPublicSignal._mapping[TYPE] = original


def publish(service: Service, become: Any, producer: Any) -> None:
    data = Before(COURSE, "openedx", enable_in_context=False, enable_graded_units=True)
    send(producer, service.topic, {"configuration": data}, become(Before), "")


def receive(service: Service) -> Any:
    received = []

    def until(kwargs: dict[str, Any]) -> bool:
        received.append(kwargs["configuration"])
        return True

    service.consume(until, check_backlog=True)
    return received[0]


def dead_letter(service: Service) -> str:
    consumer = EventConsumer(service.topic, "g", check_backlog=True)
    bus = tidings.connect(service.server.url)

    import threading

    def stop() -> None:
        wait_for(
            lambda: (
                "g" in bus.log.groups(service.topic)
                and bus.log.groups(service.topic)["g"]["dead_letters"] == 1
            )
        )
        consumer.stop()

    stopping = threading.Thread(target=stop)
    stopping.start()
    consumer.consume_indefinitely()
    stopping.join()
    (letter,) = bus.log.dead_letters(service.topic, "g")
    return str(letter["message"])


def test_a_field_inserted_mid_record_is_not_misread(service: Service, become: Any) -> None:
    """The real packages read False as True here, without an error."""
    publish(service, become, service.producer())
    become(After)
    received = receive(service)
    assert received.enable_in_context is False
    assert received.enable_graded_units is True
    assert received.enabled is True, "what the writer did not have is the default"


def test_and_the_real_package_misreads_it(service: Service, become: Any) -> None:
    publish(service, become, service.producer())
    become(After)
    received = []

    def until(kwargs: dict[str, Any]) -> bool:
        received.append(kwargs["configuration"])
        return True

    service.consume_theirs(until)
    assert received[0].enable_graded_units is False, "the writer said True"


@override_settings(EVENT_BUS_TIDINGS_UNKNOWN_SCHEMA="refuse")
def test_an_entry_that_does_not_name_its_schema_can_be_refused(
    service: Service, become: Any
) -> None:
    publish(service, become, service.their_producer())
    become(After)
    assert "does not say which schema" in dead_letter(service)


def test_a_field_that_cannot_be_resolved_is_a_dead_letter(service: Service, become: Any) -> None:
    publish(service, become, service.producer())
    become(Renamed)
    message = dead_letter(service)
    assert "configuration.provider: the writer does not have it" in message


def test_what_avro_resolves_is_resolved(service: Service, become: Any) -> None:
    publish(service, become, service.producer())
    become(Widened)
    received = receive(service)
    assert received == Widened(str(COURSE), "openedx", None)


def read(of: Any, value: Any) -> Any:
    reader = Reader(codec._plan(of), codec.UnusableMessageError)
    return reader.parse(json.dumps(value), "field")


@pytest.mark.parametrize(
    ("of", "value", "wanted"),
    [
        (bool, 1, "a boolean"),
        (int, True, "an integer"),
        (int, 1.0, "an integer"),
        (float, "1", "a number"),
        (str, None, "a string"),
        (list[int], {}, "a list"),
        (dict[str, int], [], "a dict"),
        (list[int], [1, "x"], r"\[1\]"),
        (CourseKey, "no key", "CourseKey"),
        (Before, [], "CourseDiscussionConfigurationData"),
    ],
)
def test_types_that_do_not_fit_are_refused(of: Any, value: Any, wanted: str) -> None:
    with pytest.raises(codec.UnusableMessageError, match=wanted) as caught:
        read(of, value)
    assert str(caught.value).startswith("field")
    assert "no key" not in str(caught.value), "it names types, not values"


def test_integers_become_floats() -> None:
    assert isinstance(read(float, 3), float)
    assert read(list[float], [1]) == [1.0]
    assert read(bytes, "\xff\x00") == b"\xff\x00"
    assert read(str | None, None) is None
    assert read(dict[str, list[int]], {"a": [1, 2]}) == {"a": [1, 2]}


def test_what_the_encoder_refuses_is_named_without_its_value() -> None:
    signal = OpenEdxPublicSignal("tidings.test.v1", {"configuration": Before})
    OpenEdxPublicSignal.instances.remove(signal)
    del OpenEdxPublicSignal._mapping["tidings.test.v1"]
    encoder = codec.encoder_of(signal)
    with pytest.raises(tidings.EncodingError, match="configuration.enable_in_context") as caught:
        encoder.encode({"configuration": Before(COURSE, "p", enable_in_context="secret")})
    assert "secret" not in str(caught.value)
    with pytest.raises(tidings.EncodingError, match="configuration"):
        encoder.encode({"configuration": None})
