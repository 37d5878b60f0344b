"""The threads of ``manage.py tidings_consume``."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from django.db import DatabaseError, close_old_connections, connections

from tidings import Message, Subscription, TidingsError, _consuming
from tidings.django import inbox, service
from tidings.django.batches import Batches
from tidings.django.consuming import Desk, logger

#: How often old rows of the inbox are removed, in seconds.
_PRUNING = 3600.0

#: Handlers at a time that the runtime allows.
_MOST_HANDLERS = 10_000

#: Seconds for which a worker keeps a connection that Django would close after each request.
_KEPT = 60.0


class Workers:
    """A subscription for each group, and threads that take its messages."""

    def __init__(
        self, desks: Sequence[Desk], options: Mapping[str, Any], stop: threading.Event
    ) -> None:
        self._desks = desks
        self._options = options
        self._stop = stop
        self._counts: dict[str, dict[str, int]] = {}
        self._failures: list[TidingsError] = []

    def run(self) -> dict[str, dict[str, int]]:
        """Works until asked to stop; the counts of each group.

        Raises what ended a subscription; the others are drained before that.
        """
        with _keeping_connections():
            return self._run()

    def _run(self) -> dict[str, dict[str, int]]:
        subscriptions = [self._subscribe(desk) for desk in self._desks]
        threads = [
            threading.Thread(
                target=self._consume, args=pair, name=f"tidings-{pair[0].group}", daemon=True
            )
            for pair in zip(self._desks, subscriptions, strict=True)
        ]
        for thread in threads:
            thread.start()
        pruned: float | None = None
        while any(thread.is_alive() for thread in threads) and not self._failures:
            if self._stop.wait(0.2):
                break
            if pruned is None or time.monotonic() - pruned > _PRUNING:
                pruned = time.monotonic()
                self._prune()
        # What runs may finish; each subscription sets the limit to it.
        for subscription in subscriptions:
            subscription.stop()
        for thread in threads:
            thread.join()
        if self._failures:
            raise self._failures[0]
        return self._counts

    def _subscribe(self, desk: Desk) -> Subscription:
        handlers = self._options["concurrency"] * self._batch(desk)
        options = {**self._options, "concurrency": min(handlers, _MOST_HANDLERS)}
        return service.bus().subscribe(desk.topics, desk.group, **options)

    def _batch(self, desk: Desk) -> int:
        # A single attempt is not to be spent by what another event does to the process.
        return 1 if self._options["max_attempts"] == 1 else desk.batch

    def _consume(self, desk: Desk, subscription: Subscription) -> None:
        stream = subscription.stream
        settle: Callable[[Message], None] = partial(_consuming.settle, handle=desk.handle)
        if self._batch(desk) > 1:
            settle = Batches(desk, stream, settle)
        try:
            counts = _consuming.run(
                stream,
                settle,
                threads=self._options["concurrency"],
                rest=close_old_connections,
                ended=connections.close_all,
            )
        except TidingsError as error:
            self._failures.append(error)
        else:
            self._counts[desk.group] = counts
        finally:
            connections.close_all()

    def _prune(self) -> None:
        for alias in {alias for desk in self._desks for alias in desk.databases}:
            try:
                removed = inbox.prune(using=alias)
            except DatabaseError as error:
                connections[alias].close()
                logger.warning("old rows of the inbox could not be removed: %s", error)
            else:
                if removed:
                    logger.info("%s old rows of the inbox were removed", removed)


@contextmanager
def _keeping_connections() -> Iterator[None]:
    """Connections without an age of their own are kept from one event to the next for a while.

    Django closes them after each request: for each event, then, a consumer would make one anew,
    which costs more than what most receivers do. Each event begins with a look whether its
    connection still works; that of a thread that rests is closed when its time is over.
    """
    kept = [s for s in connections.settings.values() if s["CONN_MAX_AGE"] == 0]
    before = [(of["CONN_MAX_AGE"], of["CONN_HEALTH_CHECKS"]) for of in kept]
    for of in kept:
        of["CONN_MAX_AGE"], of["CONN_HEALTH_CHECKS"] = _KEPT, True
    try:
        yield
    finally:
        for of, (age, checks) in zip(kept, before, strict=True):
            of["CONN_MAX_AGE"], of["CONN_HEALTH_CHECKS"] = age, checks
