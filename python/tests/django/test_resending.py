"""`manage.py tidings_relay --resend`: what a log acknowledged and lost with its machine."""

from __future__ import annotations

import threading

import pytest
from conftest import eventually
from django.core.management import CommandError, call_command
from django.db import connections
from servers import Redis, free_port
from test_relay import numbers, put

from tidings import TidingsError
from tidings.django import outbox, service
from tidings.django.relay import Relay


@pytest.fixture
def log(tmp_path, settings):
    """A Redis of this test's own, which syncs once a second."""
    server = Redis(tmp_path / "log", free_port())
    server.prepare()
    server.start()
    settings(BUS=f"redis://127.0.0.1:{server.port}")
    yield server
    server.stop()


def relay(alias, window=600.0, **options):
    return Relay(
        service.send_rows,
        service.answers,
        using=alias,
        resend=window,
        log_process=service.log_process,
        **options,
    )


def seconds_up(process):
    try:
        return process()[1]
    except TidingsError:
        return 0


def told(events):
    """The numbers of events, as they stand on the log."""
    return [int(event.data["title"].rpartition("-")[2]) for event in events]


def test_what_the_log_lost_is_published_again(alias, log, published):
    for n in (1, 2, 3):
        put(alias, "c-1", n)
    stop = threading.Event()
    working = []

    def run():
        # A connection belongs to the thread that asked for it.
        working.append(relay(alias, stop=stop, poll=0.1))
        try:
            working[0].run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        eventually(lambda: working and working[0].summary.published == 3)
        synced = log.written()
        for n in (4, 5, 6):
            put(alias, "c-1", n)
        eventually(lambda: working[0].summary.published == 6)

        # The relay works on: it sends the old ones before the new one.
        log.lose_power(synced)
        put(alias, "c-1", 7)
        log.start()
        eventually(lambda: outbox.pending(connections[alias], 10) == 0, 90)
    finally:
        stop.set()
        thread.join(60)
    assert working[0].summary.published == 13
    assert told(published())[-7:] == [1, 2, 3, 4, 5, 6, 7]
    assert numbers(published()) == {"c-1": [1, 2, 3, 4, 5, 6, 7]}

    # The next relay finds the log that lost what the last one had published.
    log.lose_power(synced)
    log.start()
    # The first ones were on the disk, unless it was so busy that they had not been written.
    left = told(published())
    assert left == [1, 2, 3][: len(left)]
    eventually(lambda: seconds_up(service.log_process) >= 1)
    assert relay(alias).run(until_empty=True).published == 7
    assert numbers(published()) == {"c-1": [1, 2, 3, 4, 5, 6, 7]}

    # It has looked: the one after it need not.
    put(alias, "c-1", 8)
    assert relay(alias).run(until_empty=True).published == 1


def test_only_the_last_seconds_are_kept(alias, log, published):
    for n in (1, 2):
        put(alias, "c-1", n)
        assert relay(alias).run(until_empty=True).published == 1
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE tidings_outbox_published SET published_at = '2026-01-01 00:00:00' "
            "WHERE seq = (SELECT seq FROM (SELECT min(seq) AS seq FROM tidings_outbox_published) f)"
        )
    put(alias, "c-1", 3)
    assert relay(alias).run(until_empty=True).published == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM tidings_outbox_published")
        assert cursor.fetchone()[0] == 2

    # However long the log is away, the last of what was published stays.
    with connection.cursor() as cursor:
        cursor.execute("UPDATE tidings_outbox_published SET published_at = '2026-01-01 00:00:00'")
    assert outbox.published_last(connection, 5.0, 0.0, 0, 10)
    outbox.forget_published(connection, 5.0)
    assert [row.document for row in outbox.published_last(connection, 5.0, 60.0, 0, 10)]


def test_a_log_that_does_not_tell_of_its_process_is_refused(sqlite, new_bus):
    with pytest.raises(CommandError, match="leave --resend out") as refused:
        call_command("tidings_relay", resend=5.0, until_empty=True)
    assert refused.value.returncode == 78


@pytest.mark.parametrize("seconds", ["0", "-1", "inf", "nan"])
def test_seconds_that_cannot_be_are_refused(sqlite, new_bus, seconds):
    with pytest.raises(CommandError, match="--resend must be seconds above zero") as refused:
        call_command("tidings_relay", "--resend", seconds)
    assert refused.value.returncode == 64
