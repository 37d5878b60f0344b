"""Settings: honoured under their own names, and refused by name when they are wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.test import override_settings
from openedx_events.event_bus import get_producer, make_single_consumer

from tests.openedx.conftest import Service
from tests.openedx.events import send
from tidings.openedx import EventConsumer, EventProducer, create_producer
from tidings.openedx.settings import load

URL = "redis://:secret@redis.example:6379/0"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENT_BUS_REDIS_CONNECTION_URL", None),
        ("EVENT_BUS_REDIS_CONNECTION_URL", 7),
        ("EVENT_BUS_REDIS_CONNECTION_URL", "amqp://:secret@host"),
        ("EVENT_BUS_REDIS_CONNECTION_URL", URL + "?socket_keepalive=secret"),
        ("EVENT_BUS_REDIS_CONNECTION_URL", URL + "?ssl_cert_reqs=none"),
        ("EVENT_BUS_REDIS_STREAM_MAX_LEN", "many"),
        ("EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT", 0),
        ("EVENT_BUS_REDIS_CONSUMER_POLL_FAILURE_SLEEP", -1),
        ("EVENT_BUS_REDIS_CONSUMER_CONSECUTIVE_ERRORS_LIMIT", True),
        ("EVENT_BUS_TOPIC_PREFIX", 3),
        ("EVENT_BUS_TIDINGS_HARD_MAX_LEN", 5),
        ("EVENT_BUS_TIDINGS_SEND_TIMEOUT", "soon"),
        ("EVENT_BUS_TIDINGS_BUFFERED", "yes"),
        ("EVENT_BUS_TIDINGS_CONCURRENCY", 0),
        ("EVENT_BUS_TIDINGS_ORDERING", "total"),
        ("EVENT_BUS_TIDINGS_BACKOFF", (2, 1)),
        ("EVENT_BUS_TIDINGS_UNKNOWN_SCHEMA", "guess"),
        ("EVENT_BUS_TIDINGS_MODE", "later"),
        ("EVENT_BUS_TIDINGS_ON_FAILURE", "ignore"),
        ("EVENT_BUS_TIDINGS_SEND_TIMOUT", 1),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: Any) -> None:
    settings = {"EVENT_BUS_REDIS_CONNECTION_URL": URL, name: value}
    with override_settings(**settings):
        with pytest.raises(ImproperlyConfigured, match=name) as caught:
            load()
        (found,) = [e for e in checks.run_checks() if e.id == "tidings.openedx.E001"]
        assert name in found.msg
    assert "secret" not in str(caught.value)


@override_settings(EVENT_BUS_REDIS_CONNECTION_URL=URL, EVENT_BUS_TIDINGS_SEND_TIMOUT=1)
def test_a_typing_error_gets_a_hint() -> None:
    with pytest.raises(ImproperlyConfigured, match="did you mean EVENT_BUS_TIDINGS_SEND_TIMEOUT"):
        load()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENT_BUS_PRODUCER", "tidings.openedx.create_produce"),
        ("EVENT_BUS_PRODUCER", "tidings.openedx.EventConsumer"),
        ("EVENT_BUS_CONSUMER", "tidings.opendx.EventConsumer"),
    ],
)
def test_a_name_that_openedx_events_would_ignore_is_an_error(name: str, value: str) -> None:
    with override_settings(EVENT_BUS_REDIS_CONNECTION_URL=URL, **{name: value}):
        (found,) = [e for e in checks.run_checks() if e.id.startswith("tidings.openedx.E")]
    assert found.id == "tidings.openedx.E002"
    assert f"{name} is '{value}'" in found.msg


def test_a_service_that_went_back_is_not_held_to_our_settings() -> None:
    with override_settings(
        EVENT_BUS_PRODUCER="edx_event_bus_redis.create_producer",
        EVENT_BUS_CONSUMER="edx_event_bus_redis.RedisEventConsumer",
        EVENT_BUS_TIDINGS_MODE="later",
    ):
        assert not [e for e in checks.run_checks() if e.id.startswith("tidings.openedx.")]


def test_a_catalog_that_cannot_be_read_ends_the_start(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("kind: wrong\n")
    for folder in (tmp_path, tmp_path / "none"):
        with override_settings(
            EVENT_BUS_REDIS_CONNECTION_URL=URL, EVENT_BUS_TIDINGS_CATALOG=str(folder)
        ):
            (found,) = [e for e in checks.run_checks() if e.id == "tidings.openedx.E001"]
        assert found.msg.startswith("EVENT_BUS_TIDINGS_CATALOG: ")
        assert str(folder) in found.msg


@override_settings(
    EVENT_BUS_REDIS_CONNECTION_URL="rediss://u:p%40@h:1/?db=3&ssl_ca_certs=%2Fca.pem",
    EVENT_BUS_REDIS_STREAM_MAX_LEN="5000",
    EVENT_BUS_TOPIC_PREFIX="stage",
    EVENT_BUS_TIDINGS_SEND_TIMEOUT=1,
)
def test_settings_are_read() -> None:
    loaded = load()
    assert loaded.url.startswith("rediss://u:p%40@h:1/3?ca_file=%2Fca.pem&connect_timeout=400ms")
    assert loaded.stream_max_len == 5000
    assert loaded.hard_max_len == 50_000
    assert loaded.full_topic("courses") == "stage-courses"


@override_settings(
    EVENT_BUS_REDIS_CONNECTION_URL="redis+sentinel://:p@s1:1,s2:2/events?db=3&sentinel_password=q",
    EVENT_BUS_TIDINGS_SEND_TIMEOUT=1,
)
def test_sentinels_may_be_named() -> None:
    url = load().url
    assert url.startswith("redis+sentinel://:p@s1:1,s2:2/events/3?sentinel_password=q&connect")


def test_a_misconfigured_producer_says_so_with_each_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with override_settings(EVENT_BUS_REDIS_CONNECTION_URL=None):
        producer = get_producer()
        assert isinstance(producer, EventProducer), "no silent NoEventBusProducer"
        send(producer, "courses")
    assert producer.failures == 1
    assert caplog.text.count("EVENT_BUS_REDIS_CONNECTION_URL is missing") == 2
    assert "Error delivering message to Redis event bus." in caplog.text


@override_settings(EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS="kafka:9092")
def test_settings_of_kafka_are_not_ignored_in_silence(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with override_settings(EVENT_BUS_REDIS_CONNECTION_URL=URL):
        (found,) = [e for e in checks.run_checks() if e.id == "tidings.openedx.W002"]
        assert found.msg.startswith("EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS does nothing")
        create_producer()
    assert "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS does nothing" in caplog.text
    # Alone they mean that Kafka is wanted, and then all of them are needed.
    with (
        override_settings(EVENT_BUS_REDIS_CONNECTION_URL=None),
        pytest.raises(ImproperlyConfigured, match="EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL"),
    ):
        load()


def test_the_loaders_of_openedx_events_make_ours(service: Service) -> None:
    assert isinstance(get_producer(), EventProducer)
    assert get_producer() is get_producer()
    with override_settings(EVENT_BUS_TOPIC_PREFIX="other"):
        send(get_producer(), service.topic)
    assert service.redis.xlen(f"other-{service.topic}") == 1, "overridden settings count"
    consumer = make_single_consumer(topic=service.topic, group_id="g", consumer_name="pod")
    assert isinstance(consumer, EventConsumer)
    get_producer().prepare_for_shutdown()


def test_the_url_that_tutor_writes(service: Service) -> None:
    with override_settings(
        EVENT_BUS_REDIS_CONNECTION_URL=f"redis://@127.0.0.1:{service.server.port}/"
    ):
        send(create_producer(), service.topic)
    assert service.redis.xlen(service.topic) == 1


def test_wrong_credentials_are_a_misconfiguration(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    url = service.server.url.replace("redis://", "redis://nobody:secret@")
    with override_settings(EVENT_BUS_REDIS_CONNECTION_URL=url):
        send(create_producer(), service.topic)
    assert "The event bus is misconfigured" in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize(
    ("extra", "named"),
    [
        ('{"consumer_nam": "x"}', "consumer_nam"),
        ('{"last_read_msg_id": "soon"}', "last_read_msg_id"),
        ('{"offset_time": "soon"}', "offset_time"),
        ('{"last_read_msg_id": "1-0", "offset_time": "2026-01-01"}', "offset_time"),
        ('{"claim_msgs_older_than": "1h"}', "claim_msgs_older_than"),
    ],
)
def test_a_wrong_extra_ends_consume_events_with_78(
    service: Service, caplog: pytest.LogCaptureFixture, extra: str, named: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("consume_events", "-t", service.topic, "-g", "g", "--extra", extra)
    assert caught.value.code == 78
    assert named in caplog.text


@override_settings(EVENT_BUS_REDIS_CONNECTION_URL=None)
def test_a_wrong_setting_ends_consume_events_with_78() -> None:
    with pytest.raises(SystemExit) as caught:
        call_command("consume_events", "-t", "t", "-g", "g")
    assert caught.value.code == 78
