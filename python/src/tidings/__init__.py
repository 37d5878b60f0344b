"""Tidings carries events between services: after the commit, in order, never silently lost.

>>> import tidings
>>> bus = tidings.connect("memory:", service="discovery")
>>> receipts = bus.publish(
...     type="org.openedx.catalog.course.created.v1",
...     data={"course_key": "edX+DemoX"},
...     key="edX+DemoX",
...     topic="courses",
... )
>>> counts = bus.consume(
...     "courses", "lms", lambda message: print(message.data), start="earliest", max_events=1
... )
{'course_key': 'edX+DemoX'}
"""

from tidings import _lifetime
from tidings._tidings import Event, Message, Receipt, __version__, new_id
from tidings.bus import Bus, Subscription, connect
from tidings.errors import (
    CatalogError,
    ClosedError,
    CorruptError,
    DeniedError,
    EncodingError,
    FailedError,
    FullError,
    GaveUpError,
    InvalidError,
    NoKeyError,
    NoRouteError,
    NotFoundError,
    NotParkedError,
    PermanentError,
    PoisonError,
    ProfileError,
    StaleError,
    StoppedError,
    TidingsError,
    TooLargeError,
    UnavailableError,
    UnknownOutcomeError,
    UnsupportedError,
)
from tidings.gap import Gap

__all__ = [
    "Bus",
    "CatalogError",
    "ClosedError",
    "CorruptError",
    "DeniedError",
    "EncodingError",
    "Event",
    "FailedError",
    "FullError",
    "Gap",
    "GaveUpError",
    "InvalidError",
    "Message",
    "NoKeyError",
    "NoRouteError",
    "NotFoundError",
    "NotParkedError",
    "PermanentError",
    "PoisonError",
    "ProfileError",
    "Receipt",
    "StaleError",
    "StoppedError",
    "Subscription",
    "TidingsError",
    "TooLargeError",
    "UnavailableError",
    "UnknownOutcomeError",
    "UnsupportedError",
    "__version__",
    "connect",
    "new_id",
]

_lifetime.register()
