"""Two contenders, each a process of its own, on the same work, alternately; and what came out."""

from __future__ import annotations

import contextlib
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

PAIRS = 5
Figures = dict[str, float]


class Contender:
    """A process that does what it is told."""

    def __init__(self, who: str, address: list[str]) -> None:
        self.who = who
        program = [sys.executable, str(Path(__file__).with_name("contender.py")), who, *address]
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(program, stdin=pipe, stdout=pipe, text=True)

    def __call__(self, command: str, **arguments: object) -> Figures:
        """Has it do something, and waits for the figures."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([command, arguments]), file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            sys.exit(f"the contender {self.who!r} ended with code {self._process.wait()}")
        figures: Figures = json.loads(answer)
        return figures

    def end(self) -> None:
        """Ends the process."""
        self._process.communicate()


class Bench:
    """One log, and what is measured on it."""

    def __init__(self, address: list[str]) -> None:
        self.address = address
        self._topics = 0

    def topic(self) -> str:
        """A name that nothing has used."""
        self._topics += 1
        return f"bench-{self._topics}"

    @contextlib.contextmanager
    def contender(self, who: str) -> Iterator[Contender]:
        """A process of its own meanwhile."""
        contender = Contender(who, self.address)
        try:
            yield contender
        finally:
            contender.end()


Pair = tuple[Figures, Figures]


def pairs(ours: Callable[[], Figures], theirs: Callable[[], Figures]) -> list[Pair]:
    """Runs both alternately; the order changes, so that neither always meets the colder machine."""
    found = []
    for round_ in range(PAIRS + 1):
        if round_ % 2 == 0:
            mine = ours()
            other = theirs()
        else:
            other = theirs()
            mine = ours()
        if round_:
            found.append((mine, other))
    return found


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    name: str
    peer: str
    unit: str
    pairs: list[tuple[float, float | None]]
    target: float | None
    more_is_better: bool = False

    def show(self) -> str:
        """As Markdown."""
        ours = statistics.median(mine for mine, _ in self.pairs)
        theirs = [other for _, other in self.pairs if other is not None]
        ratios = [mine / (other or 1.0) for mine, other in self.pairs]
        ratio = statistics.median(ratios)
        peer = f"{statistics.median(theirs):,.1f} {self.unit} {self.peer}" if theirs else ""
        shown = f"{ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f})"
        return f"| {self.name} | {ours:,.1f} {self.unit} | {peer} | {shown} | {self.judge(ratio)} |"

    def judge(self, ratio: float) -> str:
        """The target and whether it is reached; nothing of what is only to be known."""
        if self.target is None:
            return "| "
        reached = ratio >= self.target if self.more_is_better else ratio <= self.target
        sign = ">=" if self.more_is_better else "<="
        return f"{sign} {self.target:.3g} | {'reached' if reached else 'missed'}"


def row(
    name: str, peer: str, unit: str, found: list[Pair], figure: str, target: float | None
) -> Row:
    """A figure of both, of which less is better."""
    return Row(name, peer, unit, [(m[figure], o[figure]) for m, o in found], target)


def rates(name: str, peer: str, found: list[Pair], target: float) -> Row:
    """Events a second."""
    table = [(1e6 / mine["wall"], 1e6 / other["wall"]) for mine, other in found]
    return Row(name, peer, "/s", list(table), target, more_is_better=True)
