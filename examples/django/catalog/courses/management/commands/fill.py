"""``manage.py fill N``: courses from before there were events."""

from courses.models import Course
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Makes courses, and tells nobody."

    def add_arguments(self, parser):
        parser.add_argument("courses", type=int)

    def handle(self, *args, **options):
        rows = (Course(key=f"C{n:06}", title=f"Course {n}") for n in range(options["courses"]))
        Course.objects.bulk_create(rows, batch_size=2000)
        self.stdout.write(f"{options['courses']:,} courses")
