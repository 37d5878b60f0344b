"""The pytest plugin; installed with the package."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tidings.testing.bus import TestBus


@pytest.fixture
def tidings_bus() -> Iterator[TestBus]:
    """A bus in memory: ``assert_published``, ``deliver``, faults."""
    # Imported here, so that tests that do not use it do not pay for it.
    from tidings.testing.bus import TestBus

    bus = TestBus()
    yield bus
    bus.close()
