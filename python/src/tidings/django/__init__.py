"""Tidings in a Django project: events that leave with the commit, and take effect once.

Add ``"tidings.django"`` to ``INSTALLED_APPS``, set ``TIDINGS``, run ``migrate``::

    TIDINGS = {
        "BUS": "redis://localhost",
        "SERVICE": "catalog",
        "EVENTS": {
            "org.example.catalog.course.updated.v1": {
                "TOPIC": "courses", "KEY": "key", "MODE": "outbox",
            },
        },
    }

`docs/guides/django.md` has the rest. What stands here may be imported before the applications are
loaded: models are looked up when they are needed.
"""

from __future__ import annotations

from tidings.django.newer import apply_if_newer
from tidings.django.publishing import publish, publish_for
from tidings.django.registry import describes, receiver
from tidings.django.service import bus
from tidings.django.signals import publish_failed

__all__ = [
    "apply_if_newer",
    "bus",
    "describes",
    "publish",
    "publish_failed",
    "publish_for",
    "receiver",
]
