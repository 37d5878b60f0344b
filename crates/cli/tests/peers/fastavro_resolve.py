"""
Decodes with fastavro what another schema encoded.

Reads JSON lines `{"writer": …, "reader": …, "values": […]}` on standard input and answers each with
one result a value: `{"decoded": …}`, or `{"refused": REASON}` if the reader does not resolve it.
"""
import io
import json
import sys

import fastavro


def native(schema, value):
    """The value with bytes where the schema has them: JSON has only text."""
    if schema == "bytes":
        return value.encode()
    if isinstance(schema, dict):
        kind = schema["type"]
        if not isinstance(kind, str):
            return native(kind, value)
        if kind in ("fixed", "bytes"):
            return value.encode()
        if kind == "record":
            return {field["name"]: native(field["type"], value[field["name"]]) for field in schema["fields"]}
        if kind == "array":
            return [native(schema["items"], item) for item in value]
        if kind == "map":
            return {key: native(schema["values"], item) for key, item in value.items()}
    return value


for line in sys.stdin:
    request = json.loads(line)
    writer = fastavro.parse_schema(request["writer"], named_schemas={})
    reader = fastavro.parse_schema(request["reader"], named_schemas={})
    results = []
    for value in request["values"]:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, writer, native(request["writer"], value))
        out.seek(0)
        try:
            decoded = fastavro.schemaless_reader(out, writer, reader)
            results.append({"decoded": json.loads(json.dumps(decoded, default=str))})
        except Exception as error:  # pylint: disable=broad-except
            results.append({"refused": f"{type(error).__name__}: {error}"[:200]})
    print(json.dumps(results), flush=True)
