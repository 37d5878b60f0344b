"""In the prefork pool of Celery, whose workers leave without `atexit`, nothing accepted is lost."""

from __future__ import annotations

import signal
from pathlib import Path

from tests.conftest import DEADLINE
from tests.servers.celery_app import celery
from tests.servers.conftest import Service


def test_celery_prefork(service: Service, tmp_path: Path) -> None:
    folder = str(tmp_path / "celery")
    client = celery(folder)
    service.start(
        "celery",
        "--app=tests.servers.celery_app:app",
        "worker",
        "--pool=prefork",
        "--concurrency=2",
        "--without-heartbeat",
        "--without-mingle",
        "--without-gossip",
        APP_CELERY=folder,
    )

    def run(*names: str) -> set[int]:
        """Runs tasks; the processes that ran them."""
        asked = [client.send_task(name) for name in names]
        found = [result.get(timeout=DEADLINE) for result in asked]
        service.accepted.update(found)
        return {pid for _, pid in found}

    pids: set[int] = set()
    while len(pids) < 2:
        pids |= run("publish", "buffer", "publish", "buffer")
    # What these accept they still have when they are told to end.
    service.redis.freeze()
    pids = set()
    while len(pids) < 2:
        pids |= run("buffer", "buffer")
    service.tell(signal.SIGTERM)
    service.redis.thaw()
    service.check_end()
