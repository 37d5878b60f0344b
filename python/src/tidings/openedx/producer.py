"""The producer that ``EVENT_BUS_PRODUCER`` names."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from edx_django_utils.monitoring import record_exception
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import EventBusProducer
from openedx_events.tooling import OpenEdxPublicSignal

from tidings import _lifetime
from tidings.bus import Bus
from tidings.errors import TidingsError
from tidings.openedx import settings as configuration
from tidings.openedx.avro import encoder_of, key_of
from tidings.openedx.settings import Settings

logger = logging.getLogger(__name__)


class EventProductionException(Exception):
    """What monitoring sees when an event was not published."""


def create_producer() -> EventProducer:
    """Makes the producer of the settings; the caller keeps it.

    openedx-events takes any exception here for a reason to drop every event in silence. So a wrong
    setting is logged, and then again with each event that it costs.
    """
    try:
        loaded = configuration.load()
        bus = configuration.open_bus(loaded)
        configuration.check_bus(bus)
    except ImproperlyConfigured as error:
        logger.critical("The event bus is misconfigured, and no event will be published: %s", error)
        return EventProducer(None, None, error)
    return EventProducer(loaded, bus)


class EventProducer(EventBusProducer):
    """Sends events of signals to Redis, in the form of ``edx-event-bus-redis``.

    ``send()`` returns within ``EVENT_BUS_TIDINGS_SEND_TIMEOUT``, and raises nothing: the request
    that caused the event has succeeded already.
    """

    def __init__(
        self,
        loaded: Settings | None,
        bus: Bus | None,
        misconfigured: ImproperlyConfigured | None = None,
    ) -> None:
        self._settings = loaded
        self._bus = bus
        self._misconfigured = misconfigured
        self._lock = threading.Lock()
        self._buffering_in: int | None = None
        self._keyless: set[tuple[str, str]] = set()
        self.failures = 0
        """How many events this process could not publish, or does not know to be published."""

    def send(
        self,
        *,
        signal: OpenEdxPublicSignal,
        topic: str,
        event_key_field: str,
        event_data: dict[str, Any],
        event_metadata: EventsMetadata,
    ) -> None:
        """Sends one event to one topic; what goes wrong is logged, counted, told to monitoring."""
        context = ProducingContext(signal, topic, event_key_field, event_metadata)
        try:
            if self._misconfigured is not None:
                raise self._misconfigured
            assert self._settings is not None
            assert self._bus is not None
            context.full_topic = self._settings.full_topic(topic)
            entry = (
                topic,
                headers_of(event_metadata),
                event_data,
                self._key(event_data, event_key_field, signal),
                str(event_metadata.id),
            )
            encoder = encoder_of(signal)
            if self._settings.buffered:
                self._see_to_exit()
                self._bus.buffer_entry(
                    encoder, entry, lambda _, error: self._failed(error, context)
                )
                return
            receipt = self._bus.publish_entry(encoder, entry)
        except Exception as error:
            self._failed(error, context)
        else:
            context.delivered(receipt.position)

    def prepare_for_shutdown(self) -> None:
        """Sends what is buffered, within ``EVENT_BUS_TIDINGS_SEND_TIMEOUT``."""
        if self._bus is not None and self._settings is not None:
            self._bus.flush(self._settings.send_timeout)

    def _key(
        self, event_data: dict[str, Any], path: str, signal: OpenEdxPublicSignal
    ) -> str | None:
        if not path:
            return None
        key = key_of(event_data, path)
        if key is None and (signal.event_type, path) not in self._keyless:
            self._keyless.add((signal.event_type, path))
            logger.warning(
                "No event key at %r in an event of type %s: it is published, and runs unordered",
                path,
                signal.event_type,
            )
        return key

    def _see_to_exit(self) -> None:
        if self._buffering_in != os.getpid():
            self._buffering_in = os.getpid()
            _lifetime.before_pool_worker_exits()

    def _failed(self, error: BaseException, context: ProducingContext) -> None:
        with self._lock:
            self.failures += 1
        try:
            # Monitoring reads the exception that is being handled.
            raise EventProductionException(describe(error)) from error
        except EventProductionException as wrapped:
            record_exception()
            # The chain may quote values of the event, so only what was said on purpose is logged.
            logger.error(
                "Error delivering message to Redis event bus. error=%s %s", wrapped, context
            )


def describe(error: BaseException) -> str:
    """An error in a log line: what we say ourselves in full, of others the class alone."""
    if isinstance(error, TidingsError | ImproperlyConfigured):
        return f"{type(error).__name__}: {error}"
    return type(error).__name__


def headers_of(metadata: EventsMetadata) -> list[tuple[str, str]]:
    """The fields of an entry before its payload, in the order of ``edx-event-bus-redis``."""
    return [
        ("type", metadata.event_type),
        ("id", str(metadata.id)),
        ("source", metadata.source),
        ("time", metadata.time.isoformat()),
        ("minorversion", str(metadata.minorversion)),
        ("sourcehost", metadata.sourcehost),
        ("sourcelib", ".".join(map(str, metadata.sourcelib))),
    ]


class ProducingContext:
    """What log lines say of an event. Never its data."""

    def __init__(
        self,
        signal: OpenEdxPublicSignal,
        topic: str,
        event_key_field: str,
        metadata: EventsMetadata,
    ) -> None:
        self.full_topic: str | None = None
        self._signal = signal
        self._topic = topic
        self._event_key_field = event_key_field
        self._metadata = metadata

    def __str__(self) -> str:
        """As today's log line has it, without the event data."""
        return (
            f"full_topic={self.full_topic!r} signal={self._signal!r} "
            f"initial_topic={self._topic!r} event_key_field={self._event_key_field!r} "
            f"event_metadata={self._metadata!r}"
        )

    def delivered(self, position: str) -> None:
        """The audit log line."""
        if configuration.audit_logging_enabled():
            logger.info(
                f"Message delivered to Redis event bus: topic={self.full_topic}, "
                f"message_id={self._metadata.id}, signal={self._signal}, "
                f"redis_msg_id={position.encode()!r}"
            )
