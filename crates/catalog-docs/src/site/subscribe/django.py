# What the site shows of Django. A test runs it; the site puts type and topic into it.

# tidings_events.py of an application; `manage.py tidings_consume` runs it
from tidings.django import receiver


@receiver("TYPE", topic="TOPIC", group="GROUP", transactional=True)
def on_event(event):
    print(event.data)
