"""The pages of the admin."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connections
from django.test import Client
from project.settings import NOTED, UPDATED

from tidings.django import bus, outbox, publish
from tidings.django.models import Outbox


@pytest.fixture
def site(sqlite, new_bus):
    """A client of a person who may look at everything, and of one who may do everything."""
    User.objects.all().delete()
    looker = User.objects.create_user("looker", password="x", is_staff=True)
    views = Permission.objects.filter(
        content_type__app_label="tidings", codename__startswith="view"
    )
    looker.user_permissions.set(views)
    User.objects.create_superuser("boss", password="x")
    clients = {}
    for name in ("looker", "boss"):
        clients[name] = Client()
        assert clients[name].login(username=name, password="x")
    return clients


def page(client, path, **query):
    response = client.get(f"/admin/tidings/{path}/", query)
    assert response.status_code == 200, response
    return response.content.decode()


def test_the_outbox_shows_what_waits_and_what_was_refused(site):
    publish(UPDATED, {"key": "c-1", "title": "secret"}, mode="outbox")
    publish(UPDATED, {"key": "c-2", "title": "secret"}, mode="outbox")
    refused = Outbox.objects.get(key="c-2")
    outbox.refuse(connections["default"], refused.seq, "ProfileError: a rule")
    text = page(site["looker"], "outbox")
    assert UPDATED in text
    assert "waiting" in text
    assert "a rule" in text
    assert "secret" not in text
    refused_page = page(site["looker"], "outbox", state="refused")
    assert ">c-2<" in refused_page
    assert ">c-1<" not in refused_page
    assert "secret" not in page(site["looker"], f"outbox/{refused.seq}/change")


def test_retry_and_discard_are_for_those_who_may(site):
    publish(UPDATED, {"key": "c-1", "title": "a"}, mode="outbox")
    row = Outbox.objects.get()
    outbox.refuse(connections["default"], row.seq, "a rule")
    act = {"_selected_action": [row.pk]}
    site["looker"].post("/admin/tidings/outbox/", {**act, "action": "retry"})
    assert Outbox.objects.get().refused_at is not None
    site["boss"].post("/admin/tidings/outbox/", {**act, "action": "retry"})
    assert Outbox.objects.get().refused_at is None
    site["boss"].post("/admin/tidings/outbox/", {**act, "action": "discard"})
    assert Outbox.objects.exists(), "what waits for the relay is not discarded by mistake"
    outbox.refuse(connections["default"], row.seq, "a rule")
    site["boss"].post("/admin/tidings/outbox/", {**act, "action": "discard"})
    assert not Outbox.objects.exists()


def test_groups_and_dead_letters_come_from_the_bus(site):
    event = publish(NOTED, {"bad": True, "text": "secret"}, mode="immediate")
    bus().log.create_group("notes", "effects", "earliest")
    kept = bus().consume("notes", "effects", fail, max_attempts=1, until_idle=1.0)
    assert kept["dead"] == 1
    groups = page(site["looker"], "group")
    assert "effects" in groups
    assert "notes" in groups
    assert "<td>none</td>" in groups, "nobody consumes"
    letters = page(site["looker"], "deadletter")
    assert event.id in letters
    assert "RuntimeError" in letters
    assert "secret" not in letters


def fail(message):
    raise RuntimeError("never")


def test_dead_letters_are_retried_and_discarded(site):
    seen = []

    def die():
        publish(NOTED, {"a": 1}, mode="immediate")
        bus().consume("notes", "effects", fail, max_attempts=1, until_idle=1.0, start="earliest")
        (letter,) = bus().log.dead_letters("notes", "effects")
        return f"notes|effects|{letter['id']}"

    place = die()
    post = {"letter": [place], "action": "retry"}
    assert site["looker"].post("/admin/tidings/deadletter/", post).status_code == 403
    assert site["boss"].post("/admin/tidings/deadletter/", post, follow=True).status_code == 200
    bus().consume("notes", "effects", lambda m: seen.append(m.event.id), until_idle=1.0)
    assert len(seen) == 1
    assert bus().log.dead_letters("notes", "effects") == []
    post = {"letter": [die()], "action": "discard"}
    site["boss"].post("/admin/tidings/deadletter/", post)
    assert bus().log.dead_letters("notes", "effects") == []


def test_retrying_a_parked_event_releases_what_waits_behind_it(site):
    seen = []
    for n in range(2):
        publish(NOTED, {"n": n}, key="k", mode="immediate")
    bus().consume("notes", "effects", fail, max_attempts=1, until_idle=1.0, start="earliest")
    first, second = bus().log.dead_letters("notes", "effects")
    assert (first["parked"], second["parked"]) == (True, True)
    assert "waits behind its parked key" in page(site["looker"], "deadletter")
    post = {"letter": [f"notes|effects|{first['id']}"], "action": "retry"}
    assert site["boss"].post("/admin/tidings/deadletter/", post, follow=True).status_code == 200
    bus().consume("notes", "effects", lambda m: seen.append(m.data["n"]), until_idle=1.0)
    assert seen == [0, 1]
    assert bus().log.groups("notes")["effects"]["parked_keys"] == 0


def test_letters_of_other_services_are_out_of_reach(site):
    """The bus may be that of many, and a form can be sent without the page."""
    publish(NOTED, {"a": 1}, mode="immediate", topic="theirs")
    bus().consume("theirs", "g", fail, max_attempts=1, until_idle=1.0, start="earliest")
    (letter,) = bus().log.dead_letters("theirs", "g")
    for forged in (f"theirs|g|{letter['id']}", "notes", "notes|effects|", ""):
        post = {"letter": [forged], "action": "discard"}
        assert site["boss"].post("/admin/tidings/deadletter/", post).status_code == 400
    assert len(bus().log.dead_letters("theirs", "g")) == 1


def test_what_is_read_from_the_bus_has_no_pages_of_rows(site):
    for path in ("group/1/change/", "deadletter/1/delete/", "deadletter/1/history/", "group/add/"):
        assert site["boss"].get(f"/admin/tidings/{path}").status_code == 404
    assert site["boss"].get("/admin/tidings/").status_code == 200


def test_a_bus_that_is_away_is_said_on_the_page(site, settings):
    settings(BUS="redis://127.0.0.1:1", SEND_TIMEOUT=0.5)
    assert "127.0.0.1:1" in page(site["looker"], "group")


def test_the_inbox_and_emissions_are_listed(site):
    from django.db import transaction

    from tidings.django import inbox

    with transaction.atomic():
        inbox.record("effects", "/example/shop/web", "e-1", using="default")
    assert "e-1" in page(site["looker"], "inbox")
    page(site["looker"], "emission")


def test_nothing_is_for_strangers(site):
    for path in ("outbox", "inbox", "group", "deadletter"):
        assert Client().get(f"/admin/tidings/{path}/").status_code == 302
    nobody = User.objects.create_user("nobody", password="x", is_staff=True)
    client = Client()
    client.force_login(nobody)
    for path in ("outbox", "inbox", "group", "deadletter"):
        assert client.get(f"/admin/tidings/{path}/").status_code == 403
