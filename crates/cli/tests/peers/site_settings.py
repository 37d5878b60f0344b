"""A Django site just large enough for the Open edX event bus: no database, no pages."""
import logging
import sys

import django
from django.conf import settings


def set_up(redis_url, service="lms"):
    """Configures Django for the Redis event bus and loads all signals of openedx-events."""
    settings.configure(
        INSTALLED_APPS=["openedx_events", "edx_event_bus_redis"],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        USE_TZ=True,
        EVENTS_SERVICE_NAME=service,
        EVENT_BUS_PRODUCER="edx_event_bus_redis.create_producer",
        EVENT_BUS_CONSUMER="edx_event_bus_redis.RedisEventConsumer",
        EVENT_BUS_REDIS_CONNECTION_URL=redis_url,
        # The consumer looks whether it shall stop once per poll.
        EVENT_BUS_REDIS_CONSUMER_POLL_TIMEOUT=1,
        EVENT_BUS_PRODUCER_CONFIG={},
        LOGGING_CONFIG=None,
    )
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    django.setup()

    from openedx_events.tooling import load_all_signals

    load_all_signals()
