"""What this service does with events, and how it tells of its tables: filled by two decorators."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from django.core.exceptions import ImproperlyConfigured

from tidings.django import conf

if TYPE_CHECKING:
    from django.db.models import Model

    from tidings import Event

#: As many rows as a statement of an old SQLite takes (999 parameters).
MOST_BATCH = 250

Handle = TypeVar("Handle", bound="Callable[[Event], object]")
Describe = TypeVar("Describe", bound="Callable[[Any], Any]")


@dataclass(frozen=True)
class Receiver:
    """A function that receives events of one type."""

    event_type: str
    function: Callable[[Event], object]
    topic: str | None
    group: str | None
    transactional: bool
    using: str | None
    place: str
    batch: int = 1

    @property
    def name(self) -> str:
        """The function, for people."""
        return f"{self.function.__module__}.{self.function.__qualname__}"

    def topics(self) -> tuple[str, ...]:
        """Where its events come from: as the decorator says, or else the settings."""
        if self.topic is not None:
            return (self.topic,)
        route = conf.current().events.get(self.event_type)
        if route is None:
            raise ImproperlyConfigured(
                f"{self.name} receives {self.event_type!r}, but nothing says from which topic: "
                f"name it in the decorator, or give the type an entry in TIDINGS['EVENTS']."
            )
        return route.topics

    def group_name(self) -> str:
        """The group it belongs to: as the decorator says, or else ``TIDINGS["GROUP"]``."""
        return self.group or conf.current().group


@dataclass(frozen=True)
class Description:
    """How the rows of a model are told as events of one type."""

    event_type: str
    model: type[Model]
    function: Callable[[Any], Any]
    time_field: str
    place: str

    @property
    def name(self) -> str:
        """The function, for people."""
        return f"{self.function.__module__}.{self.function.__qualname__}"


class Registry:
    """The receivers and descriptions of this process."""

    def __init__(self) -> None:
        self._receivers: list[Receiver] = []
        self._descriptions: list[Description] = []

    def add_receiver(self, receiver: Receiver) -> None:
        # A module that is imported again (a reload) replaces what it said before.
        self._receivers = [
            r
            for r in self._receivers
            if (r.name, r.event_type, r.topic, r.group)
            != (receiver.name, receiver.event_type, receiver.topic, receiver.group)
        ]
        self._receivers.append(receiver)

    def add_description(self, description: Description) -> None:
        self._descriptions = [
            d
            for d in self._descriptions
            if (d.model, d.event_type) != (description.model, description.event_type)
        ]
        self._descriptions.append(description)

    def receivers(self) -> Iterator[Receiver]:
        return iter(tuple(self._receivers))

    def descriptions(self, model: type[Model]) -> list[Description]:
        """How the rows of a model are told, by type."""
        return [d for d in self._descriptions if d.model is model]

    def all_descriptions(self) -> Iterator[Description]:
        return iter(tuple(self._descriptions))


registry = Registry()


def receiver(
    *event_types: str,
    topic: str | None = None,
    group: str | None = None,
    transactional: bool = False,
    using: str | None = None,
    batch: int = 1,
) -> Callable[[Handle], Handle]:
    """Makes a function the receiver of events of these types.

    Put it into the module ``tidings_events`` of an application; ``manage.py tidings_consume`` finds
    it there. A function that returns has dealt with the event; one that raises is called again
    later, and at last the event becomes a dead letter. It may see an event twice.

    ``topic`` and ``group`` default to the type's entry in ``TIDINGS["EVENTS"]`` and to
    ``TIDINGS["GROUP"]``. With ``transactional=True`` the function runs in a transaction of the
    database ``using``, together with a row of the inbox: what it writes there takes effect once,
    however often the event comes.

    With ``batch=100`` up to so many events that lie ready share such a transaction; the function is
    called with each. If one of them fails, all of it is rolled back, and each event gets a
    transaction of its own: the function is called again with events whose first call has had no
    effect on the database.

    ::

        @receiver("org.example.catalog.course.created.v1", topic="courses", transactional=True)
        def on_course(event):
            Course.objects.create(key=event.data["key"], title=event.data["title"])
    """
    if not event_types or not all(isinstance(t, str) and t for t in event_types):
        raise ImproperlyConfigured(
            "@receiver needs the types of the events it receives, as strings: "
            '@receiver("org.example.catalog.course.created.v1").'
        )
    if not isinstance(batch, int) or isinstance(batch, bool) or not 1 <= batch <= MOST_BATCH:
        raise ImproperlyConfigured(
            f"@receiver: batch must be a whole number from 1 to {MOST_BATCH}, but is {batch!r}."
        )
    if batch > 1 and not transactional:
        raise ImproperlyConfigured(
            "@receiver: batch is how many events share a transaction, and this receiver asks for "
            "none: add transactional=True, or leave batch out."
        )
    place = _place()

    def register(function: Handle) -> Handle:
        for event_type in event_types:
            registry.add_receiver(
                Receiver(event_type, function, topic, group, transactional, using, place, batch)
            )
        return function

    return register


def describes(
    model: type[Model], event_type: str, *, time_field: str = "modified"
) -> Callable[[Describe], Describe]:
    """Makes a function the way in which rows of a model are told as events of a type.

    It takes a row and returns the data. `publish_for` uses it when it is given none, and
    ``manage.py tidings_emit`` to publish the whole table. ``time_field`` is the field with the
    time of the row's last change, which becomes the time of the event.

    ::

        @describes(Course, "org.example.catalog.course.updated.v1")
        def course(course):
            return {"key": course.key, "title": course.title}
    """
    place = _place()

    def register(function: Describe) -> Describe:
        registry.add_description(Description(event_type, model, function, time_field, place))
        return function

    return register


def _place() -> str:
    """Where the decorator stands, for messages."""
    frame = sys._getframe(2)
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
