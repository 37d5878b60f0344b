"""What the catalog owns."""

from django.db import models


class Course(models.Model):
    """A course."""

    key = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    modified = models.DateTimeField(auto_now=True)
