"""What happens when the interpreter ends.

Consumers stop and drain, buffered events go out, threads end; nothing waits for longer than
``EXIT_SECONDS``. A forked child has begun nothing and so ends at once.
"""

from __future__ import annotations

import atexit
import sys
import threading
from typing import Any

from tidings import _tidings

EXIT_SECONDS = 10.0
"""How long the end of the interpreter may wait for handlers and for the log."""


def shut_down() -> None:
    """Ends what this process has begun. Nothing can be published afterwards."""
    _tidings.shut_down(EXIT_SECONDS)


def register() -> None:
    """Is called once, when the package is imported."""
    atexit.register(shut_down)
    # Threads that consume are joined before `atexit` runs; they end when their streams stop.
    # The hook is the one that `concurrent.futures` uses for the same reason.
    before_join = getattr(threading, "_register_atexit", None)
    if before_join is not None:
        before_join(_tidings.stop_streams)


def before_pool_worker_exits() -> None:
    """Sees to buffered events in workers of multiprocessing and billiard (Celery).

    These leave by ``os._exit`` and run finalizers of their own instead of ``atexit``. To be called
    in the process that buffers.
    """
    for name in ("multiprocessing.util", "billiard.util"):
        module: Any = sys.modules.get(name)
        if module is not None:
            module.Finalize(None, shut_down, exitpriority=100)
