"""What is wrong with the settings, as Django's system checks report it at start-up."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured

from tidings import ProfileError, TidingsError
from tidings.django import conf, service
from tidings.django.registry import Receiver, registry

#: The identifiers of these checks, for ``SILENCED_SYSTEM_CHECKS``; the guide lists them.
SETTING, RECEIVER, DESCRIPTION, BUS_FILE, BUS_URL = (f"tidings.E00{n}" for n in range(1, 6))
NO_ROUTE, EVENT_TYPE = "tidings.W001", "tidings.W002"


def check_settings(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """The setting ``TIDINGS``."""
    return [Error(f"{p.name} {p.message}", hint=p.hint, id=SETTING) for p in conf.problems()]


def check_events(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """What the decorators say, against the settings."""
    if conf.problems():
        return []
    found: list[CheckMessage] = []
    settings = conf.current()
    taken: dict[tuple[str, str, str], Receiver] = {}
    for receiver in registry.receivers():
        where = f"The receiver {receiver.name} ({receiver.place})"
        if receiver.topic is None and receiver.event_type not in settings.events:
            near = conf.nearest(receiver.event_type, tuple(settings.events))
            found.append(
                Error(
                    f"{where} does not say from which topic it takes {receiver.event_type!r}, and "
                    f'TIDINGS["EVENTS"] has no such type.',
                    hint=f"Did you mean {near!r}?"
                    if near
                    else "Name it: @receiver(…, topic=…), or add the type to the setting.",
                    id=RECEIVER,
                )
            )
            continue
        alias = receiver.using
        if alias is not None and alias not in django_settings.DATABASES:
            near = conf.nearest(alias, tuple(django_settings.DATABASES))
            found.append(
                Error(
                    f"{where} works in the database {alias!r}, which is not in DATABASES.",
                    hint=f"Did you mean {near!r}?" if near else "Name an alias of DATABASES.",
                    id=RECEIVER,
                )
            )
        for topic in receiver.topics():
            place = (receiver.group_name(), topic, receiver.event_type)
            other = taken.setdefault(place, receiver)
            if other is not receiver:
                found.append(
                    Error(
                        f"{where} and {other.name} ({other.place}) both receive "
                        f"{receiver.event_type!r} of {topic!r} in the group {place[0]!r}.",
                        hint="Give one of them a group of its own, @receiver(…, group=…): then "
                        "each is tried again alone. Or call both from one receiver.",
                        id=RECEIVER,
                    )
                )
    found.extend(_descriptions())
    return found


def _descriptions() -> Iterable[CheckMessage]:
    for description in registry.all_descriptions():
        where = f"@describes for {description.model.__name__} ({description.place})"
        names = [f.name for f in description.model._meta.get_fields()]
        try:
            field = description.model._meta.get_field(description.time_field)
        except FieldDoesNotExist:
            near = conf.nearest(description.time_field, tuple(names))
            yield Error(
                f"{where} takes the time from {description.time_field!r}, which is no field of it.",
                hint=f"Did you mean {near!r}?"
                if near
                else "Name the field with the time of the last change: time_field=….",
                id=DESCRIPTION,
            )
            continue
        if field.get_internal_type() != "DateTimeField":
            yield Error(
                f"{where} takes the time from {description.time_field!r}, which is a "
                f"{field.get_internal_type()}.",
                hint="Events need a DateTimeField.",
                id=DESCRIPTION,
            )
        # A catalog has topics of its own.
        if description.event_type not in conf.current().events and not conf.current().catalog:
            near = conf.nearest(description.event_type, tuple(conf.current().events))
            yield Warning(
                f"{where} tells {description.event_type!r}, which has no entry in "
                f'TIDINGS["EVENTS"]: nothing says to which topic it goes.',
                hint=f"Did you mean {near!r}?"
                if near
                else "Add the type to the setting, or name the topic when you publish.",
                id=NO_ROUTE,
            )


def check_bus(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """That the URL of the bus and the key paths are understood; nothing is connected."""
    if conf.problems():
        return []
    try:
        service.bus().check()
    except ImproperlyConfigured as error:
        # The bus is that of Open edX.
        return [Error(str(error), hint="See the settings EVENT_BUS_*.", id=BUS_URL)]
    except TidingsError as error:
        return [_of_the_bus(str(error))]
    return list(_event_types())


def _event_types() -> Iterable[CheckMessage]:
    bus = service.bus()
    for event_type in conf.current().events:
        try:
            bus.prepare(bus.event(type=event_type, data={}), "check")
        except ProfileError as error:
            # It may be an event of somebody else, which is only received.
            rule = str(error).partition(" was not published: ")[2] or str(error)
            yield Warning(
                f'TIDINGS["EVENTS"][{event_type!r}]: {rule}',
                hint="publish() refuses events of this type.",
                id=EVENT_TYPE,
            )
        except TidingsError:
            # What a catalog says of an event depends on its data.
            continue


#: What a message of the bus begins with, the key that it is about, and what to do.
_ABOUT: Final = (
    ("catalog: ", "CATALOG", "See what `tidings catalog lint` says of it."),
    ("routes: ", "EVENTS", 'Correct the "KEY" of that type.'),
    ("bus URL: ", "BUS", "Name it like redis://host:6379/0 or sqlite:bus.db."),
)


def _of_the_bus(message: str) -> CheckMessage:
    for start, key, hint in _ABOUT:
        if message.startswith(start):
            return Error(
                f"{conf.name_of(key)}: {message.removeprefix(start)}", hint=hint, id=BUS_URL
            )
    return Error(f"TIDINGS: {message}", hint="See the settings of the bus.", id=BUS_URL)


def check_database_files(app_configs: Any = None, **_: Any) -> list[CheckMessage]:
    """That the file of the bus is not a database of Django's.

    Two copies of SQLite in one process, Python's and the bus's, undo each other's file locks.
    """
    if conf.problems():
        return []
    bus = conf.current().bus
    if not bus.startswith("sqlite:"):
        return []
    path = unquote(bus.removeprefix("sqlite:").split("?", 1)[0])
    path = path.removeprefix("//") if path.startswith("///") else path
    found: list[CheckMessage] = []
    for alias, database in django_settings.DATABASES.items():
        if not str(database.get("ENGINE", "")).endswith("sqlite3"):
            continue
        if _is_same_file(path, str(database.get("NAME", ""))):
            found.append(
                Error(
                    f'TIDINGS["BUS"] names {path!r}, which is the database {alias!r} of Django.',
                    hint="Give the bus a file of its own, such as sqlite:bus.db.",
                    id=BUS_FILE,
                )
            )
    return found


def _is_same_file(one: str, other: str) -> bool:
    try:
        return os.path.samefile(one, other)
    except OSError:
        return Path(one).absolute() == Path(other).absolute()


#: What is run at start-up.
ALL: Final = (check_settings, check_events, check_bus, check_database_files)
