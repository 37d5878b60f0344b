"""Settings of the service *catalog*, which owns the courses."""

import os
from urllib.parse import urlsplit

ENGINES = {"sqlite": "sqlite3", "postgresql": "postgresql", "mysql": "mysql"}
database = urlsplit(os.environ.get("CATALOG_DATABASE", "sqlite:///catalog.db"))
DATABASES = {
    "default": {
        "ENGINE": f"django.db.backends.{ENGINES[database.scheme]}",
        "NAME": database.path[1:],
        "HOST": database.hostname or "",
        "PORT": database.port or "",
        "USER": database.username or "",
        "PASSWORD": database.password or "",
    }
}

INSTALLED_APPS = ["tidings.django", "courses"]
TIDINGS = {
    # TIDINGS_BUS in the environment names the bus, since it differs from host to host.
    "SERVICE": "catalog",
    "NAMESPACE": "example",
    "EVENTS": {
        "org.example.catalog.course.updated.v1": {
            "TOPIC": "courses",
            "KEY": "key",
            "MODE": "outbox",
        },
    },
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "an example has no secrets"
USE_TZ = True
