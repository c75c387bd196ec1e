"""Overload → one SVG: good throughput and p99 by load, a panel per workload. Readable on light and on dark ground."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING, Final

from benchmarks.open_loop import percentile_milliseconds
from benchmarks.plot import STYLE

if TYPE_CHECKING:
    from benchmarks.overload import Curve

WIDTH: Final = 760
LEFT: Final = 60
RIGHT: Final = 70
HEAD: Final = 44
HEIGHT: Final = 200
FOOT: Final = 46

_LINES: Final = """
.good { stroke: #0969da; fill: none; stroke-width: 2 } .late { stroke: #bc4c00; fill: none; stroke-width: 2 }
.good-text { fill: #0969da } .late-text { fill: #bc4c00 } .frame { stroke: #8c959f; fill: none }
"""


def plot(curves: Sequence[Curve]) -> str:
    """Draw good throughput, as a share of its peak, and p99 of what was let in, over the load on a logarithmic axis."""
    panels = [_panel(curve, number * (HEAD + HEIGHT + FOOT)) for number, curve in enumerate(curves)]
    height = len(curves) * (HEAD + HEIGHT + FOOT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="Good throughput and p99 by load">\n<style>{STYLE}{_LINES}</style>\n'
        + "\n".join(panels)
        + "\n</svg>\n"
    )


def _panel(curve: Curve, top: int) -> str:
    multiples = [point.multiple for point in curve.points]
    goods = [point.flood.accepted_per_second / curve.peak_per_second for point in curve.points]
    lates = [percentile_milliseconds(point.flood.accepted_seconds, 99) for point in curve.points]
    late_max = max(*lates, 1.0) * 1.1
    base = top + HEAD + HEIGHT

    def x(multiple: float) -> float:
        low, high = math.log(multiples[0]), math.log(multiples[-1])
        return LEFT + (WIDTH - LEFT - RIGHT) * (math.log(multiple) - low) / (high - low)

    good_line = " ".join(
        f"{x(m):.1f},{base - HEIGHT * good / 1.1:.1f}" for m, good in zip(multiples, goods, strict=True)
    )
    late_line = " ".join(
        f"{x(m):.1f},{base - HEIGHT * late / late_max:.1f}" for m, late in zip(multiples, lates, strict=True)
    )
    peak = f"{curve.peak_per_second:,.0f}/s"
    title = f"{curve.workload}: good throughput, as a share of its peak of {peak}, and p99 of what was let in"
    parts = [
        _text(0, top + 18, title, "title"),
        f'<rect class="frame" x="{LEFT}" y="{top + HEAD}" width="{WIDTH - LEFT - RIGHT}" height="{HEIGHT}"/>',
        f'<line class="axis" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{base - HEIGHT * 0.9 / 1.1:.1f}" '
        f'y2="{base - HEIGHT * 0.9 / 1.1:.1f}"/>',
        f'<polyline class="good" points="{good_line}"/>',
        f'<polyline class="late" points="{late_line}"/>',
        _text(8, base - HEIGHT / 1.1 + 5, "100 %", "good-text"),
        _text(8, base - HEIGHT * 0.9 / 1.1 + 5, "90 %", "good-text"),
        _text(8, base, "0", "good-text"),
        _text(WIDTH - RIGHT + 6, base - HEIGHT / 1.1 + 5, f"{late_max / 1.1:,.0f} ms", "late-text"),
        _text(WIDTH - RIGHT + 6, base, "0", "late-text"),
        *(_text(x(point.multiple) - 8, base + 18, f"{point.multiple:g}x") for point in curve.points),
    ]
    return "\n".join(parts)


def _text(x: float, y: float, content: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{f" class={style!r}" if style else ""}>{escape(content)}</text>'
