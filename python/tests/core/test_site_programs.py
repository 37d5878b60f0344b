"""What the site of a catalog shows of Python runs as it stands."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import tidings

PROGRAM = Path(__file__).parents[3] / "crates/catalog-docs/src/site/subscribe/python.py"
TYPE = "org.openedx.catalog.course.created.v1"


def test_the_consumer_prints_what_it_hears(tmp_path: Path) -> None:
    url = f"sqlite:{tmp_path / 'bus.sqlite'}"
    bus = tidings.connect(url, service="discovery")
    bus.log.create_group("TOPIC", "GROUP")
    for kind in (TYPE.replace("course", "program"), TYPE):
        bus.publish(type=kind, data={"kind": kind}, key="k", topic="TOPIC")
    program = PROGRAM.read_text().replace('"TYPE"', f'"{TYPE}"')
    with subprocess.Popen(
        [sys.executable, "-u", "-c", program],
        env={**os.environ, "TIDINGS_BUS": url},
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == f"{{'kind': '{TYPE}'}}\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(timeout=120) == 0
