"""Pages of the admin: what waits in the outbox, and what has taken effect."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db import connections
from django.db.models import QuerySet
from django.http import HttpRequest

from tidings.django import outbox
from tidings.django.models import Emission, Inbox, Outbox


class StateFilter(admin.SimpleListFilter):
    """Rows of the outbox by what holds them."""

    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The choices."""
        return [("waiting", "waiting"), ("refused", "refused"), ("held", "held by a refused one")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Outbox]) -> QuerySet[Outbox]:
        """The rows of a choice."""
        return {
            "waiting": queryset.filter(refused_at=None),
            "refused": queryset.exclude(refused_at=None).exclude(reason=None),
            "held": queryset.exclude(refused_at=None).filter(reason=None),
        }.get(self.value() or "", queryset)


class ReadOnlyAdmin(admin.ModelAdmin):
    """A list to look at."""

    actions_on_bottom = True
    show_full_result_count = False

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Rows are made by the program."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """And not changed by hand."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nor deleted."""
        return False


@admin.register(Outbox)
class OutboxAdmin(ReadOnlyAdmin):
    """Events that wait for the relay."""

    list_display = (
        "seq",
        "state",
        "created_at",
        "topic",
        "key",
        "event_type",
        "reason",
        "event_id",
    )
    list_filter = (StateFilter, "topic")
    search_fields = ("event_id", "key")
    actions = ("retry", "discard")
    fields = ("seq", "event_id", "topic", "key", "created_at", "state", "refused_at", "reason")
    readonly_fields = fields

    @admin.display(description="type")
    def event_type(self, row: Outbox) -> str:
        """The type of the event."""
        return str(row.attribute("type"))

    @admin.display(description="state")
    def state(self, row: Outbox) -> str:
        """Why it is still here."""
        if row.refused_at is None:
            return "waiting"
        return "held" if row.reason is None else "refused"

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Whoever may change rows may send them again."""
        return request.user.has_perm("tidings.change_outbox")

    def has_discard_permission(self, request: HttpRequest) -> bool:
        """Whoever may delete rows may discard them."""
        return request.user.has_perm("tidings.delete_outbox")

    @admin.action(description="Retry the selected refused events", permissions=["retry"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Outbox]) -> None:
        """Makes refused rows ready again."""
        seqs = list(queryset.values_list("seq", flat=True))
        changed = outbox.retry(connections[queryset.db], seqs)
        self._tell(request, changed, len(seqs), "wait for the relay again")

    @admin.action(description="Discard the selected refused events", permissions=["discard"])
    def discard(self, request: HttpRequest, queryset: QuerySet[Outbox]) -> None:
        """Deletes refused rows: nobody will hear of those events."""
        seqs = list(queryset.values_list("seq", flat=True))
        changed = outbox.discard(connections[queryset.db], seqs)
        self._tell(request, changed, len(seqs), "discarded; what they held goes on")

    def _tell(self, request: HttpRequest, changed: int, asked: int, what: str) -> None:
        level = messages.SUCCESS if changed == asked else messages.WARNING
        self.message_user(request, f"{changed} of {asked} {what}. Only refused ones can.", level)


@admin.register(Inbox)
class InboxAdmin(ReadOnlyAdmin):
    """Events that have taken effect."""

    list_display = ("event_id", "group", "source", "done_at")
    # The table has no single primary key that a page of one row could be found by.
    list_display_links = None
    list_filter = ("group",)
    search_fields = ("event_id",)


@admin.register(Emission)
class EmissionAdmin(ReadOnlyAdmin):
    """Runs of tidings_emit."""

    list_display = (
        "model",
        "event_type",
        "run",
        "selection",
        "emitted",
        "last_key",
        "started_at",
        "updated_at",
        "finished_at",
    )
    list_display_links = None


# Registers the pages that are read from the bus.
from tidings.django import admin_bus  # noqa: E402, F401
