"""The project of these tests: one process with a database of each kind."""

import json
import os
from pathlib import Path

HERE = Path(os.environ["TIDINGS_TEST_FOLDER"])
PORTS = json.loads(os.environ["TIDINGS_TEST_PORTS"])

SECRET_KEY = "for tests"
DEBUG = False
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
USE_TZ = os.environ.get("TIDINGS_TEST_USE_TZ", "1") == "1"
TIME_ZONE = "Europe/Berlin"
ALLOWED_HOSTS = ["testserver"]
ROOT_URLCONF = "project.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "tidings.django",
    "project.shop",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": HERE / "app.db",
        "OPTIONS": {"timeout": 20},
    },
    "postgres": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": "127.0.0.1",
        "PORT": PORTS["postgres"],
        "NAME": "app",
        "USER": "postgres",
    },
    "mariadb": {
        "ENGINE": "django.db.backends.mysql",
        "HOST": "127.0.0.1",
        "PORT": PORTS["mariadb"],
        "NAME": "app",
        "USER": "app",
        "PASSWORD": "app",
        "OPTIONS": {"charset": "utf8mb4"},
    },
}
UPDATED = "org.example.shop.course.updated.v1"
NOTED = "org.example.shop.note.added.v1"
TIDINGS = {
    "BUS": os.environ.get("TIDINGS_BUS") or f"sqlite:{HERE}/bus.db",
    "SERVICE": "shop",
    "NAMESPACE": "example",
    "DATABASE": os.environ.get("TIDINGS_TEST_DATABASE", "default"),
    "EVENTS": {
        UPDATED: {"TOPIC": "courses", "KEY": "key", "MODE": "outbox"},
        NOTED: "notes",
    },
    "CONCURRENCY": 4,
    "START": "earliest",
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "root": {"handlers": ["console"], "level": "INFO"},
}
