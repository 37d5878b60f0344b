"""Applying what an event says only if it is newer than what is there."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar

from django.conf import settings
from django.db import IntegrityError, models, router, transaction
from django.db.models import Q
from django.utils import timezone

Row = TypeVar("Row", bound=models.Model)


def apply_if_newer(
    model: type[Row],
    time: datetime,
    *,
    defaults: dict[str, Any] | None = None,
    time_field: str = "modified",
    using: str | None = None,
    **lookup: Any,
) -> bool:
    """Writes a row if there is none yet, or if the one that is there is older than ``time``.

    Returns whether it wrote. ``lookup`` finds the row and needs a unique constraint, as with
    ``update_or_create``; ``defaults`` are its other fields; ``time`` goes into ``time_field``. An
    event that comes twice, or after a newer one of its row, changes nothing: the row ends in the
    state of the latest event whatever the order.

    ::

        apply_if_newer(Course, event.time, key=data["key"], defaults={"title": data["title"]})
    """
    if not lookup:
        raise TypeError("apply_if_newer needs the fields that find the row, such as key=…")
    field = model._meta.get_field(time_field)
    if getattr(field, "auto_now", False) or getattr(field, "auto_now_add", False):
        raise TypeError(
            f"{model.__name__}.{time_field} sets itself to the time of saving (auto_now), but has "
            f"to keep the time that the event tells: make it a plain DateTimeField"
        )
    moment = as_stored(time)
    alias = using or router.db_for_write(model)
    rows = model._base_manager.using(alias)
    older = Q(**{f"{time_field}__lt": moment}) | Q(**{f"{time_field}__isnull": True})
    values = {**(defaults or {}), time_field: moment}

    def update() -> bool:
        return rows.filter(older, **lookup).update(**values) > 0

    if update():
        return True
    if rows.filter(**lookup).exists():
        # It may have come to be after the look above, by somebody who tells an older state.
        return update()
    try:
        with transaction.atomic(using=alias):
            rows.create(**lookup, **values)
    except IntegrityError:
        # Somebody else wrote the row meanwhile; if there is still none, the error was another one.
        if not rows.filter(**lookup).exists():
            raise
        return update()
    return True


def as_stored(time: datetime) -> datetime:
    """A time of an event as a Django field takes it: aware with ``USE_TZ``, else local."""
    if settings.USE_TZ:
        return time if timezone.is_aware(time) else timezone.make_aware(time)
    if timezone.is_aware(time):
        return timezone.make_naive(time, timezone.get_default_timezone())
    return time


def as_told(time: datetime) -> datetime:
    """A time of a row as an event tells it: aware."""
    if timezone.is_aware(time):
        return time
    return timezone.make_aware(time, timezone.get_default_timezone())
