"""Tidings as the event bus of an Open edX service, in place of ``edx-event-bus-redis``.

Two settings move a service::

    EVENT_BUS_PRODUCER = "tidings.openedx.create_producer"
    EVENT_BUS_CONSUMER = "tidings.openedx.EventConsumer"

The others keep their names. What is new begins with ``EVENT_BUS_TIDINGS_``. With
``tidings.openedx`` in ``INSTALLED_APPS`` a wrong setting ends the start of the service, with its
name; without, it is logged with each event.
"""

from tidings.openedx.consumer import EventConsumer
from tidings.openedx.producer import EventProducer, create_producer

__all__ = ["EventConsumer", "EventProducer", "create_producer"]
