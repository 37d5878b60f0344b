"""The tables of Tidings in a Django database.

Outbox and inbox are the tables that the ``tidings relay`` command and services in other languages
read and write (`docs/guides/outbox.md`); `tables` makes them. The models are for looking at them,
in the admin above all: rows are inserted by `outbox` and `inbox`, with the database's own clock.
"""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django.db import models


class Outbox(models.Model):
    """An event that waits for the relay. Inserted in the transaction of what it tells."""

    seq = models.BigAutoField(primary_key=True)
    # A field called `id` would have to be the primary key, hence the name; the column is `id`.
    event_id = models.CharField("id", max_length=36, db_column="id", editable=False)
    topic = models.CharField(max_length=200, editable=False)
    key = models.CharField(
        max_length=1024, null=True, blank=True, db_column="event_key", editable=False
    )
    event = models.TextField(editable=False)
    created_at = models.DateTimeField(editable=False)
    refused_at = models.DateTimeField(null=True, blank=True, editable=False)
    reason = models.TextField(null=True, blank=True, editable=False)

    class Meta:
        db_table = "tidings_outbox"
        verbose_name = "event in the outbox"
        verbose_name_plural = "outbox"
        ordering: ClassVar = ["seq"]

    def __str__(self) -> str:
        return f"{self.event_id} for {self.topic}"

    def attribute(self, name: str) -> Any:
        """An attribute of the event, such as ``type``; `None` if it has none."""
        return json.loads(self.event).get(name)


class Inbox(models.Model):
    """An event that a group of this service has dealt with: it must not take effect again."""

    # The table's primary key is (group_name, source, id); a model names one field. Rows are only
    # listed and pruned through the model, never found by it.
    event_id = models.CharField(
        "id", max_length=255, db_column="id", primary_key=True, editable=False
    )
    group = models.CharField(max_length=100, db_column="group_name", editable=False)
    source = models.CharField(max_length=255, editable=False)
    done_at = models.DateTimeField(editable=False)

    class Meta:
        db_table = "tidings_inbox"
        verbose_name = "event dealt with"
        verbose_name_plural = "inbox"
        ordering: ClassVar = ["-done_at"]

    def __str__(self) -> str:
        return f"{self.event_id} for {self.group}"


class Emission(models.Model):
    """How far `manage.py tidings_emit` has come with a table, so that it can go on there."""

    id = models.BigAutoField(primary_key=True)
    model = models.CharField(max_length=255, editable=False)
    event_type = models.CharField(max_length=255, editable=False)
    # The run: stands in each of its events.
    run = models.CharField(max_length=36, editable=False)
    selection = models.TextField(editable=False)
    last_key = models.TextField(null=True, editable=False)
    emitted = models.BigIntegerField(default=0, editable=False)
    started_at = models.DateTimeField(editable=False)
    updated_at = models.DateTimeField(editable=False)
    finished_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        db_table = "tidings_emission"
        ordering: ClassVar = ["-id"]

    def __str__(self) -> str:
        return f"{self.model} as {self.event_type}"


class Group(models.Model):
    """A group of consumers as the bus describes it: a page of the admin, no table."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        managed = False
        verbose_name = "group on the bus"
        verbose_name_plural = "groups on the bus"
        default_permissions = ("view",)


class DeadLetter(models.Model):
    """An event that a group could not deal with: a page of the admin, no table."""

    id = models.BigAutoField(primary_key=True)

    class Meta:
        managed = False
        verbose_name = "dead letter"
        verbose_name_plural = "dead letters"
        default_permissions = ("view", "change", "delete")
