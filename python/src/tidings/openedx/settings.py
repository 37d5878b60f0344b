"""The settings of the service, read and checked."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from openedx_events.data import get_service_name

from tidings.bus import Bus
from tidings.errors import InvalidError, TidingsError
from tidings.openedx import given
from tidings.openedx.address import ADDRESS, kafka_url, redis_url

ON_COMMIT, IMMEDIATE, OUTBOX = "on-commit", "immediate", "outbox"
"""When ``send()`` sends: see ``EVENT_BUS_TIDINGS_MODE`` in the guide."""


@dataclass(frozen=True)
class Settings:
    """What a producer and a consumer need to know. Times are in seconds."""

    log: str
    """``redis`` or ``kafka``: see ``EVENT_BUS_TIDINGS_LOG`` in the guide."""
    url: str
    """``EVENT_BUS_REDIS_CONNECTION_URL``, or what the settings of ``edx-event-bus-kafka`` say, in
    the form that Tidings reads."""
    topic_prefix: str | None
    """``EVENT_BUS_TOPIC_PREFIX``"""
    stream_max_len: int | None
    """``EVENT_BUS_REDIS_STREAM_MAX_LEN``: entries that a topic keeps when nobody needs more.
    ``None`` on Kafka, where the retention of a topic is its own setting."""
    hard_max_len: int | None
    """``EVENT_BUS_TIDINGS_HARD_MAX_LEN``: entries that a topic keeps at most."""
    mode: str
    """``EVENT_BUS_TIDINGS_MODE``: ``on-commit``, ``immediate`` or ``outbox``."""
    outbox: str | None
    """The database whose outbox takes what the log does not; ``None`` if none is configured."""
    send_timeout: float
    """``EVENT_BUS_TIDINGS_SEND_TIMEOUT``: how long ``send()`` may take."""
    buffered: bool
    """``EVENT_BUS_TIDINGS_BUFFERED``: ``send()`` returns at once; kill -9 loses what waits."""
    buffer_size: int
    """``EVENT_BUS_TIDINGS_BUFFER_SIZE``: events that may wait."""
    poll_timeout: float
    """``EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT``, or that of Kafka"""
    poll_failure_sleep: float
    """``EVENT_BUS_REDIS_CONSUMER_POLL_FAILURE_SLEEP``, or that of Kafka: the longest pause while
    the log is away."""
    consecutive_errors_limit: int | None
    """``EVENT_BUS_REDIS_CONSUMER_CONSECUTIVE_ERRORS_LIMIT``, or that of Kafka"""
    concurrency: int
    """``EVENT_BUS_TIDINGS_CONCURRENCY``: threads that run receivers; 1 is the main thread."""
    ordering: str
    """``EVENT_BUS_TIDINGS_ORDERING``: ``key`` or ``none``"""
    max_attempts: int
    """``EVENT_BUS_TIDINGS_MAX_ATTEMPTS``: before an event becomes a dead letter."""
    on_failure: str
    """``EVENT_BUS_TIDINGS_ON_FAILURE``: ``park-key`` or ``skip``"""
    backoff: tuple[float, float]
    """``EVENT_BUS_TIDINGS_BACKOFF``: first and longest pause between attempts."""
    lease: float
    """``EVENT_BUS_TIDINGS_LEASE``: after which the events of a dead consumer are handed over."""
    drain: float
    """``EVENT_BUS_TIDINGS_DRAIN``: how long receivers may finish after SIGTERM."""
    unknown_schema: str
    """``EVENT_BUS_TIDINGS_UNKNOWN_SCHEMA``: ``declared``, ``refuse`` or a minor version."""
    catalog: tuple[str, ...]
    """``EVENT_BUS_TIDINGS_CATALOG``, or else the variable ``TIDINGS_CATALOG``: folders of event
    definitions."""
    validation: str | None
    """``EVENT_BUS_TIDINGS_VALIDATION``: ``enforce``, ``warn`` or ``off``; how strictly ``send()``
    holds events to the catalog."""

    def full_topic(self, topic: str) -> str:
        """The name of the stream."""
        return f"{self.topic_prefix}-{topic}" if self.topic_prefix else topic


REDIS, KAFKA = "redis", "kafka"
LOG_NAMES = {REDIS: "Redis", KAFKA: "Kafka"}
"""How log lines call a log."""


def log_of_settings() -> str:
    """``redis`` or ``kafka``: by ``EVENT_BUS_TIDINGS_LOG``, or else by whose address is set."""
    chosen = given.get("EVENT_BUS_TIDINGS_LOG", None)
    if chosen is not None:
        return given.choice("EVENT_BUS_TIDINGS_LOG", REDIS, (REDIS, KAFKA))
    redis = getattr(settings, "EVENT_BUS_REDIS_CONNECTION_URL", None)
    kafka = getattr(settings, "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS", None)
    return KAFKA if kafka and not redis else REDIS


def _of_log(name: str) -> str:
    """The setting of the package for the log that is used: ``EVENT_BUS_REDIS_`` or ``…KAFKA_``."""
    return f"EVENT_BUS_{log_of_settings().upper()}_{name}"


def log_name() -> str:
    """How log lines call the log, as the packages do."""
    return LOG_NAMES[log_of_settings()]


def consumers_enabled() -> bool:
    """``EVENT_BUS_REDIS_CONSUMERS_ENABLED`` or that of Kafka, as it is now."""
    return bool(getattr(settings, _of_log("CONSUMERS_ENABLED"), True))


UNUSED = (
    "the log is Redis, since EVENT_BUS_REDIS_CONNECTION_URL is set; to use Kafka unset that, or "
    "set EVENT_BUS_TIDINGS_LOG = 'kafka'"
)


def kafka_settings() -> list[str]:
    """The settings of edx-event-bus-kafka that are set, and do nothing since Redis is used."""
    if getattr(settings, "EVENT_BUS_TIDINGS_LOG", None) or log_of_settings() == KAFKA:
        # Somebody who has chosen knows.
        return []
    names = [name for name in dir(settings) if name.startswith("EVENT_BUS_KAFKA_")]
    return [name for name in names if getattr(settings, name) not in (None, "")]


def audit_logging_enabled() -> bool:
    """``EVENT_BUS_REDIS_AUDIT_LOGGING_ENABLED`` or that of Kafka, as it is now."""
    return bool(getattr(settings, _of_log("AUDIT_LOGGING_ENABLED"), True))


def load() -> Settings:
    """Reads the settings of the service.

    Raises ``ImproperlyConfigured``, naming the setting, the rule and never the value: a URL has a
    password in it.
    """
    outbox = outbox_database()
    mode = given.choice("EVENT_BUS_TIDINGS_MODE", ON_COMMIT, (ON_COMMIT, IMMEDIATE, OUTBOX))
    if mode == OUTBOX and outbox is None:
        raise given.wrong(
            "EVENT_BUS_TIDINGS_MODE",
            "is 'outbox', and there is none: add 'tidings.django' to INSTALLED_APPS, set "
            'TIDINGS = {"BUS": "openedx", "SERVICE": …}, and migrate',
        )
    log = log_of_settings()
    send_timeout = given.seconds("EVENT_BUS_TIDINGS_SEND_TIMEOUT", 2.0)
    max_len = given.number("EVENT_BUS_REDIS_STREAM_MAX_LEN", 10_000, least=0) or None
    hard = given.number("EVENT_BUS_TIDINGS_HARD_MAX_LEN", max_len and 10 * max_len, least=1)
    if max_len and hard and hard < max_len:
        raise given.wrong(
            "EVENT_BUS_TIDINGS_HARD_MAX_LEN",
            "must not be below EVENT_BUS_REDIS_STREAM_MAX_LEN",
        )
    buffered = given.flag("EVENT_BUS_TIDINGS_BUFFERED", False)
    url = kafka_url(send_timeout, buffered=buffered) if log == KAFKA else redis_url(send_timeout)
    loaded = Settings(
        log=log,
        url=url,
        topic_prefix=given.text("EVENT_BUS_TOPIC_PREFIX", None),
        stream_max_len=None if log == KAFKA else max_len,
        hard_max_len=None if log == KAFKA else hard,
        mode=mode,
        outbox=outbox,
        send_timeout=send_timeout,
        buffered=buffered,
        buffer_size=given.number("EVENT_BUS_TIDINGS_BUFFER_SIZE", 10_000, least=1) or 10_000,
        poll_timeout=given.seconds(_of_log("CONSUMER_POLL_TIMEOUT"), 1.0 if log == KAFKA else 60),
        poll_failure_sleep=given.seconds(_of_log("CONSUMER_POLL_FAILURE_SLEEP"), 1.0),
        consecutive_errors_limit=given.number(
            _of_log("CONSUMER_CONSECUTIVE_ERRORS_LIMIT"), None, least=0
        )
        or None,
        concurrency=given.number("EVENT_BUS_TIDINGS_CONCURRENCY", 1, least=1) or 1,
        ordering=given.choice("EVENT_BUS_TIDINGS_ORDERING", "key", ("key", "none")),
        max_attempts=given.number("EVENT_BUS_TIDINGS_MAX_ATTEMPTS", 8, least=1) or 8,
        on_failure=given.choice("EVENT_BUS_TIDINGS_ON_FAILURE", "park-key", ("park-key", "skip")),
        backoff=given.pauses("EVENT_BUS_TIDINGS_BACKOFF", (0.1, 30.0)),
        lease=given.seconds("EVENT_BUS_TIDINGS_LEASE", 30.0),
        drain=given.seconds("EVENT_BUS_TIDINGS_DRAIN", 25.0),
        unknown_schema=_unknown_schema(),
        catalog=_catalog(),
        validation=_validation(),
    )
    if loaded.validation in ("enforce", "warn") and not loaded.catalog:
        raise given.wrong("EVENT_BUS_TIDINGS_VALIDATION", "needs EVENT_BUS_TIDINGS_CATALOG")
    given.refuse_unknown()
    return loaded


def open_bus(
    loaded: Settings, definitions: list[tuple[str, int, str]] | None = None, **options: Any
) -> Bus:
    """The bus of the settings. It is connected when it is first used."""
    held: dict[str, Any] = {"catalog": loaded.catalog, "validation": loaded.validation}
    if loaded.catalog:
        # Whose events it may send.
        held["service"] = get_service_name()
    try:
        return Bus(
            loaded.url,
            prefix=loaded.topic_prefix,
            wire="openedx",
            send_timeout=loaded.send_timeout,
            max_len=loaded.stream_max_len,
            hard_max_len=loaded.hard_max_len,
            buffer=loaded.buffer_size,
            definitions=definitions or (),
            **{**held, **options},
        )
    except InvalidError as error:
        raise ImproperlyConfigured(f"Event bus settings: {error}") from error


def check_bus(bus: Bus) -> None:
    """Connects. That the log is away is no mistake in the settings; that it refuses us is one."""
    try:
        bus.open()
    except TidingsError as error:
        if not error.is_temporary:
            in_catalog = str(error).startswith("catalog:")
            name = "EVENT_BUS_TIDINGS_CATALOG" if in_catalog else ADDRESS[log_of_settings()]
            raise ImproperlyConfigured(f"{name}: {error}") from error


def check_catalog(loaded: Settings) -> None:
    """Reads the catalog, and connects to nothing."""
    bus = Bus("memory:", catalog=loaded.catalog)
    try:
        bus.open()
    except InvalidError as error:
        raise ImproperlyConfigured(f"EVENT_BUS_TIDINGS_CATALOG: {error}") from error
    finally:
        bus.close()


def bus_for_django(**options: Any) -> Bus:
    """The bus of the settings, for ``tidings.django``: its relay writes what ``send()`` writes."""
    from tidings.openedx.avro import definitions

    return open_bus(load(), definitions(), **options)


def outbox_database() -> str | None:
    """The alias of the database with an outbox whose relay publishes to this bus."""
    if not apps.is_installed("tidings.django"):
        return None
    from tidings.django import conf

    configured = conf.current()
    return configured.database if configured.bus == conf.OPENEDX else None


def transaction_database() -> str:
    """The alias of the database whose transactions events wait for."""
    return outbox_database() or DEFAULT_DB_ALIAS


def _unknown_schema() -> str:
    name = "EVENT_BUS_TIDINGS_UNKNOWN_SCHEMA"
    value = given.get(name, "declared")
    if value in ("declared", "refuse"):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    raise given.wrong(name, "must be 'declared', 'refuse', or the minor version to assume")


def _catalog() -> tuple[str, ...]:
    name = "EVENT_BUS_TIDINGS_CATALOG"
    value = given.get(name, None)
    if value is None:
        listed = os.environ.get("TIDINGS_CATALOG", "").split(os.pathsep)
        return tuple(folder for folder in listed if folder)
    many = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(folder, str | os.PathLike) and folder for folder in many):
        raise given.wrong(name, "must be a folder of event definitions, or a list of them")
    return tuple(os.fspath(folder) for folder in many)


def _validation() -> str | None:
    name = "EVENT_BUS_TIDINGS_VALIDATION"
    if given.get(name, None) is None:
        return None
    return given.choice(name, "enforce", ("enforce", "warn", "off"))
