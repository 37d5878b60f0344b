"""What the log acknowledged and lost with its process is published again (ADR 39).

A log that syncs once a second loses what it had acknowledged last when its machine dies. So rows
that were published are kept for a while, the relay looks which process keeps the log before it
publishes, and sends the last of them once more when that is another one.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager

from django.db.backends.base.base import BaseDatabaseWrapper

from tidings.django import outbox
from tidings.django.outbox import Row
from tidings.errors import InvalidError, TidingsError

logger = logging.getLogger(__name__)

#: Which process keeps the log, and for how many seconds it has been up; `None` where it does not
#: tell.
LogProcess = Callable[[], tuple[str, float] | None]

_SETTLED = 1.0
"""Logs tell to a second for how long they have been up: before that is past, nobody could tell what
was published to this process from what was published to the one before."""

_LOOK_EVERY = 1.0
"""Seconds between two looks while nothing is published."""

_FORGET_EVERY = 10.0


class Resend:
    """Watches over the process of the log."""

    def __init__(
        self, window: float, process: LogProcess, connection: BaseDatabaseWrapper, batch: int
    ) -> None:
        self._window = window
        self._process = process
        self._connection = connection
        self._batch = batch
        self._known: str | None = None
        self._looked = self._forgot = 0.0

    def is_due(self) -> bool:
        """Whether nobody has looked for so long."""
        return time.monotonic() - self._looked >= _LOOK_EVERY

    def is_whole(
        self,
        send: Callable[[Sequence[Row]], bool],
        fenced: Callable[[], AbstractContextManager[None]],
    ) -> bool:
        """Looks, and publishes again what the log may have lost. False when it must be tried again.

        ``send`` says whether the bus took rows, ``fenced`` is around what is written. To be called
        before anything else is published, so that later rows of a key do not come before these.
        """
        try:
            found = self._process()
        except TidingsError as error:
            logger.debug("the log does not say which process keeps it: %s", error)
            return False
        if found is None:
            raise InvalidError(
                "resend: the log does not tell which process keeps it, or loses nothing with it: "
                "leave --resend out"
            )
        process, up = found
        if process != self._known:
            if up < _SETTLED or not self._make_whole(up, send, fenced):
                return False
            self._known = process
        self._looked = time.monotonic()
        self._forget(fenced)
        return True

    def _make_whole(
        self,
        up: float,
        send: Callable[[Sequence[Row]], bool],
        fenced: Callable[[], AbstractContextManager[None]],
    ) -> bool:
        # To a process that came while this relay worked nothing was published before now. Else
        # what was published since it came shows that a relay had looked.
        sent = self._send(0.0 if self._known else up, send)
        if sent is None:
            return False
        if sent:
            # All at once: who is interrupted begins anew.
            with fenced():
                outbox.published_again(self._connection, sent)
            logger.warning(
                "the log was started anew: %s events that were published in the last %s seconds "
                "before are published again",
                len(sent),
                self._window,
            )
        return True

    def _send(self, since: float, send: Callable[[Sequence[Row]], bool]) -> list[int] | None:
        sent: list[int] = []
        while True:
            after = sent[-1] if sent else 0
            rows = outbox.published_last(self._connection, self._window, since, after, self._batch)
            if not rows:
                return sent
            if not send(rows):
                return None
            sent += [row.seq for row in rows]

    def _forget(self, fenced: Callable[[], AbstractContextManager[None]]) -> None:
        if time.monotonic() - self._forgot < _FORGET_EVERY:
            return
        self._forgot = time.monotonic()
        with fenced():
            outbox.forget_published(self._connection, self._window)
