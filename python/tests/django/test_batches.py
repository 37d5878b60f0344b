"""`@receiver(…, batch=…)`: many events in one transaction, and only what fails fails."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.core.management import call_command
from django.db import OperationalError, connections, transaction
from django.db.models import F
from project.settings import UPDATED
from project.shop.models import Copy, Effect

from tidings import PermanentError
from tidings.django import batches, bus, publish, receiver
from tidings.django.models import Inbox
from tidings.django.registry import Receiver, registry


@pytest.fixture
def consume(alias, new_bus, settings, capsys):
    """Runs a function as the only receiver of the group `effects` until nothing comes any more."""
    before = list(registry._receivers)
    settings(DATABASE=alias)

    def run(function, *, batch=20, **options):
        registry._receivers[:] = []
        receiver(UPDATED, group="effects", transactional=True, using=alias, batch=batch)(function)
        options = {"concurrency": 3, "attempts": 3, "until_idle": 1.5, **options}
        call_command("tidings_consume", group=["effects"], **options)
        return capsys.readouterr().out

    yield run
    registry._receivers[:] = before


def tell(count, keys=None):
    """Events on the bus: number n is of the key n, or of one of so many keys."""
    made = [
        publish(UPDATED, {"key": f"c-{n % (keys or count)}", "title": str(n)}, mode="immediate")
        for n in range(count)
    ]
    return {event.id: n for n, event in enumerate(made)}


def note(alias, event):
    data = event.data
    Effect.objects.using(alias).create(event=event.id, key=data["key"], number=int(data["title"]))


def numbers(alias):
    return list(Effect.objects.using(alias).order_by("pk").values_list("number", flat=True))


def of(alias, function, batch=10):
    return Receiver(UPDATED, function, "courses", "effects", True, alias, "here", batch)


def test_a_batch_is_one_transaction(alias, new_bus):
    tell(10)
    events = [event for _, event in bus().log.read("courses")]
    in_one = []

    def count(event):
        # Only this transaction sees what it has written.
        note(alias, event)
        in_one.append(Effect.objects.using(alias).count())

    assert batches.apply(of(alias, count), "effects", events) == [None] * 10
    assert in_one == list(range(1, 11))
    assert Inbox.objects.using(alias).count() == 10
    for again in (events, events[3:4], [*events[:1], *events]):
        with pytest.raises(batches.NotNew):
            batches.apply(of(alias, count), "effects", again)
    assert Effect.objects.using(alias).count() == 10
    assert Inbox.objects.using(alias).count() == 10


def test_what_fails_takes_nothing_of_a_batch_with_it(alias, new_bus):
    tell(10)
    events = [event for _, event in bus().log.read("courses")]

    def fail_at_7(event):
        note(alias, event)
        if event.data["title"] == "7":
            raise RuntimeError("after its effect")

    with pytest.raises(RuntimeError):
        batches.apply(of(alias, fail_at_7), "effects", events)
    assert numbers(alias) == []
    assert not Inbox.objects.using(alias).exists()


def test_exactly_the_failing_event_fails_and_its_attempts_are_counted(alias, consume):
    tell(60)
    calls, sizes = Counter(), []

    def receive(event):
        calls[event.data["title"]] += 1
        note(alias, event)
        sizes.append(Effect.objects.using(alias).count())
        if event.data["title"] == "31":
            raise ValueError("never")
        if event.data["title"] == "47":
            raise PermanentError("not even again")

    out = consume(receive)
    assert sorted(numbers(alias)) == [n for n in range(60) if n not in (31, 47)]
    assert "58 dealt with" in out
    letters = {letter["event"].data["title"]: letter for letter in dead_letters()}
    assert set(letters) == {"31", "47"}
    assert (letters["31"]["attempts"], letters["47"]["attempts"]) == (3, 1)
    # Once together with others, unless nothing lay ready beside it, and once for each attempt.
    assert calls["31"] in (3, 4)
    assert calls["47"] in (1, 2)
    assert all(count <= 2 for title, count in calls.items() if title != "31")


def dead_letters():
    return bus().log.dead_letters("courses", "effects")


def test_events_of_a_key_stay_in_order(alias, consume):
    tell(200, keys=30)
    consume(lambda event: note(alias, event))
    found = list(Effect.objects.using(alias).order_by("pk").values_list("key", "number"))
    assert sorted(n for _, n in found) == list(range(200))
    for key in {key for key, _ in found}:
        of_key = [n for of, n in found if of == key]
        assert of_key == sorted(of_key)


def test_an_error_that_the_receiver_catches_loses_nothing(alias, consume):
    """A failed statement, or a mark, rolls the transaction back at its end without a word."""
    tell(30)

    def receive(event):
        note(alias, event)
        if event.data["title"] == "11":
            transaction.set_rollback(True, using=alias)
        if event.data["title"] == "22" and connections[alias].vendor == "postgresql":
            try:
                with connections[alias].cursor() as cursor:
                    cursor.execute("SELECT no_such_column")
            except Exception:
                pass

    consume(receive)
    lost = {11, 22} if connections[alias].vendor == "postgresql" else {11}
    assert set(numbers(alias)) == set(range(30)) - lost
    letters = dead_letters()
    assert {int(letter["event"].data["title"]) for letter in letters} == lost
    assert all("TransactionManagementError" in str(letter["message"]) for letter in letters)


@pytest.mark.parametrize("alias", ["mariadb"], indirect=True)
def test_a_transaction_that_the_server_has_rolled_back_is_noticed(alias, new_bus):
    """MySQL does so on a deadlock, which a receiver may catch and try again by itself."""
    tell(5)
    events = [event for _, event in bus().log.read("courses")]

    def receive(event):
        note(alias, event)
        if event.data["title"] == "3":
            with connections[alias].cursor() as cursor:
                cursor.execute("ROLLBACK")
            note(alias, event)

    with pytest.raises(transaction.TransactionManagementError):
        batches.apply(of(alias, receive), "effects", events)
    assert numbers(alias) == []


def test_hooks_of_a_batch_run_after_it_and_fail_for_their_event_alone(alias, consume):
    tell(20)
    ran = []

    def receive(event):
        note(alias, event)
        number = int(event.data["title"])

        def hook():
            assert not connections[alias].in_atomic_block
            ran.append(number)
            if number == 5:
                raise OSError("the mail could not be sent")

        transaction.on_commit(hook, using=alias)

    out = consume(receive, concurrency=1)
    assert sorted(ran) == list(range(20))
    assert sorted(numbers(alias)) == list(range(20))
    # It took effect, so it is not called again: as without a batch.
    assert "20 dealt with, 1 tried again, 0 dead letters" in out


@pytest.mark.slow
@pytest.mark.parametrize("alias", ["postgres", "mariadb"], indirect=True)
def test_deadlocks_between_batches_cost_nothing(alias, consume):
    """Batches touch the same rows in any order: the database ends one of them, which is then
    dealt with one by one."""
    tell(400)
    shared = [f"org-{n}" for n in range(4)]
    for key in shared:
        Copy.objects.using(alias).create(key=key, title="0", modified="2026-01-01T00:00:00Z")
    order = random.Random(7)
    failures = []

    def receive(event):
        note(alias, event)
        rows = Copy.objects.using(alias).filter(key=order.choice(shared))
        try:
            rows.update(title=F("title"), modified="2026-02-02T00:00:00Z")
        except OperationalError as error:
            failures.append(error)
            raise

    out = consume(receive, concurrency=4, attempts=8)
    assert sorted(numbers(alias)) == list(range(400))
    assert "400 dealt with" in out
    assert Inbox.objects.using(alias).count() == 400


@pytest.mark.parametrize(
    ("options", "rule"),
    [
        ({"batch": 0, "transactional": True}, "from 1 to 250"),
        ({"batch": 251, "transactional": True}, "from 1 to 250"),
        ({"batch": True, "transactional": True}, "from 1 to 250"),
        ({"batch": 10}, "transactional=True"),
    ],
)
def test_a_batch_that_cannot_be_is_refused(options, rule):
    with pytest.raises(ImproperlyConfigured, match=rule):
        receiver(UPDATED, **options)
