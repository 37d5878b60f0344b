"""This service on the bus: one connection a process, made of the settings."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from tidings import Bus, Event, InvalidError, NoRouteError, TidingsError
from tidings.django import conf
from tidings.django.outbox import Entry, Row

#: How long the relay waits for the bus, in seconds: less than its lease on SQLite.
_RELAY_TIMEOUT = 4.0

#: What the columns of the outbox hold, in characters.
_LONGEST_ID, _LONGEST_KEY = 36, 1024

_role: str | None = None


@contextlib.contextmanager
def working_as(role: str) -> Iterator[None]:
    """Stamps the events of this process as those of a role meanwhile: for management commands,
    which a web process may call as well."""
    global _role
    before, _role = _role, role
    try:
        yield
    finally:
        _role = before


def bus() -> Bus:
    """The bus of this project, as ``TIDINGS`` says. Connects when it is first used."""
    settings = conf.current()
    return _bus(settings, _role or settings.role)


@functools.lru_cache(maxsize=1)
def _bus(settings: conf.Settings, role: str) -> Bus:
    if settings.bus == conf.OPENEDX:
        # Their packages need not be installed anywhere else.
        try:
            from tidings.openedx import settings as openedx
        except ImportError as error:
            raise ImproperlyConfigured(
                f'TIDINGS["BUS"] is "{conf.OPENEDX}", the bus of the settings EVENT_BUS_*, which '
                f"needs packages of Open edX: {error}. Install tidings[openedx], or name the URL "
                f"of a bus."
            ) from error
        return openedx.bus_for_django(**_options(settings, role))
    return Bus(settings.bus, send_timeout=settings.send_timeout, **_options(settings, role))


def _options(settings: conf.Settings, role: str) -> dict[str, Any]:
    routes = {
        event_type: dict.fromkeys(route.topics, route.key_path)
        for event_type, route in settings.events.items()
    }
    optional: dict[str, Any] = {}
    if settings.namespace is not None:
        optional["namespace"] = settings.namespace
    return {
        "service": settings.service,
        "role": role,
        "routes": routes,
        "profile": settings.profile,
        "catalog": settings.catalog,
        "validation": settings.validation,
        **optional,
    }


def event(
    event_type: str,
    data: Any = None,
    *,
    key: str | None = None,
    time: datetime | None = None,
    subject: str | None = None,
    minorversion: int | None = None,
    extensions: Mapping[str, str | int | bool] | None = None,
) -> Event:
    """An event of this service, stamped."""
    return bus().event(
        type=event_type,
        data=data,
        key=key,
        time=time,
        subject=subject,
        minorversion=minorversion,
        extensions=extensions,
    )


def prepare(event: Event, topic: str | None) -> list[Entry]:
    """What goes to each topic of an event, checked: no I/O, and what is wrong with it raises.

    Earlier major versions that the catalog asks for go along, as events of their own.
    """
    try:
        prepared = bus().prepare(event, topic)
    except NoRouteError as error:
        known = tuple(conf.current().events)
        near = conf.nearest(event.type, known)
        raise NoRouteError(
            f"nothing says to which topic events of the type {event.type!r} go: give the type an "
            f'entry in TIDINGS["EVENTS"], or publish(…, topic=…).'
            + (f" Did you mean {near!r}?" if near else ""),
            event_id=event.id,
        ) from error
    entries = [
        Entry(id, of, key, document.decode(), event_type)
        for id, event_type, of, key, document in prepared
    ]
    for entry in entries:
        _check_columns(entry)
    return entries


def _check_columns(entry: Entry) -> None:
    for what, text, most in (
        ("id", entry.event_id, _LONGEST_ID),
        ("key", entry.key or "", _LONGEST_KEY),
    ):
        if len(text) > most:
            raise InvalidError(
                f"{what}: has {len(text):,} characters, and the outbox holds {most:,}; "
                f"use {'a UUID' if what == 'id' else 'the id of the entity'}",
                event_id=entry.event_id,
            )


def send(entry: Entry) -> None:
    """Publishes to one topic, and raises if the bus does not take it."""
    document = entry.document.encode()
    (result,) = bus().publish_documents(entry.topic, [(entry.key, document)])
    if isinstance(result, TidingsError):
        raise result


def send_rows(rows: Sequence[Row]) -> list[TidingsError | None]:
    """Publishes rows of the outbox; what became of each."""
    answers: dict[int, TidingsError | None] = {}
    topics: dict[str, list[Row]] = {}
    for row in rows:
        topics.setdefault(row.topic, []).append(row)
    for topic, those in topics.items():
        documents = [(row.key, row.document.encode()) for row in those]
        results: Sequence[object]
        try:
            results = bus().publish_documents(topic, documents, _RELAY_TIMEOUT)
        except TidingsError as error:
            # Of all of them, or of the log itself.
            results = [error] * len(those)
        for row, result in zip(those, results, strict=True):
            answers[row.seq] = result if isinstance(result, TidingsError) else None
    return [answers[row.seq] for row in rows]


def answers() -> bool:
    """Whether the log answers, and takes these credentials."""
    try:
        bus().log.ping()
    except TidingsError:
        return False
    return True


def log_process() -> tuple[str, float] | None:
    """Which process keeps the log, and for how many seconds it has been up."""
    return bus().log.process()


def exit_code(error: TidingsError) -> int:
    """How a command ends on an error, by sysexits: for supervisors."""
    if error.is_temporary:
        return 75
    return {"invalid": 78, "denied": 78, "unsupported": 78, "stopped": 65}.get(error.kind, 70)
