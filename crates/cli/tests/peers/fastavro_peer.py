"""
Encodes and identifies with fastavro, the codec under the Open edX packages.

Reads JSON lines `{"schema": …, "values": […]}` on standard input and answers each with
`{"canonical": …, "sha256": …, "encoded": [HEX…], "decoded": […]}`: the Parsing Canonical Form,
its fingerprint, the bytes of each value, and what these bytes decode to.
"""
import io
import json
import sys

import fastavro
from fastavro.schema import fingerprint, to_parsing_canonical_form

for line in sys.stdin:
    request = json.loads(line)
    schema = fastavro.parse_schema(request["schema"])
    canonical = to_parsing_canonical_form(request["schema"])
    encoded, decoded = [], []
    for value in request["values"]:
        out = io.BytesIO()
        fastavro.schemaless_writer(out, schema, value)
        encoded.append(out.getvalue().hex())
        out.seek(0)
        decoded.append(fastavro.schemaless_reader(out, schema))
    print(json.dumps({
        "canonical": canonical,
        "sha256": fingerprint(canonical, "SHA-256"),
        "encoded": encoded,
        "decoded": decoded,
    }), flush=True)
