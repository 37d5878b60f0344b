"""`manage.py tidings_emit`: a new consumer starts complete."""

from __future__ import annotations

import json
import os
import signal
import time

import pytest
from conftest import eventually
from django.core.management import CommandError, call_command
from django.db import connections
from project.settings import UPDATED
from project.shop.models import Copy, Course

from tidings.django import outbox
from tidings.django.models import Emission, Outbox

#: How many rows the longest run has: the whole on MariaDB, fewer where it would add nothing.
ROWS = {"mariadb": 100_000}


def rows_of(alias):
    return int(os.environ.get("TIDINGS_EMIT_ROWS") or ROWS.get(alias, 5_000))


def fill(alias, total):
    rows = (Course(key=f"c-{n:06}", title=f"title-{n}") for n in range(total))
    Course.objects.using(alias).bulk_create(rows, batch_size=2000)


def emitted(alias):
    """The events in the outbox, in order."""
    documents = Outbox.objects.using(alias).order_by("seq").values_list("event", flat=True)
    return [json.loads(document) for document in documents.iterator(chunk_size=2000)]


def test_every_row_is_told_once_with_its_own_time(alias, new_bus, capsys):
    fill(alias, 1_234)
    call_command("tidings_emit", "shop.Course", database=alias, batch=500)
    assert "1,234 rows of shop.Course" in capsys.readouterr().out
    events = emitted(alias)
    assert [e["data"]["key"] for e in events] == [f"c-{n:06}" for n in range(1_234)]
    times = dict(Course.objects.using(alias).values_list("key", "modified"))
    from datetime import datetime

    assert all(datetime.fromisoformat(e["time"]) == times[e["data"]["key"]] for e in events)
    (run,) = {e["emission"] for e in events}
    assert run == Emission.objects.using(alias).get().run
    assert events[0]["source"] == "/example/shop/worker"
    assert events[0]["partitionkey"] == "c-000000"


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(alias, new_bus, manage):
    total = rows_of(alias)
    fill(alias, total)
    environment = {"TIDINGS_BUS": new_bus, "TIDINGS_TEST_DATABASE": alias}
    arguments = ("tidings_emit", "shop.Course", "--batch", "100", "--backlog", "1000000")
    for part, number in ((4, signal.SIGKILL), (2, signal.SIGTERM)):
        command = manage(*arguments, "--rate", str(total // 4), **environment)
        target = total // part
        count = Outbox.objects.using(alias).count
        eventually(lambda: count() >= target, 120, command)  # noqa: B023
        code = command.kill(number)
        assert code == (75 if number == signal.SIGTERM else -number), command
        assert count() < total
    last = manage(*arguments, **environment)
    assert last.wait(300) == 0, last
    assert "going on after" in str(last)
    assert [e["data"]["key"] for e in emitted(alias)] == [f"c-{n:06}" for n in range(total)]
    assert len({e["emission"] for e in emitted(alias)}) == 1


def test_a_new_run_begins_again(sqlite, new_bus):
    fill(sqlite, 10)
    call_command("tidings_emit", "shop.Course")
    call_command("tidings_emit", "shop.Course")
    events = emitted(sqlite)
    assert len(events) == 20
    assert len({e["emission"] for e in events}) == 2


def test_only_some_rows(sqlite, new_bus, capsys):
    fill(sqlite, 20)
    call_command("tidings_emit", "shop.Course", filter=["key__gte=c-000015"], dry_run=True)
    assert "5 rows" in capsys.readouterr().out
    assert not Outbox.objects.exists()
    call_command("tidings_emit", "shop.Course", filter=["key__gte=c-000015"])
    assert len(emitted(sqlite)) == 5


def test_the_rate_bounds_it(sqlite, new_bus):
    fill(sqlite, 60)
    started = time.monotonic()
    call_command("tidings_emit", "shop.Course", batch=10, rate=40.0)
    # 60 rows at 40 a second; the last batch is not waited for.
    assert time.monotonic() - started > 1.0
    assert len(emitted(sqlite)) == 60


def test_it_waits_for_the_relay(sqlite, new_bus, manage):
    """The outbox does not grow beyond the backlog by more than a batch."""
    fill(sqlite, 500)
    command = manage(
        "tidings_emit", "shop.Course", "--batch", "50", "--backlog", "100", TIDINGS_BUS=new_bus
    )
    eventually(lambda: Outbox.objects.count() >= 100, 60, command)
    time.sleep(0.7)
    assert 100 <= Outbox.objects.count() <= 150
    relay = manage("tidings_relay", TIDINGS_BUS=new_bus)
    assert command.wait() == 0, command
    eventually(lambda: outbox.pending(connections[sqlite], 10) == 0, 60, relay)


def test_a_change_during_the_emission_stands_after_the_older_state(postgres, migrated, new_bus):
    """The batch locks its rows: who changes one waits, and tells the newer state later."""
    import threading

    from conftest import empty
    from django.db import transaction

    from tidings.django import publish_for

    migrated("postgres")
    empty("postgres")
    fill("postgres", 50)
    stop = threading.Event()

    def change():
        number = 0
        while not stop.is_set():
            with transaction.atomic(using="postgres"):
                row = Course.objects.using("postgres").select_for_update().get(key="c-000025")
                row.title = f"changed-{number}"
                row.save()
                publish_for(row, UPDATED)
            number += 1
        connections.close_all()

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(5):
            call_command("tidings_emit", "shop.Course", database="postgres", batch=50)
    finally:
        stop.set()
        thread.join(30)
    times = [e["time"] for e in emitted("postgres") if e["data"]["key"] == "c-000025"]
    assert len(times) > 5
    from datetime import datetime

    moments = [datetime.fromisoformat(t) for t in times]
    assert moments == sorted(moments)


@pytest.mark.slow
def test_a_new_consumer_starts_complete(alias, new_bus, manage):
    """Emit, relay, consume: the copy is equal to the table."""
    fill(alias, 300)
    environment = {"TIDINGS_BUS": new_bus, "TIDINGS_TEST_DATABASE": alias}
    assert manage("tidings_emit", "shop.Course", **environment).wait() == 0
    assert manage("tidings_relay", "--until-empty", **environment).wait() == 0
    consume = manage("tidings_consume", "-g", "copies", "--until-idle", "2", **environment)
    assert consume.wait() == 0, consume
    fields = ("key", "title", "modified")
    assert list(Copy.objects.using(alias).order_by("key").values_list(*fields)) == list(
        Course.objects.using(alias).order_by("key").values_list(*fields)
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["shop.Cuorse"], 64, "did you mean shop.Course?"),
        (["auth.User"], 64, "@describes"),
        (["shop.Course", "--type", "org.example.shop.other.v1"], 64, UPDATED),
        (["shop.Course", "--filter", "kye=1"], 64, "kye"),
        (["shop.Course", "--filter", "key"], 64, "LOOKUP=VALUE"),
    ],
)
def test_what_is_wrong_is_said(sqlite, new_bus, arguments, code, words):
    with pytest.raises(CommandError) as raised:
        call_command("tidings_emit", *arguments)
    assert raised.value.returncode == code
    assert words in str(raised.value)
