"""From a delivery to a receiver: the transaction, the inbox, and clean surroundings."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cached_property

from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections, connections, reset_queries, router, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from tidings import Event, Message
from tidings.django import conf, inbox, service
from tidings.django.models import Inbox
from tidings.django.registry import Receiver, registry

logger = logging.getLogger(__name__)


class Desk:
    """The receivers of one group, by topic and type."""

    def __init__(self, group: str) -> None:
        self.group = group
        self._receivers: dict[tuple[str, str], Receiver] = {}

    def add(self, topic: str, receiver: Receiver) -> None:
        """Adds a receiver; there is one for each type of a topic."""
        place = (topic, receiver.event_type)
        other = self._receivers.setdefault(place, receiver)
        if other is not receiver:
            raise ImproperlyConfigured(
                f"{receiver.name} and {other.name} both receive {receiver.event_type!r} of "
                f"{topic!r} in the group {self.group!r}: give one a group of its own."
            )

    @property
    def topics(self) -> list[str]:
        """The topics that it takes events from."""
        return sorted({topic for topic, _ in self._receivers})

    @property
    def databases(self) -> set[str]:
        """The databases whose inbox it uses."""
        return {database(r) for r in self._receivers.values() if r.transactional}

    @property
    def batch(self) -> int:
        """How many events the receiver takes at once that takes most."""
        return max(receiver.batch for receiver in self._receivers.values())

    def receiver(self, message: Message) -> Receiver | None:
        """Who receives a message; `None` for other types that share the topic."""
        return self._by_full_topic.get((message.topic, message.event.type))

    @cached_property
    def _by_full_topic(self) -> dict[tuple[str, str], Receiver]:
        full = service.bus().full_topic
        return {(full(topic), t): of for (topic, t), of in self._receivers.items()}

    def handle(self, message: Message) -> None:
        """Deals with one message."""
        receiver = self.receiver(message)
        if receiver is None:
            logger.debug("no receiver for %s of %s", message.event.type, message.topic)
            return
        with clean():
            call(receiver, self.group, message.event)


def desks(topics: Iterable[str] = (), groups: Iterable[str] = ()) -> list[Desk]:
    """The receivers of this process by group; only those of some topics or groups, if named."""
    wanted_topics, wanted_groups = set(topics), set(groups)
    found: dict[str, Desk] = {}
    known_topics, known_groups = set(), set()
    for receiver in registry.receivers():
        group = receiver.group_name()
        known_groups.add(group)
        for topic in receiver.topics():
            known_topics.add(topic)
            if (wanted_topics and topic not in wanted_topics) or (
                wanted_groups and group not in wanted_groups
            ):
                continue
            found.setdefault(group, Desk(group)).add(topic, receiver)
    for what, wanted, known in (
        ("topic", wanted_topics, known_topics),
        ("group", wanted_groups, known_groups),
    ):
        for name in sorted(wanted - known):
            near = conf.nearest(name, tuple(known))
            hint = f"Did you mean {near!r}?" if near else f"Known: {', '.join(sorted(known))}."
            raise ImproperlyConfigured(f"no receiver has the {what} {name!r}. {hint}")
    if not found:
        raise ImproperlyConfigured(
            "there is nothing to consume: no application has a module tidings_events with a "
            "function under @receiver, or none fits --topic and --group together."
        )
    return list(found.values())


def call(receiver: Receiver, group: str, event: Event) -> None:
    """Gives an event to a receiver, in a transaction with the inbox if it asks for one."""
    if not receiver.transactional:
        receiver.function(event)
        return
    alias = database(receiver)
    with transaction.atomic(using=alias):
        if not inbox.record(group, event.source, event.id, using=alias):
            logger.info("event %s has taken effect in %s before", event.id, group)
            return
        receiver.function(event)
        assert_kept(connections[alias])


def assert_kept(connection: BaseDatabaseWrapper) -> None:
    """Raises if a receiver has returned though its transaction cannot be committed any more.

    It has caught the error of a statement: then the database, or Django, rolls everything back at
    the end without another word, and the event would have had no effect.
    """
    aborted = False
    if connection.vendor == "postgresql":
        # Known to the driver, old or new: 3 is PQTRANS_INERROR.
        aborted = connection.connection.info.transaction_status == 3
    if aborted or connection.needs_rollback:
        raise transaction.TransactionManagementError(
            "the receiver returned, but a statement of its transaction has failed, and all of it "
            "is rolled back: wrap what may fail in transaction.atomic(), or let the error out"
        )


def database(receiver: Receiver) -> str:
    """The database whose transaction a receiver runs in."""
    return receiver.using or router.db_for_write(Inbox) or conf.current().database


@contextmanager
def clean() -> Iterator[None]:
    """What a web request would have around it: usable connections, empty caches.

    A worker thread lives for days. Without this its database connection would die unnoticed, and a
    cache that is meant to live as long as a request would serve yesterday's rows.
    """
    _prepare()
    try:
        yield
    finally:
        _prepare()


def _prepare() -> None:
    close_old_connections()
    clear_caches()


def clear_caches() -> None:
    """The same for an event that is not the first of its transaction."""
    reset_queries()
    if _clear_request_caches is not None:
        _clear_request_caches()


def _find_request_caches() -> Callable[[], object] | None:
    """What clears the request caches of Open edX, where its package is installed."""
    try:
        from edx_django_utils.cache import RequestCache
    except ImportError:
        return None
    clear: Callable[[], object] = RequestCache.clear_all_namespaces
    return clear


_clear_request_caches = _find_request_caches()
