"""The consumer that ``EVENT_BUS_CONSUMER`` names."""

from __future__ import annotations

import logging
import os
import socket
import threading
from typing import Any, NoReturn

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from edx_django_utils.monitoring import record_exception, set_custom_attribute
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import EventBusConsumer
from openedx_events.tooling import (
    OpenEdxPublicSignal,
    prepare_for_new_work_cycle,
)

from tidings import _consuming
from tidings._tidings import Message, Stream
from tidings.bus import Bus
from tidings.errors import TidingsError
from tidings.openedx import settings as configuration
from tidings.openedx.applied import apply_once, asked_move
from tidings.openedx.avro import UnusableMessageError, definitions, read_event_data
from tidings.openedx.dead_letters import reporting_dead_letters
from tidings.openedx.failures import (
    EventConsumptionException,
    TooManyErrors,
    check_receiver_results,
    describe,
    is_poison,
    reason_of,
)
from tidings.openedx.metadata import metadata_of
from tidings.openedx.settings import Settings

logger = logging.getLogger(__name__)

EX_SOFTWARE, EX_TEMPFAIL, EX_CONFIG = 70, 75, 78
"""Exit codes of sysexits.h: it cannot go on; the log was away for too long; a wrong setting."""


class EventConsumer(EventBusConsumer):
    """Hands events of one or more topics to the receivers of their signals.

    ``topic`` may name several topics, separated by commas. The group is never moved by starting: a
    new one begins at the end of the topic, or with ``check_backlog`` at its beginning. Extras:

    - ``consumer_name``: a name for people; not required.
    - ``check_backlog``: see above.
    - ``last_read_msg_id``, ``offset_time``: move the group behind this entry (on Kafka
      ``PARTITION:OFFSET``, several parted by commas), or to this time (ISO 8601). Each value is
      applied once and remembered, and the consumer goes on from there.
    - ``claim_msgs_older_than``: milliseconds. The events of dead consumers are always taken over,
      after ``EVENT_BUS_TIDINGS_LEASE``; this shortens it.

    What is wrong ends ``consume_indefinitely`` with an exit code that is not zero, since
    ``consume_events`` swallows every exception: 78 for settings and extras, 75 when trying again
    later may help, 70 otherwise.
    """

    def __init__(
        self,
        topic: str,
        group_id: str,
        consumer_name: str | None = None,
        last_read_msg_id: str | None = None,
        check_backlog: bool = False,
        claim_msgs_older_than: int | None = None,
        offset_time: str | None = None,
        **unknown: Any,
    ) -> None:
        self.topics = [name.strip() for name in topic.split(",") if name.strip()]
        self.group_id = group_id
        self.consumer_name = consumer_name or f"{socket.gethostname()}-{os.getpid()}"
        self.last_read_msg_id = last_read_msg_id
        self.check_backlog = check_backlog
        self.claim_msgs_older_than = claim_msgs_older_than
        self.offset_time = offset_time
        self._unknown = unknown
        self._lock = threading.Lock()
        self._consecutive_errors = 0
        self._outages = 0
        self._settings: Settings | None = None
        self._stream: Stream | None = None

    def check(self) -> Settings:
        """Raises ``ImproperlyConfigured`` for what is wrong with settings or extras."""
        loaded = configuration.load()
        if not self.topics:
            raise ImproperlyConfigured("--topic must name at least one topic")
        for name in self._unknown:
            raise ImproperlyConfigured(f"--extra has {name!r}, which is not known")
        claim = self.claim_msgs_older_than
        if claim is not None and (isinstance(claim, bool) or not isinstance(claim, int)):
            raise ImproperlyConfigured("--extra claim_msgs_older_than must be milliseconds")
        asked_move(self.last_read_msg_id, self.offset_time)
        return loaded

    def consume_indefinitely(self) -> None:
        """Consumes until SIGTERM or Ctrl-C, then lets receivers finish."""
        if not configuration.consumers_enabled():
            logger.error(f"{configuration.log_name()} consumers not enabled, exiting.")
            return
        try:
            self._settings = self.check()
            bus = configuration.open_bus(self._settings, definitions())
        except ImproperlyConfigured as error:
            logger.critical("The event bus is misconfigured: %s", error)
            raise SystemExit(EX_CONFIG) from error
        logger.info(f"Running consumer for {self._run_context(self._full_topics())!r}")
        try:
            with reporting_dead_letters(self._tell_undecodable):
                self._run(bus, self._settings)
        except TidingsError as error:
            self._fatal(error, EX_TEMPFAIL if error.is_temporary else EX_SOFTWARE)
        except TooManyErrors as error:
            self._fatal(error, EX_SOFTWARE)

    def stop(self) -> None:
        """Ends ``consume_indefinitely`` as SIGTERM does."""
        if self._stream is not None:
            self._stream.stop()

    def _run(self, bus: Bus, loaded: Settings) -> None:
        start = "earliest" if self.check_backlog else "latest"
        move = asked_move(self.last_read_msg_id, self.offset_time)
        if move is not None:
            extra, value, start = move
            for topic in self.topics:
                apply_once(bus.log, topic, self.group_id, extra, value, start)
        stream = bus.subscribe(
            self.topics,
            self.group_id,
            start=start,
            concurrency=loaded.concurrency,
            ordering=loaded.ordering,
            name=self.consumer_name,
            max_attempts=loaded.max_attempts,
            backoff=loaded.backoff,
            on_failure=loaded.on_failure,
            lease=self._lease(loaded),
            drain=loaded.drain,
            outage_backoff=(min(0.05, loaded.poll_failure_sleep), loaded.poll_failure_sleep),
            unknown_schema=loaded.unknown_schema,
        ).stream
        self._stream = stream
        waited = 0.0

        def idle() -> None:
            nonlocal waited
            self._look_at_outages(stream)
            waited += _TICK
            if waited >= loaded.poll_timeout:
                waited = 0.0
                self._add_message_monitoring(None)

        with _consuming.stopping_on_signals(stream.stop):
            _consuming.run(
                stream,
                self._handle,
                threads=loaded.concurrency,
                idle=idle,
                idle_seconds=_TICK,
                ended=connections.close_all,
            )

    def _lease(self, loaded: Settings) -> float:
        if self.claim_msgs_older_than is None:
            return loaded.lease
        return min(loaded.lease, max(1.0, self.claim_msgs_older_than / 1000))

    # One message

    def _handle(self, message: Message) -> None:
        """What a message costs and leaves behind is as with ``edx-event-bus-redis``."""
        try:
            prepare_for_new_work_cycle()
            self.emit_signals_from_message(message)
        except Exception as error:
            self.record_event_consuming_error(error, message)
            message.fail(reason_of(error), poison=is_poison(error))
            self._failed()
        except BaseException:
            message.fail("the process was asked to end while a receiver ran")
            raise
        else:
            message.ack()
            with self._lock:
                self._consecutive_errors = 0
            self._add_message_monitoring(message)

    def emit_signals_from_message(self, message: Message) -> None:
        """Sends the signal of the message to its receivers."""
        metadata = metadata_of(message.event)
        _log_received(message, metadata)
        try:
            signal = OpenEdxPublicSignal.get_signal_by_type(metadata.event_type)
        except KeyError:
            raise UnusableMessageError(f"no signal of the type {metadata.event_type}") from None
        event_data = read_event_data(signal, message.event)
        results = signal.send_event_with_custom_metadata(metadata, **event_data)
        check_receiver_results(results, signal)
        if logger.isEnabledFor(logging.INFO) and configuration.audit_logging_enabled():
            logger.info(f"Message from {configuration.log_name()} processed successfully")

    def _failed(self, times: int = 1) -> None:
        limit = self._settings.consecutive_errors_limit if self._settings else None
        with self._lock:
            self._consecutive_errors += times
            errors = self._consecutive_errors
        if limit and errors >= limit:
            raise TooManyErrors(f"Too many consecutive errors, exiting ({errors} in a row)")

    def _look_at_outages(self, stream: Stream) -> None:
        outages = stream.counts()["outages"]
        more, self._outages = outages - self._outages, outages
        if more > 0:
            error = ConnectionError(f"the log did not answer ({more} failures)")
            self.record_event_consuming_error(error, None)
            self._failed(more)

    def _tell_undecodable(self, error: UnusableMessageError) -> None:
        self.record_event_consuming_error(error, None)

    # Log lines and monitoring

    def record_event_consuming_error(
        self, error: BaseException, message: Message | None, *, fatal: bool = False
    ) -> None:
        """Tells the log and monitoring what went wrong with an event."""
        context = self._run_context(message.topic if message else self._full_topics())
        shown = ", ".join(f"{name}={value!r}" for name, value in context.items())
        details = "no event available" if message is None else f"event details: {message!r}"
        try:
            # Monitoring reads the exception that is being handled.
            raise EventConsumptionException(describe(error)) from error
        except EventConsumptionException:
            self._add_message_monitoring(message, error, fatal=fatal)
            record_exception()
            logger.exception(
                f"Error consuming event from {configuration.log_name()}: {error!r} "
                f"in context {shown} -- {details}"
            )

    def _add_message_monitoring(
        self,
        message: Message | None,
        error: BaseException | None = None,
        *,
        fatal: bool = False,
    ) -> None:
        try:
            topic = message.topic if message else self._full_topics()
            if configuration.log_of_settings() == configuration.KAFKA:
                self._add_kafka_monitoring(topic, message, error, fatal=fatal)
                return
            set_custom_attribute("redis_stream", topic)
            set_custom_attribute("redis_consumer_group", self.group_id)
            set_custom_attribute("redis_consumer_name", self.consumer_name)
            if message is not None:
                set_custom_attribute("redis_msg_id", message.position.encode())
                set_custom_attribute("id", message.event.id)
                set_custom_attribute("event_type", message.event.type)
            if error is not None:
                set_custom_attribute("redis_error_fatal", fatal)
        except Exception as problem:
            # Monitoring must not cost an event.
            name = f"{configuration.log_of_settings()}_monitoring_error"
            set_custom_attribute(name, repr(problem))

    def _add_kafka_monitoring(
        self,
        topic: str,
        message: Message | None,
        error: BaseException | None,
        *,
        fatal: bool,
    ) -> None:
        """The attributes of ``edx-event-bus-kafka``."""
        set_custom_attribute("kafka_topic", topic)
        set_custom_attribute("kafka_received_message", message is not None)
        if message is not None:
            partition, _, offset = message.position.partition(":")
            set_custom_attribute("kafka_partition", int(partition))
            set_custom_attribute("kafka_offset", int(offset))
            set_custom_attribute("kafka_message_id", message.event.id)
            set_custom_attribute("kafka_event_type", message.event.type)
        if error is not None:
            set_custom_attribute("kafka_error_fatal", fatal)
            temporary = isinstance(error, TidingsError) and error.is_temporary
            set_custom_attribute("kafka_error_retriable", temporary)

    def _run_context(self, topic: str) -> dict[str, str]:
        return {
            "full_topic": topic,
            "consumer_group": self.group_id,
            "consumer_name": self.consumer_name,
        }

    def _full_topics(self) -> str:
        if self._settings is None:
            return ",".join(self.topics)
        return ",".join(self._settings.full_topic(topic) for topic in self.topics)

    def _fatal(self, error: BaseException, code: int) -> NoReturn:
        self.record_event_consuming_error(error, None, fatal=True)
        raise SystemExit(code) from error


_TICK = 0.5
"""Seconds between two looks at what is not a message."""


def _log_received(message: Message, metadata: EventsMetadata) -> None:
    if logger.isEnabledFor(logging.INFO) and configuration.audit_logging_enabled():
        if configuration.log_of_settings() == configuration.KAFKA:
            partition, _, offset = message.position.partition(":")
            logger.info(
                f"Message received from Kafka: topic={message.topic}, partition={partition}, "
                f"offset={offset}, message_id={metadata.id}, "
                f"event_timestamp_ms={metadata.time.timestamp()}"
            )
            return
        logger.info(
            f"Message received from Redis: topic={message.topic}, "
            f"message_id={metadata.id}, redis_msg_id={message.position.encode()!r}, "
            f"event_timestamp_ms={metadata.time.timestamp()}"
        )
