"""The Django application: only needed for checks at the start."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured


class TidingsOpenEdxConfig(AppConfig):
    """Checks the settings of the event bus when the service starts."""

    name = "tidings.openedx"
    label = "tidings_openedx"
    verbose_name = "Tidings for Open edX"

    def ready(self) -> None:
        """Registers the checks."""
        checks.register(check_settings)


def check_settings(**_: Any) -> list[checks.CheckMessage]:
    """A wrong setting is an error that names it."""
    from tidings.openedx import settings as ours

    named = [getattr(settings, name, None) for name in ("EVENT_BUS_PRODUCER", "EVENT_BUS_CONSUMER")]
    if not any(isinstance(name, str) and name.startswith("tidings.openedx.") for name in named):
        return []
    found: list[checks.CheckMessage] = []
    try:
        loaded = ours.load()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="tidings.openedx.E001")]
    if loaded.outbox is None and apps.is_installed("tidings.django"):
        found.append(
            checks.Warning(
                'TIDINGS["BUS"] is not "openedx", so the outbox of tidings.django belongs to '
                "another bus: signals that the log does not take are logged, and lost.",
                hint='Set TIDINGS = {"BUS": "openedx", "SERVICE": …} to keep them in the outbox.',
                id="tidings.openedx.W001",
            )
        )
    for name in ours.kafka_settings():
        found.append(
            checks.Warning(
                f"{name} does nothing: {ours.UNUSED}.",
                hint="Remove it, or set it to None.",
                id="tidings.openedx.W002",
            )
        )
    return found
