"""What the LMS knows of courses."""

from django.db import models


class Course(models.Model):
    """A copy of a course of the catalog."""

    key = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    modified = models.DateTimeField()


class Announcement(models.Model):
    """What learners read of a change: one for each event, however often it comes."""

    course = models.CharField(max_length=100)
    text = models.CharField(max_length=300)
