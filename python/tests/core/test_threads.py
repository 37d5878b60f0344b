"""What is said where threads are not what they are elsewhere."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import pytest

import tidings


@pytest.mark.parametrize(("has_threads", "told"), [(0, True), (1, False)])
def test_an_old_uwsgi_without_threads_is_told(
    has_threads: int,
    told: bool,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The module that uwsgi puts into its workers; from 2.0.27 on it always has threads."""
    monkeypatch.setitem(sys.modules, "uwsgi", SimpleNamespace(has_threads=has_threads))
    tidings.connect("memory:").subscribe("t", "g").stop()
    assert ("Set enable-threads = true" in caplog.text) is told
