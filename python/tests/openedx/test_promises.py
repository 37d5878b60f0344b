"""What today's package does wrong, and what ours does: a test for each."""

from __future__ import annotations

import json
import logging
import signal as signals
import threading
import time
from typing import Any

import pytest
from django.core.management import call_command
from django.test import override_settings
from openedx_events.learning.signals import STUDENT_REGISTRATION_COMPLETED

import tidings
from tests.conftest import Script, wait_for
from tests.openedx.conftest import PEERS, Service
from tests.openedx.events import count_to, registration, send
from tidings.openedx import EventConsumer


def test_100_published_while_no_consumer_runs_are_delivered_with_default_flags(
    service: Service,
) -> None:
    producer = service.producer()
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    send(producer, service.topic)
    service.consume(count_to(1))
    sent = {send(producer, service.topic).id for _ in range(100)}
    until = count_to(100)
    service.consume(until)
    assert {kwargs["metadata"].id for kwargs in until.seen} == sent


def test_a_second_consumer_does_not_move_the_group(service: Service) -> None:
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    producer = service.producer()
    for _ in range(3):
        send(producer, service.topic)
    service.consume(count_to(1), consumer_name="one")
    until = count_to(2)
    service.consume(until, consumer_name="two")
    assert len(until.seen) == 2


CONSUMER = """
import sys
sys.path[:0] = sys.argv[1:3]
import tests.openedx.conftest  # Configures Django.
from django.conf import settings
from django.core.management import call_command
from openedx_events.learning.signals import STUDENT_REGISTRATION_COMPLETED as signal
import logging, time

logging.basicConfig(level=logging.INFO)
url, topic, receiver, extra = sys.argv[3:]
settings.EVENT_BUS_REDIS_CONNECTION_URL = url
if "claim_msgs_older_than" not in extra:
    settings.EVENT_BUS_TIDINGS_LEASE = 1.0

def receive(metadata, **kwargs):
    print(metadata.id, flush=True)
    if receiver == "hang":
        time.sleep(600)

signal.connect(receive)
call_command("consume_events", "-t", topic, "-g", "g", "--extra", extra)
"""


def start_consumer(script: Script, service: Service, receiver: str, extra: str) -> Any:
    root = str(PEERS.parents[3] / "python")
    return script.start(
        CONSUMER, root, str(PEERS), service.server.url, service.topic, receiver, extra
    )


@pytest.mark.parametrize("extra", [{}, {"claim_msgs_older_than": 1000}], ids=["setting", "extra"])
def test_kill_9_then_a_new_pod_gets_the_event_after_the_lease(
    service: Service, script: Script, extra: dict[str, Any]
) -> None:
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    metadata = send(service.producer(), service.topic)
    named = json.dumps({"consumer_name": "pod-1", **extra})
    process = start_consumer(script, service, "hang", named)
    assert process.stdout.readline().strip() == str(metadata.id)
    process.kill()
    process.communicate()
    until = count_to(1)
    with override_settings(EVENT_BUS_TIDINGS_LEASE=600.0 if extra else 1.0):
        service.consume(until, consumer_name="pod-2", **extra)
    assert until.seen[0]["metadata"] == metadata


def test_sigterm_ends_consume_events_gracefully(service: Service, script: Script) -> None:
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    metadata = send(service.producer(), service.topic)
    # `consumer_name` is not required.
    process = start_consumer(script, service, "fast", "{}")
    assert process.stdout.readline().strip() == str(metadata.id)
    wait_for(lambda: bus.log.groups(service.topic)["g"]["pending"] == 0)
    process.send_signal(signals.SIGTERM)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err


@override_settings(EVENT_BUS_TIDINGS_BUFFERED=True, EVENT_BUS_TIDINGS_BUFFER_SIZE=20_000)
def test_15000_published_while_no_consumer_runs_are_all_there(service: Service) -> None:
    """Today the oldest 5,000 are gone: the stream is to have 10,000 entries."""
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    with override_settings(EVENT_BUS_TIDINGS_SEND_TIMEOUT=60):
        producer = service.producer()
        data = [registration(n) for n in range(50)]
        sent = [send(producer, service.topic, data[n % 50]).id for n in range(15_000)]
        producer.prepare_for_shutdown()
    assert service.redis.xlen(service.topic) == 15_000
    assert bus.log.groups(service.topic)["g"]["lag"] == 15_000
    # The group goes on at the oldest, which would be gone.
    until = count_to(100)
    service.consume(until)
    seen = {kwargs["metadata"].id for kwargs in until.seen}
    assert sent[0] in seen
    assert seen <= set(sent[:5_000])


def test_what_a_group_has_not_read_survives_the_stream_max_len(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    """What is settled is trimmed to the target, and nothing else."""
    limits = {"EVENT_BUS_REDIS_STREAM_MAX_LEN": 100, "EVENT_BUS_TIDINGS_HARD_MAX_LEN": 500}
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    with override_settings(**limits):
        producer = service.producer()
        sent = [send(producer, service.topic).id for _ in range(150)]
        until = count_to(150)
        service.consume(until)
        assert [kwargs["metadata"].id for kwargs in until.seen] == sent
        # With everything settled, the target is kept.
        for _ in range(20):
            send(producer, service.topic)
        wait_for(lambda: _trimmed(service, producer, 130))


def _trimmed(service: Service, producer: Any, length: int) -> bool:
    if service.redis.xlen(service.topic) <= length:
        return True
    service.consume(count_to(1))
    send(producer, service.topic)
    return False


def test_beyond_the_hard_cap_a_gap_is_reported(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    limits = {"EVENT_BUS_REDIS_STREAM_MAX_LEN": 50, "EVENT_BUS_TIDINGS_HARD_MAX_LEN": 100}
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g")
    with override_settings(**limits):
        producer = service.producer()

        def overfull() -> bool:
            for _ in range(20):
                send(producer, service.topic)
            added = service.redis.xinfo_stream(service.topic)["entries-added"]
            return bool(added > service.redis.xlen(service.topic))

        wait_for(overfull)
        assert service.redis.xlen(service.topic) >= 100
        service.consume(count_to(1))
    wait_for(lambda: any("lost" in str(getattr(r, "tidings", "")) for r in caplog.records))


def test_a_restart_of_redis_does_not_end_the_consumer(own_service: Service) -> None:
    producer = own_service.producer()
    bus = tidings.connect(own_service.server.url)
    bus.log.create_group(own_service.topic, "g")
    send(producer, own_service.topic)
    seen: list[Any] = []

    def restart() -> None:
        wait_for(lambda: len(seen) == 1)
        own_service.server.stop()
        time.sleep(0.1)
        own_service.server.start()
        send(producer, own_service.topic)

    def until(kwargs: dict[str, Any]) -> bool:
        seen.append(kwargs)
        return len(seen) == 2

    restarting = threading.Thread(target=restart)
    restarting.start()
    own_service.consume(until)
    restarting.join()
    assert len(seen) == 2


@override_settings(
    EVENT_BUS_REDIS_CONSUMER_CONSECUTIVE_ERRORS_LIMIT=3,
    EVENT_BUS_REDIS_CONSUMER_POLL_FAILURE_SLEEP=0.05,
)
def test_too_many_errors_in_a_row_exit_non_zero(own_service: Service) -> None:
    own_service.server.stop()
    consumer = EventConsumer(own_service.topic, "g")
    with pytest.raises(SystemExit) as caught:
        consumer.consume_indefinitely()
    assert caught.value.code == 70


def test_idle_is_silent(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    """With redis-py 8 today's package logs an error every six seconds; this looks for seven."""
    consumer = EventConsumer(service.topic, "idle")
    timer = threading.Timer(7, consumer.stop)
    timer.start()
    consumer.consume_indefinitely()
    loud = [r for r in caplog.records if r.levelno >= logging.WARNING]
    ours = [r for r in loud if r.name.startswith("tidings.openedx") or "idle" in r.getMessage()]
    assert [r.getMessage() for r in ours] == []


def test_audit_log_lines_are_today_s(service: Service, caplog: pytest.LogCaptureFixture) -> None:
    metadata = send(service.producer(), service.topic)
    ((position, _),) = service.redis.xrange(service.topic)
    service.consume(count_to(1), check_backlog=True)
    lines = [record.getMessage() for record in caplog.records]
    assert (
        f"Message delivered to Redis event bus: topic={service.topic}, message_id={metadata.id}, "
        f"signal={STUDENT_REGISTRATION_COMPLETED}, redis_msg_id={position}" in lines
    )
    assert (
        f"Message received from Redis: topic={service.topic}, message_id={metadata.id}, "
        f"redis_msg_id={position}, event_timestamp_ms={metadata.time.timestamp()}" in lines
    )
    assert "Message from Redis processed successfully" in lines
    assert any(line.startswith("Running consumer for {'full_topic':") for line in lines)
    caplog.clear()
    with override_settings(EVENT_BUS_REDIS_AUDIT_LOGGING_ENABLED=False):
        send(service.producer(), service.topic)
        service.consume(count_to(1))
    assert "Message" not in " ".join(
        r.getMessage() for r in caplog.records if r.name.startswith("tidings.openedx")
    )


def test_monitoring_gets_today_s_attributes(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    attributes: dict[str, Any] = {}
    exceptions: list[str] = []
    steps: list[str] = []
    module = "tidings.openedx.consumer"
    monkeypatch.setattr(f"{module}.set_custom_attribute", attributes.__setitem__)
    monkeypatch.setattr(f"{module}.record_exception", lambda: exceptions.append("recorded"))
    monkeypatch.setattr(f"{module}.prepare_for_new_work_cycle", lambda: steps.append("prepared"))
    metadata = send(service.producer(), service.topic)
    service.consume(count_to(1), check_backlog=True, consumer_name="pod")
    ((position, _),) = service.redis.xrange(service.topic)
    assert attributes == {
        "redis_stream": service.topic,
        "redis_consumer_group": "g",
        "redis_consumer_name": "pod",
        "redis_msg_id": position,
        "id": str(metadata.id),
        "event_type": metadata.event_type,
    }
    assert steps == ["prepared"]
    assert exceptions == []


def test_consume_events_takes_several_topics(service: Service) -> None:
    producer = service.producer()
    for name in ("a", "b", "c"):
        send(producer, f"{service.topic}-{name}")
    until = count_to(3)
    service.consume(
        until,
        topic=",".join(f"{service.topic}-{name}" for name in ("a", "b", "c")),
        check_backlog=True,
    )


@override_settings(EVENT_BUS_REDIS_CONSUMERS_ENABLED=False)
def test_the_kill_switch_ends_the_consumer(
    service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    call_command("consume_events", "-t", service.topic, "-g", "g")
    assert "Redis consumers not enabled, exiting." in caplog.text


@override_settings(EVENT_BUS_TOPIC_PREFIX="stage", EVENT_BUS_TIDINGS_CONCURRENCY=4)
def test_prefix_and_threads(service: Service) -> None:
    producer = service.producer()
    for n in range(8):
        send(producer, service.topic, registration(n))
    assert service.redis.xlen(f"stage-{service.topic}") == 8
    service.consume(count_to(8), check_backlog=True)


def test_extras_that_move_the_group_are_applied_once(service: Service) -> None:
    producer = service.producer()
    for n in range(5):
        send(producer, service.topic, registration(n))
    third = service.redis.xrange(service.topic)[2][0].decode()
    bus = tidings.connect(service.server.url)
    bus.log.create_group(service.topic, "g", "latest")
    until = count_to(2)
    service.consume(until, last_read_msg_id=third)
    assert len(until.seen) == 2
    # The same arguments at a restart: nothing moves.
    send(producer, service.topic, registration(5))
    until = count_to(1)
    service.consume(until, last_read_msg_id=third)
    assert bus.log.groups(service.topic)["g"]["lag"] == 0
    # Another value moves it again, and so does another extra.
    until = count_to(6)
    service.consume(until, last_read_msg_id="0")
    until = count_to(6)
    service.consume(until, offset_time="2026-01-01T00:00:00")
