"""Outbox, inbox, and the progress of ``tidings_emit``."""

from typing import ClassVar

from django.db import migrations, models

from tidings.django.tables import MakeTables


class Migration(migrations.Migration):
    """Makes everything."""

    initial = True
    dependencies: ClassVar[list[tuple[str, str]]] = []
    operations = [
        # The statements of `tidings outbox migrate` make the tables, so that services in every
        # language find the same; Django is told of the models.
        migrations.SeparateDatabaseAndState(
            database_operations=[MakeTables()],
            state_operations=[
                migrations.CreateModel(
                    name="Outbox",
                    fields=[
                        ("seq", models.BigAutoField(primary_key=True, serialize=False)),
                        (
                            "event_id",
                            models.CharField(
                                db_column="id", editable=False, max_length=36, verbose_name="id"
                            ),
                        ),
                        ("topic", models.CharField(editable=False, max_length=200)),
                        (
                            "key",
                            models.CharField(
                                blank=True,
                                db_column="event_key",
                                editable=False,
                                max_length=1024,
                                null=True,
                            ),
                        ),
                        ("event", models.TextField(editable=False)),
                        ("created_at", models.DateTimeField(editable=False)),
                        (
                            "refused_at",
                            models.DateTimeField(blank=True, editable=False, null=True),
                        ),
                        ("reason", models.TextField(blank=True, editable=False, null=True)),
                    ],
                    options={
                        "db_table": "tidings_outbox",
                        "verbose_name": "event in the outbox",
                        "verbose_name_plural": "outbox",
                        "ordering": ["seq"],
                    },
                ),
                migrations.CreateModel(
                    name="Inbox",
                    fields=[
                        (
                            "event_id",
                            models.CharField(
                                db_column="id",
                                editable=False,
                                max_length=255,
                                primary_key=True,
                                serialize=False,
                                verbose_name="id",
                            ),
                        ),
                        (
                            "group",
                            models.CharField(
                                db_column="group_name", editable=False, max_length=100
                            ),
                        ),
                        ("source", models.CharField(editable=False, max_length=255)),
                        ("done_at", models.DateTimeField(editable=False)),
                    ],
                    options={
                        "db_table": "tidings_inbox",
                        "verbose_name": "event dealt with",
                        "verbose_name_plural": "inbox",
                        "ordering": ["-done_at"],
                    },
                ),
            ],
        ),
        migrations.CreateModel(
            name="Emission",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("model", models.CharField(editable=False, max_length=255)),
                ("event_type", models.CharField(editable=False, max_length=255)),
                ("run", models.CharField(editable=False, max_length=36)),
                ("selection", models.TextField(editable=False)),
                ("last_key", models.TextField(editable=False, null=True)),
                ("emitted", models.BigIntegerField(default=0, editable=False)),
                ("started_at", models.DateTimeField(editable=False)),
                ("updated_at", models.DateTimeField(editable=False)),
                ("finished_at", models.DateTimeField(editable=False, null=True)),
            ],
            options={"db_table": "tidings_emission", "ordering": ["-id"]},
        ),
        migrations.CreateModel(
            name="Group",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name": "group on the bus",
                "verbose_name_plural": "groups on the bus",
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.CreateModel(
            name="DeadLetter",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
            ],
            options={
                "verbose_name": "dead letter",
                "verbose_name_plural": "dead letters",
                "managed": False,
                "default_permissions": ("view", "change", "delete"),
            },
        ),
    ]
