"""The wire of `edx-event-bus-kafka`, with a real broker and a real schema registry."""

from __future__ import annotations

from collections.abc import Iterator
from signal import SIGKILL
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from example_data import Generator

from tests.openedx.conftest import FOLDER
from tests.openedx.events import registration, send, serializable
from tests.openedx.kafka import Kafka, KafkaService, Registry, key_of_signal
from tidings.openedx.settings import load

# The name of a record may have no hyphen, and registries look at names: not even the package can
# publish such a signal with one of those.
HYPHENATED = [signal for signal in serializable() if "-" in signal.event_type]
SIGNALS = [signal for signal in serializable() if "-" not in signal.event_type]


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Kafka, Registry]]:
    kafka, registry = Kafka(FOLDER / "kafka"), Registry(FOLDER / "registry")
    kafka.start()
    registry.start()
    yield kafka, registry
    kafka.stop(SIGKILL)
    registry.stop(SIGKILL)


@pytest.fixture
def kafka(servers: tuple[Kafka, Registry], topic: str) -> Iterator[KafkaService]:
    broker, registry = servers
    with override_settings(
        EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS=broker.address,
        EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL=registry.url,
        # The first event of a topic makes the topic and registers schemas.
        EVENT_BUS_TIDINGS_SEND_TIMEOUT=30,
    ):
        yield KafkaService(broker, registry, topic)


def collect(consume: Any) -> list[tuple[Any, dict[str, Any]]]:
    received: list[tuple[Any, dict[str, Any]]] = []

    def until(kwargs: dict[str, Any]) -> bool:
        signal = kwargs["signal"]
        received.append((kwargs["metadata"], {name: kwargs[name] for name in signal.init_data}))
        return len(received) == len(SIGNALS)

    consume(until)
    return received


def send_all(producer: Any, topic: str) -> list[tuple[Any, dict[str, Any]]]:
    sent = []
    for signal in SIGNALS:
        data = Generator().event_data(signal)
        sent.append((send(producer, topic, data, signal, key_of_signal(signal)), data))
    producer.prepare_for_shutdown()
    return sent


def test_theirs_to_ours(kafka: KafkaService, monkeypatch: pytest.MonkeyPatch) -> None:
    attributes: dict[str, Any] = {}
    monkeypatch.setattr("tidings.openedx.consumer.set_custom_attribute", attributes.__setitem__)
    sent = send_all(kafka.their_producer(), kafka.topic)
    received = collect(lambda until: kafka.consume(until, check_backlog=True))
    assert dict(received) == dict(sent)
    # What monitoring hears of each has today's names.
    assert set(attributes) == {
        "kafka_topic",
        "kafka_received_message",
        "kafka_partition",
        "kafka_offset",
        "kafka_message_id",
        "kafka_event_type",
    }
    assert attributes["kafka_topic"] == kafka.topic


def test_ours_to_theirs(kafka: KafkaService) -> None:
    producer = kafka.producer()
    sent = send_all(producer, kafka.topic)
    assert producer.failures == 0
    kafka.begin("g")
    assert collect(kafka.consume_theirs) == sent


def test_ours_to_ours(kafka: KafkaService) -> None:
    sent = send_all(kafka.producer(), kafka.topic)
    received = collect(lambda until: kafka.consume(until, check_backlog=True))
    assert dict(received) == dict(sent)


def test_messages_are_byte_equal(kafka: KafkaService) -> None:
    ours, theirs = kafka.producer(), kafka.their_producer()
    for signal in SIGNALS:
        data, key = Generator().event_data(signal), key_of_signal(signal)
        metadata = send(theirs, kafka.topic + "-theirs", data, signal, key)
        send(ours, kafka.topic + "-ours", data, signal, key, metadata)
    theirs.prepare_for_shutdown()
    assert ours.failures == 0
    written = kafka.messages(kafka.topic + "-ours", len(SIGNALS))
    expected = kafka.messages(kafka.topic + "-theirs", len(SIGNALS))
    for mine, their in zip(written, expected, strict=True):
        assert mine.headers() == their.headers()
        assert mine.key() == their.key(), mine.headers()
        assert mine.value() == their.value(), mine.headers()


def test_what_the_registry_refuses_neither_publishes(
    kafka: KafkaService, caplog: pytest.LogCaptureFixture
) -> None:
    ours, theirs = kafka.producer(), kafka.their_producer()
    print(f"{len(SIGNALS)} signals, {len(HYPHENATED)} refused by the registry")
    assert len(SIGNALS) >= 63
    assert len(HYPHENATED) == 1
    for signal in HYPHENATED:
        for producer in (ours, theirs):
            data = Generator().event_data(signal)
            send(producer, kafka.topic, data, signal, key_of_signal(signal))
    assert ours.failures == len(HYPHENATED)
    lines = [record.getMessage() for record in caplog.records]
    refused = [line for line in lines if "Error delivering message to Kafka event bus" in line]
    assert len(refused) == 2 * len(HYPHENATED)
    assert "the schema registry does not take the schema" in refused[0]


def test_a_consumer_is_replaced_where_its_group_stands(
    kafka: KafkaService, caplog: pytest.LogCaptureFixture
) -> None:
    producer = kafka.their_producer()
    sent = [send(producer, kafka.topic, registration(n)).id for n in range(6)]
    producer.prepare_for_shutdown()
    kafka.begin("g")
    seen: list[Any] = []

    def until(count: int) -> Any:
        def hear(kwargs: dict[str, Any]) -> bool:
            seen.append(kwargs["metadata"].id)
            return len(seen) == count

        return hear

    kafka.consume_theirs(until(2))
    kafka.consume(until(4))
    kafka.consume_theirs(until(6))
    assert seen == sent
    lines = [record.getMessage() for record in caplog.records]
    assert any(line.startswith("Message received from Kafka: topic=") for line in lines)
    assert "Message from Kafka processed successfully" in lines


def test_the_registry_is_away(kafka: KafkaService, caplog: pytest.LogCaptureFixture) -> None:
    registry = Registry(FOLDER / "registry-that-goes")
    registry.start()
    with override_settings(EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL=registry.url):
        producer = kafka.producer()
        send(producer, kafka.topic, registration(1))
        registry.stop(SIGKILL)
        send(producer, kafka.topic, registration(2))
        assert producer.failures == 0, "what is known needs no registry"
        with override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=1):
            other = kafka.producer()
            send(other, kafka.topic, registration(3))
        assert other.failures == 1
    assert "schema registry" in caplog.text
    assert len(kafka.messages(kafka.topic, 2)) == 2


SETTINGS = {
    "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS": "k1:9092,k2:9092",
    "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL": "https://registry:8081",
}


def test_settings_of_the_package_are_read_under_their_names() -> None:
    with override_settings(
        **SETTINGS,
        EVENT_BUS_KAFKA_API_KEY="key",
        EVENT_BUS_KAFKA_API_SECRET="se/cret",
        EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_KEY="rk",
        EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_SECRET="rs",
        EVENT_BUS_KAFKA_CONSUMER_POLL_TIMEOUT=2,
        EVENT_BUS_KAFKA_CONSUMER_POLL_FAILURE_SLEEP=3,
        EVENT_BUS_KAFKA_CONSUMER_CONSECUTIVE_ERRORS_LIMIT=7,
        EVENT_BUS_TOPIC_PREFIX="stage",
    ):
        loaded = load()
    assert loaded.log == "kafka"
    assert loaded.url.startswith("kafka+ssl://key:se%2Fcret@k1:9092,k2:9092/?registry=https%3A")
    assert "registry_user=rk&registry_password=rs" in loaded.url
    assert "sasl=PLAIN" in loaded.url
    assert (loaded.poll_timeout, loaded.poll_failure_sleep) == (2, 3)
    assert loaded.consecutive_errors_limit == 7
    assert loaded.stream_max_len is None
    assert loaded.full_topic("courses") == "stage-courses"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS", 7),
        ("EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS", "user:secret@k1"),
        ("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL", None),
        ("EVENT_BUS_KAFKA_API_SECRET", "secret"),
        ("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_KEY", "secret"),
        ("EVENT_BUS_KAFKA_CONSUMER_POLL_TIMEOUT", 0),
        ("EVENT_BUS_TIDINGS_LOG", "rabbit"),
    ],
)
def test_a_wrong_setting_is_named(name: str, value: Any) -> None:
    with override_settings(**{**SETTINGS, name: value}):
        with pytest.raises(ImproperlyConfigured, match="EVENT_BUS_") as caught:
            load()
        (found,) = [e for e in checks.run_checks() if e.id == "tidings.openedx.E001"]
    named = {
        "EVENT_BUS_KAFKA_API_SECRET": "EVENT_BUS_KAFKA_API_KEY",
        "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_KEY": "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API_SECRET",
    }.get(name, name)
    assert str(caught.value).startswith(named)
    assert str(caught.value) == found.msg
    assert "secret" not in str(caught.value).replace("SECRET", "")


def test_which_log_is_used() -> None:
    redis = {"EVENT_BUS_REDIS_CONNECTION_URL": "redis://r"}
    for more, log in (
        ({}, "kafka"),
        (redis, "redis"),
        ({**redis, "EVENT_BUS_TIDINGS_LOG": "kafka"}, "kafka"),
        ({**redis, "EVENT_BUS_TIDINGS_LOG": "redis"}, "redis"),
    ):
        with override_settings(**SETTINGS, **more):
            assert load().log == log
