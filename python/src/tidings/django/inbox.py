"""The inbox: what has been dealt with must not take effect again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper

from tidings import Event
from tidings.django import conf
from tidings.django.outbox import now


def record(group: str, source: str, event_id: str, *, using: str) -> bool:
    """Notes in the running transaction that a group deals with an event; `False` if it has already.

    A second transaction that notes the same waits for the first: it goes on only if that one is
    rolled back. So nothing is recorded before it has succeeded.
    """
    return _insert([(group, bounded(source), bounded(event_id))], using) == 1


def record_all(group: str, events: Sequence[Event], *, using: str) -> bool:
    """The same for several events; `False` unless all of them are new, and then some may be noted:
    the transaction is to be rolled back."""
    rows = [(group, bounded(event.source), bounded(event.id)) for event in events]
    return _insert(rows, using) == len(rows)


def holds(group: str, event: Event, *, using: str) -> bool:
    """Whether an event has been noted, as the running transaction sees it."""
    with connections[using].cursor() as cursor:
        cursor.execute(
            "SELECT 1 FROM tidings_inbox WHERE group_name = %s AND source = %s AND id = %s",
            [group, bounded(event.source), bounded(event.id)],
        )
        return cursor.fetchone() is not None


def _insert(rows: Sequence[tuple[str, str, str]], using: str) -> int:
    """Inserts rows but for those that are there already; how many."""
    connection = connections[using]
    insert, end = "INSERT INTO", " ON CONFLICT DO NOTHING"
    if connection.vendor == "mysql":
        # The columns hold whatever `bounded` lets through, so a conflict is all there is to ignore.
        insert, end = "INSERT IGNORE INTO", ""
    values = ", ".join([f"(%s, %s, %s, {now(connection)})"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"{insert} tidings_inbox (group_name, source, id, done_at) VALUES {values}{end}",
            [value for row in rows for value in row],
        )
        return int(cursor.rowcount)


def prune(*, using: str, batch: int = 5_000) -> int:
    """Removes rows older than ``TIDINGS["INBOX_DAYS"]``, a batch a transaction; how many."""
    connection = connections[using]
    before = _parameter(connection, datetime.now(UTC) - timedelta(days=conf.current().inbox_days))
    removed = 0
    while True:
        with connection.cursor() as cursor:
            # The time of the last row of the batch, since the databases agree on no DELETE … LIMIT.
            cursor.execute(
                "SELECT max(done_at) FROM (SELECT done_at FROM tidings_inbox WHERE done_at < %s "
                "ORDER BY done_at LIMIT %s) AS batch",
                [before, batch],
            )
            last = cursor.fetchone()[0]
            if last is None:
                return removed
            cursor.execute("DELETE FROM tidings_inbox WHERE done_at <= %s", [last])
            removed += cursor.rowcount


def bounded(text: str) -> str:
    """The text, or its digest where the column would cut it: CloudEvents sets no bound."""
    if len(text) <= 255:
        return text
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _parameter(connection: BaseDatabaseWrapper, time: datetime) -> object:
    """A time in UTC, as the column has it."""
    if connection.vendor == "postgresql":
        return time
    naive = time.astimezone(UTC).replace(tzinfo=None)
    return naive if connection.vendor == "mysql" else naive.isoformat(" ", "milliseconds")
