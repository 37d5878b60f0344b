"""Events that wait in the outbox of ``tidings.django``, for its relay to send them.

Only with ``tidings.django`` in ``INSTALLED_APPS`` and the setting
``TIDINGS = {"BUS": "openedx", "SERVICE": …}``, so that the relay speaks to the same Redis.
"""

from __future__ import annotations

from django.db import transaction

from tidings._tidings import Entry
from tidings.errors import (
    CatalogError,
    EncodingError,
    InvalidError,
    TidingsError,
    TooLargeError,
    UnsupportedError,
)


def keep(entry: Entry, *, using: str) -> None:
    """Inserts an event, in the running transaction if there is one."""
    from tidings.django import outbox

    topic, key, document = entry.kept()
    row = outbox.Entry(entry.id, topic, key, document.decode(), entry.type)
    # A row that cannot be inserted must not spoil the transaction of the caller.
    with transaction.atomic(using=using):
        outbox.insert([row], using=using)


def helps_after(error: Exception) -> bool:
    """Whether the event may still be sent later: the event itself is not what is wrong."""
    wrong = CatalogError | EncodingError | InvalidError | TooLargeError | UnsupportedError
    return isinstance(error, TidingsError) and not isinstance(error, wrong)
