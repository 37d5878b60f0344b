"""A wrong setting is an error at start-up that names it, and says what to do."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.test import override_settings
from project.settings import NOTED, UPDATED
from project.shop.models import Course

from tidings.django import conf, describes, receiver
from tidings.django.registry import registry

GOOD = {"BUS": "redis://localhost", "SERVICE": "shop"}


def problems(setting, environment=None):
    return [str(problem) for problem in conf.read(setting, environment or {})[1]]


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ([], ["TIDINGS must be a dict"]),
        ({"SERVICE": "shop"}, ['TIDINGS["BUS"] is missing', "TIDINGS_BUS"]),
        ({"BUS": "redis://localhost"}, ['TIDINGS["SERVICE"] is missing']),
        ({**GOOD, "BUSS": "x"}, ["TIDINGS['BUSS']", "Did you mean 'BUS'?"]),
        ({**GOOD, "ROLE": "worke"}, ["'web', 'worker'", "Did you mean 'worker'?"]),
        ({**GOOD, "MODE": "on_commit"}, ["Did you mean 'on-commit'?"]),
        ({**GOOD, "SERVICE": "my shop"}, ['TIDINGS["SERVICE"]', "letters, digits"]),
        ({**GOOD, "DATABASE": "postgress"}, ["alias in DATABASES", "Did you mean 'postgres'?"]),
        ({**GOOD, "CONCURRENCY": "8"}, ["whole number from 1 to 10,000", "without quotes"]),
        ({**GOOD, "SEND_TIMEOUT": 0}, ["seconds above zero"]),
        ({**GOOD, "GROUP": "shop{1}"}, ["must not contain '{'"]),
        ({**GOOD, "EVENTS": ["a"]}, ["must map types of events"]),
        ({**GOOD, "EVENTS": {NOTED: {}}}, ["names no topic", '"TOPIC"']),
        ({**GOOD, "EVENTS": {NOTED: {"TOPICS": "notes"}}}, ["Did you mean 'TOPIC'?"]),
        ({**GOOD, "EVENTS": {NOTED: {"TOPIC": []}}}, ["at least one topic"]),
        ({**GOOD, "EVENTS": {NOTED: {"TOPIC": "a b"}}}, ["must not contain ' '"]),
        ({**GOOD, "EVENTS": {NOTED: {"TOPIC": "a", "MODE": "later"}}}, ['["MODE"]', "on-commit"]),
        ({**GOOD, "EVENTS": {NOTED: {"TOPIC": "a", "KEY": 1}}}, ['["KEY"]', "dotted path"]),
        ({**GOOD, "EVENTS": {NOTED: 5}}, ["must be a topic or a dict"]),
        ({**GOOD, "CATALOG": ["/nowhere"]}, ["'/nowhere'", "not a folder"]),
    ],
)
def test_each_mistake_is_named(setting, words):
    problem = problems(setting)[0]
    for word in words:
        assert word in problem


def test_all_mistakes_are_told_at_once():
    assert len(problems({"BUSS": 1, "MODE": "x", "ROLE": "y"})) == 5


def test_a_password_does_not_stand_in_a_message():
    found = problems({**GOOD, "MODE": "redis://user:s3cr3t@host"})
    assert "s3cr3t" not in str(found)


def test_the_environment_completes_the_setting_and_does_not_override_it():
    environment = {
        "TIDINGS_BUS": "sqlite:bus.db",
        "TIDINGS_SERVICE": "lms",
        "TIDINGS_ROLE": "worker",
    }
    settings, found = conf.read({"SERVICE": "cms"}, environment)
    assert found == []
    assert (settings.bus, settings.service, settings.role) == ("sqlite:bus.db", "cms", "worker")
    assert settings.group == "cms"
    (problem,) = problems({"BUS": "x", "SERVICE": "y"}, {"TIDINGS_ROLE": "wrker"})
    assert "The environment variable TIDINGS_ROLE" in problem


def test_the_defaults():
    settings, found = conf.read(GOOD, {})
    assert found == []
    assert settings.mode == "on-commit"
    assert (settings.database, settings.on_commit_failure) == ("default", "outbox")


def ids():
    return [message.id for message in run_checks(tags=["tidings"])]


def test_the_project_is_well():
    assert run_checks(tags=["tidings"]) == []


@override_settings(TIDINGS={**GOOD, "BUSS": 1})
def test_the_system_checks_tell_it(capsys):
    from django.core.management.base import SystemCheckError

    assert ids() == ["tidings.E001"]
    with pytest.raises(SystemCheckError, match="Did you mean 'BUS'"):
        call_command("check")


def test_a_bus_of_no_known_kind_is_told_without_connecting():
    from django.conf import settings

    with override_settings(TIDINGS={**settings.TIDINGS, "BUS": "carrier-pigeon:coop"}):
        (message,) = run_checks(tags=["tidings"])
    assert message.id == "tidings.E005"
    assert message.msg.startswith('TIDINGS["BUS"]: ')
    assert "carrier-pigeon" in message.msg


def test_the_message_names_the_setting_that_is_wrong(monkeypatch):
    from django.conf import settings

    events = {**settings.TIDINGS["EVENTS"], UPDATED: {"TOPIC": "courses", "KEY": "a..b"}}
    with override_settings(TIDINGS={**settings.TIDINGS, "EVENTS": events}):
        (message,) = run_checks(tags=["tidings"])
    assert message.id == "tidings.E005"
    assert message.msg.startswith(f'TIDINGS["EVENTS"]: {UPDATED}: ')
    assert '"KEY"' in message.hint
    without = {key: value for key, value in settings.TIDINGS.items() if key != "BUS"}
    monkeypatch.setenv("TIDINGS_BUS", "redis://localhost?conect_timeout=1s")
    with override_settings(TIDINGS=without):
        (message,) = run_checks(tags=["tidings"])
    assert message.msg.startswith("The environment variable TIDINGS_BUS: ")
    assert 'Did you mean "connect_timeout"?' in message.msg


def test_a_type_that_cannot_be_published_is_told():
    from django.conf import settings

    with override_settings(TIDINGS={**settings.TIDINGS, "EVENTS": {"courseUpdated": "courses"}}):
        (message,) = [m for m in run_checks(tags=["tidings"]) if m.id == "tidings.W002"]
    assert message.msg.startswith("TIDINGS[\"EVENTS\"]['courseUpdated']: OEP41-type-grammar")
    assert "publish() refuses" in message.hint


def test_the_bus_of_open_edx_needs_its_packages():
    from django.conf import settings

    with override_settings(TIDINGS={**settings.TIDINGS, "BUS": "openedx"}):
        (message,) = run_checks(tags=["tidings"])
    assert message.id == "tidings.E005"
    assert "Install tidings[openedx]" in message.msg


def test_the_file_of_the_bus_must_not_be_a_database():
    from django.conf import settings

    name = settings.DATABASES["default"]["NAME"]
    for url in (f"sqlite:{name}", f"sqlite:{name}?durability=normal"):
        with override_settings(TIDINGS={**settings.TIDINGS, "BUS": url}):
            assert ids() == ["tidings.E004"]


@pytest.fixture
def registered():
    receivers, descriptions = list(registry._receivers), list(registry._descriptions)
    yield
    registry._receivers[:], registry._descriptions[:] = receivers, descriptions


@pytest.mark.usefixtures("registered")
def test_receivers_are_checked():
    @receiver("org.example.shop.note.addded.v1")
    def misspelt(event): ...

    @receiver(NOTED, group="other", transactional=True, using="postgress")
    def elsewhere(event): ...

    messages = run_checks(tags=["tidings"])
    assert [m.id for m in messages] == ["tidings.E002", "tidings.E002"]
    assert NOTED in messages[0].hint
    assert "test_checks.py" in messages[0].msg
    assert "postgres" in messages[1].hint


@pytest.mark.usefixtures("registered")
def test_descriptions_are_checked():
    @describes(Course, UPDATED, time_field="modifed")
    def typo(row): ...

    @describes(Course, "org.example.shop.course.renamed.v1", time_field="title")
    def no_time(row): ...

    messages = run_checks(tags=["tidings"])
    assert [m.id for m in messages] == ["tidings.E003", "tidings.E003", "tidings.W001"]
    assert "Did you mean 'modified'?" in messages[0].hint
