"""What was lost to a group."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Gap:
    """Events that a group will never get: trimmed by others, evicted, or gone with the log."""

    topic: str
    """The full topic."""
    group: str
    """The group that lost them."""
    lost: int | None
    """How many; ``None`` where nobody can tell."""
    exact: bool
    """Whether ``lost`` is exact; else it is so many or more."""
    after: str | None
    """The last position before the gap, if known."""
    until: str | None
    """The first position after the gap, if known."""
    cause: str
    """For people: how it was noticed."""
