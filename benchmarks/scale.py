"""Whether more students make it slower: the same questions to schools of every size, on a first and on a late page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import orjson

from benchmarks.contenders import Contender, Server, serving
from benchmarks.databases import filled_database
from benchmarks.exchanges import Exchanges, verified_exchanges
from benchmarks.load import ask
from benchmarks.machine import Cores
from benchmarks.measurement import Measurement, Pace, Trial, line, measure, rotated, warm
from benchmarks.population import Population
from benchmarks.postgresql import PostgresqlServer
from benchmarks.workloads import Subject, Workload
from gql_api.rosters.progress import ProgressReport

CONCURRENCY: Final = 8

LATE_PAGE: Final = 10_000
"""Which page the late one is; the last one, in a school that has not so many."""

_STRIDE: Final = 500

_LISTS: Final = {Workload.ROSTER: "students", Workload.DEEP: "courses"}


async def measure_scale(
    sizes: Sequence[int],
    server: PostgresqlServer | Path,
    cores: Cores,
    *,
    workloads: Sequence[Workload],
    pace: Pace,
    progress: ProgressReport,
    tell: Callable[[str], None],
) -> list[Measurement]:
    """Measure this project's server over databases of all sizes, in turn, and on first pages the hand-written one.

    What a larger school costs the hand-written endpoints as well is the database's, or the machine's.

    Args:
        sizes: numbers of students.
        server: where the databases are made.
        cores: who runs where.
        workloads: of which W1 to W4 are measured.
        pace: how long and how often.
        progress: is told about the filling.
        tell: is told about each measurement.
    """
    found: list[Measurement] = []
    async with AsyncExitStack() as stack:
        servers: list[Server] = []
        for size in sizes:
            database = await stack.enter_async_context(filled_database(Population(size), server, progress))
            servers += [
                await stack.enter_async_context(serving(contender, database, cores))
                for contender in (Contender.GQL_API, Contender.HAND_WRITTEN)
            ]
        lines = [
            (
                title,
                [
                    await _exchanges(one, workload, is_late=is_late)
                    for one in servers
                    if _takes_part(one, is_late=is_late)
                ],
            )
            for workload in workloads
            if workload is not Workload.FLAT
            for title, is_late in [(f"{workload}", False), (f"{workload}, late page", True)]
            if workload in _LISTS or not is_late
        ]
        for round_ in range(pace.rounds):
            for title, of_each in lines:
                for exchanges in rotated(of_each, round_):
                    await warm(exchanges, pace.warming_seconds)
                    database = exchanges.server.database
                    series = f"scale {database.dialect} {title}: {database.population.students}"
                    trial = Trial(series, CONCURRENCY, round_, pace.seconds)
                    found.append(await measure(exchanges, trial))
                tell(f"scale {title}, round {round_ + 1}/{pace.rounds}, {line(found[-len(of_each) :])}")
    return found


def _takes_part(server: Server, *, is_late: bool) -> bool:
    """Whether a server is measured: the hand-written one has no later pages."""
    return server.contender is Contender.GQL_API or not is_late


async def _exchanges(server: Server, workload: Workload, *, is_late: bool) -> Exchanges:
    return await verified_exchanges(server, workload, page=await _late_page(server, workload) if is_late else None)


async def _late_page(server: Server, workload: Workload) -> Subject:
    """Where the late page begins: the cursor is got as any client gets it, by walking there."""
    population = server.database.population
    rows = population.students if workload is Workload.ROSTER else population.courses
    pages = min(LATE_PAGE, rows // workload.page_size)
    after_id, cursor = (pages - 1) * workload.page_size, None
    document = (
        f"query ($n: Int, $after: String) {{ page: {_LISTS[workload]}(first: $n, after: $after) "
        "{ pageInfo { endCursor } } }"
    )
    for place in range(0, after_id, _STRIDE):
        variables = {"n": min(_STRIDE, after_id - place), "after": cursor}
        body = await ask(server.port, server.request_of("/graphql", {"query": document, "variables": variables}))
        cursor = orjson.loads(body)["data"]["page"]["pageInfo"]["endCursor"]
    return Subject(after_id=after_id, after_cursor=cursor)
