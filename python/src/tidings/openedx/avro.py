"""Between the objects of a signal and Avro.

Schemas are those that openedx-events generates, made once for each signal. Writing and reading are
native. Reading takes JSON that the native decoder has made *by the writer's schema*, and resolves
it to what this service's classes want: by name, as Avro does. What cannot be resolved is refused,
never guessed.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache
from types import UnionType
from typing import Any, Union, get_args, get_origin

import attr
from opaque_keys import OpaqueKey
from openedx_events.event_bus.avro.custom_serializers import DEFAULT_CUSTOM_SERIALIZERS
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals

from tidings._tidings import Encoder, Event, Reader
from tidings.errors import EncodingError, InvalidError

logger = logging.getLogger(__name__)


class UnusableMessageError(Exception):
    """An event that this service cannot take: it becomes a dead letter. Names fields, no values."""


# Writing

_SERIALIZERS: list[tuple[type, Callable[[Any], str]]] = [
    (serializer.cls, serializer.serialize) for serializer in DEFAULT_CUSTOM_SERIALIZERS
]
_BY_TYPE: dict[type, Callable[[Any], str]] = {datetime: datetime.isoformat}

_encoders: dict[OpenEdxPublicSignal, Encoder] = {}


def encoder_of(signal: OpenEdxPublicSignal) -> Encoder:
    """The encoder of a signal, compiled at its first use."""
    encoder = _encoders.get(signal)
    if encoder is None:
        encoder = Encoder(schema_of(signal), text_of)
        _encoders[signal] = encoder
    return encoder


def schema_of(signal: OpenEdxPublicSignal) -> str:
    """The Avro schema of a signal, as openedx-events generates it."""
    return str(AvroSignalSerializer(signal).schema_string())


def definitions() -> list[tuple[str, int, str]]:
    """The schemas of all signals that have one: type, minor version, schema."""
    load_all_signals()
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


def text_of(value: Any) -> str:
    """The string that stands for a key, a locator, a time or a UUID."""
    serialize = _BY_TYPE.get(type(value))
    if serialize is None:
        for cls, candidate in _SERIALIZERS:
            if isinstance(value, cls):
                serialize = _BY_TYPE[type(value)] = candidate
                break
        else:
            raise TypeError(f"no string stands for a {type(value).__qualname__}")
    return serialize(value)


_NOT_IN_ATTRIBUTES = re.compile(
    "[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(17))
    + "]"
)
"""Control characters and noncharacters: attributes of CloudEvents may not hold them."""


def key_of(event_data: Mapping[str, Any], path: str) -> str | None:
    """What stands at a dotted path of the event data, as text; ``None`` if nothing does.

    What an attribute may not hold is escaped as key paths of definitions do: the key is there to be
    the same for the same entity.
    """
    key = _text_at(event_data, path)
    if key is None:
        return None
    if key.isascii() and key.isprintable():
        return key or None
    return _NOT_IN_ATTRIBUTES.sub(lambda found: f"%{ord(found[0]):02X}", key) or None


KeyAvro = tuple[Encoder, bytes]
"""The encoder of a key, which has its schema, and the key's Avro."""


def key_avro_of(
    event_data: Mapping[str, Any], path: str, signal: OpenEdxPublicSignal
) -> KeyAvro | None:
    """What stands at a dotted path as Avro by the schema of that field, as
    ``edx-event-bus-kafka`` writes keys; ``None`` if nothing does."""
    value = _value_at(event_data, path)
    if value is None:
        return None
    encoder = _key_encoder(signal, path)
    if encoder is None:
        return None
    try:
        return encoder, encoder.encode(value)
    except EncodingError:
        logger.debug("no Avro for the key of %s", signal.event_type)
        return None


@lru_cache(maxsize=256)
def _key_encoder(signal: OpenEdxPublicSignal, path: str) -> Encoder | None:
    """``None`` for keys that the package cannot write: then the key is a string."""
    schema: Any = AvroSignalSerializer(signal).schema
    try:
        for name in _names(path):
            fields = schema if "fields" in schema else schema["type"]
            schema = next(field for field in fields["fields"] if field["name"] == name)
        # Letter for letter as the package registers it: the same text has the same id everywhere.
        return Encoder(json.dumps(schema, sort_keys=True), text_of)
    except (KeyError, StopIteration, TypeError, InvalidError):
        logger.debug("no schema for the key %s of %s", path, signal.event_type)
        return None


@lru_cache(maxsize=256)
def _names(path: str) -> list[str]:
    return path.split(".")


def _value_at(event_data: Mapping[str, Any], path: str) -> Any:
    first, *rest = _names(path)
    value = event_data.get(first)
    for name in rest:
        if value is None:
            return None
        # Not `Mapping`: to ask an abstract class takes longer than everything else here.
        value = value.get(name) if isinstance(value, dict) else getattr(value, name, None)
    return value


def _text_at(event_data: Mapping[str, Any], path: str) -> str | None:
    value = _value_at(event_data, path)
    if value is None:
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return str(value)
    try:
        return text_of(value)
    except TypeError:
        return None


# Reading

Plan = tuple[Any, ...]
"""What the native reader is to make of a JSON value."""

_DESERIALIZERS: dict[Any, Callable[[str], Any]] = {
    # Keys never change, come again and again, and take long to parse.
    serializer.cls: lru_cache(maxsize=1024)(serializer.deserialize)
    if issubclass(serializer.cls, OpaqueKey)
    else serializer.deserialize
    for serializer in DEFAULT_CUSTOM_SERIALIZERS
}
_DESERIALIZERS[datetime] = datetime.fromisoformat

_readers: dict[OpenEdxPublicSignal, Reader] = {}


def read_event_data(signal: OpenEdxPublicSignal, event: Event) -> dict[str, Any]:
    """The keyword arguments of the signal, from the JSON of an event's payload."""
    reader = _readers.get(signal)
    if reader is None:
        arguments = tuple((name, name, _plan(of), False) for name, of in signal.init_data.items())
        reader = Reader(("record", None, "a JSON object", arguments), UnusableMessageError)
        _readers[signal] = reader
    made: dict[str, Any] = reader.read(event)
    return made


_SIMPLE = (bool, int, float, str, bytes)


def _plan(of: Any) -> Plan:
    if of in _DESERIALIZERS:
        return "made", _DESERIALIZERS[of], getattr(of, "__name__", str(of))
    if of in _SIMPLE:
        return (of.__name__,)
    origin, arguments = get_origin(of), get_args(of)
    if origin is list and len(arguments) == 1:
        return "list", _plan(arguments[0])
    if origin is dict and len(arguments) == 2 and arguments[0] is str:
        return "dict", _plan(arguments[1])
    if origin in (Union, UnionType):
        others = [argument for argument in arguments if argument is not type(None)]
        if len(others) == 1:
            return "nullable", _plan(others[0])
    if attr.has(of):
        return "record", of, of.__name__, tuple(map(_field, attr.fields(of)))
    raise UnusableMessageError(f"the type {of} cannot be read from the event bus")


def _field(field: Any) -> Plan:
    plan = _plan(field.type)
    if field.default is None:
        plan = ("nullable", plan)
    return field.name, field.alias or field.name, plan, field.default is not attr.NOTHING
