"""Between the metadata of openedx-events and the attributes of an event."""

from __future__ import annotations

from functools import lru_cache
from uuid import UUID

from openedx_events.data import EventsMetadata

from tidings._tidings import Event
from tidings.openedx.avro import UnusableMessageError


@lru_cache(maxsize=64)
def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def headers_of(metadata: EventsMetadata, event_id: str) -> list[tuple[str, str]]:
    """The fields of an entry before its payload, in the order of ``edx-event-bus-redis``."""
    return [
        ("type", metadata.event_type),
        ("id", event_id),
        ("source", metadata.source),
        ("time", metadata.time.isoformat()),
        ("minorversion", str(metadata.minorversion)),
        ("sourcehost", metadata.sourcehost),
        ("sourcelib", _dotted(tuple(metadata.sourcelib))),
    ]


@lru_cache(maxsize=64)
def _version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def metadata_of(event: Event) -> EventsMetadata:
    """The metadata as the producer had it; what is missing is made up as openedx-events does."""
    sourcelib = event.extensions.get("sourcelib")
    try:
        return EventsMetadata(
            event_type=event.type,
            id=UUID(event.id),
            minorversion=event.minorversion,
            source=event.source.removeprefix("/"),
            sourcehost=event.sourcehost,
            time=event.time,
            sourcelib=_version(str(sourcelib)) if sourcelib else None,
        )
    except (TypeError, ValueError) as error:
        raise UnusableMessageError(
            f"the attributes of the event are no EventsMetadata ({type(error).__name__})"
        ) from error
