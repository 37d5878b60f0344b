"""``manage.py tidings_consume``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError

from tidings import TidingsError
from tidings.django import conf, service
from tidings.django.consuming import Desk, desks
from tidings.django.stopping import stop_on_signals
from tidings.django.workers import Workers


class Command(BaseCommand):
    """Gives events to the receivers of this project."""

    help = (
        "Gives events to the functions under @receiver, of all topics and groups or of some. "
        "Events of one key come one at a time, in order. Ends on SIGTERM, after what runs; ends "
        "with an exit code other than 0 when it cannot go on."
    )
    requires_system_checks = "__all__"

    def add_arguments(self, parser: ArgumentParser) -> None:
        """The options."""
        parser.add_argument(
            "--topic", "-t", action="append", default=[], help="only this topic; may be repeated"
        )
        parser.add_argument(
            "--group", "-g", action="append", default=[], help="only this group; may be repeated"
        )
        parser.add_argument(
            "--concurrency", type=int, help="handlers at a time in a group (default: as in TIDINGS)"
        )
        parser.add_argument(
            "--start",
            choices=["latest", "earliest"],
            help="where a group begins that does not exist yet (default: as in TIDINGS)",
        )
        parser.add_argument(
            "--attempts", type=int, help="attempts at an event in all (default: as in TIDINGS)"
        )
        parser.add_argument(
            "--lease",
            type=float,
            metavar="SECONDS",
            help="how long events stay with a consumer that gives no sign of life (default: 30)",
        )
        parser.add_argument(
            "--drain",
            type=float,
            metavar="SECONDS",
            help="how long handlers may take to finish on SIGTERM (default: 25)",
        )
        parser.add_argument(
            "--create-groups",
            action="store_true",
            help="only make the groups: what is published from now on is theirs",
        )
        parser.add_argument(
            "--until-idle", type=float, metavar="SECONDS", help="end when nothing came for so long"
        )

    @service.working_as("worker")
    def handle(self, *args: Any, **options: Any) -> None:
        """Consumes."""
        try:
            found = desks(options["topic"], options["group"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error), returncode=78) from error
        start = options["start"] or conf.current().start
        if options["create_groups"]:
            self._create(found, start)
            return
        settings = conf.current()
        subscription = {
            "start": start,
            "concurrency": options["concurrency"] or settings.concurrency,
            "max_attempts": options["attempts"] or settings.attempts,
            "on_failure": settings.on_failure,
            "lease": options["lease"],
            "drain": options["drain"],
            "until_idle": options["until_idle"],
        }
        with stop_on_signals() as stop:
            workers = Workers(found, subscription, stop)
            for desk in found:
                topics = ", ".join(desk.topics)
                self.stderr.write(f"tidings_consume: group {desk.group} on {topics}")
            try:
                counts = workers.run()
            except TidingsError as error:
                raise CommandError(
                    f"cannot go on: {error}", returncode=service.exit_code(error)
                ) from error
        for group, of in sorted(counts.items()):
            self.stdout.write(
                f"group {group}: {of['delivered']} dealt with, {of['retried']} tried again, "
                f"{of['dead'] + of['parked']} dead letters"
            )

    def _create(self, found: list[Desk], start: str) -> None:
        for desk in found:
            for topic in desk.topics:
                try:
                    existed = service.bus().log.create_group(topic, desk.group, start)
                except TidingsError as error:
                    raise CommandError(
                        f"group {desk.group} on {topic}: {error}",
                        returncode=service.exit_code(error),
                    ) from error
                what = (
                    "is there already, and stays where it is" if existed else f"made, from {start}"
                )
                self.stdout.write(f"group {desk.group} on {topic}: {what}")
