"""Where threads of Python are not what they are elsewhere."""

from __future__ import annotations

import logging
import sys
from typing import Any

logger = logging.getLogger("tidings")


def are_greenlets() -> bool:
    """Whether gevent or eventlet has put its own in the place of threads.

    All of them are one thread to us: while one waits for the log, none of the others runs.
    """
    gevent: Any = sys.modules.get("gevent.monkey")
    eventlet: Any = sys.modules.get("eventlet.patcher")
    return (gevent is not None and bool(gevent.is_module_patched("threading"))) or (
        eventlet is not None and bool(eventlet.is_monkey_patched("thread"))
    )


def warn_if_they_rest(what: str) -> None:
    """Logs a warning in a worker of uwsgi that lets threads run during requests only.

    Before uwsgi 2.0.27 that was the default. What is native goes on: events are sent.
    """
    uwsgi: Any = sys.modules.get("uwsgi")
    if uwsgi is not None and not getattr(uwsgi, "has_threads", True):
        logger.warning(
            "uwsgi runs without enable-threads, so threads of Python rest between requests: %s. "
            "Set enable-threads = true",
            what,
        )
