"""Where the time goes: this project's server, sampled under each workload."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson

from benchmarks.contenders import ROOT, Contender, Server, serving
from benchmarks.databases import Database
from benchmarks.exchanges import verified_exchanges
from benchmarks.load import run_load
from benchmarks.machine import Cores
from benchmarks.measurement import warm
from benchmarks.tables import table
from benchmarks.workloads import Workload

CONCURRENCY: Final = 8
FUNCTIONS_SHOWN: Final = 15

_WRITE_SECONDS_MAX: Final = 10.0

Samples = Counter[tuple[str, str]]


async def profile(database: Database, cores: Cores, workloads: Sequence[Workload], *, seconds: float) -> str:
    """Sample the server under each workload, and give the tables, as Markdown."""
    found: dict[Workload, Samples] = {}
    with tempfile.TemporaryDirectory(prefix="gql_api_profile_") as directory:
        file = Path(directory) / "samples.json"
        async with serving(
            Contender.GQL_API,
            database,
            cores,
            python_arguments=[str(ROOT / "benchmarks" / "sampler.py")],
            environment={"SAMPLES_FILE": str(file)},
        ) as server:
            for workload in workloads:
                exchanges = await verified_exchanges(server, workload)
                await warm(exchanges, seconds / 2)
                await _collect(server, file)
                await run_load(server.port, iter(exchanges), concurrency=CONCURRENCY, seconds=seconds)
                found[workload] = await _collect(server, file)
                await exchanges.clean_up()
    return "\n\n".join([_by_package(database, found), *(_by_function(*item) for item in found.items())])


async def _collect(server: Server, file: Path) -> Samples:
    """Have the samples written, and read them."""
    os.kill(server.pid, signal.SIGUSR1)
    async with asyncio.timeout(_WRITE_SECONDS_MAX):
        while (samples := await asyncio.to_thread(_read, file)) is None:
            # The server is idle, and uvloop asleep: only something to do makes Python look at its signals.
            _, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.close()
            await asyncio.sleep(0.02)
    return samples


def _read(file: Path) -> Samples | None:
    """The samples, if they are there; they are taken away then."""
    try:
        rows = orjson.loads(file.read_bytes())
    except FileNotFoundError:
        return None
    file.unlink()
    return Counter({(module, function): count for module, function, count in rows})


def _by_package(database: Database, found: dict[Workload, Samples]) -> str:
    shares = {workload: _shares(samples) for workload, samples in found.items()}
    packages = sorted(
        {package for of_each in shares.values() for package in of_each},
        key=lambda package: -sum(of_each.get(package, 0) for of_each in shares.values()),
    )
    rows = [[package, *(f"{of_each.get(package, 0):.0%}" for of_each in shares.values())] for package in packages]
    shown = [row for row in rows if any(cell not in ("0%", "1%") for cell in row[1:])]
    return f"### {database.dialect}: processor time by package\n\n" + table(["package", *found], shown)


def _by_function(workload: Workload, samples: Samples) -> str:
    total = samples.total()
    rows = [
        [f"`{module}`", f"`{function}`", f"{count / total:.1%}"]
        for (module, function), count in samples.most_common(FUNCTIONS_SHOWN)
    ]
    return f"### {workload}: {workload.meaning}\n\n" + table(["module", "function", "share"], rows, text_columns=2)


def _shares(samples: Samples) -> dict[str, float]:
    shares: dict[str, float] = defaultdict(float)
    for (module, _), count in samples.items():
        shares[_package(module)] += count / samples.total()
    return shares


def _package(module: str) -> str:
    if module.startswith("gql_api."):
        return ".".join(module.split(".")[:2])
    if module in ("asyncio.runners", "asyncio.base_events", "__main__", "uvicorn.server"):
        return "event loop (uvloop, and what it calls in C: asyncpg's and httptools' parsers)"
    return module.partition(".")[0]
