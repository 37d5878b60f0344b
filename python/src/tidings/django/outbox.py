"""Rows of the outbox: inserted by services, handed out and settled by the relay.

Plain statements, the same as those of the ``tidings relay`` command (`crates/outbox`): they leave
the times to the database's clock, whatever ``USE_TZ`` says, and need no model in memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

#: A topic and a key: what stays in order.
Place = tuple[str, str]

_NOW = {
    "postgresql": "clock_timestamp()",
    "mysql": "UTC_TIMESTAMP(6)",
    "sqlite": "strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now')",
}


_INSERT_OR_LEAVE = {
    "postgresql": ("INSERT", "ON CONFLICT (seq) DO NOTHING"),
    "mysql": ("INSERT IGNORE", ""),
    "sqlite": ("INSERT OR IGNORE", ""),
}


@dataclass(frozen=True)
class _Clock:
    """How a database reckons with times."""

    now: str
    instant: str
    """A column as something that seconds can be taken from."""
    seconds: str
    """A parameter in seconds as something that can be taken from it."""


_CLOCKS = {
    "postgresql": _Clock("clock_timestamp()", "{}", "make_interval(secs => %s)"),
    "mysql": _Clock("UTC_TIMESTAMP(6)", "{}", "INTERVAL %s SECOND"),
    "sqlite": _Clock("julianday('now')", "julianday({})", "%s / 86400.0"),
}


@dataclass(frozen=True)
class Entry:
    """A row to insert: an event for one topic."""

    event_id: str
    topic: str
    key: str | None
    document: str
    event_type: str
    """For messages; the document has it."""


@dataclass(frozen=True)
class Row:
    """A row that waits for the relay."""

    seq: int
    topic: str
    key: str | None
    document: str

    @property
    def place(self) -> Place | None:
        """What it must stay in order with."""
        return None if self.key is None else (self.topic, self.key)


def insert(entries: Sequence[Entry], *, using: str) -> None:
    """Inserts rows, in this order, in the running transaction."""
    connection = connections[using]
    # Databases bound the parameters of a statement, SQLite at 999 before 3.32.
    for start in range(0, len(entries), 200):
        part = entries[start : start + 200]
        row = f"(%s, %s, %s, %s, {now(connection)})"
        sql = (
            "INSERT INTO tidings_outbox (id, topic, event_key, event, created_at) VALUES "
            + ", ".join([row] * len(part))
        )
        values = [v for e in part for v in (e.event_id, e.topic, e.key, e.document)]
        with connection.cursor() as cursor:
            cursor.execute(sql, values)


def ready(connection: BaseDatabaseWrapper, limit: int) -> list[Row]:
    """The next rows that can be seen, by number. There is no cursor: rows may commit late."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT seq, topic, event_key, event FROM tidings_outbox "
            "WHERE refused_at IS NULL ORDER BY seq LIMIT %s",
            [limit],
        )
        return [Row(*row) for row in cursor.fetchall()]


def pending(connection: BaseDatabaseWrapper, at_most: int) -> int:
    """How many rows wait for the relay, counted up to a bound."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM (SELECT 1 FROM tidings_outbox WHERE refused_at IS NULL LIMIT %s)"
            " AS counted",
            [at_most],
        )
        return int(cursor.fetchone()[0])


def delete(connection: BaseDatabaseWrapper, seqs: Iterable[int]) -> None:
    """Deletes rows that were published."""
    _by_number(connection, "DELETE FROM tidings_outbox WHERE seq IN ({})", seqs)


def keep(connection: BaseDatabaseWrapper, seqs: Iterable[int]) -> None:
    """Moves rows that were published to `tidings_outbox_published`."""
    insert, otherwise = _INSERT_OR_LEAVE[connection.vendor]
    with transaction.atomic(using=connection.alias):
        numbers = list(seqs)
        _by_number(
            connection,
            f"{insert} INTO tidings_outbox_published "
            "(seq, id, topic, event_key, event, created_at, published_at) "
            f"SELECT seq, id, topic, event_key, event, created_at, {now(connection)} "
            f"FROM tidings_outbox WHERE seq IN ({{}}) {otherwise}",
            numbers,
        )
        delete(connection, numbers)


def published_last(
    connection: BaseDatabaseWrapper, window: float, since: float, after: int, limit: int
) -> list[Row]:
    """Rows behind the number ``after`` that were published in the last ``window`` seconds before
    the newest of all; none if that one is younger than ``since`` seconds."""
    clock = _CLOCKS[connection.vendor]
    at = clock.instant.format("published_at")
    sql = (
        "SELECT seq, topic, event_key, event FROM tidings_outbox_published, "
        f"(SELECT {clock.instant.format('max(published_at)')} AS at "
        "FROM tidings_outbox_published) AS newest "
        f"WHERE {at} >= newest.at - {clock.seconds} AND newest.at <= {clock.now} - {clock.seconds} "
        "AND seq > %s ORDER BY seq LIMIT %s"
    )
    with connection.cursor() as cursor:
        cursor.execute(sql, [window, since, after, limit])
        return [Row(*row) for row in cursor.fetchall()]


def published_again(connection: BaseDatabaseWrapper, seqs: Iterable[int]) -> None:
    """Sets the time of rows anew that were published again: of all of them, or of none."""
    with transaction.atomic(using=connection.alias):
        _by_number(
            connection,
            f"UPDATE tidings_outbox_published SET published_at = {now(connection)} "
            "WHERE seq IN ({})",
            seqs,
        )


def forget_published(connection: BaseDatabaseWrapper, window: float) -> None:
    """Deletes what was published longer ago than ``window`` seconds, but never the last so many
    seconds before the newest."""
    clock = _CLOCKS[connection.vendor]
    at = clock.instant.format("published_at")
    with connection.cursor() as cursor:
        # By number in two steps: MySQL does not look into a table that it deletes from.
        cursor.execute(
            "SELECT seq FROM tidings_outbox_published, "
            f"(SELECT {clock.instant.format('max(published_at)')} AS at "
            "FROM tidings_outbox_published) AS newest "
            f"WHERE {at} < {clock.now} - {clock.seconds} AND {at} < newest.at - {clock.seconds} "
            "ORDER BY published_at LIMIT 10000",
            [window, window],
        )
        old = [seq for (seq,) in cursor.fetchall()]
    _by_number(connection, "DELETE FROM tidings_outbox_published WHERE seq IN ({})", old)


def refuse(connection: BaseDatabaseWrapper, seq: int, reason: str) -> None:
    """Sets a row aside, with the reason why the bus refuses it for good."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE tidings_outbox SET refused_at = {now(connection)}, reason = %s WHERE seq = %s",
            [reason, seq],
        )


def hold(connection: BaseDatabaseWrapper, seqs: Iterable[int]) -> None:
    """Sets rows aside that wait behind a refused one of their key: without a reason."""
    _by_number(
        connection,
        f"UPDATE tidings_outbox SET refused_at = {now(connection)}, reason = NULL "
        "WHERE seq IN ({})",
        seqs,
    )


def heads(connection: BaseDatabaseWrapper) -> set[Place]:
    """The places that a refused row holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT topic, event_key FROM tidings_outbox WHERE refused_at IS NOT NULL "
            "AND reason IS NOT NULL AND event_key IS NOT NULL"
        )
        return {(topic, key) for topic, key in cursor.fetchall()}


def release(connection: BaseDatabaseWrapper) -> int:
    """Makes held rows ready again where no refused row of their key is left."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT topic, event_key FROM tidings_outbox WHERE refused_at IS NOT NULL "
            "AND reason IS NULL AND event_key IS NOT NULL"
        )
        held = {(topic, key) for topic, key in cursor.fetchall()}
        if not held:
            return 0
        released = 0
        for topic, key in held - heads(connection):
            cursor.execute(
                "UPDATE tidings_outbox SET refused_at = NULL WHERE topic = %s AND event_key = %s "
                "AND refused_at IS NOT NULL AND reason IS NULL",
                [topic, key],
            )
            released += cursor.rowcount
        return released


def retry(connection: BaseDatabaseWrapper, seqs: Iterable[int]) -> int:
    """Makes refused rows ready again; how many."""
    return _by_number(
        connection,
        "UPDATE tidings_outbox SET refused_at = NULL, reason = NULL "
        "WHERE refused_at IS NOT NULL AND reason IS NOT NULL AND seq IN ({})",
        seqs,
    )


def discard(connection: BaseDatabaseWrapper, seqs: Iterable[int]) -> int:
    """Deletes refused rows; how many."""
    return _by_number(
        connection,
        "DELETE FROM tidings_outbox "
        "WHERE refused_at IS NOT NULL AND reason IS NOT NULL AND seq IN ({})",
        seqs,
    )


def now(connection: BaseDatabaseWrapper) -> str:
    """The database's clock, in UTC, as an expression for a statement with parameters."""
    return _NOW[connection.vendor]


def _by_number(connection: BaseDatabaseWrapper, sql: str, seqs: Iterable[int]) -> int:
    numbers = list(seqs)
    changed = 0
    for start in range(0, len(numbers), 500):
        part = numbers[start : start + 500]
        with connection.cursor() as cursor:
            marks = ", ".join(["%s"] * len(part))
            cursor.execute(sql.replace("{}", marks), part)
            changed += cursor.rowcount
    return changed
