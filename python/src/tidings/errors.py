"""What can go wrong: one class per kind.

Code that tries again asks ``error.is_temporary`` and nothing else. No message holds a payload or a
secret.
"""

from __future__ import annotations

from typing import ClassVar


class TidingsError(Exception):
    """Anything that Tidings raises."""

    kind: ClassVar[str] = "failed"
    """A short stable name of the kind."""

    def __init__(
        self, message: str, *, is_temporary: bool = False, event_id: str | None = None
    ) -> None:
        super().__init__(message)
        self.is_temporary = is_temporary
        """Whether the same call may succeed later."""
        self.event_id = event_id
        """The id of the event that it is about, if it is about one."""

    def __reduce__(self) -> tuple[object, ...]:
        """So that it may cross processes."""
        return _again, (type(self), str(self), self.is_temporary, self.event_id)


class InvalidError(TidingsError):
    """An argument, an attribute or a setting breaks a rule; the message names it."""

    kind = "invalid"


class ProfileError(TidingsError):
    """The event breaks rules of OEP-41; the message has each with its remedy."""

    kind = "profile"


class CatalogError(TidingsError):
    """The catalog refuses the event: it does not have its type, gives it to another service, or
    describes another payload. The message has each broken rule, and no value of the payload."""

    kind = "catalog"


class TooLargeError(TidingsError):
    """The event is larger than any reader takes."""

    kind = "too_large"


class NoRouteError(TidingsError):
    """No topic was named, and no route says where the event's type goes."""

    kind = "no_route"


class NoKeyError(TidingsError):
    """The key path of the route leads to no key."""

    kind = "no_key"


class EncodingError(TidingsError):
    """The wire of the topic cannot express the event; the message has the path of the field."""

    kind = "encoding"


class UnavailableError(TidingsError):
    """The log is away. Temporary; nothing was stored."""

    kind = "unavailable"


class UnknownOutcomeError(TidingsError):
    """Nobody can know whether the log has the event. Publish it again with the same id."""

    kind = "unknown_outcome"


class StaleError(TidingsError):
    """The delivery or the lease has passed to another consumer."""

    kind = "stale"


class NotParkedError(TidingsError):
    """The key is not parked."""

    kind = "not_parked"


class NotFoundError(TidingsError):
    """No such topic, group or position."""

    kind = "not_found"


class UnsupportedError(TidingsError):
    """This log has no such ability."""

    kind = "unsupported"


class DeniedError(TidingsError):
    """The log refused the credentials or the operation."""

    kind = "denied"


class FullError(TidingsError):
    """Disk, memory, quota or buffer is exhausted. Temporary."""

    kind = "full"


class CorruptError(TidingsError):
    """What is stored cannot be used."""

    kind = "corrupt"


class ClosedError(TidingsError):
    """The subscription was closed, belongs to another process, or the interpreter is ending."""

    kind = "closed"


class FailedError(TidingsError):
    """Anything else that trying again will not mend."""

    kind = "failed"


class GaveUpError(TidingsError):
    """The log was away for longer than ``give_up_after``. Temporary."""

    kind = "gave_up"


class StoppedError(TidingsError):
    """A message failed for good and the consumer is to stop then."""

    kind = "stopped"


class PermanentError(Exception):
    """Raised by a handler: trying again will not help, so the event becomes a dead letter at once.

    The message stands in the dead letter: keep payloads out of it.
    """


class PoisonError(PermanentError):
    """Raised by a handler: nobody can ever use this event.

    It becomes a dead letter at once, and later events of its key go on, whatever ``on_failure``
    says.
    """


_KINDS: dict[str, type[TidingsError]] = {cls.kind: cls for cls in TidingsError.__subclasses__()}


def make(
    kind: str, message: str, *, is_temporary: bool = False, event_id: str | None = None
) -> TidingsError:
    """The error of a kind; the native module calls this."""
    cls = _KINDS.get(kind, FailedError)
    return cls(message, is_temporary=is_temporary, event_id=event_id)


def _again(
    cls: type[TidingsError], message: str, is_temporary: bool, event_id: str | None
) -> TidingsError:
    return cls(message, is_temporary=is_temporary, event_id=event_id)
