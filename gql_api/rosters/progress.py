"""How far a long command has come: a bar on a terminal, a line now and then anywhere else."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn

LINE_SECONDS_MIN: Final = 10.0
"""Where there is no terminal, a step writes a line at its end, and before that no more often than this."""


class Step:
    """One step of a command; `done` counts towards its total, in whatever unit."""

    def __init__(self, show: Callable[[int], None]) -> None:
        self.done = 0
        self._show = show

    def advance(self, amount: int) -> None:
        """Say that so much more has been done."""
        self.done += amount
        self._show(self.done)


class ProgressReport:
    """Shows steps, one after another, on a console; without one nobody is told."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console

    @contextmanager
    def step(self, label: str, total: int) -> Iterator[Step]:
        """Begin a step, which ends with the context; `total` may turn out to be an estimate."""
        if self._console is None:
            yield Step(lambda _done: None)
        elif self._console.is_terminal:
            with _bar(self._console) as bar:
                task = bar.add_task(label, total=total)
                yield Step(lambda done: bar.update(task, completed=done))
                bar.update(task, completed=total)
        else:
            with _lines(self._console, label, total) as step:
                yield step


SILENT: Final = ProgressReport()


def _bar(console: Console) -> Progress:
    columns = (TextColumn("{task.description:<32}"), BarColumn(), TaskProgressColumn(), TimeElapsedColumn())
    return Progress(*columns, console=console)


@contextmanager
def _lines(console: Console, label: str, total: int) -> Iterator[Step]:
    begun = shown = time.monotonic()

    def show(done: int) -> None:
        nonlocal shown
        now = time.monotonic()
        if now - shown >= LINE_SECONDS_MIN:
            shown = now
            console.print(f"{label}: {min(done / total, 1.0) if total else 0.0:.0%}")

    yield Step(show)
    console.print(f"{label}: done in {time.monotonic() - begun:.1f} s")
