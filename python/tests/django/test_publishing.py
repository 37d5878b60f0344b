"""Commit means one event, rollback none, in each mode and on each database."""

from __future__ import annotations

import logging

import pytest
from django.db import transaction
from django.test import override_settings
from project.settings import NOTED, UPDATED
from project.shop.models import Course

from tidings import CatalogError, Event, TidingsError
from tidings.django import publish, publish_failed, publish_for
from tidings.django.models import Outbox
from tidings.django.outbox import ready


def rows(alias):
    from django.db import connections

    return ready(connections[alias], 10_000)


def save(alias, key, title="A-0"):
    course = Course(key=key, title=title)
    course.save(using=alias)
    return course


class Rolled(Exception):
    pass


@pytest.mark.usefixtures("new_bus")
def test_a_commit_is_one_row_of_the_outbox_and_a_rollback_none(alias):
    with transaction.atomic(using=alias):
        event = publish_for(save(alias, "c-1"), UPDATED)
    for _ in range(20):
        with pytest.raises(Rolled), transaction.atomic(using=alias):
            publish_for(save(alias, "c-2"), UPDATED)
            raise Rolled
    (row,) = rows(alias)
    assert (row.topic, row.key) == ("courses", "c-1")
    stored = Event.from_json(row.document)
    assert (stored.id, stored.time, stored.data) == (event.id, event.time, event.data)
    assert stored.source == "/example/shop/web"


def test_a_commit_is_one_event_on_the_bus_and_a_rollback_none(alias, bus_url, published):
    with transaction.atomic(using=alias):
        course = save(alias, "c-1")
        event = publish_for(course, UPDATED, mode="on-commit")
        assert published() == []
    for _ in range(20):
        with pytest.raises(Rolled), transaction.atomic(using=alias):
            publish_for(save(alias, "c-2"), UPDATED, mode="on-commit")
            raise Rolled
    assert [e.id for e in published()] == [event.id]


@pytest.mark.usefixtures("new_bus")
@pytest.mark.parametrize("mode", ["outbox", "on-commit"])
def test_a_savepoint_that_is_rolled_back_takes_its_event_along(alias, mode, published):
    with transaction.atomic(using=alias):
        kept = publish_for(save(alias, "c-1"), UPDATED, mode=mode)
        with pytest.raises(Rolled), transaction.atomic(using=alias):
            publish_for(save(alias, "c-2"), UPDATED, mode=mode)
            with transaction.atomic(using=alias):
                publish_for(save(alias, "c-3"), UPDATED, mode=mode)
            raise Rolled
        with transaction.atomic(using=alias):
            also = publish_for(save(alias, "c-4"), UPDATED, mode=mode)
    if mode == "outbox":
        found = [Event.from_json(row.document).id for row in rows(alias)]
    else:
        found = [event.id for event in published()]
    assert found == [kept.id, also.id]


@pytest.mark.usefixtures("new_bus")
def test_immediate_does_not_wait_for_the_commit(sqlite, published):
    with pytest.raises(Rolled), transaction.atomic():
        publish(NOTED, {"text": "now"}, mode="immediate")
        raise Rolled
    assert [event.data for event in published("notes")] == [{"text": "now"}]


@pytest.mark.usefixtures("new_bus")
@pytest.mark.parametrize("mode", ["immediate", "on-commit", "outbox"])
def test_a_bad_event_is_refused_before_the_commit(alias, mode, published):
    """In every mode the transaction learns of it, and nothing of it is left."""
    bad = "org.example.shop.course.update"
    with pytest.raises(TidingsError, match="type"), transaction.atomic(using=alias):
        save(alias, "c-1")
        publish(bad, {"key": "c-1"}, topic="courses", mode=mode, using=alias)
    with pytest.raises(TidingsError, match="key"), transaction.atomic(using=alias):
        save(alias, "c-1")
        publish(UPDATED, {"no key": 1}, mode=mode, using=alias)
    with pytest.raises(TidingsError, match="65,?536"), transaction.atomic(using=alias):
        publish(UPDATED, {"key": "c-1", "title": "x" * 70_000}, mode=mode, using=alias)
    assert not Course.objects.using(alias).exists()
    assert rows(alias) == []
    assert published() == []


@pytest.mark.usefixtures("new_bus")
def test_a_type_without_a_topic_says_what_to_do(sqlite):
    with pytest.raises(TidingsError, match=r"EVENTS.*topic=") as raised:
        publish("org.example.shop.course.updatd.v1", {"key": "c-1"})
    assert UPDATED in str(raised.value)


@pytest.mark.usefixtures("new_bus")
def test_a_finished_event_stays_as_it_is(sqlite):
    event = Event(
        type=NOTED,
        source="/example/other/web",
        time="2026-01-01T00:00:00Z",
        data={"a": 1},
        minorversion=0,
        extensions={"sourcehost": "other-1"},
    )
    with pytest.raises(TypeError, match="finished"):
        publish(event, {"b": 2})
    assert publish(event, mode="outbox", topic="notes") == event
    assert Event.from_json(rows(sqlite)[0].document) == event


def test_a_bus_that_is_away_after_the_commit_fills_the_outbox(alias, settings, caplog):
    settings(BUS="redis://127.0.0.1:1", SEND_TIMEOUT=0.5)
    told = []
    publish_failed.connect(listener := lambda **facts: told.append(facts))
    with caplog.at_level(logging.INFO), transaction.atomic(using=alias):
        event = publish_for(save(alias, "c-1", "secret title"), UPDATED, mode="on-commit")
    publish_failed.disconnect(listener)
    (row,) = rows(alias)
    assert Event.from_json(row.document).id == event.id
    assert [(t["event_id"], t["saved"]) for t in told] == [(event.id, True)]
    assert "secret title" not in caplog.text
    assert event.id in caplog.text


def test_without_that_fallback_the_loss_is_an_error_without_payload(sqlite, settings, caplog):
    settings(BUS="redis://127.0.0.1:1", SEND_TIMEOUT=0.5, ON_COMMIT_FAILURE="log")
    with caplog.at_level(logging.INFO), transaction.atomic():
        event = publish_for(save(sqlite, "c-1", "secret title"), UPDATED, mode="on-commit")
    assert rows(sqlite) == []
    (record,) = [r for r in caplog.records if r.levelname == "ERROR"]
    assert event.id in record.getMessage()
    assert "secret title" not in caplog.text


@pytest.mark.usefixtures("new_bus")
def test_an_event_for_two_topics_is_two_rows(sqlite, settings):
    settings(EVENTS={NOTED: {"TOPIC": ["notes", "audit"]}})
    event = publish(NOTED, {"a": 1}, mode="outbox")
    assert [row.topic for row in rows(sqlite)] == ["notes", "audit"]
    assert set(Outbox.objects.values_list("event_id", flat=True)) == {event.id}


@override_settings(TIDINGS={"BUSS": "redis://localhost"})
def test_a_process_that_ran_no_checks_learns_of_wrong_settings():
    from django.core.exceptions import ImproperlyConfigured

    with pytest.raises(ImproperlyConfigured, match="(?s)BUSS.*Did you mean 'BUS'"):
        publish(NOTED, {"a": 1})


@pytest.mark.usefixtures("new_bus")
def test_an_unknown_mode_names_the_nearest(sqlite):
    from django.core.exceptions import ImproperlyConfigured

    with pytest.raises(ImproperlyConfigured, match="Did you mean 'on-commit'"):
        publish(NOTED, {"a": 1}, mode="on_commit")


CREATED = "org.example.shop.order.created.v{}"


def define(folder, major, field, more=""):
    (folder / f"{CREATED.format(major)}.yaml").write_text(
        f"""
type: {CREATED.format(major)}
minorversion: 0
title: Order created
description: An order was created.
owner: {{service: shop, subdomain: shop, team: sales}}
key: number
topics: [orders]
schema:
  type: object
  required: [number, {field}]
  properties: {{number: {{type: string}}, {field}: {{type: string}}}}
{more}"""
    )


@pytest.mark.usefixtures("new_bus")
def test_a_catalog_makes_a_row_for_each_major_and_refuses_what_it_does_not_know(
    alias, settings, published, tmp_path
):
    define(tmp_path, 1, "total")
    define(tmp_path, 2, "sum", "to_previous:\n  - rename: {from: sum, to: total}\n")
    settings(CATALOG=[str(tmp_path)])
    data = {"number": "o-1", "sum": "3.50"}
    with transaction.atomic(using=alias):
        told = publish(CREATED.format(2), data, mode="outbox", using=alias)
    found = [Event.from_json(row.document) for row in rows(alias)]
    assert [(e.type, e.key, e.minorversion) for e in found] == [
        (CREATED.format(2), "o-1", 0),
        (CREATED.format(1), "o-1", 0),
    ]
    assert found[0].id == told.id
    assert found[1].id != told.id
    assert found[1].data == {"number": "o-1", "total": "3.50"}
    assert found[1].time == found[0].time
    with transaction.atomic(using=alias):
        publish(CREATED.format(2), data, mode="on-commit", using=alias)
        with pytest.raises(CatalogError, match="sum"):
            publish(CREATED.format(2), {"number": "o-1"}, mode="on-commit", using=alias)
    # Sent once each: what was prepared is not told once more.
    assert [e.type for e in published("orders")] == [CREATED.format(2), CREATED.format(1)]
    settings(CATALOG=[str(tmp_path)], VALIDATION="off")
    with transaction.atomic(using=alias):
        publish(CREATED.format(1), {"number": "o-2"}, mode="outbox", using=alias)
