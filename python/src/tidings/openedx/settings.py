"""The settings of the service, read and checked."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS
from openedx_events.data import get_service_name

from tidings.bus import Bus
from tidings.errors import InvalidError, TidingsError

_T = TypeVar("_T")

_MISSING = object()

TIDINGS_PREFIX = "EVENT_BUS_TIDINGS_"

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
    chosen = _get("EVENT_BUS_TIDINGS_LOG", None)
    if chosen is not None:
        return _choice("EVENT_BUS_TIDINGS_LOG", REDIS, (REDIS, KAFKA))
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
    mode = _choice("EVENT_BUS_TIDINGS_MODE", ON_COMMIT, (ON_COMMIT, IMMEDIATE, OUTBOX))
    if mode == OUTBOX and outbox is None:
        raise _wrong(
            "EVENT_BUS_TIDINGS_MODE",
            "is 'outbox', and there is none: add 'tidings.django' to INSTALLED_APPS, set "
            'TIDINGS = {"BUS": "openedx", "SERVICE": …}, and migrate',
        )
    log = log_of_settings()
    send_timeout = _seconds("EVENT_BUS_TIDINGS_SEND_TIMEOUT", 2.0)
    max_len = _number("EVENT_BUS_REDIS_STREAM_MAX_LEN", 10_000, least=0) or None
    hard = _number("EVENT_BUS_TIDINGS_HARD_MAX_LEN", max_len and 10 * max_len, least=1)
    if max_len and hard and hard < max_len:
        raise _wrong(
            "EVENT_BUS_TIDINGS_HARD_MAX_LEN",
            "must not be below EVENT_BUS_REDIS_STREAM_MAX_LEN",
        )
    loaded = Settings(
        log=log,
        url=_kafka_url(send_timeout) if log == KAFKA else _url(send_timeout),
        topic_prefix=_text("EVENT_BUS_TOPIC_PREFIX", None),
        stream_max_len=None if log == KAFKA else max_len,
        hard_max_len=None if log == KAFKA else hard,
        mode=mode,
        outbox=outbox,
        send_timeout=send_timeout,
        buffered=_flag("EVENT_BUS_TIDINGS_BUFFERED", False),
        buffer_size=_number("EVENT_BUS_TIDINGS_BUFFER_SIZE", 10_000, least=1) or 10_000,
        poll_timeout=_seconds(_of_log("CONSUMER_POLL_TIMEOUT"), 1.0 if log == KAFKA else 60),
        poll_failure_sleep=_seconds(_of_log("CONSUMER_POLL_FAILURE_SLEEP"), 1.0),
        consecutive_errors_limit=_number(
            _of_log("CONSUMER_CONSECUTIVE_ERRORS_LIMIT"), None, least=0
        )
        or None,
        concurrency=_number("EVENT_BUS_TIDINGS_CONCURRENCY", 1, least=1) or 1,
        ordering=_choice("EVENT_BUS_TIDINGS_ORDERING", "key", ("key", "none")),
        max_attempts=_number("EVENT_BUS_TIDINGS_MAX_ATTEMPTS", 8, least=1) or 8,
        on_failure=_choice("EVENT_BUS_TIDINGS_ON_FAILURE", "park-key", ("park-key", "skip")),
        backoff=_backoff("EVENT_BUS_TIDINGS_BACKOFF", (0.1, 30.0)),
        lease=_seconds("EVENT_BUS_TIDINGS_LEASE", 30.0),
        drain=_seconds("EVENT_BUS_TIDINGS_DRAIN", 25.0),
        unknown_schema=_unknown_schema(),
        catalog=_catalog(),
        validation=_validation(),
    )
    if loaded.validation in ("enforce", "warn") and not loaded.catalog:
        raise _wrong("EVENT_BUS_TIDINGS_VALIDATION", "needs EVENT_BUS_TIDINGS_CATALOG")
    _refuse_unknown()
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
            name = "EVENT_BUS_TIDINGS_CATALOG" if in_catalog else _ADDRESS[log_of_settings()]
            raise ImproperlyConfigured(f"{name}: {error}") from error


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


_ADDRESS = {
    REDIS: "EVENT_BUS_REDIS_CONNECTION_URL",
    KAFKA: "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS",
}
"""The setting that says where a log is."""


def _kafka_url(send_timeout: float) -> str:
    """The URL of a Kafka and its schema registry, from the settings of ``edx-event-bus-kafka``."""
    name = _ADDRESS[KAFKA]
    brokers = _text(name, None)
    if brokers is None:
        raise _wrong(name, "is missing; write it like kafka-1.example.org:9092,kafka-2:9092")
    if re.search(r"[\s/@?#]", brokers):
        raise _wrong(name, "must be HOST:PORT, several parted by commas and nothing else")
    user, password = _credentials("EVENT_BUS_KAFKA_API")
    registry_name = "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL"
    registry = _text(registry_name, None)
    if registry is None:
        raise _wrong(registry_name, "is missing; write it like https://registry.example.org:8081")
    query = {
        "registry": registry,
        "response_timeout": f"{max(1, int(send_timeout * 800))}ms",
        # It is asked before the event is sent: that nothing was sent is to be told in time.
        "registry_timeout": f"{max(1, int(send_timeout * 400))}ms",
        # As the package's client chooses it, so that a key has one partition whoever writes.
        "librdkafka.partitioner": "consistent_random",
    }
    registry_user, registry_password = _credentials("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API")
    if registry_user:
        query["registry_user"] = registry_user
        query["registry_password"] = registry_password
    ca_file = _text("EVENT_BUS_TIDINGS_KAFKA_CA_FILE", None)
    scheme, authority = "kafka", brokers
    if user:
        # What the package does with a key and a secret.
        scheme = "kafka+ssl"
        authority = f"{quote(user, safe='')}:{quote(password, safe='')}@{brokers}"
        query["sasl"] = "PLAIN"
    if ca_file:
        scheme = "kafka+ssl"
        query["ca_file"] = ca_file
        query["registry_ca_file"] = ca_file
    return urlunsplit((scheme, authority, "/", urlencode(query), ""))


def _credentials(prefix: str) -> tuple[str, str]:
    """Key and secret; like the package, only both or none count."""
    key, secret = _text(f"{prefix}_KEY", None), _text(f"{prefix}_SECRET", None)
    if bool(key) != bool(secret):
        missing, there = ("SECRET", "KEY") if key else ("KEY", "SECRET")
        raise _wrong(f"{prefix}_{missing}", f"is missing beside {prefix}_{there}")
    return key or "", secret or ""


_REDIS_PY = {
    # Their redis-py name, ours.
    "ssl_ca_certs": "ca_file",
    "ssl_certfile": "cert_file",
    "ssl_keyfile": "key_file",
}
_OURS = {"ca_file", "cert_file", "key_file"}
_SENTINELS = {"sentinel_username", "sentinel_password"}
_SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel")


def _url(send_timeout: float) -> str:
    """The URL of redis-py with our parameters."""
    name = _ADDRESS[REDIS]
    url = _text(name, None)
    if url is None:
        raise _wrong(
            name,
            "is missing; write it like redis://:password@host:6379/0, or set "
            "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS for Kafka",
        )
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or "://" not in url:
        schemes = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise _wrong(name, f"must begin with one of {schemes}")
    sentinels = parts.scheme.endswith("+sentinel")
    known = _OURS | _SENTINELS if sentinels else _OURS
    path = parts.path
    query: dict[str, str] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        if key == "db":
            # Sentinels name the primary first.
            primary = path.strip("/").split("/")[0]
            path = f"/{primary}/{value}" if sentinels else f"/{value}"
        elif key in _REDIS_PY:
            query[_REDIS_PY[key]] = value
        elif key in known:
            query[key] = value
        elif key == "ssl_cert_reqs" and value == "required":
            continue
        else:
            raise _wrong(
                name,
                f"has the parameter {key!r}, which Tidings does not have; known are db, "
                + ", ".join(sorted(_REDIS_PY) + sorted(known)),
            )
    # Connecting is to leave time for sending; an answer that takes longer than `send()` may would
    # come too late.
    query["connect_timeout"] = f"{max(1, int(send_timeout * 400))}ms"
    query["response_timeout"] = f"{max(1, int(send_timeout * 800))}ms"
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), ""))


def _unknown_schema() -> str:
    name = "EVENT_BUS_TIDINGS_UNKNOWN_SCHEMA"
    value = _get(name, "declared")
    if value in ("declared", "refuse"):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return str(value)
    raise _wrong(name, "must be 'declared', 'refuse', or the minor version to assume")


def _catalog() -> tuple[str, ...]:
    name = "EVENT_BUS_TIDINGS_CATALOG"
    value = _get(name, None)
    if value is None:
        listed = os.environ.get("TIDINGS_CATALOG", "").split(os.pathsep)
        return tuple(folder for folder in listed if folder)
    many = value if isinstance(value, list | tuple) else [value]
    if not all(isinstance(folder, str | os.PathLike) and folder for folder in many):
        raise _wrong(name, "must be a folder of event definitions, or a list of them")
    return tuple(os.fspath(folder) for folder in many)


def _validation() -> str | None:
    name = "EVENT_BUS_TIDINGS_VALIDATION"
    if _get(name, None) is None:
        return None
    return _choice(name, "enforce", ("enforce", "warn", "off"))


def _get(name: str, default: Any) -> Any:
    """The value, noted as known."""
    _KNOWN.add(name)
    value = getattr(settings, name, _MISSING)
    return default if value is _MISSING or value is None else value


_KNOWN: set[str] = {"EVENT_BUS_TIDINGS_KAFKA_CA_FILE"}


def _refuse_unknown() -> None:
    """A setting of ours that has a typing error would be a setting that does nothing."""
    for name in dir(settings):
        if name.startswith(TIDINGS_PREFIX) and name not in _KNOWN:
            near = difflib.get_close_matches(name, sorted(_KNOWN), 1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise _wrong(name, f"is not known{hint}")


def _wrong(name: str, rule: str) -> ImproperlyConfigured:
    return ImproperlyConfigured(f"{name} {rule}")


def _text(name: str, default: str | None) -> str | None:
    value = _get(name, default)
    if value is not None and not isinstance(value, str):
        raise _wrong(name, "must be a string")
    return value or None


def _flag(name: str, default: bool) -> bool:
    value = _get(name, default)
    if not isinstance(value, bool):
        raise _wrong(name, "must be True or False")
    return value


def _number(name: str, default: int | None, *, least: int) -> int | None:
    value = _get(name, default)
    if value is None:
        return None
    # Deployments fill settings from the environment, so digits in a string are a number.
    number = _converted(int, value)
    if number is None or number < least:
        raise _wrong(name, f"must be a whole number from {least}")
    return number


def _seconds(name: str, default: float) -> float:
    number = _converted(float, _get(name, default))
    if number is None or not 0 < number < 1e9:
        raise _wrong(name, "must be a number of seconds above zero")
    return number


def _converted(convert: Callable[[Any], _T], value: object) -> _T | None:
    if isinstance(value, bool):
        return None
    try:
        return convert(value)
    except (TypeError, ValueError):
        return None


def _choice(name: str, default: str, choices: tuple[str, ...]) -> str:
    value = _get(name, default)
    if value not in choices:
        raise _wrong(name, "must be one of " + ", ".join(choices))
    return str(value)


def _backoff(name: str, default: tuple[float, float]) -> tuple[float, float]:
    value = _get(name, default)
    rule = "must be two numbers of seconds above zero: the first pause and the longest"
    if not isinstance(value, tuple | list) or len(value) != 2:
        raise _wrong(name, rule)
    first, longest = (_converted(float, item) for item in value)
    if first is None or longest is None or not 0 < first <= longest < 1e9:
        raise _wrong(name, rule)
    return first, longest
