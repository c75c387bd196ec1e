"""`python -m benchmarks.overload`: what becomes of good answers when ten times as much is asked for as can be done.

Against `gql-api serve` with its defaults, one worker on a core of its own, over PostgreSQL. Writes a table and a plot
into docs/performance.md; --quick, of less than a minute, into benchmarks/results/.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import click
import uvloop
from rich.console import Console

from benchmarks.contenders import ROOT, Contender, Server, serving
from benchmarks.databases import filled_database
from benchmarks.exchanges import verified_exchanges
from benchmarks.load import Exchange, run_load
from benchmarks.machine import Cores, cpu_seconds, describe, forget_memory_peak, memory_peak_mebibytes, pinned
from benchmarks.marked_page import write_between
from benchmarks.open_loop import Flood, flood, percentile_milliseconds
from benchmarks.overload_plot import plot
from benchmarks.population import Population
from benchmarks.postgresql import postgresql_server
from benchmarks.versions import versions
from benchmarks.workloads import Workload
from gql_api.rosters.progress import ProgressReport

BEGIN: Final = "<!-- written by `make overload`: begin -->"
END: Final = "<!-- written by `make overload`: end -->"

STUDENTS: Final = 20_000
MULTIPLES: Final = (0.5, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
CAPACITY_CONCURRENCY: Final = 32
CONNECTIONS: Final = 1000
"""More than a worker lets in and lets wait: it is the server that has to refuse, not the generator that runs out."""

ENVIRONMENT: Final = {"GQL_API_KEEP_ALIVE_SECONDS": "600"}
"""Apart from this the server has its defaults: connections that are not needed at a low rate are to stay."""

TITLES: Final = {Workload.ROSTER: "W1, roster page", Workload.STUDENT: "W3, one student", Workload.DEEP: "W2, deep"}


@dataclass(frozen=True, slots=True)
class Point:
    """What one rate came to; `multiple` is of the capacity, `cpu_share` of the server's core."""

    multiple: float
    flood: Flood
    memory_mebibytes: float
    cpu_share: float


@dataclass(frozen=True, slots=True)
class Curve:
    """What all rates came to, for one workload; the capacity is in requests per second."""

    workload: Workload
    capacity: float
    points: Sequence[Point]

    @property
    def peak_per_second(self) -> float:
        """The best throughput of all points."""
        return max(point.flood.accepted_per_second for point in self.points)


@click.command()
@click.option("--quick", is_flag=True, help="Shorter, and into benchmarks/results/.")
@click.option("--seconds", type=float, help="How long each rate is kept up.")
@click.option("--workloads", "names", default="W2,W1", show_default=True, help="W1, W2, W3, with commas.")
@click.option("--postgresql-url", help="A server that runs already; databases are made there, and dropped.")
def main(quick: bool, seconds: float | None, names: str, postgresql_url: str | None) -> None:  # noqa: FBT001 - click's
    """Offer half to ten times the capacity, and look at good throughput, latency and memory."""
    workloads = [Workload(name) for name in names.split(",")]
    curves = uvloop.run(_measure(workloads, seconds or (2.0 if quick else 6.0), postgresql_url))
    folder = ROOT / "benchmarks" / "results" if quick else ROOT / "docs"
    folder.mkdir(exist_ok=True)
    write_page(curves, folder / "performance.md" if not quick else folder / "overload.md", folder / "overload.svg")


async def _measure(workloads: Sequence[Workload], seconds: float, postgresql_url: str | None) -> list[Curve]:
    cores, console = Cores.of_this_machine(), Console(highlight=False)
    async with AsyncExitStack() as stack:
        stack.enter_context(pinned(cores.client))
        postgresql = stack.enter_context(postgresql_server(postgresql_url, cores=cores.database))
        database = await stack.enter_async_context(
            filled_database(Population(STUDENTS), postgresql, ProgressReport(console))
        )
        curves = []
        for workload in workloads:
            async with serving(Contender.GQL_API, database, cores, environment=ENVIRONMENT) as server:
                curves.append(await _curve(server, workload, seconds, console))
        return curves


async def _curve(server: Server, workload: Workload, seconds: float, console: Console) -> Curve:
    exchanges = await verified_exchanges(server, workload)
    exchange: Exchange = exchanges.fixed[0]
    closed_loop = itertools.repeat(exchange)
    await run_load(server.port, closed_loop, concurrency=CAPACITY_CONCURRENCY, seconds=1)
    run = await run_load(server.port, closed_loop, concurrency=CAPACITY_CONCURRENCY, seconds=max(3.0, seconds))
    capacity = run.requests / run.seconds
    console.print(f"{workload}: {capacity:,.0f} requests/s when {CAPACITY_CONCURRENCY} wait for each other")
    points = []
    for multiple in MULTIPLES:
        forget_memory_peak(server.pid)
        before = cpu_seconds(server.pid)
        found = await flood(server.port, exchange, rate=capacity * multiple, seconds=seconds, connections=CONNECTIONS)
        cpu_share = (cpu_seconds(server.pid) - before) / seconds
        points.append(Point(multiple, found, memory_peak_mebibytes(server.pid), cpu_share))
        console.print(" | ".join(_cells(points[-1], capacity)))
        await asyncio.sleep(0.5)
    return Curve(workload, capacity, points)


def markdown(curves: Sequence[Curve], *, plot_file: str, conditions: Sequence[str]) -> str:
    """The plot, the conditions and a table for each workload."""
    parts = [f"![Good throughput and p99 by load]({plot_file})", "\n".join(f"- {line}" for line in conditions)]
    for curve in curves:
        last = curve.points[-1]
        kept = last.flood.accepted_per_second / curve.peak_per_second
        head = "| load | offered/s | good/s | of peak | p50 ms | p99 ms | refused/s | p99 of these ms | MiB | core |"
        rows = [f"| {' | '.join(_cells(point, curve.peak_per_second))} |" for point in curve.points]
        parts += [
            f"### {TITLES[curve.workload]}",
            f"Capacity {curve.capacity:,.0f}/s; at {last.multiple:g} times as much {kept:.0%} of the peak is kept.",
            "\n".join([head, "|" + "---:|" * 10, *rows]),
        ]
    return "\n\n".join(parts)


def _cells(point: Point, peak: float) -> list[str]:
    found = point.flood
    return [
        f"{point.multiple:g} x",
        f"{found.offered_per_second:,.0f}" + (f" ({found.unsent:,} unsent)" if found.unsent else ""),
        f"{found.accepted_per_second:,.0f}",
        f"{found.accepted_per_second / peak:.0%}",
        f"{percentile_milliseconds(found.accepted_seconds, 50):,.0f}",
        f"{percentile_milliseconds(found.accepted_seconds, 99):,.0f}",
        f"{len(found.refused_seconds) / found.seconds:,.0f}",
        f"{percentile_milliseconds(found.refused_seconds, 99):,.0f}",
        f"{point.memory_mebibytes:,.0f}",
        f"{point.cpu_share:.0%}",
    ]


def write_page(curves: Sequence[Curve], page: Path, plot_page: Path) -> None:
    """Write the tables between the page's markers, and the plot; a page that is not there yet holds nothing else.

    Raises:
        ValueError: the page has no markers.
    """
    conditions = [
        f"{describe()}; {Cores.of_this_machine().describe(database_is_ours=True)}.",
        f"{versions()}. Measured on {datetime.now(UTC):%Y-%m-%d}, {CONNECTIONS:,} connections.",
    ]
    content = markdown(curves, plot_file=plot_page.name, conditions=conditions)
    write_between(page, content, begin=BEGIN, end=END)
    plot_page.write_text(plot(curves), encoding="utf-8")


if __name__ == "__main__":
    main()
