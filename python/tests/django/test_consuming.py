"""`manage.py tidings_consume`: an event takes effect once, whatever is killed."""

from __future__ import annotations

import signal
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from conftest import eventually
from django.core.management import CommandError, call_command
from django.db import connections, transaction
from django.db.backends.signals import connection_created
from project.settings import NOTED, UPDATED
from project.shop.models import Copy, Effect

from tidings.django import bus, inbox, publish, receiver
from tidings.django.consuming import Desk, call, desks
from tidings.django.models import Inbox
from tidings.django.registry import Receiver, registry

PROGRAM = Path(__file__).parents[3] / "crates/catalog-docs/src/site/subscribe/django.py"


@pytest.fixture
def receivers():
    """The registry, as it was again at the end."""
    before = list(registry._receivers)
    yield registry
    registry._receivers[:] = before


def tell(alias, key, number):
    """An event on the bus, at once."""
    data = {"key": key, "title": f"title-{number}"}
    return publish(UPDATED, data, mode="immediate", using=alias)


def delivered(event, topic="courses"):
    """What a handler is given of an event."""
    return SimpleNamespace(topic=bus().full_topic(topic), event=event, attempt=1)


def effects(alias):
    rows = Effect.objects.using(alias).order_by("pk").values_list("event", "key", "number")
    return list(rows)


def test_the_inbox_lets_an_event_take_effect_once(alias, new_bus, receivers):
    event = tell(alias, "c-1", 1)
    (found,) = [r for r in registry.receivers() if r.name.endswith("count")]
    found = Receiver(
        UPDATED,
        lambda e: Effect.objects.using(alias).create(event=e.id, key="c-1"),
        "courses",
        "effects",
        True,
        alias,
        "here",
    )
    for _ in range(3):
        call(found, "effects", event)
    call(found, "another group", event)
    assert len(effects(alias)) == 2
    assert Inbox.objects.using(alias).count() == 2


def test_nothing_is_recorded_before_success(alias, new_bus):
    event = tell(alias, "c-1", 1)
    attempts = []

    def fail_once(e):
        attempts.append(e.id)
        Effect.objects.using(alias).create(event=e.id, key="c-1")
        if len(attempts) == 1:
            raise RuntimeError("the first attempt fails, after its effect")

    failing = Receiver(UPDATED, fail_once, "courses", "effects", True, alias, "here")
    with pytest.raises(RuntimeError):
        call(failing, "effects", event)
    assert effects(alias) == []
    assert not Inbox.objects.using(alias).exists()
    call(failing, "effects", event)
    call(failing, "effects", event)
    assert len(attempts) == 2
    assert len(effects(alias)) == 1


@pytest.mark.parametrize("first_commits", [True, False])
@pytest.mark.parametrize("alias", ["postgres", "mariadb"], indirect=True)
def test_a_second_delivery_waits_for_the_first(alias, first_commits):
    """Two workers have one event at once: the second goes on only if the first is rolled back."""
    started, go_on, answers = threading.Event(), threading.Event(), []

    def second():
        started.wait(30)
        with transaction.atomic(using=alias):
            answers.append(inbox.record("effects", "/s", "e-1", using=alias))
        connections.close_all()

    thread = threading.Thread(target=second)
    thread.start()
    try:
        with transaction.atomic(using=alias):
            assert inbox.record("effects", "/s", "e-1", using=alias)
            started.set()
            time.sleep(0.3)
            assert answers == []
            if not first_commits:
                transaction.set_rollback(True, using=alias)
    finally:
        started.set()
        go_on.set()
        thread.join(30)
    assert answers == [not first_commits]


def test_ids_that_the_columns_would_cut_are_still_told_apart(alias):
    long = "x" * 300
    assert inbox.record("effects", "/s", long + "1", using=alias)
    assert inbox.record("effects", "/s", long + "2", using=alias)
    assert not inbox.record("effects", "/s", long + "1", using=alias)


def test_old_rows_of_the_inbox_are_pruned(alias, settings):
    settings(INBOX_DAYS=30)
    for n in range(12):
        inbox.record("effects", "/s", str(n), using=alias)
    with connections[alias].cursor() as cursor:
        cursor.execute("UPDATE tidings_inbox SET done_at = '2020-01-01 00:00:00' WHERE id < '3'")
    old = Inbox.objects.using(alias).filter(done_at__year=2020).count()
    assert old > 3
    assert inbox.prune(using=alias, batch=2) == old
    assert Inbox.objects.using(alias).count() == 12 - old


@pytest.mark.parametrize(
    ("alias", "bus_url"),
    [("default", "sqlite"), ("postgres", "redis"), ("mariadb", "redis")],
    indirect=True,
)
def test_the_command_gives_each_group_every_event(alias, bus_url, manage):
    for n in range(60):
        tell(alias, f"c-{n % 5}", n)
    environment = {"TIDINGS_BUS": bus_url, "TIDINGS_TEST_DATABASE": alias}
    command = manage("tidings_consume", "--until-idle", "3", **environment)
    assert command.wait() == 0, command
    assert sorted(number for _, _, number in effects(alias)) == list(range(60))
    for key in range(5):
        of_key = [number for _, of, number in effects(alias) if of == f"c-{key}"]
        assert of_key == sorted(of_key), "events of a key come in order"
    titles = dict(Copy.objects.using(alias).values_list("key", "title"))
    assert titles == {f"c-{key}": f"title-{55 + key}" for key in range(5)}
    assert "group effects: 60 dealt with" in str(command)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("alias", "bus_url", "batch"),
    [
        ("default", "sqlite", 1),
        ("postgres", "redis", 1),
        ("mariadb", "redis", 1),
        ("postgres", "redis", 25),
        ("mariadb", "redis", 25),
    ],
    indirect=["alias", "bus_url"],
)
def test_kill_9_of_the_consumer_neither_loses_nor_repeats_an_effect(alias, bus_url, batch, manage):
    total, keys = 200, 10 if batch == 1 else 60
    bus().log.create_group("courses", "effects", "earliest")
    sent = {tell(alias, f"c-{n % keys}", n).id for n in range(total)}
    environment = {
        "TIDINGS_BUS": bus_url,
        "TIDINGS_TEST_DATABASE": alias,
        "TIDINGS_TEST_WORK": "0.005",
        "TIDINGS_TEST_BATCH": str(batch),
    }
    for target in (30, 80, 130):
        command = manage("tidings_consume", "-g", "effects", "--lease", "1", **environment)
        eventually(lambda: Effect.objects.using(alias).count() >= target, 60, command)  # noqa: B023
        command.kill()
    last = manage(
        "tidings_consume", "-g", "effects", "--lease", "1", "--until-idle", "5", **environment
    )
    assert last.wait() == 0, last
    found = [event for event, _, _ in effects(alias)]
    assert len(found) == total
    assert set(found) == sent
    for key in range(keys):
        of_key = [number for _, of, number in effects(alias) if of == f"c-{key}"]
        assert of_key == sorted(of_key), "events of a key come in order"


def test_sigterm_lets_the_running_handler_finish(sqlite, new_bus, manage):
    tell(sqlite, "c-1", 1)
    environment = {"TIDINGS_BUS": new_bus, "TIDINGS_TEST_WORK": "1.5"}
    command = manage("tidings_consume", "-g", "effects", **environment)
    eventually(
        lambda: (bus().log.groups("courses").get("effects") or {}).get("pending"), 60, command
    )
    assert command.kill(signal.SIGTERM) == 0, command
    assert len(effects(sqlite)) in (0, 1)
    again = manage("tidings_consume", "-g", "effects", "--until-idle", "2", **environment)
    assert again.wait() == 0
    assert len(effects(sqlite)) == 1


def test_what_fails_for_good_is_a_dead_letter_without_payload(sqlite, new_bus, settings, manage):
    event = publish(NOTED, {"bad": True, "secret": "s3cr3t"}, mode="immediate")
    command = manage(
        "tidings_consume",
        "-t",
        "notes",
        "--attempts",
        "2",
        "--until-idle",
        "6",
        TIDINGS_BUS=new_bus,
    )
    assert command.wait() == 0, command
    (letter,) = bus().log.dead_letters("notes", "effects")
    assert letter["event"].id == event.id
    assert letter["attempts"] == 2
    assert "ValueError" in f"{letter['reason']} {letter['message']}"
    assert "s3cr3t" not in str(command)
    assert "1 dead letters" in str(command)


def test_wrong_settings_end_it_with_an_error(sqlite, manage):
    command = manage("tidings_consume", TIDINGS_BUS="carrier-pigeon:coop")
    assert command.wait() not in (0, None)
    assert "carrier-pigeon" in str(command)
    command = manage("tidings_consume", "--topic", "curses")
    assert command.wait() == 78
    assert "Did you mean 'courses'?" in str(command)


def test_groups_can_be_made_before_anything_is_published(sqlite, new_bus, manage):
    command = manage("tidings_consume", "--create-groups", "--start", "latest", TIDINGS_BUS=new_bus)
    assert command.wait() == 0, command
    assert "group copies on courses: made, from latest" in str(command)
    again = manage("tidings_consume", "--create-groups", TIDINGS_BUS=new_bus)
    assert again.wait() == 0
    assert "is there already" in str(again)
    tell(sqlite, "c-1", 7)
    assert manage("tidings_consume", "--until-idle", "2", TIDINGS_BUS=new_bus).wait() == 0
    assert [number for _, _, number in effects(sqlite)] == [7]


def test_a_worker_keeps_its_connection_from_one_event_to_the_next(sqlite, new_bus):
    for n in range(20):
        tell(sqlite, f"c-{n}", n)
    made = []

    def count(**_):
        made.append(threading.current_thread().name)

    connection_created.connect(count)
    try:
        call_command("tidings_consume", group=["effects"], concurrency=2, until_idle=1.0)
    finally:
        connection_created.disconnect(count)
    assert len(effects(sqlite)) == 20
    workers = [name for name in made if name.startswith("tidings-worker")]
    assert 1 <= len(workers) <= 2
    settings = connections.settings[sqlite]
    assert (settings["CONN_MAX_AGE"], settings["CONN_HEALTH_CHECKS"]) == (0, False)


@pytest.mark.parametrize("alias", ["postgres", "mariadb"], indirect=True)
def test_a_connection_that_died_between_events_is_replaced(alias, new_bus):
    """As after a restart of the database, or an idle timeout: the next event must not suffer."""
    found = Receiver(
        UPDATED,
        lambda e: Effect.objects.using(alias).create(event=e.id, key="c-1"),
        "courses",
        "effects",
        True,
        alias,
        "here",
    )
    desk = Desk("effects")
    desk.add("courses", found)
    connections[alias].settings_dict["CONN_HEALTH_CHECKS"] = True
    connections[alias].settings_dict["CONN_MAX_AGE"] = None
    connections[alias].close()
    try:
        desk.handle(delivered(tell(alias, "c-1", 1)))
        session = connections[alias]
        with connections[alias].cursor() as cursor:
            if session.vendor == "postgresql":
                cursor.execute("SELECT pg_backend_pid()")
                kill = "SELECT pg_terminate_backend(%s)"
            else:
                cursor.execute("SELECT CONNECTION_ID()")
                kill = "KILL %s"
            (number,) = cursor.fetchone()
        other = session.copy()
        with other.cursor() as cursor:
            cursor.execute(kill, [number])
        other.close()
        desk.handle(delivered(tell(alias, "c-1", 2)))
    finally:
        connections[alias].settings_dict["CONN_HEALTH_CHECKS"] = False
        connections[alias].settings_dict["CONN_MAX_AGE"] = 0
        connections[alias].close()
    assert len(effects(alias)) == 2


def test_request_caches_are_cleared_around_each_event(sqlite, new_bus, monkeypatch):
    cleared = []
    monkeypatch.setattr("tidings.django.consuming._clear_request_caches", lambda: cleared.append(1))
    desk = Desk("effects")
    desk.add(
        "notes", Receiver(NOTED, lambda e: cleared.append("event"), "notes", "g", False, None, "")
    )
    desk.handle(delivered(publish(NOTED, {"a": 1}, mode="immediate"), "notes"))
    assert cleared == [1, "event", 1]


def test_other_types_of_a_topic_are_nobodys_business(sqlite, new_bus):
    desk = Desk("effects")
    desk.add("courses", Receiver(NOTED, lambda e: 1 / 0, "courses", "g", False, None, ""))
    desk.handle(delivered(tell(sqlite, "c-1", 1)))


def test_a_receiver_needs_types(receivers):
    from django.core.exceptions import ImproperlyConfigured

    with pytest.raises(ImproperlyConfigured, match="types"):

        @receiver
        def wrong(event): ...


def test_the_receivers_of_the_project_are_found():
    by_group = {desk.group: desk.topics for desk in desks()}
    assert by_group == {"effects": ["courses", "notes"], "copies": ["courses"]}
    assert [desk.group for desk in desks(topics=["notes"])] == ["effects"]


def test_two_for_one_type_in_one_group_are_refused(sqlite, receivers):
    from django.core.exceptions import ImproperlyConfigured

    @receiver(UPDATED, group="effects")
    def another(event): ...

    with pytest.raises(ImproperlyConfigured, match="a group of its own"):
        desks()
    with pytest.raises(CommandError, match="tidings.E002"):
        call_command("tidings_consume", until_idle=1, skip_checks=False)


def test_what_the_site_of_a_catalog_shows_is_a_receiver(receivers):
    program = PROGRAM.read_text()
    known = len(list(receivers.receivers()))
    exec(compile(program, str(PROGRAM), "exec"), {"__name__": __name__})
    *_, last = receivers.receivers()
    assert len(list(receivers.receivers())) == known + 1
    assert (last.topic, last.group, last.transactional) == ("TOPIC", "GROUP", True)
