"""The definitions in `catalog/openedx` are those of the newest openedx-events."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import openedx_events

ROOT = Path(os.environ.get("TIDINGS_ROOT", Path(__file__).parents[3]))
FOLDER = ROOT / "catalog/openedx"
MADE_FROM = "11.2.0"
"""As its README says."""


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = [sys.executable, str(FOLDER / "regenerate.py"), *arguments]
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": ""}
    return subprocess.run(program, capture_output=True, text=True, env=environment, check=False)


def test_the_files_are_what_the_package_says(tmp_path: Path) -> None:
    assert f"**openedx-events {MADE_FROM}**" in (FOLDER / "README.md").read_text()
    if openedx_events.__version__ == MADE_FROM:
        compared = run("--check")
        assert compared.returncode == 0, compared.stderr
        return
    # An older one knows fewer events, and its schemas are among the files.
    made = run(str(tmp_path))
    assert made.returncode == 0, made.stderr
    schemas = list(tmp_path.glob("*.avsc"))
    assert len(schemas) > 60
    for schema in schemas:
        assert schema.read_text() == (FOLDER / schema.name).read_text(), schema.name
