"""
Consumes with the real edx-event-bus-redis consumer and prints what its receivers were called with.

Usage: consume.py REDIS_URL TOPIC GROUP COUNT

Connects a receiver to every signal, runs the package's own consumer loop from the beginning of
the stream until COUNT events have arrived, and prints one JSON line for each. Events that the
package cannot use it logs, on standard error, and drops: then this never reaches COUNT, and who
started it must end it.
"""
import json
import sys

import site_settings

redis_url, topic, group, count = sys.argv[1:]
site_settings.set_up(redis_url, service="discovery")

# pylint: disable=wrong-import-position
from openedx_events.event_bus import make_single_consumer
from openedx_events.event_bus.avro.serializer import AvroSignalSerializer
from openedx_events.tooling import OpenEdxPublicSignal

# `check_backlog`: without it the package moves the whole group to the end of the stream at each
# start of a consumer, over the heads of the others.
consumer = make_single_consumer(
    topic=topic, group_id=group, consumer_name="peer", check_backlog=True
)
received = 0


def receive(signal, metadata, **kwargs):
    """Prints one event and stops the loop after the last."""
    global received
    data = {name: kwargs[name] for name in signal.init_data}
    print(json.dumps({
        "type": metadata.event_type,
        "id": str(metadata.id),
        "source": metadata.source,
        "time": metadata.time.isoformat(),
        "minorversion": metadata.minorversion,
        "sourcehost": metadata.sourcehost,
        "sourcelib": ".".join(map(str, metadata.sourcelib)),
        # What the package would write of what it read.
        "data": AvroSignalSerializer(signal).to_dict(data),
    }), flush=True)
    received += 1
    if received == int(count):
        consumer._shut_down()  # pylint: disable=protected-access


for event_signal in OpenEdxPublicSignal.all_events():
    # Django keeps receivers by weak reference unless told otherwise.
    event_signal.connect(receive, weak=False)
consumer.consume_indefinitely()
