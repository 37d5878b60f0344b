"""Extras that move a group, applied once per value.

Deployments write ``last_read_msg_id`` and ``offset_time`` into the arguments of a service, where
they stay. A restart must not move the group again, so what was applied is remembered in the log
itself: as a group on a topic that holds no events. Making a group says whether it was there, which
is the test-and-set that this takes, and it lives exactly as long as the log.
"""

from __future__ import annotations

import hashlib
import logging

from tidings._tidings import Log

logger = logging.getLogger(__name__)

MEMORY = "tidings-applied"
"""The topic (behind the prefix) whose groups say what was applied."""


def apply_once(log: Log, topic: str, group: str, extra: str, value: str, start: str) -> bool:
    """Moves a group to ``start``, or makes it there, unless this value did it before.

    Returns whether it did. When it dies between moving and remembering, the group is moved again:
    events are then handled twice rather than never.
    """
    mark = _mark(topic, group, extra, value)
    if mark in log.groups(MEMORY):
        logger.info(
            "%s=%s was applied to the group %s on %s before; the group stays where it is",
            extra,
            value,
            group,
            topic,
        )
        return False
    if log.create_group(topic, group, start):
        log.seek(topic, group, start)
    log.create_group(MEMORY, mark)
    logger.info("%s=%s moved the group %s on %s", extra, value, group, topic)
    return True


def _mark(topic: str, group: str, extra: str, value: str) -> str:
    """A name that a group may have: its length is bounded."""
    text = f"{topic}/{group}/{extra}={value}"
    if len(text) <= 100:
        return text
    return f"{extra}-{hashlib.sha256(text.encode()).hexdigest()[:32]}"
