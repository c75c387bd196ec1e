"""`gql-api import` and `gql-api seed`, save for their options: progress on stderr, what came of it on stdout."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.rosters.importing import ImportOptions, import_bundle
from gql_api.rosters.progress import ProgressReport
from gql_api.rosters.report import print_report
from gql_api.rosters.seeding import seed
from gql_api.rosters.synthetic import Population
from gql_api.services.actor import Actor


async def import_command(engine: AsyncEngine, path: Path, options: ImportOptions, actor: Actor) -> bool:
    """Import the bundle at `path` on behalf of the actor and print what came of it.

    Returns:
        Whether it was imported: the exit code is 0 then, otherwise 1.

    Raises:
        OperatorError: see `import_bundle`.
    """
    report = await import_bundle(engine, path, options, ProgressReport(Console(stderr=True)), actor=actor)
    print_report(Console(), report)
    return report.merged is not None


async def seed_command(engine: AsyncEngine, population: Population) -> None:
    """Fill an empty database with an invented population and print how large it has become.

    Raises:
        OperatorError: see `seed`.
    """
    assignments = await seed(engine, population, ProgressReport(Console(stderr=True)))
    Console().print(
        f"{population.students:,} students, {population.courses:,} courses, {assignments:,} assignments.",
        highlight=False,
    )
