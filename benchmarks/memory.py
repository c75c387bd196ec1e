"""The memory that a worker takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from benchmarks.contenders import Contender, serving
from benchmarks.databases import Database
from benchmarks.exchanges import verified_exchanges
from benchmarks.load import run_load
from benchmarks.machine import Cores, memory_peak_mebibytes
from benchmarks.workloads import Workload

WORKLOAD: Final = Workload.DEEP
CONCURRENCY: Final = 32


@dataclass(frozen=True, slots=True)
class Memory:
    """Resident memory of a server, in MiB: when it has answered once, and at most, since it was started."""

    at_rest_mebibytes: float
    peak_mebibytes: float


async def measure_memory(database: Database, cores: Cores, *, seconds: float) -> dict[str, Memory]:
    """Load a fresh process of each server with the deepest workload, at the highest concurrency."""
    found: dict[str, Memory] = {}
    for contender in Contender:
        async with serving(contender, database, cores) as server:
            exchanges = await verified_exchanges(server, WORKLOAD)
            at_rest = memory_peak_mebibytes(server.pid)
            await run_load(server.port, iter(exchanges), concurrency=CONCURRENCY, seconds=seconds)
            found[contender] = Memory(at_rest, memory_peak_mebibytes(server.pid))
    return found
