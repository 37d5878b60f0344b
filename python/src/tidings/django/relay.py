"""The relay: publishes what stands in the outbox, through Django's own connection.

For databases that only Django may open, SQLite files above all, and for sites that would rather
not run a second program. The ``tidings relay`` command does the same, faster.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import InterfaceError, OperationalError, connections

from tidings.django import outbox
from tidings.django.lock import Lock, Superseded, lock_on
from tidings.django.outbox import Place, Row
from tidings.django.resending import LogProcess, Resend

logger = logging.getLogger(__name__)

#: Publishes rows and says for each what became of it: `None`, or the error.
Publish = Callable[[Sequence[Row]], "Sequence[Exception | None]"]

_LONGEST_WAIT = 30.0

_NOT_WHOLE = "the log does not answer, or has only just been started"


@dataclass
class Summary:
    """What a relay did."""

    published: int = 0
    refused: int = 0
    held: int = 0


class Relay:
    """One relay on one database."""

    def __init__(
        self,
        publish: Publish,
        alive: Callable[[], bool],
        *,
        using: str,
        batch: int = 500,
        poll: float = 1.0,
        stop: threading.Event | None = None,
        report: Callable[[str], object] = logger.info,
        resend: float | None = None,
        log_process: LogProcess = lambda: None,
    ) -> None:
        """With ``resend``, what was published in so many seconds before another process came to
        keep the log is published again."""
        self._publish = publish
        self._alive = alive
        self._connection = connections[using]
        self._batch = batch
        self._poll = poll
        self._stop = stop or threading.Event()
        self._report = report
        self._failures = 0
        self._resend: Resend | None = None
        if resend is not None:
            self._resend = Resend(resend, log_process, self._connection, batch)
        self.summary = Summary()

    def run(self, *, until_empty: bool = False) -> Summary:
        """Relays until asked to stop, or with ``until_empty`` until no row waits.

        Survives the loss of the database and of the bus: it tries again with growing pauses.
        """
        told = False
        while not self._stop.is_set():
            lock = lock_on(self._connection)
            try:
                if lock.take():
                    told = False
                    self._report(f"active on the database {self._connection.alias!r}")
                    if self._work(lock, until_empty):
                        return self.summary
                elif not told:
                    told = True
                    self._report(f"another relay is active on {self._connection.alias!r}; waiting")
                self._stop.wait(self._poll)
            except Superseded as error:
                logger.warning("the relay on %s: %s", self._connection.alias, error)
            except (OperationalError, InterfaceError) as error:
                # A missing table or a refused password does not mend itself, but a database that
                # is being migrated or restarted does, and from here they look alike.
                self._connection.close()
                self._pause(f"the database {self._connection.alias!r} failed: {error}".strip())
        return self.summary

    def _work(self, lock: Lock, until_empty: bool) -> bool:
        """Works as the active relay; whether it is done."""
        try:
            quiet = 0.05
            while not self._stop.is_set():
                lock.keep()
                rows = outbox.ready(self._connection, self._batch)
                if rows:
                    lock.wake_up()
                    quiet = 0.05
                    self._round(lock, rows)
                    continue
                if self._resend is not None and self._resend.is_due():
                    if not self._is_whole(lock):
                        self._pause(_NOT_WHOLE)
                        continue
                    self._failures = 0
                with lock.fenced():
                    released = outbox.release(self._connection)
                if released:
                    continue
                if until_empty:
                    return True
                lock.wait(quiet, self._stop.wait)
                quiet = min(quiet * 2, self._poll)
            return True
        finally:
            try:
                lock.give_back()
            except (OperationalError, InterfaceError, Superseded):
                # It is gone already.
                logger.debug("the lock could not be given back", exc_info=True)

    def _round(self, lock: Lock, rows: Sequence[Row]) -> None:
        """Publishes rows, those of one key after each other, and settles them."""
        stopped = outbox.heads(self._connection)
        # Behind a row that may go later: not now, and not aside either.
        waiting: set[Place] = set()
        troubled: Exception | None = None
        for wave in waves(rows):
            if not self._is_whole(lock):
                self._pause(_NOT_WHOLE)
                return
            behind = [r for r in wave if r.place in stopped]
            going = [r for r in wave if r.place not in stopped and r.place not in waiting]
            answers = self._publish(going) if going else []
            done: list[Row] = []
            refused: list[tuple[Row, Exception]] = []
            for row, error in zip(going, answers, strict=True):
                if error is None:
                    done.append(row)
                elif getattr(error, "is_temporary", False) or not self._alive():
                    # A bus whose credentials were changed refuses every row: no row's fault.
                    troubled = error
                    if row.place:
                        waiting.add(row.place)
                else:
                    refused.append((row, error))
                    if row.place:
                        stopped.add(row.place)
            self._settle(lock, done, refused, behind)
            if self._stop.is_set():
                return
        if troubled is None:
            self._failures = 0
        else:
            self._pause(f"the bus did not take all events: {troubled}")

    def _is_whole(self, lock: Lock) -> bool:
        """Sees to it that the log has what it acknowledged, before anything is published."""

        def send(rows: Sequence[Row]) -> bool:
            for wave in waves(rows):
                lock.keep()
                for error in self._publish(wave):
                    if error is None:
                        self.summary.published += 1
                    elif getattr(error, "is_temporary", False) or not self._alive():
                        return False
            return True

        return self._resend is None or self._resend.is_whole(send, lock.fenced)

    def _settle(
        self,
        lock: Lock,
        done: Sequence[Row],
        refused: Sequence[tuple[Row, Exception]],
        behind: Sequence[Row],
    ) -> None:
        if not (done or refused or behind):
            return
        with lock.fenced():
            finish = outbox.delete if self._resend is None else outbox.keep
            finish(self._connection, [row.seq for row in done])
            for row, error in refused:
                outbox.refuse(self._connection, row.seq, f"{type(error).__name__}: {error}")
            outbox.hold(self._connection, [row.seq for row in behind])
        for row, error in refused:
            logger.error(
                "outbox row %s for %s is refused and set aside: %s", row.seq, row.topic, error
            )
        self.summary.published += len(done)
        self.summary.refused += len(refused)
        self.summary.held += len(behind)

    def _pause(self, why: str) -> None:
        self._failures += 1
        longest = min(_LONGEST_WAIT, 0.25 * 2**self._failures)
        wait = random.uniform(longest / 4, longest)
        logger.warning("%s; trying again in %.1f s", why, wait)
        self._stop.wait(wait)


def waves(rows: Sequence[Row]) -> list[list[Row]]:
    """Rows in groups that can be published together: one of a key in each, in their order.

    A batch may fail in its middle. If two rows of a key stood in it, the second could be on the
    log without the first.
    """
    found: list[list[Row]] = []
    depth: dict[Place, int] = {}
    for row in rows:
        nth = 0
        if row.place is not None:
            nth = depth.get(row.place, 0)
            depth[row.place] = nth + 1
        if nth == len(found):
            found.append([])
        found[nth].append(row)
    return found
