"""Saying what happened: at once, after the commit, or through the outbox."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, transaction

from tidings import Event, TidingsError
from tidings.django import conf, outbox, service
from tidings.django.newer import as_told
from tidings.django.outbox import Entry
from tidings.django.registry import Description, registry
from tidings.django.signals import publish_failed

if TYPE_CHECKING:
    from django.db.models import Model

logger = logging.getLogger(__name__)


def publish(
    event: str | Event,
    data: Any = None,
    *,
    key: str | None = None,
    time: datetime | None = None,
    subject: str | None = None,
    minorversion: int | None = None,
    extensions: Mapping[str, str | int | bool] | None = None,
    topic: str | None = None,
    mode: str | None = None,
    using: str | None = None,
) -> Event:
    """Publishes an event and returns it, stamped: it has its id already.

    ``event`` is a type, of which an event is made with ``data`` and the other attributes, or a
    finished `Event`, which stays as it is. It goes to the topics that its type has in
    ``TIDINGS["EVENTS"]``, or to ``topic``. The mode is that of its type, unless it is given:

    ``immediate``
        It is on the bus when this returns, whatever becomes of the running transaction.
    ``on-commit``
        It is sent when the transaction of the database ``using`` commits, and never if it rolls
        back. A bus that is away then is logged, and the event goes into the outbox.
    ``outbox``
        A row of the outbox is written in the running transaction of ``using``, for the relay.
        Commit and event are one: neither happens without the other.

    With ``TIDINGS["CATALOG"]`` the event gets what its definition says, and earlier major versions
    that the definition asks for are published along with it, each with an id of its own.

    Raises a `TidingsError` at once, in every mode, for an event that breaks the OEP-41 profile, is
    refused by the catalog, or has no topic or no key: nothing is written then, and the transaction
    can be rolled back.
    """
    settings = conf.current()
    if isinstance(event, Event):
        given = (data, key, time, subject, minorversion, extensions)
        if any(value is not None for value in given):
            raise TypeError("a finished event stays as it is: give its attributes to Event(…)")
        stamped = event
    else:
        stamped = service.event(
            event,
            data,
            key=key,
            time=as_told(time) if time else None,
            subject=subject,
            minorversion=minorversion,
            extensions=extensions,
        )
    entries = service.prepare(stamped, topic)
    chosen = mode or settings.mode_of(stamped.type)
    alias = using or settings.database
    if chosen == conf.IMMEDIATE:
        for entry in entries:
            service.send(entry)
    elif chosen == conf.ON_COMMIT:

        def send() -> None:
            _send_committed(entries, alias)

        transaction.on_commit(send, using=alias, robust=True)
    elif chosen == conf.OUTBOX:
        outbox.insert(entries, using=alias)
    else:
        near = conf.nearest(chosen, conf.MODES)
        raise ImproperlyConfigured(
            f"mode must be one of {', '.join(map(repr, conf.MODES))}, but is {conf.shown(chosen)}."
            + (f" Did you mean {near!r}?" if near else "")
        )
    return stamped


def publish_for(
    instance: Model,
    event_type: str,
    data: Any = None,
    *,
    time_field: str | None = None,
    reread: bool = False,
    using: str | None = None,
    **options: Any,
) -> Event:
    """Publishes what a row tells, with the row's own time.

    OEP-41 asks for the time that the database has, so that consumers can see which of two events of
    a row is newer. Call it after ``save``, in the same transaction. ``time_field`` defaults to that
    of ``@describes``, or to ``modified``; ``data`` to what ``@describes`` makes of the row. The
    database is the one that the row was saved to. The other options are those of `publish`.

    The time is the one that ``save`` wrote. Where the database computes it (``Now()``, a trigger),
    or its column is coarser than microseconds (a ``datetime`` of an old MySQL table), pass
    ``reread=True`` to read it back. An expression is read back anyway.
    """
    if instance._state.adding or instance.pk is None:
        raise ValueError(f"{type(instance).__name__} is not saved yet: it has no time to tell")
    description = described(type(instance), event_type)
    if time_field is None:
        time_field = description.time_field if description else "modified"
    if data is None:
        if description is None:
            raise TypeError(
                f"publish_for needs data, or a function that makes it of a row: "
                f"@describes({type(instance).__name__}, {event_type!r})"
            )
        data = description.function(instance)
    alias = using or instance._state.db
    time = row_time(instance, time_field, reread=reread)
    return publish(event_type, data, time=time, using=alias, **options)


def described(model: type[Model], event_type: str) -> Description | None:
    """How the rows of a model are told as events of a type."""
    concrete = model._meta.concrete_model
    found = [d for d in registry.all_descriptions() if d.model._meta.concrete_model is concrete]
    return next((d for d in found if d.event_type == event_type), None)


def row_time(instance: Model, time_field: str, *, reread: bool = False) -> datetime:
    """The time of a row's last change, as the database has it."""
    value = getattr(instance, time_field)
    if reread or not isinstance(value, datetime):
        rows = type(instance)._base_manager.using(instance._state.db)
        value = rows.values_list(time_field, flat=True).get(pk=instance.pk)
    if not isinstance(value, datetime):
        name = f"{type(instance).__name__}.{time_field}"
        raise ValueError(f"{name} must hold the time of the row's last change, but is {value!r}")
    return as_told(value)


def _send_committed(entries: Sequence[Entry], alias: str) -> None:
    """Sends what has been committed. There is nobody left to raise to: nothing escapes."""
    failed: list[tuple[Entry, TidingsError]] = []
    for entry in entries:
        try:
            service.send(entry)
        except TidingsError as failure:
            failed.append((entry, failure))
    for entry, error in failed:
        saved = conf.current().on_commit_failure == conf.OUTBOX and _save(entry, alias)
        if saved:
            # The log may have it all the same: then it comes twice, with one id.
            logger.warning(
                "event %s of %s is not on %s: %s; it stands in the outbox and waits for the relay",
                entry.event_id,
                entry.event_type,
                entry.topic,
                error,
            )
        else:
            logger.error(
                "event %s of %s is lost to %s: %s",
                entry.event_id,
                entry.event_type,
                entry.topic,
                error,
            )
        publish_failed.send_robust(
            Event,
            event_id=entry.event_id,
            event_type=entry.event_type,
            topic=entry.topic,
            error=error,
            saved=saved,
        )


def _save(entry: Entry, alias: str) -> bool:
    try:
        outbox.insert([entry], using=alias)
    except DatabaseError as error:
        logger.error("event %s could not be put into the outbox: %s", entry.event_id, error)
        return False
    return True
