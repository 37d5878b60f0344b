"""The Django application."""

from __future__ import annotations

from django.apps import AppConfig
from django.core.checks import register
from django.utils.module_loading import autodiscover_modules


class TidingsConfig(AppConfig):
    """``"tidings.django"`` in ``INSTALLED_APPS``."""

    name = "tidings.django"
    label = "tidings"
    verbose_name = "Tidings"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Registers the checks, and imports the module ``tidings_events`` of every application."""
        from tidings.django import checks

        for check in checks.ALL:
            register(check, "tidings")
        autodiscover_modules("tidings_events")
