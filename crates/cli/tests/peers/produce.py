"""
Publishes events with the real edx-event-bus-redis producer and prints what was sent.

Usage: produce.py REDIS_URL TOPIC

Two events for each signal that the package can serialize: one with every field set, one with
as little as it takes. Prints one JSON line for each: what a consumer must receive. Signals that
the package itself cannot serialize are named on standard error.
"""
import json
import sys

import site_settings

redis_url, topic = sys.argv[1:]
site_settings.set_up(redis_url)

# pylint: disable=wrong-import-position
import redis
from example_data import Generator
from openedx_events.event_bus import get_producer
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal

client = redis.Redis.from_url(redis_url)
producer = get_producer()
sent = 0
for signal in sorted(OpenEdxPublicSignal.all_events(), key=lambda s: s.event_type):
    for sparse in (False, True):
        try:
            serializer = AvroSignalSerializer(signal)
            event_data = Generator(sparse).event_data(signal)
            record = serializer.to_dict(event_data)
        except Exception as error:  # pylint: disable=broad-except
            print(f"{signal.event_type}: {error}", file=sys.stderr)
            continue
        metadata = signal.generate_signal_metadata()
        producer.send(
            signal=signal,
            topic=topic,
            event_key_field="",
            event_data=event_data,
            event_metadata=metadata,
        )
        # The producer logs what fails and returns as if nothing had happened.
        sent += 1
        if client.xlen(topic) != sent:
            sys.exit(f"{signal.event_type} was not stored")
        print(json.dumps({
            "type": metadata.event_type,
            "id": str(metadata.id),
            "source": metadata.source,
            "time": metadata.time.isoformat(),
            "minorversion": metadata.minorversion,
            "sourcehost": metadata.sourcehost,
            "sourcelib": ".".join(map(str, metadata.sourcelib)),
            "sparse": sparse,
            "data": record,
        }))
