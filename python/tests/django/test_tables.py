"""One contract for the tables, whoever makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connections

import tidings.django
from tidings.django.models import Inbox, Outbox
from tidings.django.tables import statements

CRATE = Path(__file__).parents[3] / "crates" / "outbox" / "src" / "database"
NAMES = {"postgresql": "postgres", "mysql": "mysql", "sqlite": "sqlite"}


@pytest.mark.parametrize("vendor", NAMES)
def test_the_statements_are_those_of_the_crate(vendor):
    """A change there needs a migration here, and the file copied."""
    ours = Path(tidings.django.__file__).parent / "sql" / f"{vendor}.sql"
    theirs = CRATE / NAMES[vendor] / "schema.sql"
    assert ours.read_text() == theirs.read_text()


def test_the_models_agree_with_the_migrations():
    call_command("makemigrations", "--check", "--dry-run", verbosity=0)


def test_the_models_agree_with_the_tables(alias):
    connection = connections[alias]
    for model in (Outbox, Inbox):
        with connection.cursor() as cursor:
            columns = connection.introspection.get_table_description(cursor, model._meta.db_table)
        assert {field.column for field in model._meta.fields} == {c.name for c in columns}


def test_tables_that_are_there_stay(alias):
    """As after `tidings outbox migrate`, which may run before."""
    connection = connections[alias]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO tidings_outbox (id, topic, event) VALUES (%s, %s, %s)",
            ["0" * 36, "courses", "{}"],
        )
        cursor.execute("DROP TABLE tidings_emission")
    call_command("migrate", "tidings", "zero", fake=True, database=alias, verbosity=0)
    call_command("migrate", "tidings", database=alias, verbosity=0)
    assert Outbox.objects.using(alias).count() == 1


def test_the_migration_can_be_read_and_undone(alias, capsys):
    call_command("sqlmigrate", "tidings", "0001", database=alias)
    assert "tidings_outbox" in capsys.readouterr().out
    call_command("migrate", "tidings", "zero", database=alias, verbosity=0)
    try:
        left = [t for t in connections[alias].introspection.table_names() if "tidings" in t]
        assert left == []
    finally:
        call_command("migrate", "tidings", database=alias, verbosity=0)


def test_a_database_without_an_outbox_is_refused():
    from django.db.utils import NotSupportedError

    with pytest.raises(NotSupportedError, match="oracle"):
        statements("oracle")
