"""Publishing the current state of a table, so that a new consumer starts complete."""

from __future__ import annotations

import time as clock
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connections, transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from tidings.django import outbox, service
from tidings.django.models import Emission
from tidings.django.outbox import Entry
from tidings.django.publishing import row_time
from tidings.django.registry import Description

#: Marks events of an emission, with its id. A handler that sends mail looks at it.
EXTENSION = "emission"


@dataclass(frozen=True)
class Progress:
    """How far an emission is."""

    emitted: int
    total: int
    resumed: bool


class Emitter:
    """One emission of one table, from where the last one was interrupted."""

    def __init__(
        self,
        description: Description,
        *,
        using: str,
        selection: Mapping[str, str] | None = None,
        batch: int = 500,
        rate: float | None = None,
        backlog: int = 10_000,
        stopping: Callable[[], bool] = lambda: False,
        sleep: Callable[[float], object] = clock.sleep,
    ) -> None:
        self._description = description
        self._model = description.model
        self._using = using
        self._selection = dict(selection or {})
        self._batch = batch
        self._rate = rate
        self._backlog = backlog
        self._stopping = stopping
        self._sleep = sleep
        # How many rows stand in the outbox, as far as this run knows: at first, too many.
        self._standing = backlog + 1
        # A composite key has no order that one comparison could go on from.
        if self._model._meta.pk is None or getattr(self._model._meta.pk, "columns", None):
            raise ImproperlyConfigured(
                f"{self._model.__name__} has a composite primary key: it needs a single one"
            )

    def rows(self) -> QuerySet[Model]:
        """The rows to emit, in the order of their keys."""
        manager = self._model._base_manager.using(self._using)
        return manager.filter(**self._selection).order_by("pk")

    def open(self, *, restart: bool = False) -> Emission:
        """The emission that was interrupted, or a new one."""
        label = self._model._meta.label
        selection = repr(sorted(self._selection.items()))
        unfinished = Emission.objects.using(self._using).filter(
            model=label,
            event_type=self._description.event_type,
            selection=selection,
            finished_at=None,
        )
        if restart:
            unfinished.delete()
        found = unfinished.order_by("-id").first()
        if found is not None:
            return found
        now = timezone.now()
        return Emission.objects.using(self._using).create(
            model=label,
            event_type=self._description.event_type,
            run=str(uuid.uuid1()),
            selection=selection,
            started_at=now,
            updated_at=now,
        )

    def run(self, emission: Emission) -> Iterator[Progress]:
        """Emits batch by batch; each is a transaction together with how far it came."""
        total = self.rows().count()
        resumed = emission.last_key is not None
        started, since = clock.monotonic(), 0
        while not self._stopping():
            self._wait_for_relay()
            if self._stopping():
                return
            done = self._again(emission)
            since += done
            yield Progress(emission.emitted, max(total, emission.emitted), resumed)
            if emission.finished_at is not None:
                return
            if self._rate:
                ahead = since / self._rate - (clock.monotonic() - started)
                if ahead > 0:
                    self._sleep(ahead)

    def _wait_for_relay(self) -> None:
        """The outbox must not grow faster than the relay empties it."""
        connection = connections[self._using]
        while self._standing > self._backlog:
            # Counting costs as much as there is. So it is done again only when this run has added
            # what there was room for.
            self._standing = outbox.pending(connection, self._backlog + 1)
            if self._standing <= self._backlog or self._stopping():
                return
            self._sleep(0.2)

    def _again(self, emission: Emission) -> int:
        """One batch; a lost race for SQLite's write lock or a deadlock is tried again."""
        for attempt in range(8):
            try:
                return self._emit_batch(emission)
            except OperationalError:
                if attempt == 7:
                    raise
                emission.refresh_from_db(using=self._using)
                self._sleep(0.05 * 2**attempt)
        raise AssertionError("unreachable")

    def _emit_batch(self, emission: Emission) -> int:
        with transaction.atomic(using=self._using):
            # Another process that emits the same waits here, and goes on behind this batch.
            locked = Emission.objects.using(self._using).select_for_update().get(pk=emission.pk)
            rows = self.rows()
            if locked.last_key is not None:
                rows = rows.filter(pk__gt=self._model._meta.pk.to_python(locked.last_key))
            # Whoever changes a row and publishes it locks it as well: so an event of this batch and
            # one of the change stand in the outbox in the order of the states that they tell.
            of = ("self",) if connections[self._using].features.has_select_for_update_of else ()
            batch: Sequence[Model] = list(rows.select_for_update(of=of)[: self._batch])
            entries = [entry for row in batch for entry in self._entries(row, locked.run)]
            outbox.insert(entries, using=self._using)
            now = timezone.now()
            if batch:
                pk = self._model._meta.pk
                locked.last_key = pk.value_to_string(batch[-1])
                locked.emitted += len(batch)
            locked.updated_at = now
            if len(batch) < self._batch:
                locked.finished_at = now
            locked.save(using=self._using)
        self._standing += len(entries)
        for field in ("last_key", "emitted", "updated_at", "finished_at"):
            setattr(emission, field, getattr(locked, field))
        return len(batch)

    def _entries(self, row: Model, run: str) -> list[Entry]:
        told = self._description
        data: Any = told.function(row)
        event = service.event(
            told.event_type,
            data,
            time=row_time(row, told.time_field),
            extensions={EXTENSION: run},
        )
        return service.prepare(event, None)
