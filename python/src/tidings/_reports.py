"""Log records of the native module, on their way into :mod:`logging`."""

from __future__ import annotations

import logging


def log(level: str, target: str, message: str, fields: list[tuple[str, str]]) -> None:
    """Logs under ``tidings.runtime`` and the like; the fields are in ``record.tidings`` too."""
    logger = logging.getLogger(_name(target))
    number = logging.getLevelNamesMapping()[level]
    if not logger.isEnabledFor(number):
        return
    shown = "".join(f" {name.removeprefix('r#')}={value}" for name, value in fields)
    logger.log(number, "%s%s", message, shown, extra={"tidings": dict(fields)})


def _name(target: str) -> str:
    crate = target.partition("::")[0]
    if crate in ("tidings", "_tidings"):
        return "tidings"
    return "tidings." + crate.removeprefix("tidings_").replace("_", ".")
