"""One measurement, and rounds of them: the servers take turns, so that what drifts drifts for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from benchmarks.contenders import Contender, Server, serving
from benchmarks.databases import Database
from benchmarks.exchanges import Exchanges, require_equal_bytes, verified_exchanges
from benchmarks.load import run_load
from benchmarks.machine import DISTURBED_CORES, Cores, busy_seconds, cpu_seconds, use_by_others
from benchmarks.workloads import Workload

WARMING_CONCURRENCY: Final = 8

QUIET_SECONDS_MAX: Final = 2.0
"""How long to wait, before a measurement, for other programs to let go of the cores."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """What one server did with one workload in one round; processor times are per request.

    Attributes:
        series: what is compared: the database and the workload, and the size or page in the scale series.
        other_cores: cores that were used by programs which take no part.
    """

    series: str
    contender: str
    concurrency: int
    round: int
    requests_per_second: float
    p50_milliseconds: float
    p99_milliseconds: float
    cpu_milliseconds: float
    postgresql_cpu_milliseconds: float
    other_cores: float

    @property
    def is_quiet(self) -> bool:
        """Whether no other program had much of the machine."""
        return self.other_cores <= DISTURBED_CORES

    @property
    def total_cpu_milliseconds(self) -> float:
        """Of the server and PostgreSQL together."""
        return self.cpu_milliseconds + self.postgresql_cpu_milliseconds


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often.

    Attributes:
        seconds: of a measurement; longer where a server needs it for a few answers per connection.
        warming_seconds: of load that is not measured, before a server's first measurement of a workload in a round.
        rounds: how often all of it is done.
    """

    seconds: float
    warming_seconds: float
    rounds: int


class Trial(NamedTuple):
    """What is to be measured, whichever the server; see `Measurement`."""

    series: str
    concurrency: int
    round: int
    seconds: float


async def measure(exchanges: Exchanges, trial: Trial) -> Measurement:
    """Measure once; the database is as before afterwards.

    Raises:
        WrongAnswer: an answer differs from the verified one.
    """
    server, postmaster = exchanges.server, exchanges.server.database.postmaster
    known = (server.pid,) if postmaster is None else (server.pid, postmaster)
    await _wait_until_quiet(known)
    before = [cpu_seconds(pid) for pid in known]
    with use_by_others(known) as other_cores:
        run = await run_load(server.port, iter(exchanges), concurrency=trial.concurrency, seconds=trial.seconds)
    cpu, *postgresql_cpu = (cpu_seconds(pid) - earlier for pid, earlier in zip(known, before, strict=True))
    await exchanges.clean_up()
    return Measurement(
        series=trial.series,
        contender=server.contender,
        concurrency=trial.concurrency,
        round=trial.round,
        requests_per_second=run.requests / run.seconds,
        p50_milliseconds=run.percentile_milliseconds(50),
        p99_milliseconds=run.percentile_milliseconds(99),
        cpu_milliseconds=cpu / run.requests * 1000,
        postgresql_cpu_milliseconds=sum(postgresql_cpu) / run.requests * 1000,
        other_cores=other_cores[0],
    )


async def warm(exchanges: Exchanges, seconds: float) -> None:
    """Load a server without measuring it."""
    await run_load(exchanges.server.port, iter(exchanges), concurrency=WARMING_CONCURRENCY, seconds=seconds)
    await exchanges.clean_up()


async def compare(
    database: Database,
    cores: Cores,
    *,
    workloads: Sequence[Workload],
    concurrencies: Sequence[int],
    pace: Pace,
    tell: Callable[[str], None],
) -> list[Measurement]:
    """Start all servers over one database, verify their answers, and measure them in turn."""
    found: list[Measurement] = []
    async with AsyncExitStack() as stack:
        servers = [await stack.enter_async_context(serving(contender, database, cores)) for contender in Contender]
        all_exchanges = {workload: await _verified(servers, workload) for workload in workloads}
        tell(f"{database.dialect}: all servers give the right answers; the hand-written endpoints to the byte.")
        for round_ in range(pace.rounds):
            for workload in workloads:
                in_turn = rotated(list(all_exchanges[workload].values()), round_)
                for exchanges in in_turn:
                    await warm(exchanges, pace.warming_seconds)
                for concurrency in concurrencies:
                    trial = Trial(f"{database.dialect} {workload}", concurrency, round_, pace.seconds)
                    found += [await measure(exchanges, trial) for exchanges in in_turn]
                    figures = line(found[-len(servers) :])
                    tell(f"{database.dialect} {workload}, round {round_ + 1}/{pace.rounds}, {figures}")
    return found


def rotated(things: list[Any], by: int) -> list[Any]:
    """The same, beginning elsewhere: in each round another one comes first."""
    place = by % len(things)
    return things[place:] + things[:place]


def line(measurements: Iterable[Measurement]) -> str:
    """Say in one line what was measured, for whoever watches."""
    ordered = sorted(measurements, key=lambda found: (found.contender, found.series))
    figures = (f"{found.contender} {found.requests_per_second:.0f}{'' if found.is_quiet else '~'}" for found in ordered)
    return f"concurrency {ordered[0].concurrency}: requests/s {', '.join(figures)}"


async def _verified(servers: Sequence[Server], workload: Workload) -> dict[Contender, Exchanges]:
    of_each = {server.contender: await verified_exchanges(server, workload) for server in servers}
    require_equal_bytes(of_each)
    return of_each


async def _wait_until_quiet(known: tuple[int, ...]) -> None:
    """Wait for other programs, and for the work that a server does after its last answer."""
    deadline = time.monotonic() + QUIET_SECONDS_MAX
    while time.monotonic() < deadline:
        busy, ours, at = busy_seconds(), sum(map(cpu_seconds, known)), time.monotonic()
        await asyncio.sleep(0.2)
        elapsed = time.monotonic() - at
        idle = sum(map(cpu_seconds, known)) - ours < 0.1 * elapsed
        if idle and busy_seconds() - busy < DISTURBED_CORES * elapsed:
            return
