"""How the rows of the catalog are told."""

from tidings.django import describes

from .models import Course

UPDATED = "org.example.catalog.course.updated.v1"


@describes(Course, UPDATED)
def course(row):
    return {"key": row.key, "title": row.title}
