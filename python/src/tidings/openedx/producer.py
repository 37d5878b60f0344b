"""The producer that ``EVENT_BUS_PRODUCER`` names."""

from __future__ import annotations

import logging
import os
import threading
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections, connections, transaction
from edx_django_utils.monitoring import record_exception
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import EventBusProducer
from openedx_events.tooling import OpenEdxPublicSignal

from tidings import _lifetime, _threads
from tidings._tidings import Entry
from tidings.bus import Bus
from tidings.errors import TidingsError
from tidings.openedx import outbox
from tidings.openedx import settings as configuration
from tidings.openedx.avro import KeyAvro, encoder_of, key_avro_of, key_of
from tidings.openedx.failures import describe
from tidings.openedx.metadata import headers_of
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
    except ImproperlyConfigured as error:
        logger.critical("The event bus is misconfigured, and no event will be published: %s", error)
        return EventProducer(None, None, error)
    for name in configuration.kafka_settings():
        logger.warning("%s does nothing: %s", name, configuration.UNUSED)
    try:
        configuration.check_bus(bus)
    except ImproperlyConfigured as error:
        # The password may be mended on the side of the log, so each event tries anew.
        logger.critical("The event bus is misconfigured: %s", error)
    return EventProducer(loaded, bus)


class EventProducer(EventBusProducer):
    """Sends events of signals to Redis, in the form of ``edx-event-bus-redis``, or to Kafka, in
    that of ``edx-event-bus-kafka``.

    ``send()`` returns within ``EVENT_BUS_TIDINGS_SEND_TIMEOUT``, and raises nothing: the request
    that caused the event has succeeded already. What the log does not take goes into the outbox,
    if one is configured.
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
        self._transactions = configuration.transaction_database() if loaded else ""
        self._lock = threading.Lock()
        self._buffering_in: int | None = None
        self._keyless: set[tuple[str, str]] = set()
        self.failures = 0
        """How many events this process could not publish, or does not know to be published, and
        could not put into an outbox either."""
        self.kept = 0
        """How many events the log did not take, and the outbox did."""

    def send(
        self,
        *,
        signal: OpenEdxPublicSignal,
        topic: str,
        event_key_field: str,
        event_data: dict[str, Any],
        event_metadata: EventsMetadata,
    ) -> None:
        """Sends one event to one topic; what goes wrong is logged, counted, told to monitoring.

        In a transaction it is sent after the commit, and never after a rollback, unless
        ``EVENT_BUS_TIDINGS_MODE`` says otherwise. Its data are taken now.
        """
        context = ProducingContext(signal, topic, event_key_field, event_metadata)
        try:
            if self._misconfigured is not None:
                raise self._misconfigured
            assert self._settings is not None
            context.full_topic = self._settings.full_topic(topic)
            event_id = str(event_metadata.id)
            entry = Entry(
                encoder_of(signal),
                topic,
                event_id,
                headers_of(event_metadata, event_id),
                event_data,
                self._key(event_data, event_key_field, signal),
                self._key_avro(event_data, event_key_field, signal),
            )
            if self._settings.catalog:
                assert self._bus is not None
                self._bus.hold_entry(entry)
            if self._settings.mode == configuration.OUTBOX:
                outbox.keep(entry, using=self._transactions)
                return
            if self._settings.mode == configuration.ON_COMMIT:
                transaction_of = connections[self._transactions]
                if transaction_of.in_atomic_block:
                    transaction.on_commit(
                        lambda: self._deliver(entry, context),
                        using=self._transactions,
                        robust=True,
                    )
                    return
        except Exception as error:
            self._failed(error, context)
        else:
            self._deliver(entry, context)

    def _deliver(self, entry: Entry, context: ProducingContext) -> None:
        assert self._settings is not None
        assert self._bus is not None
        try:
            if self._settings.buffered:
                self._see_to_exit()
                self._bus.buffer_entry(
                    entry, lambda _, error: self._later_undelivered(error, entry, context)
                )
                return
            receipt = self._bus.publish_entry(entry)
        except Exception as error:
            self._undelivered(error, entry, context)
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

    def _key_avro(
        self, event_data: dict[str, Any], path: str, signal: OpenEdxPublicSignal
    ) -> KeyAvro | None:
        """The key as Kafka has it there: Avro by the schema of its field."""
        assert self._settings is not None
        if self._settings.log != configuration.KAFKA or not path:
            return None
        return key_avro_of(event_data, path, signal)

    def _see_to_exit(self) -> None:
        if self._buffering_in != os.getpid():
            self._buffering_in = os.getpid()
            _threads.warn_if_they_rest(
                "buffered events are sent, but what the log does not take reaches the outbox and "
                "these log lines with the next request, or at the end"
            )
            _lifetime.before_pool_worker_exits()

    def _undelivered(self, error: Exception, entry: Entry, context: ProducingContext) -> None:
        """The log did not take it, or nobody knows: then the outbox is to have it, unordered."""
        alias = self._settings.outbox if self._settings else None
        if alias is None or not outbox.helps_after(error):
            self._failed(error, context)
            return
        try:
            outbox.keep(entry, using=alias)
        except Exception as problem:
            self._failed(error, context)
            logger.error("It could not be put into the outbox either: %s", describe(problem))
            return
        with self._lock:
            self.kept += 1
        logger.warning(
            "Event kept in the outbox until the relay sends it. error=%s %s",
            describe(error),
            context,
        )

    def _later_undelivered(
        self, error: TidingsError, entry: Entry, context: ProducingContext
    ) -> None:
        """The same in the thread that reports on buffered events, which has no request."""
        close_old_connections()
        self._undelivered(error, entry, context)
        close_old_connections()

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
                "Error delivering message to %s event bus. error=%s %s",
                configuration.log_name(),
                wrapped,
                context,
            )


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
        if logger.isEnabledFor(logging.INFO) and configuration.audit_logging_enabled():
            if configuration.log_of_settings() == configuration.KAFKA:
                partition, _, offset = position.partition(":")
                logger.info(
                    f"Message delivered to Kafka event bus: topic={self.full_topic}, "
                    f"partition={partition}, offset={offset}, message_id={self._metadata.id}"
                )
                return
            logger.info(
                f"Message delivered to Redis event bus: topic={self.full_topic}, "
                f"message_id={self._metadata.id}, signal={self._signal}, "
                f"redis_msg_id={position.encode()!r}"
            )
