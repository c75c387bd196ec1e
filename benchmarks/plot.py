"""Results → one SVG: requests per second, the hand-written endpoint being 1. Readable on light and on dark ground."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from benchmarks.contenders import Contender
from benchmarks.results import Results
from benchmarks.summary import requests_per_second
from benchmarks.tables import compared_at
from benchmarks.workloads import Workload
from gql_api.database.address import Dialect

WIDTH: Final = 760
LEFT: Final = 150
RIGHT: Final = 60
BAR: Final = 16
GROUP: Final = 2 * BAR + 14
HEAD: Final = 44

TITLES: Final = {Dialect.POSTGRESQL: "PostgreSQL", Dialect.SQLITE: "SQLite"}

SHORT: Final = {
    Workload.ROSTER: "W1 roster page",
    Workload.DEEP: "W2 deep",
    Workload.STUDENT: "W3 one student",
    Workload.ASSIGN: "W4 assign",
    Workload.FLAT: "W5 500 flat",
}

STYLE: Final = """
text { font: 13px system-ui, sans-serif; fill: #1f2328 }
.title { font-weight: 600 }
.ours { fill: #0969da } .documented { fill: #8c959f } .axis { stroke: #1f2328; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3 } .ours { fill: #4493f8 } .documented { fill: #6e7681 } .axis { stroke: #e6edf3 }
}
"""

BARS: Final = ((Contender.GQL_API, "ours"), (Contender.STRAWBERRY, "documented"))


def plot(results: Results) -> str:
    """Draw a panel per database, with two bars per workload."""
    panels, y = [], 0
    for dialect in results.databases:
        panels.append(_panel(results, dialect, y))
        y += HEAD + GROUP * len(results.workloads) + 20
    legend = _legend(y)
    description = "Requests per second as a multiple of the hand-written endpoint's"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y + 24}" role="img" aria-label="{description}">'
        f"\n<style>{STYLE}</style>\n" + "\n".join([*panels, *legend]) + "\n</svg>\n"
    )


def _panel(results: Results, dialect: Dialect, y: int) -> str:
    ratios = {
        (workload, server): _ratio(results, dialect, workload, server)
        for workload in results.workloads
        for server, _ in BARS
    }
    unit = (WIDTH - LEFT - RIGHT) / max(1.0, *ratios.values())
    bottom = y + HEAD + GROUP * len(results.workloads) - 6
    at = compared_at(results)
    parts = [
        _text(0, y + 18, f"{TITLES[dialect]}: requests/s, hand-written = 1 (concurrency {at})", "title"),
        f'<line class="axis" x1="{LEFT + unit:.1f}" x2="{LEFT + unit:.1f}" y1="{y + HEAD - 8}" y2="{bottom}"/>',
    ]
    for place, workload in enumerate(results.workloads):
        top = y + HEAD + place * GROUP
        parts.append(_text(0, top + BAR + 4, SHORT[workload]))
        for number, (server, style) in enumerate(BARS):
            width, row = ratios[workload, server] * unit, top + number * BAR
            parts.append(f'<rect class="{style}" x="{LEFT}" y="{row}" width="{width:.1f}" height="{BAR - 2}"/>')
            parts.append(_text(LEFT + width + 6, row + 12, f"{ratios[workload, server]:.2f}"))
    return "\n".join(parts)


def _ratio(results: Results, dialect: Dialect, workload: Workload, server: Contender) -> float:
    series, at = f"{dialect} {workload}", compared_at(results)
    median = results.summary.ratio(requests_per_second, (series, server, at), (series, Contender.HAND_WRITTEN, at))
    return median.value if median else 0.0


def _legend(y: int) -> Iterator[str]:
    x = LEFT
    for server, style in BARS:
        yield f'<rect class="{style}" x="{x}" y="{y}" width="14" height="14"/>'
        name = "Strawberry as documented" if server is Contender.STRAWBERRY else server
        yield _text(x + 20, y + 12, name)
        x += 120
    yield _text(x + 90, y + 12, "┊ hand-written endpoint")


def _text(x: float, y: float, content: str, style: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}"{f" class={style!r}" if style else ""}>{escape(content)}</text>'
