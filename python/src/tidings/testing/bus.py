"""The bus in memory."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from tidings import _consuming
from tidings._tidings import Event, Message, Receipt
from tidings.bus import Bus, Routes
from tidings.errors import TidingsError, UnavailableError, UnknownOutcomeError

_PATIENCE = 0.2
"""Seconds without a message after which a delivery is over; retries come sooner."""


@dataclass
class Delivered:
    """What :meth:`TestBus.deliver` did."""

    handled: list[Event] = field(default_factory=list)
    """Events whose handler returned, in this order."""
    failed: list[tuple[Event, BaseException]] = field(default_factory=list)
    """Each attempt that raised, in this order."""
    dead: list[dict[str, Any]] = field(default_factory=list)
    """The dead letters of the group."""


class TestBus(Bus):
    """A bus whose log is the memory of this test. Everything else is the real thing."""

    __test__ = False  # It is no test, whatever its name begins with.

    def __new__(cls, *, service: str = "test", routes: Routes | None = None) -> Self:
        """A bus with an empty log."""
        self = super().__new__(cls, "memory:", service=service, routes=routes, send_timeout=2.0)
        self.open()
        return self

    def __init__(self, **_: Any) -> None:
        self._refusals: list[type[TidingsError]] = []

    def publish_events(
        self, events: list[tuple[Event, str | None]], timeout: float | None = None
    ) -> list[list[Receipt] | TidingsError]:
        """Publishes, unless a fault was injected."""
        if not self._refusals:
            return super().publish_events(events, timeout)
        kind = self._refusals.pop(0)
        if kind is UnknownOutcomeError:
            # The worst case: it was stored, and nobody was told.
            super().publish_events(events, timeout)
        return [
            kind("injected by the test", is_temporary=True, event_id=event.id)
            for event, _ in events
        ]

    def fail_publishing(self, times: int = 1, error: type[TidingsError] = UnavailableError) -> None:
        """Lets the next calls fail; with ``UnknownOutcomeError`` the events are stored anyway."""
        self._refusals.extend([error] * times)

    @contextlib.contextmanager
    def away(self) -> Iterator[None]:
        """The log is away for the length of the block."""
        self.log.set_available(False)
        try:
            yield
        finally:
            self.log.set_available(True)

    def lose(self, topic: str, n: int) -> int:
        """Removes the oldest records, as somebody else's trim would; returns how many."""
        return self.log.drop_records(topic, n)

    @property
    def published(self) -> list[Event]:
        """Everything that is in the log, topic by topic."""
        return [event for topic in self.log.topics() for event in self.published_to(topic)]

    def published_to(self, topic: str) -> list[Event]:
        """What is in a topic, oldest first."""
        read = self.log.read(topic, limit=1_000_000)
        return [event for _, event in read if isinstance(event, Event)]

    def assert_published(
        self,
        type: str,  # noqa: A002 - the attribute's name
        *,
        topic: str | None = None,
        times: int | None = None,
        data: Mapping[str, Any] | None = None,
        **attributes: Any,
    ) -> Event:
        """Asserts that an event of the type was published, and returns the newest that matches.

        ``data`` names members that the payload must have, ``attributes`` are compared with those of
        the event. With ``times`` there must be exactly so many.
        """
        if topic is None:
            everything = self.published
        elif topic in self.log.topics():
            everything = self.published_to(topic)
        else:
            everything = []
        of_type = [event for event in everything if event.type == type]
        matching = [event for event in of_type if _matches(event, data, attributes)]
        if matching and times in (None, len(matching)):
            return matching[-1]
        where = "" if topic is None else f" to {topic}"
        wanted = "at least one" if times is None else str(times)
        raise AssertionError(
            f"wanted {wanted} of {type}{where}, found {len(matching)} that match, "
            f"{len(of_type)} of the type, {len(everything)} events in all: "
            f"{_summary(everything)}"
        )

    def assert_not_published(self, type: str) -> None:  # noqa: A002 - the attribute's name
        """Asserts that no event of the type was published."""
        found = [event for event in self.published if event.type == type]
        if found:
            raise AssertionError(f"wanted none of {type}, found {len(found)}")

    def deliver(
        self,
        handler: Callable[[Message], object],
        *topics: str,
        group: str = "test",
        max_attempts: int = 3,
        concurrency: int = 1,
        duplicate: bool = False,
    ) -> Delivered:
        """Hands everything published to a handler as a consumer would, and returns what happened.

        A handler that raises is called again at once, up to ``max_attempts`` times. With
        ``duplicate`` each event is handled twice, as may happen to any consumer: a handler that is
        idempotent does not mind.
        """
        names = list(topics or self.log.topics())
        delivered = Delivered()
        if not names:
            return delivered

        def handle(message: Message) -> None:
            try:
                handler(message)
                if duplicate:
                    handler(message)
            except BaseException as error:
                delivered.failed.append((message.event, error))
                raise
            delivered.handled.append(message.event)

        stream = self.subscribe(
            names,
            group,
            start="earliest",
            concurrency=concurrency,
            max_attempts=max_attempts,
            backoff=(0.001, 0.001),
            until_idle=_PATIENCE,
        ).stream
        _consuming.run(
            stream, lambda message: _consuming.settle(message, handle), threads=concurrency
        )
        for name in names:
            delivered.dead.extend(self.log.dead_letters(name, group))
        return delivered


def _matches(event: Event, data: Mapping[str, Any] | None, attributes: Mapping[str, Any]) -> bool:
    if any(getattr(event, name) != value for name, value in attributes.items()):
        return False
    if data is None:
        return True
    payload = event.data
    missing = object()
    return isinstance(payload, Mapping) and all(
        payload.get(name, missing) == value for name, value in data.items()
    )


def _summary(events: Iterable[Event]) -> str:
    counts: dict[str, int] = {}
    for event in events:
        counts[event.type] = counts.get(event.type, 0) + 1
    return ", ".join(f"{n} × {name}" for name, n in counts.items()) or "nothing"
