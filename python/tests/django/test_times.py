"""The time of an event is the row's own, to the microsecond."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import connections
from django.db.models.functions import Now
from project.settings import UPDATED
from project.shop.models import Copy, Course

from tidings.django import apply_if_newer, publish_for
from tidings.django.models import Outbox

pytestmark = pytest.mark.usefixtures("new_bus")


def test_the_event_has_the_time_of_the_row(alias):
    for n in range(20):
        course = Course(key=f"c-{n}", title="A")
        course.save(using=alias)
        event = publish_for(course, UPDATED)
        row = Course.objects.using(alias).get(pk=course.pk)
        assert event.time == row.modified
        assert event.time.tzinfo is not None


def test_a_time_that_the_database_computes_is_read_back(alias):
    copy = Copy(key="c-1", title="A", modified=Now())
    copy.save(using=alias)
    event = publish_for(copy, UPDATED, {"key": "c-1", "title": "A"})
    assert event.time == Copy.objects.using(alias).get().modified


@pytest.mark.parametrize("alias", ["mariadb"], indirect=True)
def test_an_old_column_of_whole_seconds_is_reread(alias):
    with connections[alias].cursor() as cursor:
        cursor.execute("ALTER TABLE shop_copy MODIFY modified datetime NOT NULL")
    try:
        copy = Copy(key="c-1", title="A", modified=datetime(2026, 1, 1, 12, 0, 0, 700_000, UTC))
        copy.save(using=alias)
        event = publish_for(copy, UPDATED, {"key": "c-1", "title": "A"}, reread=True)
        row = Copy.objects.using(alias).get()
        assert row.modified.microsecond == 0
        assert event.time == row.modified
    finally:
        with connections[alias].cursor() as cursor:
            cursor.execute("ALTER TABLE shop_copy MODIFY modified datetime(6) NOT NULL")


def test_a_row_that_is_not_saved_has_no_time(sqlite):
    with pytest.raises(ValueError, match="not saved"):
        publish_for(Course(key="c-1", title="A"), UPDATED)
    assert not Outbox.objects.exists()


def test_only_what_is_newer_is_applied(alias):
    def at(second, micro=0):
        return datetime(2026, 1, 1, 0, 0, second, micro, UTC)

    def apply(title, time):
        return apply_if_newer(Copy, time, using=alias, key="c-1", defaults={"title": title})

    assert apply("first", at(5))
    assert not apply("the same again", at(5))
    assert not apply("older", at(4, 999_999))
    assert apply("a microsecond newer", at(5, 1))
    row = Copy.objects.using(alias).get()
    assert (row.title, row.modified) == ("a microsecond newer", at(5, 1))


def test_a_field_that_sets_itself_cannot_keep_the_time(sqlite):
    with pytest.raises(TypeError, match="auto_now"):
        apply_if_newer(Course, datetime.now(UTC), key="c-1", defaults={"title": "A"})


def test_two_that_create_the_same_row_at_once_end_with_the_newer(alias):
    """The one that loses the race to create finds the row, and still compares the times."""
    import threading

    times = [datetime(2026, 1, 1, 0, 0, n, tzinfo=UTC) for n in range(12)]
    start = threading.Barrier(len(times))
    failures = []

    def apply(time):
        try:
            start.wait(30)
            apply_if_newer(Copy, time, using=alias, key="c-1", defaults={"title": time.isoformat()})
        except Exception as error:
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=apply, args=(time,)) for time in times]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    row = Copy.objects.using(alias).get()
    assert row.modified == times[-1]
    assert row.title == times[-1].isoformat()
