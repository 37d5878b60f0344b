"""The tasks of Celery; its broker and its results are folders, so that Redis may stand still."""

from __future__ import annotations

import os
from pathlib import Path

from celery import Celery


def celery(folder: str) -> Celery:
    """The application of workers and of clients."""
    for name in ("queue", "control", "results"):
        Path(folder, name).mkdir(parents=True, exist_ok=True)
    app = Celery("tests", broker="filesystem://", backend=f"file://{folder}/results")
    app.conf.broker_transport_options = {
        "data_folder_in": f"{folder}/queue",
        "data_folder_out": f"{folder}/queue",
        "control_folder": f"{folder}/control",
    }
    app.conf.worker_prefetch_multiplier = 1
    app.conf.worker_hijack_root_logger = False
    return app


if "APP_CELERY" in os.environ:
    from tests.servers.app import buffer, publish

    app = celery(os.environ["APP_CELERY"])

    @app.task(name="publish")
    def _publish() -> tuple[str, int]:
        return publish(), os.getpid()

    @app.task(name="buffer")
    def _buffer() -> tuple[str, int]:
        return buffer(), os.getpid()
