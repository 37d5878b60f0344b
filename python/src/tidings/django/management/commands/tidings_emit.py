"""``manage.py tidings_emit``."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.apps import apps
from django.core.exceptions import FieldError, ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from tidings import TidingsError
from tidings.django import conf, service
from tidings.django.emitting import EXTENSION, Emitter, Progress
from tidings.django.registry import Description, registry
from tidings.django.stopping import stop_on_signals


class Command(BaseCommand):
    """Publishes the current state of a table."""

    help = (
        "Publishes the current state of a table through the outbox, so that a new consumer starts "
        "complete. Each row is told by the function under @describes, with the row's own time. "
        f"The events carry the extension '{EXTENSION}'. Interrupted, it goes on where it was."
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("model", help="the model, as in catalog.Course")
        parser.add_argument(
            "--type", help="the type of the events, if the model is told in several"
        )
        parser.add_argument(
            "--filter",
            action="append",
            default=[],
            metavar="LOOKUP=VALUE",
            help="only rows with this, as in org=edX or modified__gte=2026-01-01; may be repeated",
        )
        parser.add_argument("--database", help="alias of the database (default: as in TIDINGS)")
        parser.add_argument(
            "--batch", type=int, default=500, help="rows a transaction (default: 500)"
        )
        parser.add_argument("--rate", type=float, help="rows a second at most (default: no limit)")
        parser.add_argument(
            "--backlog",
            type=int,
            default=10_000,
            help="wait while more rows than this stand in the outbox (default: 10000)",
        )
        parser.add_argument(
            "--restart", action="store_true", help="begin again, even if a run was interrupted"
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say how many rows it would be, emit none"
        )

    @service.working_as("worker")
    def handle(self, *args: Any, **options: Any) -> None:
        """Emits the table."""
        description = self._description(options["model"], options["type"])
        selection = dict(self._pair(text) for text in options["filter"])
        with stop_on_signals() as stop:
            emitter = Emitter(
                description,
                using=options["database"] or conf.current().database,
                selection=selection,
                batch=max(1, options["batch"]),
                rate=options["rate"],
                backlog=max(1, options["backlog"]),
                stopping=stop.is_set,
                sleep=stop.wait,
            )
            try:
                total = emitter.rows().count()
            except (FieldError, ValidationError, ValueError) as error:
                raise CommandError(f"--filter: {error}", returncode=64) from error
            what = f"{description.model._meta.label} as {description.event_type}"
            if options["dry_run"]:
                self.stdout.write(f"{total:,} rows of {what}; nothing was emitted")
                return
            try:
                self._run(emitter, what, restart=options["restart"])
            except TidingsError as error:
                raise CommandError(f"a row cannot be told: {error}", returncode=65) from error
            except DatabaseError as error:
                raise CommandError(f"the database failed: {error}", returncode=69) from error

    def _run(self, emitter: Emitter, what: str, *, restart: bool) -> None:
        emission = emitter.open(restart=restart)
        if emission.last_key is not None:
            self.stderr.write(f"going on after {emission.emitted:,} rows, key {emission.last_key}")
        bar = Bar(self.stderr, begun=emission.emitted)
        for progress in emitter.run(emission):
            bar.show(progress)
        bar.clear()
        if emission.finished_at is None:
            raise CommandError(
                f"interrupted after {emission.emitted:,} rows of {what}; run the same again to go "
                f"on, or with --restart to begin again",
                returncode=75,
            )
        self.stdout.write(f"{emission.emitted:,} rows of {what} emitted; run {emission.run}")

    def _description(self, label: str, event_type: str | None) -> Description:
        try:
            model = apps.get_model(label)
        except (LookupError, ValueError) as error:
            known = sorted({d.model._meta.label for d in registry.all_descriptions()})
            near = conf.nearest(label, tuple(known))
            hint = (
                f"did you mean {near}?" if near else f"described are: {', '.join(known) or 'none'}"
            )
            raise CommandError(f"there is no model {label!r}; {hint}", returncode=64) from error
        found = registry.descriptions(model)
        if not found:
            raise CommandError(
                f"nothing says how a row of {label} is told: put a function under "
                f"@describes({model.__name__}, TYPE) into a module tidings_events",
                returncode=64,
            )
        if event_type is None and len(found) == 1:
            return found[0]
        types = ", ".join(d.event_type for d in found)
        if event_type is None:
            raise CommandError(f"{label} is told as {types}: choose with --type", returncode=64)
        for description in found:
            if description.event_type == event_type:
                return description
        raise CommandError(f"{label} is not told as {event_type}, but as {types}", returncode=64)

    def _pair(self, text: str) -> tuple[str, str]:
        name, equals, value = text.partition("=")
        if not name or not equals:
            raise CommandError(f"--filter {text!r} is not LOOKUP=VALUE", returncode=64)
        return name, value


class Bar:
    """A line that says how far it is, where a person looks; nothing elsewhere."""

    def __init__(self, out: Any, *, begun: int) -> None:
        self._out = out
        self._on = sys.stderr.isatty()
        self._begun = begun
        self._started = time.monotonic()

    def show(self, progress: Progress) -> None:
        """Draws it anew."""
        if not self._on:
            return
        part = progress.emitted / progress.total if progress.total else 1.0
        passed = max(time.monotonic() - self._started, 0.001)
        rate = (progress.emitted - self._begun) / passed
        left = (progress.total - progress.emitted) / rate if rate else 0.0
        filled = "#" * int(part * 30)
        self._out.write(
            f"\r[{filled:<30}] {progress.emitted:,} of {progress.total:,}, "
            f"{rate:,.0f}/s, {left:,.0f} s left ",
            ending="",
        )
        self._out.flush()

    def clear(self) -> None:
        """Removes it."""
        if self._on:
            self._out.write("\r" + " " * 78 + "\r", ending="")
