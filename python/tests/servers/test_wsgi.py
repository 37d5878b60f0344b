"""Under uwsgi and gunicorn: nothing hangs, and what was accepted is in the log."""

from __future__ import annotations

import signal

import pytest

from tests.servers.conftest import Service

UWSGI = {
    "before the fork": (),
    "lazy-apps": ("--lazy-apps",),
    "enable-threads": ("--enable-threads",),
    "lazy-apps, enable-threads": ("--lazy-apps", "--enable-threads"),
    "threads": ("--threads", "4"),
}


def uwsgi(service: Service, *options: str) -> None:
    """As Open edX is run: a master with two workers."""
    service.start(
        "uwsgi",
        "--http-socket",
        f"127.0.0.1:{service.port}",
        "--module",
        "tests.servers.app",
        "--master",
        "--processes",
        "2",
        "--need-app",
        "--die-on-term",
        *options,
    )


@pytest.mark.parametrize("options", UWSGI.values(), ids=UWSGI.keys())
def test_uwsgi(service: Service, options: tuple[str, ...]) -> None:
    uwsgi(service, *options)
    serve(service, reload=signal.SIGHUP)


def serve(service: Service, reload: signal.Signals) -> None:
    """Publishes from two workers, from the two that follow a reload, and ends."""
    service.keep_busy("/publish", "/buffer")
    service.wait(lambda: len(service.workers()) >= 2)
    first = service.workers()
    service.tell(reload)
    service.wait(lambda: len(service.workers() - first) >= 2)
    service.rest()
    # What the workers accept from here on they still have when they are told to end.
    service.redis.freeze()
    before = len(service.accepted)
    while len(service.workers(since=before)) < 2:
        assert service.ask("/buffer")
    service.tell(signal.SIGTERM)
    service.redis.thaw()
    service.check_end()


GUNICORN = {
    "sync": (),
    "preloaded": ("--preload",),
    "gthread": ("--preload", "--threads", "4"),
    "gevent": ("--worker-class", "gevent"),
}


@pytest.mark.parametrize("options", GUNICORN.values(), ids=GUNICORN.keys())
def test_gunicorn(service: Service, options: tuple[str, ...]) -> None:
    service.start(
        "gunicorn",
        "tests.servers.app:application",
        "--bind",
        f"127.0.0.1:{service.port}",
        "--workers",
        "2",
        *options,
    )
    serve(service, reload=signal.SIGHUP)
