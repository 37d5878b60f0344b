"""Events: attributes as properties, payloads parsed when they are asked for."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

import tidings
from tidings import Event, InvalidError

TYPE = "org.openedx.catalog.course.created.v1"


def test_attributes_are_properties() -> None:
    at = datetime(2026, 11, 23, 20, 57, 12, 222128, tzinfo=UTC)
    event = Event(
        type=TYPE,
        source="/openedx/discovery/web",
        id="6a0ac60a-c8ad-11f0-8de9-0242ac120002",
        time=at,
        subject="edX",
        key="edX+DemoX",
        minorversion=2,
        dataschema="urn:example:1",
        data={"title": "Zoë", "n": [1, 2.5, None]},
        extensions={"sourcehost": "lms-1", "sampled": True, "rank": 7},
    )
    assert event.type == TYPE
    assert event.source == "/openedx/discovery/web"
    assert event.id == "6a0ac60a-c8ad-11f0-8de9-0242ac120002"
    assert event.time == at
    assert event.subject == "edX"
    assert event.key == "edX+DemoX"
    assert event.minorversion == 2
    assert event.specversion == "1.0"
    assert event.dataschema == "urn:example:1"
    assert event.datacontenttype == "application/json"
    assert event.sourcehost == "lms-1"
    assert event.data == {"title": "Zoë", "n": [1, 2.5, None]}
    assert event.data is event.data, "parsed once"
    assert event.extensions["sampled"] is True
    assert event.extensions["rank"] == 7
    assert Event.from_json(event.to_json()) == event
    assert pickle.loads(pickle.dumps(event)) == event


def test_repr_shows_no_payload() -> None:
    event = Event(type=TYPE, source="/s", key="secret-key", data={"email": "secret@example.org"})
    assert "secret" not in repr(event)


def test_json_bytes_stay_as_they_are() -> None:
    event = Event(type=TYPE, source="/s", data=b'{"n": 1.0e2,  "big": 123456789012345678901}')
    assert event.data_bytes == b'{"n": 1.0e2,  "big": 123456789012345678901}'
    assert event.data["big"] == 123456789012345678901


def test_other_payloads() -> None:
    xml = Event(type=TYPE, source="/s", data="<a/>", datacontenttype="text/xml")
    assert xml.data == "<a/>"
    binary = Event(type=TYPE, source="/s", data=b"\x00\xff", datacontenttype="image/png")
    assert binary.data == b"\x00\xff"
    assert Event(type=TYPE, source="/s").data is None


def test_times_keep_their_instant() -> None:
    offset = timezone(timedelta(hours=2))
    event = Event(type=TYPE, source="/s", time=datetime(2026, 1, 1, 2, tzinfo=offset))
    assert event.time == datetime(2026, 1, 1, tzinfo=UTC)
    assert event.time_text == "2026-01-01T02:00:00+02:00"


@pytest.mark.parametrize(
    ("attributes", "named"),
    [
        ({"source": ""}, "source"),
        ({"time": datetime(2026, 1, 1)}, "time"),
        ({"time": "yesterday"}, "time"),
        ({"data": object()}, "data"),
        ({"data": float("nan")}, "data"),
        ({"data": b"{"}, "data"),
        ({"data": b"\xff"}, "datacontenttype"),
        ({"extensions": {"Upper": "x"}}, "Upper"),
        ({"extensions": {"n": 2**40}}, "n"),
        ({"extensions": {"n": 1.5}}, "n"),
    ],
)
def test_what_is_wrong_is_named(attributes: dict[str, Any], named: str) -> None:
    with pytest.raises(InvalidError, match=named):
        Event(**{"type": TYPE, "source": "/s", **attributes})


def test_ids_are_version_1_and_new() -> None:
    ids = {tidings.new_id() for _ in range(1000)}
    assert len(ids) == 1000
    assert all(identifier[14] == "1" for identifier in ids)
