"""The Django application: only needed for checks at the start."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.conf import settings
from django.core import checks
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

NAMES = {
    "EVENT_BUS_PRODUCER": "tidings.openedx.create_producer",
    "EVENT_BUS_CONSUMER": "tidings.openedx.EventConsumer",
}
"""What moves a service: the settings, and what they are to name."""


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

    named = {name: getattr(settings, name, None) for name in NAMES}
    found = [*_misnamed(named)]
    if not any(isinstance(path, str) and path.startswith("tidings.") for path in named.values()):
        return found
    try:
        loaded = ours.load()
        if loaded.catalog:
            ours.check_catalog(loaded)
    except ImproperlyConfigured as error:
        return [*found, checks.Error(str(error), id="tidings.openedx.E001")]
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


def _misnamed(named: dict[str, Any]) -> Iterator[checks.CheckMessage]:
    """openedx-events warns once of a path that leads nowhere, and drops every event."""
    for name, path in named.items():
        if not isinstance(path, str) or not path.startswith("tidings."):
            continue
        try:
            right = import_string(path) is import_string(NAMES[name])
        except ImportError:
            right = False
        if not right:
            yield checks.Error(
                f"{name} is {path!r}; it must be {NAMES[name]!r}", id="tidings.openedx.E002"
            )
