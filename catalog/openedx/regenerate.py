#!/usr/bin/env python3
"""
Writes the Avro schema of every event type of the installed openedx-events, one file a type.

Usage: regenerate.py [--check] [FOLDER]

The schemas are the ones that the package builds in code from its attrs classes, since that is
what stands on the wire. (The `.avsc` files in the package's own test folder are snapshots of
older states: some differ.) FOLDER is where this file is, unless it is given. With `--check`
nothing is written, and differences end the run with exit code 1.

Needs a virtual environment with openedx-events and fastavro; `scripts/peers.sh` makes one with
the version that the files here come from.
"""
import json
import pathlib
import sys

import openedx_events
from django.conf import settings

settings.configure()

# pylint: disable=wrong-import-position
import django

django.setup()

import fastavro
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal, load_all_signals


def schemas():
    """Event type to the text of its schema; types that the package cannot serialize are named."""
    load_all_signals()
    texts = {}
    for signal in OpenEdxPublicSignal.all_events():
        try:
            schema = AvroSignalSerializer(signal).schema
            fastavro.parse_schema(json.loads(json.dumps(schema)))
        except Exception as error:  # pylint: disable=broad-except
            print(f"no schema for {signal.event_type}: {error}", file=sys.stderr)
            continue
        texts[signal.event_type] = json.dumps(schema, indent=1) + "\n"
    return texts


def main(arguments):
    """Writes or compares."""
    check = "--check" in arguments
    folders = [argument for argument in arguments if argument != "--check"]
    folder = pathlib.Path(folders[0] if folders else pathlib.Path(__file__).parent)
    found = {path.name.removesuffix(".avsc"): path.read_text() for path in folder.glob("*.avsc")}
    wanted = schemas()
    if check:
        different = {name for name in found.keys() | wanted.keys() if found.get(name) != wanted.get(name)}
        for name in sorted(different):
            print(f"differs: {name}", file=sys.stderr)
        return 1 if different else 0
    for name in found.keys() - wanted.keys():
        (folder / f"{name}.avsc").unlink()
    for name, text in wanted.items():
        (folder / f"{name}.avsc").write_text(text)
    print(f"{len(wanted)} schemas of openedx-events {openedx_events.__version__}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
