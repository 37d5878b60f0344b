"""What Redis does not take waits in the outbox; what is rolled back was never said."""

from __future__ import annotations

import logging
import signal as signals
from typing import Any

import pytest
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import connections, transaction
from django.test import override_settings
from example_data import Generator

from tests.conftest import wait_for
from tests.openedx.conftest import Service
from tests.openedx.events import assert_no_payload, registration, send, serializable
from tidings.openedx.settings import load


def rows(alias: str) -> list[tuple[str, str, str | None, str]]:
    """What stands in the outbox, in order."""
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT id, topic, event_key, event FROM tidings_outbox ORDER BY seq")
        return list(cursor.fetchall())


def relay(alias: str) -> None:
    call_command("tidings_relay", "--until-empty", database=alias)


def ids(service: Service) -> list[str]:
    return [fields[b"id"].decode() for fields in service.fields()]


@override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=1)
def test_redis_gone_the_event_waits_in_the_outbox(
    own_service: Service, outbox: str, caplog: pytest.LogCaptureFixture
) -> None:
    producer = own_service.producer()
    metadata = send(producer, own_service.topic)
    (direct,) = own_service.fields()
    own_service.server.stop()
    send(producer, own_service.topic, metadata=metadata)
    assert (producer.kept, producer.failures) == (1, 0)
    ((id_, topic, key, _),) = rows(outbox)
    assert (id_, topic, key) == (str(metadata.id), own_service.topic, direct[b"key"].decode())
    (record,) = [r for r in caplog.records if r.name == "tidings.openedx.producer"][1:]
    assert record.levelno == logging.WARNING
    assert "kept in the outbox" in record.getMessage()
    assert_no_payload(caplog)
    own_service.server.start()
    relay(outbox)
    assert rows(outbox) == []
    # What the relay writes is what `send()` writes, to the byte.
    assert own_service.fields() == [direct, direct]


@override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=0.5)
def test_redis_frozen_the_event_comes_again_with_its_id(own_service: Service, outbox: str) -> None:
    producer = own_service.producer()
    send(producer, own_service.topic)
    process = own_service.server.process
    assert process is not None
    process.send_signal(signals.SIGSTOP)
    try:
        metadata = send(producer, own_service.topic)
    finally:
        process.send_signal(signals.SIGCONT)
    assert (producer.kept, producer.failures) == (1, 0)
    relay(outbox)
    # Nobody could know whether Redis had it; twice with one id is not lost.
    assert set(ids(own_service)[1:]) == {str(metadata.id)}


@pytest.mark.parametrize(
    ("refuse", "mend"),
    [
        (("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0")),
        (("ACL", "SETUSER", "default", "-xadd"), ("ACL", "SETUSER", "default", "+xadd")),
    ],
    ids=["full", "denied"],
)
@override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=0.5)
def test_redis_refuses_the_event_waits_in_the_outbox(
    own_service: Service, sqlite_outbox: str, refuse: tuple[str, ...], mend: tuple[str, ...]
) -> None:
    producer = own_service.producer()
    send(producer, own_service.topic)
    own_service.redis.execute_command(*refuse)
    metadata = send(producer, own_service.topic)
    own_service.redis.execute_command(*mend)
    assert (producer.kept, producer.failures) == (1, 0)
    relay(sqlite_outbox)
    assert ids(own_service)[1:] == [str(metadata.id)]


def test_what_the_outbox_cannot_hold_either_is_an_error_without_payload(
    own_service: Service, sqlite_outbox: str, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=0.5):
        producer = own_service.producer()
    own_service.server.stop()
    with connections[sqlite_outbox].cursor() as cursor:
        cursor.execute("ALTER TABLE tidings_outbox RENAME TO gone")
    try:
        send(producer, own_service.topic)
    finally:
        with connections[sqlite_outbox].cursor() as cursor:
            cursor.execute("ALTER TABLE gone RENAME TO tidings_outbox")
    assert (producer.kept, producer.failures) == (0, 1)
    assert "Error delivering message to Redis event bus." in caplog.text
    assert "could not be put into the outbox either: OperationalError" in caplog.text
    assert_no_payload(caplog)


@override_settings(EVENT_BUS_TIDINGS_BUFFERED=True, EVENT_BUS_TIDINGS_SEND_TIMEOUT=0.5)
def test_buffered_events_that_do_not_arrive_wait_in_the_outbox(
    own_service: Service, outbox: str
) -> None:
    producer = own_service.producer()
    own_service.server.stop()
    sent = [str(send(producer, own_service.topic, registration(n)).id) for n in range(5)]
    wait_for(lambda: producer.kept == 5)
    assert producer.failures == 0
    assert [row[0] for row in rows(outbox)] == sent
    own_service.server.start()
    relay(outbox)
    assert sorted(ids(own_service)) == sorted(sent)


@pytest.mark.parametrize("mode", ["on-commit", "outbox"])
def test_20_rolled_back_transactions_are_no_events(
    service: Service, outbox: str, mode: str
) -> None:
    with override_settings(EVENT_BUS_TIDINGS_MODE=mode):
        producer = service.producer()
        for n in range(20):
            with transaction.atomic(using=outbox):
                send(producer, service.topic, registration(n))
                transaction.set_rollback(True, using=outbox)
        with transaction.atomic(using=outbox):
            metadata = send(producer, service.topic)
            assert ids(service) == [], "it leaves with the commit"
    relay(outbox)
    assert ids(service) == [str(metadata.id)]
    assert producer.failures == 0


def test_the_default_waits_for_the_commit_and_immediate_does_not(service: Service) -> None:
    for mode, within in ((None, 0), ("immediate", 1)):
        with override_settings(**{} if mode is None else {"EVENT_BUS_TIDINGS_MODE": mode}):
            producer = service.producer()
            before = len(ids(service))
            with transaction.atomic():
                send(producer, service.topic)
                assert len(ids(service)) - before == within
            assert len(ids(service)) - before == 1
            # Outside of a transaction there is nothing to wait for.
            send(producer, service.topic)
            assert len(ids(service)) - before == 2


def test_an_event_that_fails_after_the_commit_does_not_fail_the_request(
    own_service: Service, sqlite_outbox: str
) -> None:
    with override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=0.5):
        producer = own_service.producer()
    own_service.server.stop()
    with transaction.atomic():
        metadata = send(producer, own_service.topic)
    assert [row[0] for row in rows(sqlite_outbox)] == [str(metadata.id)]


@override_settings(EVENT_BUS_TIDINGS_MODE="outbox")
def test_every_signal_through_the_outbox_is_what_send_writes(
    service: Service, sqlite_outbox: str
) -> None:
    through = service.producer()
    with override_settings(EVENT_BUS_TIDINGS_MODE="immediate"):
        direct = service.producer()
    found = serializable()
    for sparse in (False, True):
        for signal in found:
            data = Generator(sparse).event_data(signal)
            metadata = send(direct, service.topic + "-direct", data, signal, "")
            send(through, service.topic, data, signal, "", metadata)
    assert (through.failures, direct.failures) == (0, 0)
    relay(sqlite_outbox)
    expected = service.fields(service.topic + "-direct")
    by_id = {fields[b"id"]: fields for fields in service.fields()}
    assert len(by_id) == len(expected) == 2 * len(found)
    for fields in expected:
        written = by_id[fields[b"id"]]
        # The definitions of the relay know keys of types whose producer named none.
        written = {name: value for name, value in written.items() if name != b"key"}
        assert written == fields


@override_settings(EVENT_BUS_REDIS_CONNECTION_URL="redis://host", EVENT_BUS_TIDINGS_MODE="outbox")
def test_the_mode_outbox_needs_one() -> None:
    with pytest.raises(ImproperlyConfigured, match="EVENT_BUS_TIDINGS_MODE is 'outbox'"):
        load()
    other: dict[str, Any] = {"BUS": "redis://elsewhere", "SERVICE": "lms"}
    with (
        override_settings(TIDINGS=other),
        pytest.raises(ImproperlyConfigured, match="EVENT_BUS_TIDINGS_MODE"),
    ):
        load()


@override_settings(
    EVENT_BUS_REDIS_CONNECTION_URL="redis://host",
    TIDINGS={"BUS": "redis://elsewhere", "SERVICE": "lms"},
)
def test_an_outbox_of_another_bus_is_warned_of() -> None:
    (found,) = [e for e in checks.run_checks() if e.id == "tidings.openedx.W001"]
    assert '"BUS"' in found.msg
