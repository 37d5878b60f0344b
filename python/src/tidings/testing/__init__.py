"""A bus in memory for tests: what was published, delivery to handlers, faults.

With pytest it comes as the fixture ``tidings_bus``.
"""

from tidings.testing.bus import Delivered, TestBus

__all__ = ["Delivered", "TestBus"]
