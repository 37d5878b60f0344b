"""Envelopes and Avro in Python: `formats.py tidings|cloudevents|tidings-avro|fastavro`."""

from __future__ import annotations

import io
import json
import sys
import time
from collections.abc import Callable
from typing import Any

from common import ROOT, TYPES, answer, documents, now, recorded, serve

Both = tuple[Callable[[], object], Callable[[], object]]


def of_tidings(payload: str) -> Both:
    """A document to an event, its data to objects; and back."""
    from tidings import Event

    document = documents(payload, "one")[0][1].encode()
    event = Event.from_json(document)
    return (lambda: Event.from_json(document).data, event.to_json)


def of_cloudevents(payload: str) -> Both:
    """The same by its JSON format."""
    from cloudevents.core.formats.json import JSONFormat

    document = documents(payload, "one")[0][1].encode()
    form = JSONFormat()
    event = form.read(None, document)
    return (lambda: form.read(None, document).get_data(), lambda: form.write(event))


def of_tidings_avro(payload: str) -> Both:
    """Dictionaries to Avro; what is read becomes a service's objects, and no dictionaries."""
    from tidings._tidings import Encoder

    file = ROOT / "catalog/openedx" / f"{TYPES[payload]}.avsc"
    encoder = Encoder(file.read_text(), str)
    data = recorded(payload)["avro_record_json"]

    def decode() -> object:
        raise NotImplementedError

    return (decode, lambda: encoder.encode(data))


def of_fastavro(payload: str) -> Both:
    """Avro to dictionaries and back, by its compiled reader and writer."""
    import fastavro

    file = ROOT / "catalog/openedx" / f"{TYPES[payload]}.avsc"
    schema = fastavro.parse_schema(json.loads(file.read_text()))
    data = recorded(payload)["avro_record_json"]

    def encode() -> bytes:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, data)
        return out.getvalue()

    encoded = encode()
    return (lambda: fastavro.schemaless_reader(io.BytesIO(encoded), schema, None), encode)


WHO = {
    "tidings": of_tidings,
    "cloudevents": of_cloudevents,
    "tidings-avro": of_tidings_avro,
    "fastavro": of_fastavro,
}[sys.argv[1]]


def run(job: Any) -> dict[str, Any]:
    """One job: by fifties, so that looking at the clock does not count."""
    if job.verb == "ready":
        return answer(now(), 1)
    decode, encode = WHO(job.payload)
    once = decode if job.verb == "decode" else encode
    began, events = now(), 0
    deadline = time.monotonic() + job.seconds
    while time.monotonic() < deadline:
        for _ in range(50):
            once()
        events += 50
    return answer(began, events)


serve(run)
