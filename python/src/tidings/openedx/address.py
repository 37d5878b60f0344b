"""Where the log is, from the settings of the two packages: as a URL that Tidings reads."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from tidings.openedx import given

ADDRESS = {
    "redis": "EVENT_BUS_REDIS_CONNECTION_URL",
    "kafka": "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS",
}
"""The setting that says where a log is."""


def kafka_url(send_timeout: float, *, buffered: bool) -> str:
    """The URL of a Kafka and its schema registry, from the settings of ``edx-event-bus-kafka``."""
    name = ADDRESS["kafka"]
    brokers = given.text(name, None)
    if brokers is None:
        raise given.wrong(name, "is missing; write it like kafka-1.example.org:9092,kafka-2:9092")
    if re.search(r"[\s/@?#]", brokers):
        raise given.wrong(name, "must be HOST:PORT, several parted by commas and nothing else")
    user, password = _credentials("EVENT_BUS_KAFKA_API")
    registry_name = "EVENT_BUS_KAFKA_SCHEMA_REGISTRY_URL"
    registry = given.text(registry_name, None)
    if registry is None:
        raise given.wrong(
            registry_name, "is missing; write it like https://registry.example.org:8081"
        )
    query = {
        "registry": registry,
        "response_timeout": f"{max(1, int(send_timeout * 800))}ms",
        # It is asked before the event is sent: that nothing was sent is to be told in time.
        "registry_timeout": f"{max(1, int(send_timeout * 400))}ms",
        # As the package's client chooses it, so that a key has one partition whoever writes.
        "librdkafka.partitioner": "consistent_random",
    }
    if not buffered:
        # The caller waits for the answer, and nothing comes meanwhile that could go with it.
        query["librdkafka.linger.ms"] = "0"
    registry_user, registry_password = _credentials("EVENT_BUS_KAFKA_SCHEMA_REGISTRY_API")
    if registry_user:
        query["registry_user"] = registry_user
        query["registry_password"] = registry_password
    ca_file = given.text("EVENT_BUS_TIDINGS_KAFKA_CA_FILE", None)
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
    key, secret = given.text(f"{prefix}_KEY", None), given.text(f"{prefix}_SECRET", None)
    if bool(key) != bool(secret):
        missing, there = ("SECRET", "KEY") if key else ("KEY", "SECRET")
        raise given.wrong(f"{prefix}_{missing}", f"is missing beside {prefix}_{there}")
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


def redis_url(send_timeout: float) -> str:
    """The URL of redis-py with our parameters."""
    name = ADDRESS["redis"]
    url = given.text(name, None)
    if url is None:
        raise given.wrong(
            name,
            "is missing; write it like redis://:password@host:6379/0, or set "
            "EVENT_BUS_KAFKA_BOOTSTRAP_SERVERS for Kafka",
        )
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or "://" not in url:
        schemes = ", ".join(f"{scheme}://" for scheme in _SCHEMES)
        raise given.wrong(name, f"must begin with one of {schemes}")
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
            raise given.wrong(
                name,
                f"has the parameter {key!r}, which Tidings does not have; known are db, "
                + ", ".join(sorted(_REDIS_PY) + sorted(known)),
            )
    # Connecting is to leave time for sending; an answer that takes longer than `send()` may would
    # come too late.
    query["connect_timeout"] = f"{max(1, int(send_timeout * 400))}ms"
    query["response_timeout"] = f"{max(1, int(send_timeout * 800))}ms"
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(query), ""))
