"""One active relay on a database: the locks that the ``tidings relay`` command takes too.

So a relay in Python and one in Rust stand by for each other.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.utils import NotSupportedError


class Superseded(Exception):
    """The lock has passed to another relay."""


class Lock(ABC):
    """The lock of the relay, held by one session with the database."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        self.connection = connection

    @abstractmethod
    def take(self) -> bool:
        """Takes the lock, if nobody has it."""

    @abstractmethod
    def keep(self) -> None:
        """Confirms that it is held; `Superseded` if not."""

    @abstractmethod
    def give_back(self) -> None:
        """Lets the next relay have it at once."""

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """Statements of the active relay, which fail if it is no longer active."""
        # Session locks end with the connection, and so do statements on it.
        yield

    def wait(self, seconds: float, sleep: Callable[[float], object]) -> None:
        """Waits until there may be new rows."""
        sleep(seconds)

    def wake_up(self) -> None:  # noqa: B027 - most databases wake nobody
        """There is work: commits need not wake this relay."""

    def _fetch(self, sql: str, *parameters: object) -> tuple[object, ...]:
        with self.connection.cursor() as cursor:
            cursor.execute(sql, parameters or None)
            return tuple(cursor.fetchone())

    def _session(self, identity: str) -> object:
        """This session's identity on the server; refuses a pooler that shares sessions."""
        mine = self._fetch(identity)[0]
        other = self.connection.copy()
        try:
            with transaction_of(other), other.cursor() as cursor:
                # In a transaction it has a session for itself; a direct one has one anyway.
                cursor.execute(identity)
                theirs = cursor.fetchone()[0]
                if theirs == mine or self._fetch(identity)[0] != mine:
                    raise ImproperlyConfigured(
                        f"Between the relay and the database {self.connection.alias!r} stands a "
                        f"pooler that hands each statement to another session (PgBouncer in "
                        f"transaction mode, ProxySQL): the lock that keeps one relay active does "
                        f"not hold. Give the relay a direct connection: an alias of its own in "
                        f"DATABASES, and --database ALIAS."
                    )
        finally:
            other.close()
        return mine


@contextmanager
def transaction_of(connection: BaseDatabaseWrapper) -> Iterator[None]:
    """A transaction on a connection that is not among `django.db.connections`."""
    connection.set_autocommit(False)
    try:
        yield
    finally:
        connection.rollback()


class PostgresLock(Lock):
    """An advisory lock: per database, held by the session."""

    #: "tidings" in ASCII.
    NUMBER = 0x0074_6964_696E_6773
    #: Held by the active relay while it sleeps, so that commits notify it: see postgresql.sql.
    SLEEP = NUMBER + 2

    def take(self) -> bool:
        self._asleep = False
        self._pid = self._session("SELECT pg_backend_pid()")
        with self.connection.cursor() as cursor:
            # Deletes need not wait for the disk: one that is lost with the server's memory means
            # an event twice, never one less. A host that is gone is noticed in 15 seconds.
            for statement in (
                "SET synchronous_commit = off",
                "SET tcp_keepalives_idle = 6",
                "SET tcp_keepalives_interval = 3",
                "SET tcp_keepalives_count = 3",
                "LISTEN tidings_outbox",
            ):
                cursor.execute(statement)
        return bool(self._fetch("SELECT pg_try_advisory_lock(%s)", self.NUMBER)[0])

    def keep(self) -> None:
        pid, held = self._fetch(
            "SELECT pg_backend_pid(), EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' "
            "AND granted AND pid = pg_backend_pid() AND classid::bigint = %s "
            "AND objid::bigint = %s AND objsubid = 1)",
            self.NUMBER >> 32,
            self.NUMBER & 0xFFFFFFFF,
        )
        if pid != self._pid or not held:
            raise Superseded("the advisory lock of this session is gone")

    def give_back(self) -> None:
        self.wake_up()
        self._fetch("SELECT pg_advisory_unlock(%s)", self.NUMBER)

    def wait(self, seconds: float, sleep: Callable[[float], object]) -> None:
        notifies = getattr(self.connection.connection, "notifies", None)
        if not callable(notifies):
            # psycopg2 keeps them in a list: poll.
            sleep(seconds)
            return
        if not self._asleep:
            self._asleep = bool(self._fetch("SELECT pg_try_advisory_lock(%s)", self.SLEEP)[0])
            if self._asleep:
                # What was committed until now has told nobody: look once more.
                return
            # A transaction that found this relay awake is open still, and will wake nobody.
            seconds = min(seconds, 0.05)
        for _ in notifies(timeout=seconds, stop_after=1):
            # Many commits may have been announced at once.
            return

    def wake_up(self) -> None:
        if self._asleep:
            self._asleep = False
            self._fetch("SELECT pg_advisory_unlock(%s)", self.SLEEP)


class MysqlLock(Lock):
    """A named lock: per server, so the name is made of the database's."""

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection)
        database = str(connection.settings_dict["NAME"])
        digest = hashlib.sha256(database.encode() + b"\0" + b"tidings_outbox").hexdigest()
        self._name = f"tidings-relay-{digest[:32]}"

    def take(self) -> bool:
        self._id = self._session("SELECT CONNECTION_ID()")
        with self.connection.cursor() as cursor:
            # A relay whose host is gone gives its lock back after a minute of silence.
            cursor.execute("SET SESSION wait_timeout = 60")
        return self._fetch("SELECT GET_LOCK(%s, 0)", self._name)[0] == 1

    def keep(self) -> None:
        me, holder = self._fetch("SELECT CONNECTION_ID(), IS_USED_LOCK(%s)", self._name)
        if me != self._id or holder != me:
            raise Superseded("the named lock of this session is gone")

    def give_back(self) -> None:
        self._fetch("SELECT RELEASE_LOCK(%s)", self._name)


class SqliteLock(Lock):
    """A lease with an epoch, in a table: SQLite has no sessions that a server could watch."""

    SECONDS = 5

    def __init__(self, connection: BaseDatabaseWrapper) -> None:
        super().__init__(connection)
        self._holder = f"{os.getpid()}-{secrets.token_hex(8)}"
        self._epoch: object = 0

    def take(self) -> bool:
        with transaction.atomic(using=self.connection.alias), self.connection.cursor() as cursor:
            now = int(time.time() * 1000)
            cursor.execute(
                "INSERT INTO tidings_outbox_lease (name, holder, epoch, until_millis) "
                "VALUES ('relay', %s, 1, %s) ON CONFLICT (name) DO UPDATE SET "
                "holder = excluded.holder, epoch = epoch + 1, "
                "until_millis = excluded.until_millis WHERE until_millis < %s",
                [self._holder, now + self.SECONDS * 1000, now],
            )
            if cursor.rowcount != 1:
                return False
            cursor.execute("SELECT epoch FROM tidings_outbox_lease WHERE name = 'relay'")
            self._epoch = cursor.fetchone()[0]
            return True

    def keep(self) -> None:
        self._move(int(time.time() * 1000) + self.SECONDS * 1000)

    def give_back(self) -> None:
        self._move(0)

    @contextmanager
    def fenced(self) -> Iterator[None]:
        with transaction.atomic(using=self.connection.alias):
            self.keep()
            yield

    def _move(self, until: int) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(
                "UPDATE tidings_outbox_lease SET until_millis = %s "
                "WHERE name = 'relay' AND holder = %s AND epoch = %s",
                [until, self._holder, self._epoch],
            )
            if cursor.rowcount != 1:
                raise Superseded("another relay has taken the lease over")


def lock_on(connection: BaseDatabaseWrapper) -> Lock:
    """The lock of the relay on a database."""
    kinds: dict[str, type[PostgresLock] | type[MysqlLock] | type[SqliteLock]]
    kinds = {"postgresql": PostgresLock, "mysql": MysqlLock, "sqlite": SqliteLock}
    kind = kinds.get(connection.vendor)
    if kind is None:
        raise NotSupportedError(
            f"Tidings has no relay for {connection.vendor}: it knows PostgreSQL, MySQL, MariaDB "
            f"and SQLite"
        )
    return kind(connection)
