"""Asynchronous views, as an ASGI server runs them."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.db import connections, transaction
from django.http import HttpResponse
from django.test import AsyncClient, override_settings
from django.urls import path
from project.settings import UPDATED

from tidings.django import outbox, publish


def rename(key, *, fails):
    with transaction.atomic():
        publish(UPDATED, {"key": key, "title": "title-1"})
        if fails:
            raise ValueError("rolled back")


async def commits(request):
    await sync_to_async(rename)("c-1", fails=False)
    return HttpResponse()


async def rolls_back(request):
    with pytest.raises(ValueError, match="rolled back"):
        await sync_to_async(rename)("c-2", fails=True)
    return HttpResponse()


async def directly(request):
    publish(UPDATED, {"key": "c-3", "title": "title-3"}, mode="immediate")
    return HttpResponse()


async def wrongly(request):
    for mode in ("on-commit", "outbox"):
        with pytest.raises(SynchronousOnlyOperation):
            publish(UPDATED, {"key": "c-4", "title": "title-4"}, mode=mode)
    return HttpResponse()


urlpatterns = [path(view.__name__, view) for view in (commits, rolls_back, directly, wrongly)]


@override_settings(ROOT_URLCONF=__name__)
def test_asynchronous_views_publish(sqlite, new_bus, published):
    async def ask():
        client = AsyncClient()
        for view in (commits, rolls_back, directly, wrongly):
            response = await client.get(f"/{view.__name__}")
            assert response.status_code == 200, view
        await sync_to_async(connections.close_all)()

    asyncio.run(ask())
    (row,) = outbox.ready(connections[sqlite], 10)
    assert row.key == "c-1"
    assert [event.key for event in published()] == ["c-3"]
