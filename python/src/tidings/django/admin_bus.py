"""Pages of the admin that are read from the bus: groups and dead letters."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from tidings import TidingsError
from tidings._tidings import Log
from tidings.django import conf, service
from tidings.django.models import DeadLetter, Group
from tidings.django.registry import registry

#: Dead letters that a page shows of a group.
_SHOWN = 200


def topics() -> list[str]:
    """The topics that this project publishes to or receives from."""
    found = {topic for route in conf.current().events.values() for topic in route.topics}
    for receiver in registry.receivers():
        found.update(receiver.topics())
    return sorted(found)


def groups() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """The groups on those topics: topic, group, and what the bus says of it."""
    log = service.bus().log
    for topic in topics():
        for group, facts in log.groups(topic).items():
            yield topic, group, facts


class BusAdmin(admin.ModelAdmin):
    """A list that is read from the bus, when somebody looks at it."""

    template: str

    def get_urls(self) -> list[URLPattern]:
        """The list alone: there are no rows with pages of their own."""
        name = f"{self.opts.app_label}_{self.opts.model_name}_changelist"
        return [path("", self.admin_site.admin_view(self.changelist_view), name=name)]

    def has_add_permission(self, request: HttpRequest) -> bool:
        """There is no table to add to."""
        return False

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, or what a button on it does."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        problem = None
        rows: list[dict[str, Any]] = []
        try:
            if request.method == "POST":
                self.act(request)
                return HttpResponseRedirect(request.get_full_path())
            rows = self.rows()
        except TidingsError as error:
            problem = str(error)
        context = {
            **self.admin_site.each_context(request),
            "title": str(self.model._meta.verbose_name_plural).capitalize(),
            "opts": self.model._meta,
            "problem": problem,
            "rows": rows,
            "may_retry": request.user.has_perm("tidings.change_deadletter"),
            "may_discard": request.user.has_perm("tidings.delete_deadletter"),
            **(extra_context or {}),
        }
        return TemplateResponse(request, self.template, context)

    def rows(self) -> list[dict[str, Any]]:
        """What is shown."""
        raise NotImplementedError

    def act(self, request: HttpRequest) -> None:
        """What a button does: nothing, where there is none."""
        raise PermissionDenied


def _parked_keys(log: Log, topic: str, group: str, ids: list[str]) -> dict[str, str]:
    """The keys of those letters that are parked, by their ids."""
    letters = log.dead_letters(topic, group, _SHOWN)
    return {
        letter["id"]: letter["key"]
        for letter in letters
        if letter["parked"] and letter["id"] in ids
    }


@admin.register(Group)
class GroupAdmin(BusAdmin):
    """Where the groups stand."""

    template = "admin/tidings/groups.html"

    def rows(self) -> list[dict[str, Any]]:
        """A row for each group of each topic."""
        return [{"topic": topic, "group": group, **facts} for topic, group, facts in groups()]


@admin.register(DeadLetter)
class DeadLetterAdmin(BusAdmin):
    """What groups could not deal with."""

    template = "admin/tidings/dead_letters.html"

    def rows(self) -> list[dict[str, Any]]:
        """A row for each dead letter; never its payload."""
        found = []
        log = service.bus().log
        for topic, group, facts in groups():
            if not facts["dead_letters"]:
                continue
            for letter in log.dead_letters(topic, group, _SHOWN):
                event = letter["event"]
                why = [letter["reason"], letter["message"]]
                found.append(
                    {
                        "place": f"{topic}|{group}|{letter['id']}",
                        "topic": topic,
                        "group": group,
                        "id": event.id if event else "not an event",
                        "type": event.type if event else "",
                        "key": letter["key"],
                        "attempts": letter["attempts"],
                        "failed": letter["last_failure"],
                        "why": ": ".join(part for part in why if part)
                        or "waits behind its parked key",
                    }
                )
        return found

    def act(self, request: HttpRequest) -> None:
        """Hands the selected letters to their group once more, or removes them for good."""
        action = request.POST.get("action")
        permission = {"retry": "change", "discard": "delete"}.get(action or "")
        if permission is None or not request.user.has_perm(f"tidings.{permission}_deadletter"):
            raise PermissionDenied
        places: dict[tuple[str, str], list[str]] = {}
        known = topics()
        for text in request.POST.getlist("letter"):
            topic, _, rest = text.partition("|")
            group, _, position = rest.partition("|")
            if topic not in known or not position:
                # The page offers no other, and the bus may be that of many services.
                raise SuspiciousOperation("a dead letter of no topic of this project")
            places.setdefault((topic, group), []).append(position)
        done, errors = 0, []
        log = service.bus().log
        for (topic, group), positions in places.items():
            if action == "retry":
                keys = _parked_keys(log, topic, group, positions)
                for key in set(keys.values()):
                    # What waits behind it goes with it, in order.
                    done += log.release(topic, group, key)
                positions = [position for position in positions if position not in keys]
            verb = log.redeliver if action == "retry" else log.discard
            for error in verb(topic, group, positions):
                if error is None:
                    done += 1
                else:
                    errors.append(str(error))
        said = "handed to their group once more" if action == "retry" else "discarded"
        self.message_user(request, f"{done} dead letters {said}.")
        for text in errors:
            self.message_user(request, text, messages.ERROR)
