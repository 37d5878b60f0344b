"""Extras that move a group, applied once per value.

Deployments write ``last_read_msg_id`` and ``offset_time`` into the arguments of a service, where
they stay. A restart must not move the group again, so what was applied is remembered in the log
itself: as a group on a topic that holds no events. Making a group says whether it was there, which
is the test-and-set that this takes, and it lives exactly as long as the log.
"""

from __future__ import annotations

import hashlib
import logging
import re
from datetime import UTC, datetime

from django.core.exceptions import ImproperlyConfigured

from tidings._tidings import Log

logger = logging.getLogger(__name__)

MEMORY = "tidings-applied"
"""The topic (behind the prefix) whose groups say what was applied."""


def asked_move(last_read_msg_id: object, offset_time: object) -> tuple[str, str, str] | None:
    """The extra that moves the group, its value, and where to.

    Raises ``ImproperlyConfigured`` for a value that says nothing.
    """
    if last_read_msg_id and offset_time:
        raise ImproperlyConfigured(
            "--extra has last_read_msg_id and offset_time; give the one you mean"
        )
    if last_read_msg_id:
        value = str(last_read_msg_id)
        if value == "$":
            return "last_read_msg_id", value, "latest"
        if re.fullmatch(r"\d+:\d+(,\d+:\d+)*", value, re.ASCII):
            return "last_read_msg_id", value, value
        found = re.fullmatch(r"(\d+)(?:-(\d+))?", value, re.ASCII)
        if found is None:
            raise ImproperlyConfigured(
                "--extra last_read_msg_id must be the id of an entry, like 1679676448892-0, or on "
                "Kafka a partition and an offset, like 0:12"
            )
        position = f"{found[1]}-{found[2] or 0}"
        # Behind nothing is the beginning, whatever has been trimmed.
        start = "earliest" if position == "0-0" else position
        return "last_read_msg_id", value, start
    if offset_time:
        value = str(offset_time)
        try:
            time = datetime.fromisoformat(value)
        except ValueError:
            raise ImproperlyConfigured(
                "--extra offset_time must be a time like 2026-11-23T20:57:12Z"
            ) from None
        time = time if time.tzinfo else time.replace(tzinfo=UTC)
        return "offset_time", value, time.isoformat()
    return None


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
