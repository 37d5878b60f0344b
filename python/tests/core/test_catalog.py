"""A bus that is held to a catalog of events."""

from __future__ import annotations

from pathlib import Path

import pytest

import tidings
from tidings import Bus, CatalogError, InvalidError

V1, V2 = "org.example.catalog.course.created.v1", "org.example.catalog.course.created.v2"


def definition(event_type: str, minor: int, title: str, more: str = "") -> str:
    return f"""
type: {event_type}
minorversion: {minor}
title: Course created
description: A course was created.
owner: {{service: catalog, subdomain: catalog, team: content}}
key: course.course_key
topics: [courses]
schema:
  type: object
  required: [course]
  properties:
    course:
      type: object
      required: [course_key, {title}]
      properties:
        course_key: {{type: string}}
        {title}: {{type: string}}
{more}"""


@pytest.fixture
def catalog(tmp_path: Path) -> Path:
    folder = tmp_path / "events"
    folder.mkdir()
    (folder / f"{V1}.yaml").write_text(definition(V1, 3, "title"))
    steps = "to_previous:\n  - rename: {from: course.name, to: course.title}\n"
    (folder / f"{V2}.yaml").write_text(definition(V2, 0, "name", steps))
    return folder


COURSE = {"course": {"course_key": "c-1", "title": "A-0"}}


def test_the_definition_says_topic_key_and_versions(catalog: Path) -> None:
    bus = tidings.connect("memory:", service="catalog", catalog=catalog)
    (receipt,) = bus.publish(type=V1, data=COURSE)
    assert receipt.topic == "courses"
    ((_, event),) = bus.log.read("courses")
    assert isinstance(event, tidings.Event)
    assert (event.key, event.minorversion) == ("c-1", 3)
    assert event.dataschema is not None


def test_what_the_catalog_refuses(catalog: Path) -> None:
    bus = tidings.connect("memory:", service="catalog", catalog=[catalog])
    wrong = {"course": {"course_key": "c-1", "title": 7}}
    with pytest.raises(CatalogError, match="course.title") as caught:
        bus.publish(type=V1, data=wrong)
    assert not caught.value.is_temporary
    assert caught.value.event_id
    with pytest.raises(CatalogError):
        bus.publish(type="org.example.catalog.course.closed.v1", data={}, topic="courses")
    other = Bus("memory:", service="lms", catalog=[catalog])
    with pytest.raises(CatalogError, match="catalog"):
        other.publish(type=V1, data=COURSE)
    # What is told to go to the outbox is held to it in the same way.
    with pytest.raises(CatalogError):
        other.prepare(other.event(type=V1, data=COURSE))
    assert bus.log.topics() == {}


def test_how_strictly(catalog: Path, caplog: pytest.LogCaptureFixture) -> None:
    bus = tidings.connect("memory:", service="catalog", catalog=catalog, validation="warn")
    bus.publish(type=V1, data={"course": {"course_key": "c-1"}})
    bus.close()
    with pytest.raises(InvalidError, match="validation"):
        Bus("memory:", validation="strict")
    with pytest.raises(InvalidError, match="name a catalog"):
        Bus("memory:", validation="enforce")
    with pytest.raises(InvalidError, match="catalog"):
        tidings.connect("memory:", catalog=str(catalog / "none"))


def test_earlier_majors_go_along_with_ids_of_their_own(catalog: Path) -> None:
    bus = tidings.connect("memory:", service="catalog", catalog=catalog)
    data = {"course": {"course_key": "c-1", "name": "A-0"}}
    new, old = bus.publish(type=V2, data=data)
    assert new.id != old.id
    read = [event for _, event in bus.log.read("courses") if isinstance(event, tidings.Event)]
    assert [(e.type, e.key) for e in read] == [(V2, "c-1"), (V1, "c-1")]
    assert read[1].data == COURSE
    assert read[0].time == read[1].time
    rows = bus.prepare(bus.event(type=V2, data=data))
    assert [(row[1], row[2], row[3]) for row in rows] == [
        (V2, "courses", "c-1"),
        (V1, "courses", "c-1"),
    ]
    assert rows[0][0] != rows[1][0]
    # What was prepared is not told once more.
    for id, _, topic, key, document in rows:
        (receipts,) = bus.publish_documents(topic, [(key, document)])
        assert not isinstance(receipts, tidings.TidingsError)
        assert [receipt.id for receipt in receipts] == [id]
    assert len(bus.log.read("courses")) == 4


def test_the_catalog_of_the_environment(catalog: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIDINGS_CATALOG", str(catalog))
    bus = tidings.connect("memory:", service="lms")
    with pytest.raises(CatalogError):
        bus.publish(type=V1, data=COURSE)
    tidings.connect("memory:", service="lms", catalog=()).publish(
        type=V1, data=COURSE, topic="courses"
    )


def test_a_consumer_is_held_to_the_catalog(catalog: Path) -> None:
    bus = tidings.connect("memory:", service="search", catalog=catalog, validation="off")
    bus.log.create_group("courses", "search")
    bus.publish(type=V1, data={"course": {}}, topic="courses", key="c-1")
    bus.publish(type=V1, data=COURSE, topic="courses", key="c-2")
    seen: list[str | None] = []
    bus.consume(
        "courses",
        "search",
        lambda message: seen.append(message.key),
        validation="enforce",
        max_events=2,
    )
    assert seen == ["c-2"]
    (letter,) = bus.log.dead_letters("courses", "search")
    assert letter["key"] == "c-1"
