"""What `send()` does when Redis does not do its part: no outbox is configured here."""

from __future__ import annotations

import logging
import signal as signals
import time
from pathlib import Path

import pytest
from django.test import override_settings

from tests.conftest import Script, wait_for
from tests.openedx.conftest import PEERS, Service
from tests.openedx.events import assert_no_payload, send


def test_redis_refuses_an_error_without_payload_that_is_counted(
    own_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=2):
        producer = own_service.producer()
        own_service.server.stop()
        metadata = send(producer, own_service.topic)
    assert producer.failures == 1
    (record,) = [r for r in caplog.records if r.name == "tidings.openedx.producer"]
    assert record.levelno == logging.ERROR
    message = record.getMessage()
    assert message.startswith("Error delivering message to Redis event bus. error=Unavailable")
    assert str(metadata.id) in message
    assert own_service.topic in message
    assert_no_payload(caplog)


def test_redis_frozen_send_returns_within_the_bound_and_says_unknown(
    own_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=0.5):
        producer = own_service.producer()
        send(producer, own_service.topic)
        process = own_service.server.process
        assert process is not None
        process.send_signal(signals.SIGSTOP)
        try:
            began = time.monotonic()
            metadata = send(producer, own_service.topic)
            took = time.monotonic() - began
        finally:
            process.send_signal(signals.SIGCONT)
    assert took < 20, "bounded, and a loaded machine is slow"
    assert "error=UnknownOutcomeError" in caplog.text
    # Sending it again keeps the id.
    again = send(producer, own_service.topic, metadata=metadata)
    assert again.id == metadata.id
    assert_no_payload(caplog)


def test_buffered_send_arrives_in_order_and_is_flushed_at_exit(
    service: Service, script: Script, tmp_path: Path
) -> None:
    done = script.run(
        """
        import os, sys
        sys.path[:0] = sys.argv[1:3]
        import tests.openedx.conftest
        from django.conf import settings
        settings.EVENT_BUS_REDIS_CONNECTION_URL = sys.argv[3]
        settings.EVENT_BUS_TIDINGS_BUFFERED = True
        settings.EVENT_BUS_REDIS_STREAM_MAX_LEN = 0
        from uuid import UUID
        from openedx_events.data import EventsMetadata
        from openedx_events.learning.signals import STUDENT_REGISTRATION_COMPLETED as signal
        import tests.openedx.events as events
        from tidings import new_id
        from tidings.openedx import create_producer

        def send(producer, topic):
            # The ids of openedx-events (uuid1) can be equal in a parent and its child.
            metadata = EventsMetadata(event_type=signal.event_type, id=UUID(new_id()))
            return events.send(producer, topic, metadata=metadata)

        producer = create_producer()
        send(producer, sys.argv[4])
        pid = os.fork()
        with open(sys.argv[5] + ("/parent" if pid else "/child"), "w") as ids:
            for _ in range(500):
                print(send(producer, sys.argv[4]).id, file=ids)
        if pid:
            assert os.waitpid(pid, 0)[1] == 0
        """,
        str(PEERS.parents[3] / "python"),
        str(PEERS),
        service.server.url,
        service.topic,
        str(tmp_path),
    )
    assert done.returncode == 0, done.stderr
    wait_for(lambda: service.redis.xlen(service.topic) == 1001)
    ids = [fields[b"id"].decode() for fields in service.fields()]
    for who in ("parent", "child"):
        sent = (tmp_path / who).read_text().split()
        assert len(sent) == 500
        assert [i for i in ids if i in set(sent)] == sent


def test_buffered_events_that_do_not_arrive_are_logged_and_counted(
    own_service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    with override_settings(
        EVENT_BUS_TIDINGS_BUFFERED=True,
        EVENT_BUS_TIDINGS_SEND_TIMEOUT=0.5,
        EVENT_BUS_TIDINGS_BUFFER_SIZE=3,
    ):
        producer = own_service.producer()
        own_service.server.stop()
        for _ in range(5):
            send(producer, own_service.topic)
        wait_for(lambda: producer.failures == 5)
    assert caplog.text.count("Error delivering message to Redis event bus.") == 5
    assert "error=FullError" in caplog.text
    assert "error=UnavailableError" in caplog.text
    assert_no_payload(caplog)


def test_send_is_held_to_a_catalog(
    service: Service, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    for settings in (
        {"EVENT_BUS_TIDINGS_VALIDATION": "enforce"},
        {"EVENT_BUS_TIDINGS_CATALOG": 7},
        {"EVENT_BUS_TIDINGS_CATALOG": str(tmp_path / "none")},
    ):
        with override_settings(**settings):
            send(service.producer(), service.topic)
        assert next(iter(settings)) in caplog.text or "catalog" in caplog.text
        assert "misconfigured" in caplog.text
        caplog.clear()
    assert service.redis.xlen(service.topic) == 0
    name = "org.openedx.learning.student.registration.completed.v1"
    (tmp_path / f"{name}.yaml").write_text(
        f"""
type: {name}
minorversion: 0
title: Registration completed
description: A learner has registered.
owner: {{service: catalog, subdomain: learning, team: learners}}
topics: [{service.topic}]
schema: {{type: object, required: [user], properties: {{user: {{type: object}}}}}}
"""
    )
    with override_settings(EVENT_BUS_TIDINGS_CATALOG=[str(tmp_path)]):
        producer = service.producer()
        send(producer, service.topic)
        assert producer.failures == 1
        assert "error=CatalogError" in caplog.text
        assert_no_payload(caplog)
        with override_settings(EVENTS_SERVICE_NAME="catalog"):
            send(service.producer(), service.topic)
    assert service.redis.xlen(service.topic) == 1
