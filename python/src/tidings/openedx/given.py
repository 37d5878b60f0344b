"""One setting of the service, read and checked. What is wrong raises, and names the setting and the
rule, never the value: a URL has a password in it."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import Any, TypeVar

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

_T = TypeVar("_T")

_MISSING = object()

TIDINGS_PREFIX = "EVENT_BUS_TIDINGS_"


def get(name: str, default: Any) -> Any:
    """The value, noted as known."""
    _KNOWN.add(name)
    value = getattr(settings, name, _MISSING)
    return default if value is _MISSING or value is None else value


_KNOWN: set[str] = {"EVENT_BUS_TIDINGS_KAFKA_CA_FILE"}


def refuse_unknown() -> None:
    """A setting of ours that has a typing error would be a setting that does nothing."""
    for name in dir(settings):
        if name.startswith(TIDINGS_PREFIX) and name not in _KNOWN:
            near = difflib.get_close_matches(name, sorted(_KNOWN), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise wrong(name, f"is not known{hint}")


def wrong(name: str, rule: str) -> ImproperlyConfigured:
    """What is raised for a setting that breaks a rule."""
    return ImproperlyConfigured(f"{name} {rule}")


def text(name: str, default: str | None) -> str | None:
    """A string; an empty one is none."""
    value = get(name, default)
    if value is not None and not isinstance(value, str):
        raise wrong(name, "must be a string")
    return value or None


def flag(name: str, default: bool) -> bool:
    """True or False."""
    value = get(name, default)
    if not isinstance(value, bool):
        raise wrong(name, "must be True or False")
    return value


def number(name: str, default: int | None, *, least: int) -> int | None:
    """A whole number."""
    value = get(name, default)
    if value is None:
        return None
    # Deployments fill settings from the environment, so digits in a string are a number.
    found = _converted(int, value)
    if found is None or found < least:
        raise wrong(name, f"must be a whole number from {least}")
    return found


def seconds(name: str, default: float) -> float:
    """A time above zero."""
    found = _converted(float, get(name, default))
    if found is None or not 0 < found < 1e9:
        raise wrong(name, "must be a number of seconds above zero")
    return found


def _converted(convert: Callable[[Any], _T], value: object) -> _T | None:
    if isinstance(value, bool):
        return None
    try:
        return convert(value)
    except (TypeError, ValueError):
        return None


def choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    """One of several words."""
    value = get(name, default)
    if value not in choices:
        raise wrong(name, "must be one of " + ", ".join(choices))
    return str(value)


def pauses(name: str, default: tuple[float, float]) -> tuple[float, float]:
    """Two times: the first and the longest."""
    value = get(name, default)
    rule = "must be two numbers of seconds above zero: the first pause and the longest"
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise wrong(name, rule)
    first, longest = (_converted(float, item) for item in value)
    if first is None or longest is None or not 0 < first <= longest < 1e9:
        raise wrong(name, rule)
    return first, longest
