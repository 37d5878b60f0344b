"""What the LMS does with the events of others."""

from tidings.django import apply_if_newer, receiver

from .models import Announcement, Course


@receiver("org.example.catalog.course.updated.v1", topic="courses", transactional=True, batch=100)
def on_course(event):
    data = event.data
    apply_if_newer(Course, event.time, key=data["key"], defaults={"title": data["title"]})
    # An emission tells what is, not that anything changed: nobody needs to read of it.
    if "emission" not in event.extensions:
        Announcement.objects.create(course=data["key"], text=f"Now called {data['title']}")
