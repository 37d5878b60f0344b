"""What Tidings tells the rest of a Django process."""

from django.dispatch import Signal

#: An event could not be put on the bus after its transaction had committed. Arguments:
#: ``event_id``, ``event_type``, ``topic``, ``error``, and ``saved``: whether it stands in the
#: outbox now, so that the relay will send it. Count this, and alert on ``saved=False``.
publish_failed = Signal()
