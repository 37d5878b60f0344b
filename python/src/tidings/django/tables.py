"""The tables of outbox and inbox, made by the same statements as ``tidings outbox migrate`` runs.

One contract, whoever makes the tables: the relay and services in other languages find the columns,
the indexes and, on PostgreSQL, the trigger that wakes the relay.
"""

from __future__ import annotations

from importlib.resources import files
from typing import Any

import sqlparse
from django.db import OperationalError
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState
from django.db.utils import NotSupportedError

#: What the statements make, in the order in which it can be removed.
_TABLES = (
    "tidings_outbox",
    "tidings_outbox_published",
    "tidings_inbox",
    "tidings_outbox_lease",
    "tidings_outbox_schema",
)
_DUPLICATE_INDEX = 1061


def statements(vendor: str) -> list[str]:
    """The statements for a database, without their comments."""
    source = files("tidings.django") / "sql" / f"{vendor}.sql"
    if not source.is_file():
        raise NotSupportedError(
            f"Tidings has no outbox for {vendor}: it knows PostgreSQL, MySQL, MariaDB and SQLite"
        )
    text = source.read_text(encoding="utf-8")
    # The body of the trigger has semicolons of its own, which sqlparse understands.
    parts = (sqlparse.format(part, strip_comments=True) for part in sqlparse.split(text))
    return [part.strip() for part in parts if part.strip()]


class MakeTables(Operation):
    """Makes the tables; those that are there, made by ``tidings outbox migrate``, stay."""

    reduces_to_sql = True
    reversible = True

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models are told apart from the tables, see the migration."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        for statement in statements(schema_editor.connection.vendor):
            try:
                schema_editor.execute(statement, params=None)
            except OperationalError as error:
                # MySQL has no CREATE INDEX IF NOT EXISTS.
                if error.args[0] != _DUPLICATE_INDEX:
                    raise

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: Any,
        to_state: Any,
    ) -> None:
        for table in _TABLES:
            schema_editor.execute(f"DROP TABLE IF EXISTS {table}", params=None)
        if schema_editor.connection.vendor == "postgresql":
            schema_editor.execute("DROP FUNCTION IF EXISTS tidings_outbox_notify()", params=None)

    def describe(self) -> str:
        return "Make the tables of outbox and inbox"
