"""The bus."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self

from tidings import _consuming, _threads, _tidings
from tidings._tidings import Event, Message, Receipt, Stream
from tidings.errors import InvalidError, TidingsError
from tidings.gap import Gap

Routes = Mapping[str, str | Sequence[str] | Mapping[str, str | None]]
"""By event type: a topic, several topics, or topics with the key path of each."""

Catalog = str | os.PathLike[str] | Iterable[str | os.PathLike[str]]
"""Folders of event definitions."""

Start = str | datetime
"""``latest``, ``earliest``, a time, or a position as the log prints it."""


def connect(
    url: str,
    *,
    service: str | None = None,
    namespace: str = "openedx",
    role: str = "web",
    routes: Routes | None = None,
    profile: str | None = None,
    prefix: str | None = None,
    wire: str | None = None,
    send_timeout: float = 10.0,
    catalog: Catalog | None = None,
    validation: str | None = None,
) -> Bus:
    """Opens a bus, and checks that its log answers.

    ``url`` is ``memory:``, ``sqlite:PATH``, ``redis://…`` or ``rediss://…``. With a ``service`` the
    bus stamps events by itself: their source is ``/{namespace}/{service}/{role}``. ``send_timeout``
    bounds, in seconds, how long publishing may take.

    ``catalog`` names folders of event definitions, of which the first that has a type wins; by
    default those of the environment variable ``TIDINGS_CATALOG``. With a catalog events get their
    ``minorversion`` and ``dataschema``, go to the topics and have the keys of their definitions
    where no route says otherwise, and are held to them: with ``validation`` ``enforce``, the
    default, an event of an unknown type, of another service, or with another payload raises
    :class:`~tidings.errors.CatalogError`; with ``warn`` it is logged.

    Raises :class:`~tidings.errors.InvalidError` for a URL or setting that is not understood, and
    :class:`~tidings.errors.UnavailableError` when the log does not answer.
    """
    bus = Bus(
        url,
        service=service,
        namespace=namespace,
        role=role,
        routes=routes,
        profile=profile,
        prefix=prefix,
        wire=wire,
        send_timeout=send_timeout,
        catalog=catalog,
        validation=validation,
    )
    bus.open()
    return bus


class Bus(_tidings.Bus):
    """A log, and how this service uses it.

    Connects when it is first used, and anew in each process: it may be made before a fork. May be
    shared by threads. :func:`connect` makes one and checks that the log answers.
    """

    def __new__(
        cls,
        url: str,
        *,
        service: str | None = None,
        namespace: str = "openedx",
        role: str = "web",
        routes: Routes | None = None,
        profile: str | None = None,
        prefix: str | None = None,
        wire: str | None = None,
        send_timeout: float = 10.0,
        catalog: Catalog | None = None,
        validation: str | None = None,
        definitions: Iterable[tuple[str, int, str]] = (),
        max_len: int | None = None,
        hard_max_len: int | None = None,
        buffer: int = 10_000,
    ) -> Self:
        """See :func:`connect`.

        Further: ``definitions`` are Avro schemas of the Open edX wire as
        ``(type, minor version, schema)``. ``max_len`` trims topics after publishing, and spares
        what groups still need up to ``hard_max_len``. ``buffer`` bounds how many buffered events
        may wait.
        """
        return super().__new__(
            cls,
            {
                "url": url,
                "prefix": prefix,
                "namespace": namespace,
                "service": service,
                "role": role,
                "routes": list(_routes(routes or {})),
                "profile": profile,
                "wire": wire,
                "send_timeout": send_timeout,
                "catalog": _folders(catalog),
                "validation": validation,
                "definitions": list(definitions),
                "max_len": max_len,
                "hard_max_len": hard_max_len,
                "buffer": buffer,
            },
        )

    def publish(
        self,
        event: Event | None = None,
        *,
        topic: str | None = None,
        timeout: float | None = None,
        **attributes: Any,
    ) -> list[Receipt]:
        """Publishes an event, or one made of attributes: ``publish(type=…, data=…, key=…)``.

        It goes to ``topic``, or else to the routes of its type. Returns a receipt for each topic,
        when the log has the event. ``timeout`` replaces the ``send_timeout`` of the bus.

        Raises a :class:`~tidings.errors.TidingsError`; after an
        :class:`~tidings.errors.UnknownOutcomeError` the log may have it all the same.
        """
        made = self._made(event, attributes)
        (result,) = self.publish_events([(made, topic)], timeout)
        if isinstance(result, TidingsError):
            raise result
        return result

    def publish_many(
        self,
        events: Iterable[Event],
        *,
        topic: str | None = None,
        timeout: float | None = None,
    ) -> list[list[Receipt] | TidingsError]:
        """Publishes events in this order, in as few batches as possible.

        Returns for each its receipts, or the error that kept it back: one that fails does not keep
        the others back, so nothing is raised for it.
        """
        return self.publish_events([(event, topic) for event in events], timeout)

    def subscribe(
        self,
        topics: str | Sequence[str],
        group: str,
        *,
        start: Start = "latest",
        concurrency: int = 1,
        ordering: str = "key",
        name: str | None = None,
        max_attempts: int | None = None,
        backoff: tuple[float, float] | None = None,
        attempt_timeout: float | None = None,
        on_failure: str = "park-key",
        lease: float | None = None,
        drain: float | None = None,
        give_up_after: float | None = None,
        outage_backoff: tuple[float, float] | None = None,
        max_events: int | None = None,
        until_idle: float | None = None,
        unknown_schema: str | None = None,
        validation: str | None = None,
        on_gap: Callable[[Gap], object] | None = None,
    ) -> Subscription:
        """Joins a group on topics; iterate over the result for messages.

        ``start`` says where a *new* group begins; a group that exists stays where it is. Times are
        in seconds: ``backoff`` is the first and the longest wait between attempts, ``lease`` how
        long messages stay this consumer's without a sign of life, ``drain`` how long handlers may
        take when it is asked to stop, ``outage_backoff`` the pauses while the log is away.
        ``on_failure`` says what becomes of a message that failed for good: with ``park-key`` it is
        kept as a dead letter and later ones of its key wait behind it, with ``skip`` they do not,
        with ``stop`` the consumer ends and begins with that message again.
        ``max_events`` and ``until_idle`` end it by themselves. ``validation`` holds what arrives to
        the catalog of the bus, and to the contracts that it has with this service: with ``enforce``
        what does not hold has failed before its handler is called, with ``warn`` it is logged.
        ``on_gap`` is called, in a thread of its own, with what was lost to the group before it was
        read.
        """
        _threads.warn_if_they_rest("handlers in them wait for the next request")
        stream = self.subscribe_to(
            [topics] if isinstance(topics, str) else list(topics),
            group,
            {
                "start": as_start(start),
                "concurrency": concurrency,
                "ordering": ordering,
                "name": name,
                "max_attempts": max_attempts,
                "backoff": backoff,
                "attempt_timeout": attempt_timeout,
                "on_failure": on_failure,
                "lease": lease,
                "drain": drain,
                "give_up_after": give_up_after,
                "outage_backoff": outage_backoff,
                "max_events": max_events,
                "until_idle": until_idle,
                "unknown_schema": unknown_schema,
                "validation": validation,
                "on_gap": on_gap,
            },
        )
        return Subscription(stream)

    def consume(
        self,
        topics: str | Sequence[str],
        group: str,
        handler: Callable[[Message], object],
        *,
        concurrency: int = 1,
        **options: Any,
    ) -> dict[str, int]:
        """Hands messages to ``handler`` until SIGTERM, Ctrl-C, or what the options ask for.

        A handler that returns acknowledges its message. One that raises is called again, up to
        ``max_attempts`` times, and then the event is kept as a dead letter; one that raises
        :class:`~tidings.errors.PermanentError` is not called again, and after a
        :class:`~tidings.errors.PoisonError` later events of the key go on whatever ``on_failure``
        says. With ``concurrency`` 1 it runs in this thread, else in so many threads; events of one
        key stay in order either way.

        Returns the counts. The options are those of :meth:`subscribe`.
        """
        subscription = self.subscribe(topics, group, concurrency=concurrency, **options)
        stream = subscription.stream
        with _consuming.stopping_on_signals(stream.stop):
            return _consuming.run(
                stream,
                lambda message: _consuming.settle(message, handler),
                threads=concurrency,
            )

    @property
    def log(self) -> _tidings.Log:
        """The log itself: groups, reading, seeking."""
        return _tidings.Log(self)

    def __enter__(self) -> Self:
        """For ``with``."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Sends what is buffered, and closes the connections of this process."""
        self.flush()
        self.close()

    def _made(self, event: Event | None, attributes: Mapping[str, Any]) -> Event:
        if event is None:
            return self.event(**attributes)
        if attributes:
            raise InvalidError(
                "publish: give an event or attributes, not both: " + ", ".join(attributes)
            )
        return event


class Subscription:
    """Messages of a group, to iterate over.

    A message is acknowledged when the next one is asked for, unless it was settled before. When the
    loop is left (nobody can tell ``break`` from an exception), the message at hand counts as failed
    and comes again: before ``break``, call ``message.ack()``.
    """

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        """The stream underneath."""

    def __iter__(self) -> Iterator[Message]:
        """Messages until the subscription ends. Raises what ended it, if that was an error."""
        current: Message | None = None
        try:
            while True:
                message = self.stream.next()
                if message is None:
                    _consuming.finish(self.stream)
                    return
                current = message
                yield message
                message.ack()
                current = None
        finally:
            if current is not None:
                current.fail("the loop was left before the message was acknowledged")
            self.stream.stop()

    def stop(self) -> None:
        """Takes no new messages; what runs may finish."""
        self.stream.stop()

    @property
    def counts(self) -> dict[str, int]:
        """What happened so far."""
        return self.stream.counts()

    def __enter__(self) -> Self:
        """For ``with``."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Leaves the group."""
        self.stream.stop()
        self.stream.join()


def as_start(start: Start) -> str:
    """A start as the native module reads it."""
    if isinstance(start, str):
        return start
    if start.utcoffset() is None:
        raise InvalidError("start: the time has no offset; use an aware datetime")
    return start.isoformat()


def _folders(catalog: Catalog | None) -> list[str]:
    if catalog is None:
        listed = os.environ.get("TIDINGS_CATALOG", "")
        return [folder for folder in listed.split(os.pathsep) if folder]
    if isinstance(catalog, str | os.PathLike):
        return [os.fspath(catalog)]
    return [os.fspath(folder) for folder in catalog]


def _routes(routes: Routes) -> Iterator[tuple[str, str, str | None]]:
    for event_type, topics in routes.items():
        if isinstance(topics, str):
            yield event_type, topics, None
        elif isinstance(topics, Mapping):
            for topic, key_path in topics.items():
                yield event_type, topic, key_path
        else:
            for topic in topics:
                yield event_type, topic, None
