"""From what a person writes to what an event is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from tidings.errors import InvalidError


def normalise(
    *,
    type: str,  # noqa: A002 - the attribute's name
    source: str | None = None,
    data: Any = None,
    key: str | None = None,
    id: object | None = None,  # noqa: A002 - the attribute's name
    time: datetime | str | None = None,
    subject: str | None = None,
    minorversion: int | None = None,
    dataschema: str | None = None,
    datacontenttype: str | None = None,
    extensions: Mapping[str, str | int | bool] | None = None,
) -> dict[str, Any]:
    """Attributes with text for times and JSON text for data; the native module calls this."""
    return {
        "type": type,
        "source": source,
        "data": _payload(data, datacontenttype),
        "key": key,
        "id": None if id is None else str(id),
        "time": _time(time),
        "subject": subject,
        "minorversion": minorversion,
        "dataschema": dataschema,
        "datacontenttype": datacontenttype,
        "extensions": None if extensions is None else list(extensions.items()),
    }


def _time(time: datetime | str | None) -> str | None:
    if time is None or isinstance(time, str):
        return time
    if time.utcoffset() is None:
        raise InvalidError("time: has no offset; use an aware datetime, in UTC")
    return time.isoformat().replace("+00:00", "Z")


def _payload(data: Any, media_type: str | None) -> str | bytes | None:
    if data is None or isinstance(data, bytes):
        return data
    if isinstance(data, bytearray | memoryview):
        return bytes(data)
    if media_type is not None and isinstance(data, str):
        kind = media_type.partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json"):
            return data.encode()
    try:
        return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise InvalidError(f"data: cannot be written as JSON: {error}") from None
