"""A whole service: signals on one side, receivers on the other, settings in between."""

from __future__ import annotations

import threading
from types import MappingProxyType
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from openedx_events.apps import general_signal_handler
from openedx_events.learning.signals import STUDENT_REGISTRATION_COMPLETED as SIGNAL

from tests.conftest import wait_for
from tests.openedx.conftest import Service, run_until
from tests.openedx.events import KEY, count_to, registration, send
from tidings.openedx import EventConsumer
from tidings.openedx.avro import key_of


@pytest.fixture
def configured(service: Service) -> Any:
    """A service that publishes a signal on one topic, and is configured not to on another."""
    SIGNAL.connect(general_signal_handler)
    topics = {
        f"{service.topic}-on": {"event_key_field": KEY, "enabled": True},
        f"{service.topic}-off": {"event_key_field": KEY, "enabled": False},
    }
    with override_settings(EVENT_BUS_PRODUCER_CONFIG={SIGNAL.event_type: topics}):
        yield service
    SIGNAL.disconnect(general_signal_handler)


def test_a_signal_goes_where_the_configuration_says_and_not_round_in_circles(
    configured: Service,
) -> None:
    data = registration()
    with transaction.atomic():
        SIGNAL.send_event(**data)
        assert configured.redis.xlen(f"{configured.topic}-on") == 0
    assert configured.redis.xlen(f"{configured.topic}-on") == 1

    received = count_to(1)
    configured.consume(received, topic=f"{configured.topic}-on", check_backlog=True)
    assert {name: received.seen[0][name] for name in data} == data
    # The handler that publishes has been called with it, too, and knows where it came from.
    assert configured.redis.xlen(f"{configured.topic}-on") == 1
    assert not configured.redis.exists(f"{configured.topic}-off")


def test_the_key_is_found_in_any_mapping() -> None:
    """Without it events of one learner would come in any order, and nobody would be told."""
    data = registration()
    key = key_of(data, KEY)
    assert key
    assert key_of(MappingProxyType(data), KEY) == key


@override_settings(EVENTS_SERVICE_NAME=None, SERVICE_VARIANT="cms")
def test_the_service_may_be_named_by_its_variant(service: Service) -> None:
    send(service.producer(), service.topic)
    assert service.fields()[0][b"source"] == b"openedx/cms/web"


@pytest.fixture
def attributes(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What monitoring is told."""
    told: dict[str, Any] = {}
    monkeypatch.setattr("tidings.openedx.consumer.set_custom_attribute", told.__setitem__)
    return told


@override_settings(EVENT_BUS_TIDINGS_BACKOFF=(0.001, 0.01))
def test_monitoring_is_told_of_a_receiver_that_fails(
    service: Service, attributes: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    recorded: list[bool] = []
    monkeypatch.setattr("tidings.openedx.consumer.record_exception", lambda: recorded.append(True))
    metadata = send(service.producer(), service.topic)
    calls: list[Any] = []

    def until(kwargs: dict[str, Any]) -> bool:
        calls.append(kwargs)
        if len(calls) == 1:
            raise ValueError
        return True

    service.consume(until, check_backlog=True)
    assert attributes["redis_error_fatal"] is False
    assert attributes["id"] == str(metadata.id)
    assert recorded == [True]


@override_settings(
    EVENT_BUS_REDIS_CONSUMER_CONSECUTIVE_ERRORS_LIMIT=1,
    EVENT_BUS_REDIS_CONSUMER_POLL_FAILURE_SLEEP=0.05,
)
def test_monitoring_is_told_of_what_ends_the_consumer(
    own_service: Service, attributes: dict[str, Any]
) -> None:
    own_service.server.stop()
    with pytest.raises(SystemExit):
        EventConsumer(own_service.topic, "g").consume_indefinitely()
    assert attributes["redis_error_fatal"] is True
    assert attributes["redis_stream"] == own_service.topic
    assert "redis_msg_id" not in attributes


@override_settings(EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT=0.1)
def test_monitoring_hears_of_a_consumer_that_has_nothing_to_do(
    service: Service, attributes: dict[str, Any]
) -> None:
    consumer = EventConsumer(service.topic, "g", check_backlog=True)

    def stop_when_told() -> None:
        wait_for(lambda: "redis_msg_id" in attributes)
        attributes.clear()
        wait_for(lambda: "redis_stream" in attributes)
        consumer.stop()

    send(service.producer(), service.topic)
    stopping = threading.Thread(target=stop_when_told)
    stopping.start()
    run_until(consumer, lambda _: False, consumer.stop)
    stopping.join()
    assert "redis_msg_id" not in attributes
