"""``manage.py rename N``: changes, each told in its transaction; some are rolled back."""

import random

from courses.models import Course
from courses.tidings_events import UPDATED
from django.core.management.base import BaseCommand
from django.db import transaction

from tidings.django import publish_for


class ChangedTheirMind(Exception):
    """Somebody did, and the transaction is rolled back."""


class Command(BaseCommand):
    help = "Renames courses at random; one in four is rolled back at the last moment."

    def add_arguments(self, parser):
        parser.add_argument("times", type=int)

    def handle(self, *args, **options):
        keys = list(Course.objects.values_list("key", flat=True)[:50])
        renamed = 0
        for n in range(options["times"]):
            try:
                rename(random.choice(keys), f"Renamed {n}", regret=n % 4 == 3)
                renamed += 1
            except ChangedTheirMind:
                pass
        self.stdout.write(f"{renamed} renamed, {options['times'] - renamed} rolled back")


def rename(key, title, regret):
    """The change and the event are one: neither happens without the other."""
    with transaction.atomic():
        # The lock keeps the events of a course in the order of its changes.
        course = Course.objects.select_for_update().get(key=key)
        course.title = title
        course.save()
        publish_for(course, UPDATED)
        if regret:
            raise ChangedTheirMind
