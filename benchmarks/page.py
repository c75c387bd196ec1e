"""The page of results: what stands between two markers is written anew, what people wrote around it stays."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from benchmarks import tables
from benchmarks.marked_page import write_between
from benchmarks.plot import plot
from benchmarks.results import Results

BEGIN: Final = "<!-- written by `make bench`: begin -->"
END: Final = "<!-- written by `make bench`: end -->"


def markdown(results: Results, *, plot_file: str) -> str:
    """All tables, with their headings and the plot."""
    pace = results.pace
    parts = [
        f"![Requests per second as a multiple of the hand-written endpoint's]({plot_file})",
        "\n".join(f"- {condition}" for condition in results.conditions),
    ]
    if results.measurements:
        parts.append(
            f"Each figure is the median of {pace.rounds} rounds of {pace.seconds:g} seconds or more; a ratio is the "
            "median of the rounds' ratios, with the lowest and the highest. ~ marks what other programs disturbed. "
            + results.summary.disturbance
        )
    for dialect, name in results.databases.items():
        parts += [f"### {name}", tables.ratios(results, dialect), tables.figures(results, dialect)]
    if results.statements:
        parts += [
            "### Statements per request",
            "On PostgreSQL; after the plus, what begins and ends a transaction; besides, what runs in the background.",
            tables.statements(results),
        ]
    if results.memory:
        parts += ["### Memory of a worker", "Resident, W2 at concurrency 32.", tables.memory(results)]
    for dialect, name in results.databases.items():
        if results.sizes:
            parts += [f"### Scale, {name}", tables.scale(results, dialect)]
    return "\n\n".join(parts)


def write_page(results: Results, page: Path, plot_page: Path) -> None:
    """Write the tables between the page's markers, and the plot; a page that is not there yet holds nothing else.

    Raises:
        ValueError: the page has no markers.
    """
    content = markdown(results, plot_file=plot_page.name)
    write_between(page, content, begin=BEGIN, end=END)
    plot_page.write_text(plot(results), encoding="utf-8")
