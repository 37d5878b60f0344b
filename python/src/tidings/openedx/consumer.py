"""The consumer that ``EVENT_BUS_CONSUMER`` names."""

from __future__ import annotations

import logging
import os
import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, NoReturn
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from edx_django_utils.monitoring import record_exception, set_custom_attribute
from openedx_events.data import EventsMetadata
from openedx_events.event_bus import EventBusConsumer
from openedx_events.exceptions import SenderValidationError
from openedx_events.tooling import (
    OpenEdxPublicSignal,
    load_all_signals,
    prepare_for_new_work_cycle,
)

from tidings import _consuming
from tidings._tidings import Event, Message, Stream
from tidings.bus import Bus
from tidings.errors import TidingsError
from tidings.openedx import settings as configuration
from tidings.openedx.applied import apply_once
from tidings.openedx.avro import UnusableMessageError, read_event_data, schema_of
from tidings.openedx.producer import describe
from tidings.openedx.settings import Settings

logger = logging.getLogger(__name__)

EX_SOFTWARE, EX_TEMPFAIL, EX_CONFIG = 70, 75, 78
"""Exit codes of sysexits.h: it cannot go on; the log was away for too long; a wrong setting."""


class ReceiverError(Exception):
    """One or more receivers of a signal raised."""

    def __init__(self, message: str, causes: list[BaseException]) -> None:
        super().__init__(message)
        self.causes = causes


class EventConsumptionException(Exception):
    """What monitoring sees when an event was not consumed."""


class TooManyErrors(Exception):
    """``EVENT_BUS_REDIS_CONSUMER_CONSECUTIVE_ERRORS_LIMIT`` was reached."""


class EventConsumer(EventBusConsumer):
    """Hands events of one or more topics to the receivers of their signals.

    ``topic`` may name several topics, separated by commas. The group is never moved by starting: a
    new one begins at the end of the topic, or with ``check_backlog`` at its beginning. Extras:

    - ``consumer_name``: a name for people; not required.
    - ``check_backlog``: see above.
    - ``last_read_msg_id``, ``offset_time``: move the group behind this entry, or to this time (ISO
      8601). Each value is applied once and remembered.
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
        self._move()
        return loaded

    def consume_indefinitely(self) -> None:
        """Consumes until SIGTERM or Ctrl-C, then lets receivers finish."""
        if not configuration.consumers_enabled():
            logger.error("Redis consumers not enabled, exiting.")
            return
        try:
            self._settings = self.check()
            load_all_signals()
            bus = configuration.open_bus(self._settings, definitions())
        except ImproperlyConfigured as error:
            logger.critical("The event bus is misconfigured: %s", error)
            raise SystemExit(EX_CONFIG) from error
        logger.info(f"Running consumer for {self._run_context(self._full_topics())!r}")
        try:
            with reporting_dead_letters(self):
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
        move = self._move()
        if move is not None:
            extra, value, start = move
            self._apply(bus, extra, value, start)
        stream = bus.subscribe(
            self.topics,
            self.group_id,
            start=start,
            concurrency=loaded.concurrency,
            ordering=loaded.ordering,
            name=self.consumer_name,
            max_attempts=loaded.max_attempts,
            backoff=loaded.backoff,
            # As with today's package, later events of the same key go on.
            on_failure="skip",
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

    def _apply(self, bus: Bus, extra: str, value: str, start: str) -> None:
        for topic in self.topics:
            apply_once(bus.log, topic, self.group_id, extra, value, start)

    def _lease(self, loaded: Settings) -> float:
        if self.claim_msgs_older_than is None:
            return loaded.lease
        return min(loaded.lease, max(1.0, self.claim_msgs_older_than / 1000))

    def _move(self) -> tuple[str, str, str] | None:
        """The extra that moves the group, its value, and where to."""
        if self.last_read_msg_id and self.offset_time:
            raise ImproperlyConfigured(
                "--extra has last_read_msg_id and offset_time; give the one you mean"
            )
        if self.last_read_msg_id:
            value = str(self.last_read_msg_id)
            if value == "$":
                return "last_read_msg_id", value, "latest"
            found = re.fullmatch(r"(\d+)(?:-(\d+))?", value, re.ASCII)
            if found is None:
                raise ImproperlyConfigured(
                    "--extra last_read_msg_id must be the id of an entry, like 1679676448892-0"
                )
            position = f"{found[1]}-{found[2] or 0}"
            # Behind nothing is the beginning, whatever has been trimmed.
            start = "earliest" if position == "0-0" else position
            return "last_read_msg_id", value, start
        if self.offset_time:
            value = str(self.offset_time)
            try:
                time = datetime.fromisoformat(value)
            except ValueError:
                raise ImproperlyConfigured(
                    "--extra offset_time must be a time like 2026-11-23T20:57:12Z"
                ) from None
            time = time if time.tzinfo else time.replace(tzinfo=UTC)
            return "offset_time", value, time.isoformat()
        return None

    # One message

    def _handle(self, message: Message) -> None:
        """What a message costs and leaves behind is as with ``edx-event-bus-redis``."""
        try:
            prepare_for_new_work_cycle()
            self.emit_signals_from_message(message)
        except Exception as error:
            self.record_event_consuming_error(error, message)
            message.fail(reason_of(error), temporary=is_temporary(error))
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
        event_data = read_event_data(signal, message.event.data)
        results = signal.send_event_with_custom_metadata(metadata, **event_data)
        _check_receiver_results(results, signal)
        if configuration.audit_logging_enabled():
            logger.info("Message from Redis processed successfully")

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
                f"Error consuming event from Redis: {error!r} in context {shown} -- {details}"
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
            set_custom_attribute("redis_monitoring_error", repr(problem))

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


def definitions() -> list[tuple[str, int, str]]:
    """The schemas of all signals that have one: type, minor version, schema."""
    found = []
    for signal in OpenEdxPublicSignal.all_events():
        try:
            schema = schema_of(signal)
        except Exception:
            # openedx-events cannot put this signal on any event bus.
            logger.debug("no schema for %s", signal.event_type, exc_info=True)
            continue
        found.append((signal.event_type, signal.minor_version, schema))
    return found


def metadata_of(event: Event) -> EventsMetadata:
    """The metadata as the producer had it; what is missing is made up as openedx-events does."""
    sourcelib = event.extensions.get("sourcelib")
    try:
        return EventsMetadata(
            event_type=event.type,
            id=UUID(event.id),
            minorversion=event.minorversion,
            source=event.source.removeprefix("/"),
            sourcehost=event.sourcehost,
            time=event.time,
            sourcelib=tuple(map(int, str(sourcelib).split("."))) if sourcelib else None,
        )
    except (TypeError, ValueError) as error:
        raise UnusableMessageError(
            f"the attributes of the event are no EventsMetadata ({type(error).__name__})"
        ) from error


def is_temporary(error: BaseException) -> bool:
    """Whether calling the receivers again may help."""
    return not isinstance(error, UnusableMessageError | SenderValidationError)


def reason_of(error: BaseException) -> str:
    """What a dead letter says. Receivers' errors by class: their texts often quote the event."""
    if isinstance(error, ReceiverError):
        causes = ", ".join(_consuming.reason_of(cause) for cause in error.causes)
        return f"ReceiverError: {causes}"
    if isinstance(error, UnusableMessageError):
        return f"UnusableMessageError: {error}"
    return _consuming.reason_of(error)


def _log_received(message: Message, metadata: EventsMetadata) -> None:
    if configuration.audit_logging_enabled():
        logger.info(
            f"Message received from Redis: topic={message.topic}, "
            f"message_id={metadata.id}, redis_msg_id={message.position.encode()!r}, "
            f"event_timestamp_ms={metadata.time.timestamp()}"
        )


def _check_receiver_results(results: list[tuple[Any, Any]], signal: OpenEdxPublicSignal) -> None:
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


class _DeadLetters(logging.Handler):
    """Entries that are no events never reach a receiver; their fate comes as a log record."""

    def __init__(self, consumer: EventConsumer) -> None:
        super().__init__(logging.ERROR)
        self._consumer = consumer

    def emit(self, record: logging.LogRecord) -> None:
        """Tells of it under today's message."""
        fields = getattr(record, "tidings", {})
        if fields.get("class") == "undecodable":
            where = f"topic={fields.get('topic')} redis_msg_id={fields.get('position')}"
            error = UnusableMessageError(f"{fields.get('error')} ({where})")
            self._consumer.record_event_consuming_error(error, None)


@contextmanager
def reporting_dead_letters(consumer: EventConsumer) -> Iterator[None]:
    """Tells of unreadable entries under the message that alerts look for."""
    handler = _DeadLetters(consumer)
    runtime = logging.getLogger("tidings.runtime")
    runtime.addHandler(handler)
    try:
        yield
    finally:
        runtime.removeHandler(handler)
