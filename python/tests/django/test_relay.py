"""`manage.py tidings_relay`: what is committed reaches the bus, in order, whatever is killed."""

from __future__ import annotations

import signal
import threading

import pytest
from conftest import eventually
from django.core.management import call_command
from django.db import connections, transaction
from project.settings import UPDATED

from tidings import Event
from tidings.django import outbox, publish, service
from tidings.django.lock import PostgresLock, Superseded, lock_on
from tidings.django.outbox import Entry, Row
from tidings.django.relay import Relay, waves


def put(alias, key, number):
    data = {"key": key, "title": f"title-{number}"}
    return publish(UPDATED, data, mode="outbox", using=alias).id


def relay(alias, **options):
    return Relay(service.send_rows, service.answers, using=alias, **options)


def numbers(events):
    """The numbers of each key, in the order of their first occurrence."""
    found, seen = {}, set()
    for event in events:
        if event.id not in seen:
            seen.add(event.id)
            number = int(event.data["title"].rpartition("-")[2])
            found.setdefault(event.data["key"], []).append(number)
    return found


def test_rows_reach_the_bus_in_order_and_are_deleted(alias, bus_url, published):
    for n in range(300):
        put(alias, f"c-{n % 7}", n)
    summary = relay(alias, batch=100).run(until_empty=True)
    assert (summary.published, summary.refused) == (300, 0)
    assert outbox.pending(connections[alias], 10) == 0
    events = published()
    assert len(events) == 300
    assert all(found == sorted(found) for found in numbers(events).values())
    assert {event.key for event in events} == {f"c-{n}" for n in range(7)}


def test_a_row_that_commits_late_is_not_skipped(postgres, migrated, new_bus, published):
    """There is no cursor: a smaller number that appears after a larger one was relayed."""
    migrated("postgres")
    from conftest import empty

    empty("postgres")
    late = connections["postgres"].copy()
    late.set_autocommit(False)
    with late.cursor() as cursor:
        event = service.event(UPDATED, {"key": "late", "title": "title-0"})
        cursor.execute(
            "INSERT INTO tidings_outbox (id, topic, event_key, event) VALUES (%s, %s, %s, %s)",
            [event.id, "courses", "late", event.to_json().decode()],
        )
    put("postgres", "early", 1)
    assert relay("postgres").run(until_empty=True).published == 1
    late.commit()
    late.close()
    assert relay("postgres").run(until_empty=True).published == 1
    assert [event.data["key"] for event in published()] == ["early", "late"]


def test_a_refused_row_stands_aside_and_holds_its_key_only(alias, new_bus, published):
    put(alias, "good", 1)
    bad = Event(
        type="org.example.shop.course.update", source="/example/shop/web", data={"a": "s3cr3t"}
    )
    entry = Entry(bad.id, "courses", "bad", bad.to_json().decode(), bad.type)
    outbox.insert([entry], using=alias)
    put(alias, "bad", 2)
    put(alias, "good", 3)
    summary = relay(alias).run(until_empty=True)
    assert (summary.published, summary.refused, summary.held) == (2, 1, 1)
    put(alias, "bad", 4)
    relay(alias).run(until_empty=True)
    assert numbers(published()) == {"good": [1, 3]}

    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT seq, reason FROM tidings_outbox WHERE reason IS NOT NULL")
        ((seq, reason),) = cursor.fetchall()
    assert "type" in reason
    assert "s3cr3t" not in reason
    assert outbox.discard(connections[alias], [seq]) == 1
    assert relay(alias).run(until_empty=True).published == 2
    assert numbers(published()) == {"good": [1, 3], "bad": [2, 4]}


def test_one_relay_is_active_and_the_other_takes_over(alias, new_bus, published):
    first = lock_on(connections[alias])
    assert first.take()
    stop = threading.Event()
    put(alias, "c-1", 1)
    told = []

    def stand_by():
        try:
            relay(alias, stop=stop, poll=0.05, report=told.append).run()
        finally:
            connections.close_all()

    thread = threading.Thread(target=stand_by)
    thread.start()
    try:
        eventually(lambda: any("another relay" in text for text in told))
        assert published() == []
        first.give_back()
        eventually(lambda: len(published()) == 1)
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def test_a_commit_wakes_a_relay_that_sleeps(postgres, migrated, new_bus, published):
    migrated("postgres")
    from conftest import empty

    empty("postgres")
    stop = threading.Event()

    def run():
        try:
            relay("postgres", stop=stop, poll=3600.0).run()
        finally:
            connections.close_all()

    def sleeps():
        with connections["postgres"].cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' "
                "AND mode = 'ExclusiveLock' AND (classid::bigint << 32) + objid::bigint = %s",
                [PostgresLock.SLEEP],
            )
            return cursor.fetchone()[0] == 1

    thread = threading.Thread(target=run)
    thread.start()
    try:
        for n in range(1, 4):
            eventually(sleeps)
            put("postgres", "c-1", n)
            eventually(lambda expected=n: len(published()) == expected)
        eventually(sleeps)
    finally:
        stop.set()
        put("postgres", "c-1", 4)
        thread.join(60)
    assert not thread.is_alive()


def test_a_lease_that_was_taken_over_stops_the_old_relay(sqlite, monkeypatch):
    monkeypatch.setattr("tidings.django.lock.SqliteLock.SECONDS", -1)
    old, new = lock_on(connections[sqlite]), lock_on(connections[sqlite])
    assert old.take()
    assert new.take()
    with pytest.raises(Superseded), old.fenced():
        raise AssertionError("the old relay must not write")
    new.keep()
    new.give_back()


def test_a_session_lock_that_is_gone_stops_the_relay(postgres, migrated):
    migrated("postgres")
    lock = lock_on(connections["postgres"])
    assert lock.take()
    lock.give_back()
    with pytest.raises(Superseded):
        lock.keep()


@pytest.mark.slow
def test_the_bus_down_costs_nothing_but_depth(alias, redis_server, settings, published):
    from servers import Redis, free_port

    server = Redis(redis_server.folder.parent / f"away-{alias}", free_port())
    server.prepare()
    server.start()
    settings(BUS=f"redis://127.0.0.1:{server.port}")
    try:
        put(alias, "c-1", 1)
        assert relay(alias).run(until_empty=True).published == 1
        server.stop(signal.SIGKILL)
        for n in range(2, 30):
            put(alias, "c-1", n)
        stop = threading.Event()

        def run():
            try:
                relay(alias, stop=stop, poll=0.1).run()
            finally:
                connections.close_all()

        thread = threading.Thread(target=run)
        thread.start()
        stop.wait(1.0)
        assert outbox.pending(connections[alias], 100) == 28
        server.start()
        eventually(lambda: outbox.pending(connections[alias], 100) == 0, 90)
        stop.set()
        thread.join(60)
        assert numbers(published()) == {"c-1": list(range(1, 30))}
    finally:
        server.stop()


@pytest.mark.slow
def test_kill_9_of_the_relay_loses_nothing_and_keeps_the_order(alias, new_bus, manage, published):
    total = 2_000
    for start in range(0, total, 500):
        with transaction.atomic(using=alias):
            for n in range(start, start + 500):
                put(alias, f"c-{n % 50}", n)
    environment = {"TIDINGS_BUS": new_bus, "TIDINGS_TEST_DATABASE": alias}
    for left in (1_600, 1_000, 400):
        command = manage("tidings_relay", "--batch", "50", **environment)
        # However fast it is, it comes to this; on most machines it is killed at work.
        eventually(lambda: outbox.pending(connections[alias], total) <= left, 60, command)  # noqa: B023
        command.kill()
    last = manage("tidings_relay", "--until-empty", **environment)
    assert last.wait() == 0, last
    found = numbers(published())
    assert sorted(n for key in found.values() for n in key) == list(range(total))
    assert all(key == sorted(key) for key in found.values())


def test_sigterm_ends_the_relay_and_the_next_takes_over_at_once(alias, new_bus, manage):
    environment = {"TIDINGS_BUS": new_bus, "TIDINGS_TEST_DATABASE": alias}
    command = manage("tidings_relay", **environment)
    command.until("active")
    assert command.kill(signal.SIGTERM) == 0, command
    assert "0 published" in command.output[-1]
    assert manage("tidings_relay", "--until-empty", **environment).wait() == 0


def test_the_command_says_what_it_did(sqlite, new_bus, capsys):
    put(sqlite, "c-1", 1)
    call_command("tidings_relay", until_empty=True)
    assert "1 published, 0 refused, 0 held back" in capsys.readouterr().out


def test_waves_hold_each_key_once_and_everything_in_order():
    rows = [Row(n, "t", key, "") for n, key in enumerate("abacab")] + [Row(6, "t", None, "")]
    assert [[row.seq for row in wave] for wave in waves(rows)] == [[0, 1, 3, 6], [2, 5], [4]]
