"""Settings of the service *lms*, which keeps a copy of the courses."""

import os
from urllib.parse import urlsplit

ENGINES = {"sqlite": "sqlite3", "postgresql": "postgresql", "mysql": "mysql"}
database = urlsplit(os.environ.get("LMS_DATABASE", "sqlite:///lms.db"))
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
    "SERVICE": "lms",
    "NAMESPACE": "example",
}

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
SECRET_KEY = "an example has no secrets"
USE_TZ = True
