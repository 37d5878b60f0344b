"""What the project does with events."""

import os
import time

from django.conf import settings

from tidings.django import apply_if_newer, describes, receiver

from .models import Copy, Course, Effect

DATABASE = os.environ.get("TIDINGS_TEST_DATABASE", "default")


@describes(Course, settings.UPDATED)
def course(row):
    return {"key": row.key, "title": row.title}


@receiver(
    settings.UPDATED,
    group="effects",
    transactional=True,
    using=DATABASE,
    batch=int(os.environ.get("TIDINGS_TEST_BATCH", "1")),
)
def count(event):
    data = event.data
    Effect.objects.using(DATABASE).create(
        event=event.id, key=data["key"], number=int(data["title"].rpartition("-")[2] or 0)
    )
    # Long enough for a kill to fall into the transaction.
    time.sleep(float(os.environ.get("TIDINGS_TEST_WORK", "0")))


@receiver(settings.UPDATED, group="copies", using=DATABASE)
def copy(event):
    apply_if_newer(
        Copy,
        event.time,
        using=DATABASE,
        key=event.data["key"],
        defaults={"title": event.data["title"]},
    )


@receiver(settings.NOTED, group="effects")
def note(event):
    if event.data.get("bad"):
        raise ValueError("this note is never accepted")
