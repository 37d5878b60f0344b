"""Signals to test with."""

from __future__ import annotations

from typing import Any

import pytest
from example_data import Generator
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.learning.signals import STUDENT_REGISTRATION_COMPLETED
from openedx_events.tooling import OpenEdxPublicSignal

KEY = "user.pii.username"
SECRETS = ("Zoë", "\U0001f600")
"""Texts that stand in the data of `registration`, and must not stand in a log."""


def serializable() -> list[OpenEdxPublicSignal]:
    """The signals of openedx-events that it can put on an event bus."""
    found = []
    for signal in sorted(OpenEdxPublicSignal.all_events(), key=lambda s: s.event_type):
        if not signal.event_type.startswith("org.openedx."):
            continue
        try:
            AvroSignalSerializer(signal).to_dict(Generator().event_data(signal))
        except Exception:
            continue
        found.append(signal)
    return found


def registration(n: int = 0) -> dict[str, Any]:
    """The data of a registration, with a name and an address in it."""
    generator = Generator()
    generator.count = 1000 * n
    return generator.event_data(STUDENT_REGISTRATION_COMPLETED)


def send(
    producer: Any,
    topic: str,
    data: dict[str, Any] | None = None,
    signal: OpenEdxPublicSignal = STUDENT_REGISTRATION_COMPLETED,
    key: str = KEY,
    metadata: Any = None,
) -> Any:
    """Sends one event and returns its metadata."""
    metadata = metadata or signal.generate_signal_metadata()
    producer.send(
        signal=signal,
        topic=topic,
        event_key_field=key,
        event_data=registration() if data is None else data,
        event_metadata=metadata,
    )
    return metadata


def count_to(n: int) -> Any:
    """Is true of the nth call; keeps what it was called with in `seen`."""
    seen: list[dict[str, Any]] = []

    def until(kwargs: dict[str, Any]) -> bool:
        seen.append(kwargs)
        return len(seen) == n

    until.seen = seen  # type: ignore[attr-defined]
    return until


def assert_no_payload(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing of the data of `registration` stands in a log record."""
    for record in caplog.records:
        text = record.getMessage() + str(record.exc_text or "")
        assert not any(secret in text for secret in SECRETS), text
