"""Example data for every signal of openedx-events, generated from its attrs classes."""
from datetime import datetime, timedelta, timezone
from typing import get_args, get_origin
from uuid import UUID

import attr
from ccx_keys.locator import CCXLocator
from opaque_keys.edx.keys import CourseKey, UsageKey
from opaque_keys.edx.locator import (
    LibraryCollectionLocator,
    LibraryContainerLocator,
    LibraryLocatorV2,
    LibraryUsageLocatorV2,
)


class Generator:
    """
    Makes values that differ from each other and from every default.

    With ``sparse`` it makes what is easily lost instead: fields with a default are left out,
    the others are false, zero and empty where their type allows it.
    """

    def __init__(self, sparse=False):
        self.sparse = sparse
        self.count = 0

    def event_data(self, signal):
        """The keyword arguments of ``send_event``."""
        return {name: self.value(name, of) for name, of in signal.init_data.items()}

    def value(self, name, of):
        """A value of a type."""
        self.count += 1
        n = self.count
        if of is bool:
            return not self.sparse
        if of is int:
            return 0 if self.sparse else (2**53 + n) * (-1) ** n
        if of is float:
            return 0.0 if self.sparse else 0.1 * n + 1e-7
        if of is str:
            return "" if self.sparse else f"{name} {n}: Zoë \U0001f600 \"\\\n"
        if of is datetime:
            at = datetime(2026, 11, 23, 20, 57, 12, tzinfo=timezone.utc) + timedelta(days=n)
            return at if self.sparse else at.replace(microsecond=100_000 + n)
        if of is UUID:
            return UUID(int=(0x1234 << 112) + n)
        if of is CCXLocator:
            return CCXLocator(org="OpenedX", course=f"C{n}", run="2026", ccx=str(n))
        if of is CourseKey:
            return CourseKey.from_string(f"course-v1:OpenedX+C{n}+2026_T1")
        if of is UsageKey:
            return UsageKey.from_string(f"block-v1:OpenedX+C{n}+2026_T1+type@video+block@b{n}")
        if of is LibraryLocatorV2:
            return LibraryLocatorV2.from_string(f"lib:OpenedX:library{n}")
        if of is LibraryUsageLocatorV2:
            return LibraryUsageLocatorV2.from_string(f"lb:OpenedX:library{n}:problem:p{n}")
        if of is LibraryCollectionLocator:
            return LibraryCollectionLocator.from_string(f"lib-collection:OpenedX:library{n}:c{n}")
        if of is LibraryContainerLocator:
            return LibraryContainerLocator.from_string(f"lct:OpenedX:library{n}:unit:u{n}")
        if get_origin(of) is list:
            (item,) = get_args(of)
            return [] if self.sparse else [self.value(name, item) for _ in range(3)]
        if get_origin(of) is dict:
            _, item = get_args(of)
            return {} if self.sparse else {f"k{i}": self.value(name, item) for i in range(3)}
        if attr.has(of):
            fields = {}
            for field in attr.fields(of):
                if self.sparse and field.default is not attr.NOTHING:
                    continue
                fields[field.name.lstrip("_")] = self.value(field.name, field.type)
            return of(**fields)
        raise TypeError(f"{name} is a {of}, of which there is no example")
