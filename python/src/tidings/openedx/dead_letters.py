"""Tells of entries that never reach a receiver."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tidings._tidings import reports_told
from tidings.openedx.avro import UnusableMessageError

_PATIENCE = 5.0
"""Seconds that log handlers may take for what is left at the end."""

Tell = Callable[[UnusableMessageError], object]


@contextmanager
def reporting_dead_letters(tell: Tell) -> Iterator[None]:
    """Tells of unreadable entries meanwhile: their fate comes as a log record of the runtime."""
    handler = _DeadLetters(tell)
    runtime = logging.getLogger("tidings.runtime")
    runtime.addHandler(handler)
    try:
        yield
    finally:
        # The last of them may be on their way still.
        reports_told(_PATIENCE)
        runtime.removeHandler(handler)


class _DeadLetters(logging.Handler):
    def __init__(self, tell: Tell) -> None:
        super().__init__(logging.ERROR)
        self._tell = tell

    def emit(self, record: logging.LogRecord) -> None:
        """Takes what could not be decoded from among the records."""
        fields = getattr(record, "tidings", {})
        if fields.get("class") == "undecodable":
            where = f"topic={fields.get('topic')} position={fields.get('position')}"
            self._tell(UnusableMessageError(f"{fields.get('error')} ({where})"))
