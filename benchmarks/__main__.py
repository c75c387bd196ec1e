"""`python -m benchmarks`: everything that docs/performance.md shows, in one go."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import click
import uvloop
from rich.console import Console

from benchmarks.contenders import ROOT
from benchmarks.databases import filled_database
from benchmarks.machine import Cores, describe, pinned
from benchmarks.measurement import Pace, compare
from benchmarks.memory import measure_memory
from benchmarks.page import write_page
from benchmarks.population import Population
from benchmarks.postgresql import PostgresqlServer, postgresql_server
from benchmarks.profiling import profile
from benchmarks.results import Results
from benchmarks.scale import measure_scale
from benchmarks.statements import count_statements
from benchmarks.versions import versions
from benchmarks.workloads import Workload
from gql_api.database.address import Dialect
from gql_api.rosters.progress import ProgressReport

STUDENTS: Final = 20_000
SIZES: Final = (10_000, 100_000, 1_000_000)
CONCURRENCIES: Final = (1, 8, 32)

DOCUMENTATION: Final = ROOT / "docs"
SCRATCH: Final = ROOT / "benchmarks" / "results"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What was asked for; see the command's help."""

    dialects: Sequence[Dialect]
    workloads: Sequence[Workload]
    concurrencies: Sequence[int]
    sizes: Sequence[int]
    pace: Pace
    postgresql_url: str | None
    directory: Path | None
    profiles: bool
    is_whole: bool


class _Listed(click.ParamType[Any]):
    """Values with commas between them."""

    name = "list"

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def convert(self, value: Any, parameter: click.Parameter | None, context: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return tuple(self._kind(item) for item in value.split(",") if item)
        except ValueError as error:
            self.fail(str(error), parameter, context)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--quick", is_flag=True, help="One round of a second each at concurrency 8, no scale series: to see that all works."
)
@click.option("--workloads", type=_Listed(Workload), help="Some of W1,W2,W3,W4,W5.")
@click.option("--database", type=click.Choice([dialect.value for dialect in Dialect]), help="Only this one.")
@click.option("--concurrency", type=_Listed(int), help="Connections at once; by default 1,8,32.")
@click.option("--rounds", type=click.IntRange(1, 100), help="By default 5.")
@click.option(
    "--seconds", type=click.FloatRange(0.1, 60), help="Of each measurement; by default 2, and 10 of a profile."
)
@click.option("--scale", type=_Listed(int), help="Numbers of students, '' for none; by default 10000,100000,1000000.")
@click.option("--postgresql-url", help="A server to make databases on; by default one from pip is started.")
@click.option("--directory", type=click.Path(path_type=Path, file_okay=False), help="Where databases lie meanwhile.")
@click.option("--profile", "profiles", is_flag=True, help="Instead of measuring, show where this server's time goes.")
def main(
    *,
    quick: bool,
    database: str | None,
    postgresql_url: str | None,
    directory: Path | None,
    profiles: bool,
    **given: Any,
) -> None:
    """Measure this server beside Strawberry as documented and endpoints written by hand.

    The whole of it, an hour, is written into docs/; a part of it, or --quick, into benchmarks/results/.
    """
    rounds = given["rounds"] or (1 if quick else 5)
    seconds = given["seconds"] or (10.0 if profiles else 1.0 if quick else 2.0)
    sizes = given["scale"] if given["scale"] is not None else () if quick else SIZES
    options = Options(
        dialects=[Dialect(database)] if database else [Dialect.POSTGRESQL, Dialect.SQLITE],
        workloads=given["workloads"] or tuple(Workload),
        concurrencies=given["concurrency"] or ((8,) if quick else CONCURRENCIES),
        sizes=sizes,
        pace=Pace(seconds=seconds, warming_seconds=0.5 if quick else 1.0, rounds=rounds),
        postgresql_url=postgresql_url,
        directory=directory,
        profiles=profiles,
        is_whole=not (quick or database or given["workloads"] or given["concurrency"] or sizes != SIZES),
    )
    uvloop.run(_run(options))


async def _run(options: Options) -> None:
    # Also when it is terminated, the servers are stopped and the databases removed.
    task = asyncio.current_task()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, lambda: task and task.cancel())
    cores = Cores.of_this_machine()
    console = Console(highlight=False)
    conditions = [
        f"{describe()}; {cores.describe(database_is_ours=options.postgresql_url is None)}.",
        f"{versions()}. Measured on {datetime.now(UTC):%Y-%m-%d}.",
    ]
    results = Results(options.workloads, options.concurrencies, options.sizes, options.pace, conditions)
    SCRATCH.mkdir(exist_ok=True)
    profiles = []
    with pinned(cores.client):
        for dialect in options.dialects:
            async with AsyncExitStack() as stack:
                server = _where(dialect, options, cores, stack)
                if options.profiles:
                    profiles.append(await _profile(server, options, cores))
                else:
                    await _measure(server, options, cores, results, console)
                    results.save(SCRATCH / "results.json")
    if options.profiles:
        (SCRATCH / "profile.md").write_text("\n\n".join(profiles), encoding="utf-8")
        console.print("\n\n".join(profiles), soft_wrap=True, markup=False)
        return
    folder = DOCUMENTATION if options.is_whole else SCRATCH
    write_page(results, folder / "performance.md", folder / "performance.svg")
    console.print(f"{(folder / 'performance.md').read_text(encoding='utf-8')}\n", soft_wrap=True, markup=False)
    console.print(f"Written to {folder.relative_to(ROOT)}/performance.md and .svg.")


def _where(dialect: Dialect, options: Options, cores: Cores, stack: AsyncExitStack) -> PostgresqlServer | Path:
    if dialect is Dialect.SQLITE:
        return options.directory or Path("/tmp")  # noqa: S108 - a directory of its own is made in it
    return stack.enter_context(
        postgresql_server(options.postgresql_url, cores=cores.database, directory=options.directory)
    )


async def _profile(server: PostgresqlServer | Path, options: Options, cores: Cores) -> str:
    async with filled_database(Population(STUDENTS), server, ProgressReport()) as database:
        return await profile(database, cores, options.workloads, seconds=options.pace.seconds)


async def _measure(
    server: PostgresqlServer | Path, options: Options, cores: Cores, results: Results, console: Console
) -> None:
    progress, tell = ProgressReport(console), partial(console.print, soft_wrap=True)
    pace, workloads = options.pace, options.workloads
    async with filled_database(Population(STUDENTS), server, progress) as database:
        results.databases[database.dialect] = database.description
        results.measurements += await compare(
            database, cores, workloads=workloads, concurrencies=options.concurrencies, pace=pace, tell=tell
        )
        results.memory[database.dialect] = await measure_memory(database, cores, seconds=pace.seconds)
        if database.dialect is Dialect.POSTGRESQL:
            results.statements = await count_statements(database, cores, workloads)
    if options.sizes:
        results.measurements += await measure_scale(
            options.sizes, server, cores, workloads=workloads, pace=pace, progress=progress, tell=tell
        )


if __name__ == "__main__":
    main()
