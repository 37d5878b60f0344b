"""Publishing and consuming, over memory, a file and Redis."""

from __future__ import annotations

import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

import tidings
from tests.conftest import DEADLINE, RedisServer, wait_for
from tidings import (
    Bus,
    Event,
    InvalidError,
    Message,
    NoRouteError,
    PermanentError,
    PoisonError,
    ProfileError,
    TidingsError,
    UnavailableError,
    UnknownOutcomeError,
)

TYPE = "org.openedx.catalog.course.created.v1"


@pytest.fixture(params=["memory", "sqlite", "redis"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:{tmp_path / 'bus.sqlite'}"
    if request.param == "redis":
        return str(request.getfixturevalue("shared_redis").url)
    return "memory:"


def test_what_is_published_is_consumed_in_order_per_key(url: str, topic: str) -> None:
    bus = tidings.connect(url, service="discovery")
    bus.log.create_group(topic, "lms")
    for n in range(20):
        (receipt,) = bus.publish(type=TYPE, data={"n": n}, key=f"k{n % 3}", topic=topic)
        assert receipt.topic == topic
    seen: dict[str, list[int]] = {}
    lock = threading.Lock()

    def handle(message: Message) -> None:
        assert message.event.source == "/openedx/discovery/web"
        assert message.group == "lms"
        assert message.attempt == 1
        time.sleep(0.001)
        with lock:
            seen.setdefault(message.key or "", []).append(message.data["n"])

    counts = bus.consume(topic, "lms", handle, concurrency=4, max_events=20)
    assert counts["delivered"] == 20
    assert seen == {f"k{k}": list(range(k, 20, 3)) for k in range(3)}


def test_a_connection_that_the_server_closed_meanwhile_costs_no_event(
    own_redis: RedisServer, topic: str
) -> None:
    """Nobody runs the runtime between two publishes: what happened to the connection meanwhile has
    to be noticed before the next, since after it the outcome would be unknown."""
    bus = tidings.connect(own_redis.url, service="lms", send_timeout=60)
    for n in range(1, 6):
        bus.publish(type=TYPE, data={"n": n}, topic=topic)
        with socket.create_connection(("127.0.0.1", own_redis.port)) as other:
            other.sendall(b"CLIENT KILL TYPE normal SKIPME yes\r\n")
            assert other.recv(16).startswith(b":")
        time.sleep(0.1)
    (receipt,) = bus.publish(type=TYPE, data={}, topic=topic)
    assert receipt.topic == topic
    assert bus.log.topics()[topic] == 6


def test_threads_share_a_connection(shared_redis: RedisServer, topic: str) -> None:
    """As the threads of a web server do: one of those who wait runs the runtime for all, and
    another goes on when it is done."""
    bus = tidings.connect(shared_redis.url, service="lms")
    errors: list[BaseException] = []

    def send(worker: int) -> None:
        try:
            for n in range(200):
                bus.publish(type=TYPE, data={"n": n}, key=f"k{worker}", topic=topic)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=send, args=(n,)) for n in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(DEADLINE)
    assert errors == []
    seen: dict[str, list[int]] = {}
    for _, event in bus.log.read(topic, limit=10_000):
        assert isinstance(event, Event)
        seen.setdefault(event.key or "", []).append(event.data["n"])
    assert seen == {f"k{n}": list(range(200)) for n in range(16)}


def test_publish_many_says_what_failed(topic: str) -> None:
    bus = tidings.connect("memory:", service="lms")
    good = bus.event(type=TYPE, data={})
    bad = bus.event(type="not.a.type", data={})
    first, second, third = bus.publish_many([good, bad, good], topic=topic)
    assert isinstance(first, list)
    assert isinstance(third, list)
    assert isinstance(second, ProfileError)
    assert second.event_id == bad.id
    assert not second.is_temporary


def test_routes_name_topics_and_keys() -> None:
    bus = tidings.connect(
        "memory:",
        service="lms",
        routes={TYPE: {"courses": "course.key", "audit": None}},
    )
    receipts = bus.publish(type=TYPE, data={"course": {"key": "DemoX"}})
    assert [receipt.topic for receipt in receipts] == ["courses", "audit"]
    ((_, stored),) = bus.log.read("courses")
    assert isinstance(stored, tidings.Event)
    assert stored.key == "DemoX"
    with pytest.raises(NoRouteError, match="other"):
        bus.publish(type="org.openedx.catalog.other.created.v1", data={})


def test_a_failing_handler_is_called_again_and_then_the_event_is_kept(topic: str) -> None:
    bus = tidings.connect("memory:", service="lms")
    bus.publish(type=TYPE, data={"name": "secret"}, topic=topic)
    attempts = []

    def handle(message: Message) -> None:
        attempts.append(message.attempt)
        raise ValueError(message.data["name"])

    began = datetime.now(UTC)
    counts = bus.consume(
        topic, "g", handle, start="earliest", max_attempts=3, backoff=(0.001, 0.001), max_events=1
    )
    assert attempts == [1, 2, 3]
    assert counts["dead"] == 1
    (letter,) = bus.log.dead_letters(topic, "g")
    assert letter["attempts"] == 3
    assert began <= letter["first_failure"] <= letter["last_failure"] < datetime.now(UTC)
    assert letter["message"].startswith("ValueError in handle")
    assert "secret" not in letter["message"], "the text of an exception may hold the payload"
    assert letter["event"].data == {"name": "secret"}


def test_a_permanent_error_is_not_tried_again(topic: str) -> None:
    bus = tidings.connect("memory:", service="lms")
    bus.publish(type=TYPE, data={}, topic=topic)

    def handle(message: Message) -> None:
        raise PermanentError("the course is unknown")

    counts = bus.consume(topic, "g", handle, start="earliest", max_events=1)
    assert counts["retried"] == 0
    (letter,) = bus.log.dead_letters(topic, "g")
    assert "the course is unknown" in letter["message"]


def test_poison_holds_up_nothing(topic: str) -> None:
    bus = tidings.connect("memory:", service="lms")
    for n in range(2):
        bus.publish(type=TYPE, data={"n": n}, topic=topic, key="k")
    handled: list[int] = []

    def handler(message: Message) -> None:
        if message.data["n"] == 0:
            raise PoisonError("nobody can use it")
        handled.append(message.data["n"])

    counts = bus.consume(topic, "g", handler, start="earliest", until_idle=0.5)
    assert (handled, counts["retried"], counts["dead"]) == ([1], 0, 1)
    (letter,) = bus.log.dead_letters(topic, "g")
    assert (letter["reason"], letter["parked"]) == ("poison", False)


def test_iteration_acknowledges_as_it_goes_on(topic: str) -> None:
    bus = tidings.connect("memory:", service="lms")
    for n in range(3):
        bus.publish(type=TYPE, data={"n": n}, topic=topic)
    seen = []
    with bus.subscribe(topic, "g", start="earliest") as subscription:
        for message in subscription:
            seen.append(message.data["n"])
            if len(seen) == 2:
                break
    assert seen == [0, 1]
    # 1 was not acknowledged: nobody can tell `break` from an exception.
    with bus.subscribe(topic, "g", until_idle=0.2) as subscription:
        assert [message.data["n"] for message in subscription] == [1, 2]


def test_documents_are_published_byte_for_byte(topic: str) -> None:
    bus = tidings.connect("memory:")
    document = tidings.Event(
        type=TYPE,
        source="/openedx/lms/web",
        data=b'{ "n" : 1 }',
        minorversion=0,
        time="2026-11-23T20:57:12Z",
        extensions={"sourcehost": "h"},
    ).to_json()
    bus.publish_documents(topic, [("k", document)])
    ((_, event),) = bus.log.read(topic)
    assert isinstance(event, tidings.Event)
    assert event.to_json() == document


@pytest.mark.parametrize(
    ("url", "settings", "named"),
    [
        ("redis:x", {}, "two slashes"),
        ("sqlight:x", {}, "sqlite"),
        ("memory:?prefx=x", {}, "prefix"),
        ("memory:", {"service": "a b"}, "service"),
        ("memory:", {"role": "cron"}, "role"),
        ("memory:", {"profile": "loose"}, "profile"),
        ("memory:", {"wire": "kafka"}, "wire"),
        ("memory:", {"send_timeout": 0}, "send_timeout"),
        ("memory:", {"routes": {TYPE: {"t": ".."}}}, "routes"),
    ],
)
def test_a_wrong_setting_is_named(url: str, settings: dict[str, object], named: str) -> None:
    with pytest.raises(InvalidError, match=named):
        tidings.connect(url, **settings)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"start": "soon"}, "position"),
        ({"ordering": "total"}, "ordering"),
        ({"concurrency": 0}, "concurrency"),
        ({"lease": -1.0}, "lease"),
        ({"unknown_schema": "guess"}, "unknown_schema"),
        ({"on_failure": "ignore"}, "on_failure"),
    ],
)
def test_a_wrong_option_is_named(options: dict[str, object], named: str, topic: str) -> None:
    bus = tidings.connect("memory:")
    with pytest.raises(InvalidError, match=named):
        bus.consume(topic, "g", lambda message: None, until_idle=0.01, **options)  # type: ignore[arg-type]


def test_without_a_service_an_event_needs_a_source(topic: str) -> None:
    with pytest.raises(InvalidError, match="source"):
        tidings.connect("memory:").publish(type=TYPE, data={}, topic=topic)


def test_a_log_that_is_away_is_a_temporary_error(topic: str) -> None:
    with pytest.raises(UnavailableError) as caught:
        tidings.connect("redis://127.0.0.1:1")
    assert caught.value.is_temporary
    # Made without connecting, it comes back by itself once the log is there.
    bus = Bus("redis://127.0.0.1:1", service="lms", send_timeout=1)
    with pytest.raises(UnavailableError):
        bus.publish(type=TYPE, data={}, topic=topic)


def test_no_error_shows_the_password() -> None:
    with pytest.raises(TidingsError) as caught:
        tidings.connect("redis://user:secret@127.0.0.1:1")
    assert "secret" not in str(caught.value)


def test_a_frozen_log_is_an_unknown_outcome_within_the_bound(
    own_redis: RedisServer, topic: str
) -> None:
    import signal

    bus = tidings.connect(own_redis.url, service="lms", send_timeout=1)
    bus.publish(type=TYPE, data={}, topic=topic)
    event = bus.event(type=TYPE, data={"n": 1})
    assert own_redis.process is not None
    own_redis.process.send_signal(signal.SIGSTOP)
    try:
        began = time.monotonic()
        with pytest.raises(UnknownOutcomeError) as caught:
            bus.publish(event, topic=topic)
        took = time.monotonic() - began
    finally:
        own_redis.process.send_signal(signal.SIGCONT)
    assert took < 30, "bounded, and a loaded machine is slow"
    assert caught.value.is_temporary
    # It may have arrived. Resending keeps the id, so that consumers can tell.
    bus.publish(event, topic=topic)
    read = [found for _, found in bus.log.read(topic) if isinstance(found, tidings.Event)]
    assert {found.id for found in read[1:]} == {event.id}


def test_a_consumer_outlives_a_restart_of_the_log(own_redis: RedisServer, topic: str) -> None:
    bus = tidings.connect(own_redis.url, service="lms")
    bus.log.create_group(topic, "g")
    seen: list[int] = []
    subscription = bus.subscribe(topic, "g")

    def consume() -> None:
        # Leaves the group while the log is there.
        with subscription:
            for message in subscription:
                seen.append(message.data["n"])
                if seen[-1] == 2:
                    message.ack()
                    return

    consuming = threading.Thread(target=consume)
    consuming.start()
    bus.publish(type=TYPE, data={"n": 1}, topic=topic)
    wait_for(lambda: seen == [1])
    own_redis.stop()
    own_redis.start()
    bus.publish(type=TYPE, data={"n": 2}, topic=topic)
    consuming.join(60)
    assert not consuming.is_alive()
    # 1 comes twice when its acknowledgement was under way.
    assert seen in ([1, 2], [1, 1, 2])
