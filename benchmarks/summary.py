"""Measurements → medians of ratios."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from benchmarks.machine import DISTURBED_CORES
from benchmarks.measurement import Measurement

QUIET_MIN: Final = 3
"""Undisturbed measurements from which on the disturbed ones are left out."""

Figure = Callable[[Measurement], float]


class Median(NamedTuple):
    """The middle one of several figures, with the extremes; `is_disturbed` if others took part in the machine."""

    value: float
    lowest: float
    highest: float
    is_disturbed: bool

    def shown(self, digits: int = 2) -> str:
        """The value, marked if it was disturbed."""
        return f"{self.value:,.{digits}f}{'~' if self.is_disturbed else ''}"

    def shown_with_range(self) -> str:
        """The value, and the extremes if there was more than one round."""
        return self.shown() + (f" ({self.lowest:.2f} to {self.highest:.2f})" if self.lowest < self.highest else "")


@dataclass(frozen=True, slots=True)
class Summary:
    """All measurements of a run."""

    measurements: Sequence[Measurement]

    def of(self, series: str, contender: str, concurrency: int) -> list[Measurement]:
        """The measurements of all rounds."""
        key = (series, contender, concurrency)
        return [found for found in self.measurements if (found.series, found.contender, found.concurrency) == key]

    def median(self, series: str, contender: str, concurrency: int, figure: Figure) -> Median | None:
        """The median of a figure; None if it was not measured."""
        return _median((figure(found), found.is_quiet) for found in self.of(series, contender, concurrency))

    def ratio(self, figure: Figure, one: tuple[str, str, int], other: tuple[str, str, int]) -> Median | None:
        """The median of the ratios of two that were measured in the same round, one after the other."""
        by_round = {found.round: found for found in self.of(*other)}
        pairs = [(found, by_round[found.round]) for found in self.of(*one) if found.round in by_round]
        return _median(
            (figure(found) / figure(base), found.is_quiet and base.is_quiet) for found, base in pairs if figure(base)
        )

    @property
    def disturbance(self) -> str:
        """What other programs did meanwhile, in a sentence."""
        others = sorted(found.other_cores for found in self.measurements)
        disturbed = sum(not found.is_quiet for found in self.measurements)
        sentence = (
            f"Other programs used {statistics.median(others):.2f} cores during a measurement (median; at most "
            f"{others[-1]:.2f}). {disturbed} of {len(others)} measurements were disturbed: by more than "
            f"{DISTURBED_CORES} cores."
        )
        return sentence if disturbed * 4 <= len(others) else f"**This machine was not quiet.** {sentence}"


def _median(figures: Iterable[tuple[float, bool]]) -> Median | None:
    all_of_them = list(figures)
    quiet = [value for value, is_quiet in all_of_them if is_quiet]
    values = quiet if len(quiet) >= min(QUIET_MIN, len(all_of_them)) else [value for value, _ in all_of_them]
    if not values:
        return None
    return Median(statistics.median(values), min(values), max(values), values is not quiet)


def requests_per_second(found: Measurement) -> float:
    """A figure."""
    return found.requests_per_second


def cpu(found: Measurement) -> float:
    """A figure: the server's processor time per request."""
    return found.cpu_milliseconds


def total_cpu(found: Measurement) -> float:
    """A figure: the server's and PostgreSQL's processor time per request."""
    return found.total_cpu_milliseconds
