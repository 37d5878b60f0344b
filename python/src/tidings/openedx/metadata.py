"""Between the metadata of openedx-events and the attributes of an event."""

from __future__ import annotations

from uuid import UUID

from openedx_events.data import EventsMetadata

from tidings._tidings import Event
from tidings.openedx.avro import UnusableMessageError


def headers_of(metadata: EventsMetadata) -> list[tuple[str, str]]:
    """The fields of an entry before its payload, in the order of ``edx-event-bus-redis``."""
    return [
        ("type", metadata.event_type),
        ("id", str(metadata.id)),
        ("source", metadata.source),
        ("time", metadata.time.isoformat()),
        ("minorversion", str(metadata.minorversion)),
        ("sourcehost", metadata.sourcehost),
        ("sourcelib", ".".join(map(str, metadata.sourcelib))),
    ]


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
            sourcelib=tuple(map(int, str(sourcelib).split("."))) if sourcelib else None,
        )
    except (TypeError, ValueError) as error:
        raise UnusableMessageError(
            f"the attributes of the event are no EventsMetadata ({type(error).__name__})"
        ) from error
