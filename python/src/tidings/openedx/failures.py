"""What can go wrong with an event, and what is said of it. Never its data."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ImproperlyConfigured
from openedx_events.exceptions import SenderValidationError
from openedx_events.tooling import OpenEdxPublicSignal

from tidings import _consuming
from tidings.errors import TidingsError
from tidings.openedx.avro import UnusableMessageError


class ReceiverError(Exception):
    """One or more receivers of a signal raised."""

    def __init__(self, message: str, causes: list[BaseException]) -> None:
        super().__init__(message)
        self.causes = causes


class EventConsumptionException(Exception):
    """What monitoring sees when an event was not consumed."""


class TooManyErrors(Exception):
    """``EVENT_BUS_REDIS_CONSUMER_CONSECUTIVE_ERRORS_LIMIT`` was reached."""


def describe(error: BaseException) -> str:
    """An error in a log line: what we say ourselves in full, of others the class alone."""
    if isinstance(error, TidingsError | ImproperlyConfigured):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def is_poison(error: BaseException) -> bool:
    """Whether this service can never use the event, however often it tries.

    Such an event must not hold up later ones of its key: others on the topic are for types that
    this service may not know.
    """
    return isinstance(error, UnusableMessageError | SenderValidationError)


def reason_of(error: BaseException) -> str:
    """What a dead letter says. Receivers' errors by class: their texts often quote the event."""
    if isinstance(error, ReceiverError):
        causes = ", ".join(_consuming.reason_of(cause) for cause in error.causes)
        return f"ReceiverError: {causes}"
    if isinstance(error, UnusableMessageError):
        return f"UnusableMessageError: {error}"
    return _consuming.reason_of(error)


def check_receiver_results(results: list[tuple[Any, Any]], signal: OpenEdxPublicSignal) -> None:
    """Any exception among the results is a failure of the event."""
    failed = [(r, result) for r, result in results if isinstance(result, BaseException)]
    if not failed:
        return
    shown = ", ".join(
        f"{getattr(r, '__module__', '')}.{getattr(r, '__qualname__', r)}={result!r}"
        for r, result in failed
    )
    raise ReceiverError(
        f"{len(failed)} receiver(s) out of {len(results)} produced errors "
        f"(stack trace elsewhere in logs) when handling signal {signal}: {shown}",
        [result for _, result in failed],
    )
