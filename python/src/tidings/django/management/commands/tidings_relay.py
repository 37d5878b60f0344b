"""``manage.py tidings_relay``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError

from tidings import TidingsError
from tidings.django import conf, service
from tidings.django.relay import Relay
from tidings.django.stopping import stop_on_signals


class Command(BaseCommand):
    """Publishes what stands in the outbox."""

    help = (
        "Publishes what stands in the outbox, and deletes it when the bus has it. One relay is "
        "active on a database, others wait to take over. Ends on SIGTERM."
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument("--database", help="alias of the database (default: as in TIDINGS)")
        parser.add_argument("--batch", type=int, default=500, help="rows at a time (default: 500)")
        parser.add_argument(
            "--poll",
            type=float,
            default=1.0,
            help="longest pause between two looks at an empty outbox, in seconds (default: 1)",
        )
        parser.add_argument(
            "--until-empty", action="store_true", help="end when no row waits any more"
        )
        parser.add_argument(
            "--resend",
            type=float,
            metavar="SECONDS",
            help="after the log was started anew, publish again what was published in so many "
            "seconds before: for a Redis that syncs once a second (default: never)",
        )

    @service.working_as("worker")
    def handle(self, *args: Any, **options: Any) -> None:
        """Runs the relay."""
        resend = options["resend"]
        if resend is not None and not 0 < resend < float("inf"):
            raise CommandError("--resend must be seconds above zero", returncode=64)
        with stop_on_signals() as stop:
            relay = Relay(
                service.send_rows,
                service.answers,
                using=options["database"] or conf.current().database,
                batch=max(1, options["batch"]),
                poll=max(0.01, options["poll"]),
                stop=stop,
                report=lambda text: self.stderr.write(f"tidings_relay: {text}"),
                resend=resend,
                log_process=service.log_process,
            )
            try:
                summary = relay.run(until_empty=options["until_empty"])
            except TidingsError as error:
                raise CommandError(
                    f"the bus cannot be used: {error}", returncode=service.exit_code(error)
                ) from error
            except DatabaseError as error:
                raise CommandError(f"the database failed: {error}", returncode=69) from error
        self.stdout.write(
            f"{summary.published} published, {summary.refused} refused, {summary.held} held back"
        )
