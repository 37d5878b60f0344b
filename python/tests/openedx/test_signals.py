"""Every signal that serializes, in both directions, against the real packages."""

from __future__ import annotations

import sys
from typing import Any

import openedx_events
import pytest
from example_data import Generator
from openedx_events.event_bus.avro.serializer import serialize_event_data_to_bytes

from tests.openedx.conftest import Service
from tests.openedx.events import send, serializable
from tidings.errors import EncodingError
from tidings.openedx.avro import encoder_of

VERSION = openedx_events.__version__
SIGNALS = serializable()
HOW_MANY = {"10.5.0": 64, "11.2.0": 73}
"""By version of openedx-events; the packages' own promise, so an exact number."""
DEFAULTS_THAT_CANNOT_BE_WRITTEN: dict[str, set[str]] = {
    "10.5.0": set(),
    # The default of `plugin_configuration` is the class `dict` itself.
    "11.2.0": {"org.openedx.learning.discussions.configuration.changed.v1"},
}
"""Signals whose own defaults openedx-events refuses to write, and so do we."""


def test_how_many_signals_serialize() -> None:
    print(f"openedx-events {VERSION}, Python {sys.version_info.major}.{sys.version_info.minor}")
    assert len(SIGNALS) == HOW_MANY[VERSION]


@pytest.mark.parametrize("sparse", [False, True], ids=["full", "sparse"])
def test_the_encoder_writes_what_the_package_writes(sparse: bool) -> None:
    refused = set()
    for signal in SIGNALS:
        data = Generator(sparse).event_data(signal)
        try:
            expected = serialize_event_data_to_bytes(data, signal)
        except ValueError:
            refused.add(signal.event_type)
            with pytest.raises(EncodingError):
                encoder_of(signal).encode(data)
            continue
        assert encoder_of(signal).encode(data) == expected, signal.event_type
    assert refused == (DEFAULTS_THAT_CANNOT_BE_WRITTEN[VERSION] if sparse else set())


def collect(service: Service, consume: Any) -> list[tuple[Any, dict[str, Any]]]:
    received: list[tuple[Any, dict[str, Any]]] = []

    def until(kwargs: dict[str, Any]) -> bool:
        signal = kwargs["signal"]
        received.append((kwargs["metadata"], {name: kwargs[name] for name in signal.init_data}))
        return len(received) == len(SIGNALS)

    consume(until)
    return received


def test_theirs_to_ours(service: Service) -> None:
    producer = service.their_producer()
    sent = []
    for signal in SIGNALS:
        data = Generator().event_data(signal)
        sent.append((send(producer, service.topic, data, signal, ""), data))
    received = collect(service, lambda until: service.consume(until, check_backlog=True))
    assert dict(received) == dict(sent)


def test_ours_to_theirs(service: Service) -> None:
    producer = service.producer()
    sent = []
    for signal in SIGNALS:
        data = Generator().event_data(signal)
        sent.append((send(producer, service.topic, data, signal, ""), data))
    assert producer.failures == 0
    received = collect(service, service.consume_theirs)
    assert received == sent


def test_ours_to_ours(service: Service) -> None:
    producer = service.producer()
    sent = {}
    for signal in SIGNALS:
        data = Generator().event_data(signal)
        sent[send(producer, service.topic, data, signal, "")] = data
    received = collect(service, lambda until: service.consume(until, check_backlog=True))
    assert dict(received) == sent


def test_fields_are_byte_equal_but_for_our_extra_ones(service: Service) -> None:
    ours, theirs = service.producer(), service.their_producer()
    for signal in SIGNALS:
        data = Generator().event_data(signal)
        metadata = send(theirs, service.topic + "-theirs", data, signal, "")
        send(ours, service.topic + "-ours", data, signal, "", metadata)
    written = service.fields(service.topic + "-ours")
    expected = service.fields(service.topic + "-theirs")
    assert len(written) == len(expected) == len(SIGNALS)
    for mine, their in zip(written, expected, strict=True):
        assert list(mine.items())[: len(their)] == list(their.items())
        assert set(mine) - set(their) == {b"dataschema"}
