"""The Django application: only needed for checks at the start."""

from __future__ import annotations

from typing import Any

from django.apps import AppConfig
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
    from tidings.openedx.settings import load

    named = [getattr(settings, name, None) for name in ("EVENT_BUS_PRODUCER", "EVENT_BUS_CONSUMER")]
    if not any(isinstance(name, str) and name.startswith("tidings.openedx.") for name in named):
        return []
    try:
        load()
    except ImproperlyConfigured as error:
        return [checks.Error(str(error), id="tidings.openedx.E001")]
    return []
