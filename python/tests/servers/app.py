"""A service of Open edX that servers of WSGI and Celery run: it publishes what it is asked to."""

from __future__ import annotations

import json
import logging
import os
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import django
from django.conf import settings

URL, TOPIC = os.environ["APP_REDIS"], os.environ["APP_TOPIC"]

settings.configure(
    INSTALLED_APPS=["openedx_events", "tidings.openedx"],
    DATABASES={},
    LOGGING_CONFIG=None,
    EVENTS_SERVICE_NAME="lms",
    EVENT_BUS_PRODUCER="tidings.openedx.create_producer",
    EVENT_BUS_PRODUCER_CONFIG={},
    EVENT_BUS_REDIS_CONNECTION_URL=URL,
    EVENT_BUS_TIDINGS_BUFFERED=True,
    EVENT_BUS_TIDINGS_MODE="immediate",
    EVENT_BUS_TIDINGS_SEND_TIMEOUT=float(os.environ.get("APP_SEND_TIMEOUT", "30")),
)
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
django.setup()

from openedx_events.learning.data import UserData, UserPersonalData  # noqa: E402
from openedx_events.learning.signals import (  # noqa: E402
    STUDENT_REGISTRATION_COMPLETED as SIGNAL,
)

import tidings  # noqa: E402
from tidings.openedx import create_producer  # noqa: E402

TYPE = "org.openedx.catalog.course.created.v1"
USER = UserData(
    id=1, is_active=True, pii=UserPersonalData(username="u", email="u@example.org", name="U")
)

# All of it is used before there are workers, if the server imports before it forks.
bus = tidings.connect(URL, service="lms")
bus.publish(type=TYPE, data={"pid": os.getpid()}, topic=f"{TOPIC}-imports")
producer = create_producer()


def publish() -> str:
    """Returns when the log has the event: its id."""
    (receipt,) = bus.publish(type=TYPE, data={"pid": os.getpid()}, topic=TOPIC)
    return receipt.id


def buffer() -> str:
    """Returns when the event is accepted: its id."""
    metadata = SIGNAL.generate_signal_metadata()
    producer.send(
        signal=SIGNAL,
        topic=TOPIC,
        event_key_field="user.pii.username",
        event_data={"user": USER},
        event_metadata=metadata,
    )
    return str(metadata.id)


WORK: dict[str, Callable[[], str]] = {"/publish": publish, "/buffer": buffer}


def application(environ: dict[str, Any], start_response: Callable[..., object]) -> Iterable[bytes]:
    """``/publish`` and ``/buffer``; answers with the id of the event and that of the process."""
    answer = {"id": WORK[environ["PATH_INFO"]](), "pid": os.getpid()}
    # So that one worker does not serve everything.
    time.sleep(0.01)
    body = json.dumps(answer).encode()
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]
