from django.db import models


class Course(models.Model):
    """What this service owns."""

    key = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    modified = models.DateTimeField(auto_now=True)


class Copy(models.Model):
    """What another service makes of the events."""

    key = models.CharField(max_length=100, unique=True)
    title = models.CharField(max_length=200)
    modified = models.DateTimeField()


class Effect(models.Model):
    """One row for each time that an event took effect."""

    event = models.CharField(max_length=100)
    key = models.CharField(max_length=100)
    number = models.IntegerField(default=0)
