"""The setting ``TIDINGS``: what it may hold, and what is wrong with what it holds.

Everything is read and checked in one place. The system checks report the problems at start-up; a
process that does not run them (a WSGI server) gets the same texts as ``ImproperlyConfigured`` from
the first call that needs the settings. Nothing is ever ignored in silence.
"""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.db import DEFAULT_DB_ALIAS

IMMEDIATE: Final = "immediate"
ON_COMMIT: Final = "on-commit"
OUTBOX: Final = "outbox"

#: The modes of `publish`, see the guide.
MODES: Final = (IMMEDIATE, ON_COMMIT, OUTBOX)

#: The `BUS` of an Open edX service: that of its settings ``EVENT_BUS_*``.
OPENEDX: Final = "openedx"

#: Keys that may also come from the environment, for what differs from host to host.
VARIABLES: Final = {
    "BUS": "TIDINGS_BUS",
    "SERVICE": "TIDINGS_SERVICE",
    "NAMESPACE": "TIDINGS_NAMESPACE",
    "ROLE": "TIDINGS_ROLE",
    "CATALOG": "TIDINGS_CATALOG",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with the setting."""

    name: str
    """What is wrong, as it stands in the settings: ``TIDINGS["EVENTS"]["org…"]["MODE"]``."""
    message: str
    """What is wrong with it."""
    hint: str
    """What to do."""

    def __str__(self) -> str:
        return f"{self.name} {self.message} {self.hint}"


@dataclass(frozen=True)
class Route:
    """What the settings say about one type of event."""

    topics: tuple[str, ...]
    key_path: str | None = None
    mode: str | None = None


@dataclass(frozen=True, eq=False)
class Settings:
    """The setting ``TIDINGS``, checked. The defaults stand here and nowhere else."""

    bus: str = ""
    service: str = ""
    namespace: str | None = None
    role: str = "web"
    catalog: tuple[str, ...] = ()
    validation: str | None = None
    profile: str | None = None
    mode: str = ON_COMMIT
    events: Mapping[str, Route] = field(default_factory=dict)
    database: str = DEFAULT_DB_ALIAS
    on_commit_failure: str = OUTBOX
    send_timeout: float = 5.0
    group: str = ""
    start: str = "latest"
    concurrency: int = 8
    attempts: int = 8
    on_failure: str = "park-key"
    inbox_days: int = 30

    def mode_of(self, event_type: str) -> str:
        """The mode in which events of a type are published."""
        route = self.events.get(event_type)
        return (route.mode if route else None) or self.mode


class _Reader:
    """Takes the setting apart, and collects every problem instead of stopping at the first."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def problem(self, name: str, message: str, hint: str) -> None:
        self.problems.append(Problem(name, message, hint))

    def unknown(self, name: str, key: object, known: tuple[str, ...]) -> None:
        near = nearest(str(key), known)
        hint = f"Did you mean {near!r}?" if near else "Remove it."
        self.problem(name, "is not a known key.", f"{hint} Known are: {', '.join(known)}.")

    def text(self, name: str, value: object, what: str) -> str | None:
        if isinstance(value, str) and value.strip():
            return value
        self.problem(name, f"must be {what}, but is {shown(value)}.", "Write it as a string.")
        return None

    def choice(self, name: str, value: object, choices: tuple[str, ...]) -> str | None:
        if isinstance(value, str) and value in choices:
            return value
        near = nearest(str(value), choices)
        hint = f"Did you mean {near!r}?" if near else f"Choose {' or '.join(map(repr, choices))}."
        listed = ", ".join(map(repr, choices))
        self.problem(name, f"must be one of {listed}, but is {shown(value)}.", hint)
        return None

    def number(self, name: str, value: object, low: int, high: int) -> int | None:
        if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
            return value
        rule = f"must be a whole number from {low:,} to {high:,}, but is {shown(value)}."
        self.problem(name, rule, "Write it without quotes.")
        return None

    def seconds(self, name: str, value: object) -> float | None:
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= 3600:
            return float(value)
        rule = f"must be a number of seconds above zero, but is {shown(value)}."
        self.problem(name, rule, "Write it like 5.0.")
        return None

    def segment(self, name: str, value: object, example: str) -> str | None:
        text = self.text(name, value, "a name")
        if text is None or re.fullmatch(r"[A-Za-z0-9._~-]+", text):
            return text
        rule = (
            "must consist of letters, digits, '-', '.', '_' and '~': it becomes part of `source`."
        )
        self.problem(name, rule, f"Name it like {example!r}.")
        return None

    def log_name(self, name: str, value: object, what: str, most: int = 200) -> str | None:
        """The name of a topic or a group, by the rule of the transports."""
        text = self.text(name, value, f"the name of a {what}")
        if text is None:
            return None
        bad = [c for c in text if not ("!" <= c <= "~") or c in "{}*?[]\\\"'`"]
        if not bad and len(text) <= most:
            return text
        rule = f"must not contain {bad[0]!r}." if bad else f"must have at most {most} characters."
        self.problem(name, rule, "Use letters, digits, '-', '_' and '.'.")
        return None

    def folders(self, name: str, value: object) -> tuple[str, ...] | None:
        many = [value] if isinstance(value, str | Path) else value
        if not isinstance(many, list | tuple) or not all(isinstance(p, str | Path) for p in many):
            hint = 'Write it like ["catalog"].'
            self.problem(name, f"must list folders, but is {shown(value)}.", hint)
            return None
        for folder in many:
            if not Path(folder).is_dir():
                self.problem(
                    name,
                    f"names {str(folder)!r}, which is not a folder.",
                    "Name a folder of event definitions, best by its full path.",
                )
                return None
        return tuple(str(folder) for folder in many)

    def database(self, name: str, value: object) -> str | None:
        known = tuple(django_settings.DATABASES)
        if isinstance(value, str) and value in known:
            return value
        near = nearest(str(value), known)
        hint = f"Did you mean {near!r}?" if near else f"Known are: {', '.join(known)}."
        self.problem(name, f"must be an alias in DATABASES, but is {shown(value)}.", hint)
        return None

    def start(self, name: str, value: object) -> str | None:
        return self.choice(name, value, ("latest", "earliest"))

    def events(self, name: str, value: object) -> dict[str, Route] | None:
        if not isinstance(value, Mapping):
            hint = 'Write it like {"org.example.catalog.course.created.v1": {"TOPIC": "courses"}}.'
            rule = f"must map types of events to where they go, but is {shown(value)}."
            self.problem(name, rule, hint)
            return None
        routes = {}
        for event_type, raw in value.items():
            route = self.route(f"{name}[{event_type!r}]", event_type, raw)
            if route is not None:
                routes[event_type] = route
        return routes

    def route(self, name: str, event_type: object, raw: object) -> Route | None:
        if not isinstance(event_type, str) or not event_type:
            rule = f"has the key {shown(event_type)}, which is not a type of events."
            self.problem(name, rule, "Write it like 'org.example.catalog.course.created.v1'.")
            return None
        if isinstance(raw, str):
            raw = {"TOPIC": raw}
        if not isinstance(raw, Mapping):
            hint = 'Write it like {"TOPIC": "courses", "KEY": "course.id"}.'
            self.problem(name, f"must be a topic or a dict, but is {shown(raw)}.", hint)
            return None
        for key in raw:
            if key not in _ROUTE_KEYS:
                self.unknown(f"{name}[{key!r}]", key, _ROUTE_KEYS)
        if "TOPIC" not in raw:
            self.problem(name, "names no topic.", 'Add "TOPIC": a name, or a list of them.')
            return None
        given = raw["TOPIC"]
        many = list(given) if isinstance(given, list | tuple) else [given]
        if not many:
            self.problem(f'{name}["TOPIC"]', "is empty.", "Name at least one topic.")
        topics = [self.log_name(f'{name}["TOPIC"]', topic, "topic") for topic in many]
        mode = raw.get("MODE")
        if mode is not None:
            mode = self.choice(f'{name}["MODE"]', mode, MODES)
        path = raw.get("KEY")
        if path is not None:
            path = self.text(f'{name}["KEY"]', path, "a dotted path into the data")
        return Route(tuple(t for t in topics if t is not None), path, mode)


def _segment(example: str) -> Callable[[_Reader, str, object], object]:
    return lambda reader, name, value: reader.segment(name, value, example)


def _choice(*choices: str) -> Callable[[_Reader, str, object], object]:
    return lambda reader, name, value: reader.choice(name, value, choices)


def _number(low: int, high: int) -> Callable[[_Reader, str, object], object]:
    return lambda reader, name, value: reader.number(name, value, low, high)


_ROUTE_KEYS: Final = ("TOPIC", "KEY", "MODE")

#: How each key is read; the order is that of the guide. The field has the key's name.
_KEYS: Final[dict[str, Callable[[_Reader, str, Any], object]]] = {
    "BUS": lambda reader, name, value: reader.text(name, value, "the URL of a bus"),
    "SERVICE": _segment("lms"),
    "NAMESPACE": _segment("openedx"),
    "ROLE": _choice("web", "worker"),
    "CATALOG": _Reader.folders,
    "VALIDATION": _choice("enforce", "warn", "off"),
    "PROFILE": _choice("enforce", "warn", "off"),
    "EVENTS": _Reader.events,
    "MODE": _choice(*MODES),
    "DATABASE": _Reader.database,
    "ON_COMMIT_FAILURE": _choice(OUTBOX, "log"),
    "SEND_TIMEOUT": _Reader.seconds,
    "GROUP": lambda reader, name, value: reader.log_name(name, value, "group", 100),
    "START": _Reader.start,
    "CONCURRENCY": _number(1, 10_000),
    "ATTEMPTS": _number(1, 1_000),
    "ON_FAILURE": _choice("park-key", "skip", "stop"),
    "INBOX_DAYS": _number(1, 36_500),
}


def read(raw: object, environment: Mapping[str, str]) -> tuple[Settings, list[Problem]]:
    """Checks a value of ``TIDINGS``, completed by environment variables."""
    reader = _Reader()
    if not isinstance(raw, Mapping):
        hint = 'Write it like TIDINGS = {"BUS": "redis://localhost", "SERVICE": "lms"}.'
        reader.problem("TIDINGS", f"must be a dict, but is {shown(raw)}.", hint)
        return Settings(), reader.problems
    values: dict[str, Any] = {}
    for key in raw:
        if key not in _KEYS:
            reader.unknown(f"TIDINGS[{key!r}]", key, tuple(_KEYS))
    for key, convert in _KEYS.items():
        variable = VARIABLES.get(key)
        if key in raw:
            name, value = f'TIDINGS["{key}"]', raw[key]
        elif variable and environment.get(variable):
            name, value = f"The environment variable {variable}", environment[variable]
            if key == "CATALOG":
                value = [part for part in value.split(os.pathsep) if part]
        else:
            continue
        converted = convert(reader, name, value)
        if converted is not None:
            values[key.lower()] = converted
    for key in ("BUS", "SERVICE"):
        named = f'TIDINGS["{key}"]'
        if key.lower() not in values and not any(
            p.name in (named, f"The environment variable {VARIABLES[key]}") for p in reader.problems
        ):
            example = {"BUS": "redis://localhost", "SERVICE": "lms"}[key]
            hint = f'Add "{key}": "{example}" to it, or set the variable {VARIABLES[key]}.'
            reader.problem(named, "is missing.", hint)
    if values.get("validation") in ("enforce", "warn") and not values.get("catalog"):
        rule = "holds events to a catalog, and there is none."
        reader.problem('TIDINGS["VALIDATION"]', rule, 'Add "CATALOG", or leave this out.')
    values.setdefault("group", values.get("service", ""))
    return Settings(**values), reader.problems


@lru_cache(maxsize=1)
def _current() -> tuple[Settings, list[Problem]]:
    return read(getattr(django_settings, "TIDINGS", {}), os.environ)


def problems() -> list[Problem]:
    """What is wrong with the setting; empty if it is well."""
    return _current()[1]


def current() -> Settings:
    """The setting, checked.

    Raises `ImproperlyConfigured` with every problem, so that a process which never ran the system
    checks does not go on with half of its settings.
    """
    settings, found = _current()
    if found:
        raise ImproperlyConfigured("\n".join(map(str, found)))
    return settings


def name_of(key: str) -> str:
    """Where a key of the setting comes from, for messages."""
    raw = getattr(django_settings, "TIDINGS", {})
    variable = VARIABLES.get(key)
    if variable and key not in raw and os.environ.get(variable):
        return f"The environment variable {variable}"
    return f'TIDINGS["{key}"]'


def nearest(key: str, known: tuple[str, ...]) -> str | None:
    """The known word that was probably meant."""
    folded = {word.lower().replace("_", "-"): word for word in known}
    near = difflib.get_close_matches(key.lower().replace("_", "-"), folded, n=1, cutoff=0.6)
    return folded[near[0]] if near else None


def shown(value: object) -> str:
    """A value in a message: short, and never the parts of a URL that may hold a password."""
    text = value if isinstance(value, str) else repr(value)
    text = re.sub(r"://[^@/\s]*@", "://…@", text)
    return repr(text[:60]) if isinstance(value, str) else text[:60]


def _forget(*, setting: str, **_: object) -> None:
    # The bus may be that of the settings EVENT_BUS_*.
    if setting in ("TIDINGS", "DATABASES") or setting.startswith("EVENT_BUS_"):
        _current.cache_clear()


setting_changed.connect(_forget, dispatch_uid="tidings.django.conf")
