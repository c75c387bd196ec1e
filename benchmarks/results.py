"""Everything that a run of the benchmark has found, from which the page and the plot are made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from benchmarks.measurement import Measurement, Pace
from benchmarks.memory import Memory
from benchmarks.statements import Statements
from benchmarks.summary import Summary
from benchmarks.workloads import Workload
from gql_api.database.address import Dialect


@dataclass(slots=True)
class Results:
    """What was measured, and how.

    Attributes:
        conditions: facts about the machine and the programs, as sentences.
        databases: the products and versions.
        statements: of each server, by workload, on PostgreSQL.
        memory: of each server, by database.
        sizes: the numbers of students of the scale series.
    """

    workloads: Sequence[Workload]
    concurrencies: Sequence[int]
    sizes: Sequence[int]
    pace: Pace
    conditions: list[str]
    databases: dict[Dialect, str] = field(default_factory=dict)
    measurements: list[Measurement] = field(default_factory=list)
    statements: dict[str, dict[str, Statements]] = field(default_factory=dict)
    memory: dict[Dialect, dict[str, Memory]] = field(default_factory=dict)

    @property
    def summary(self) -> Summary:
        """The measurements, to be asked for medians."""
        return Summary(self.measurements)

    def save(self, file: Path) -> None:
        """Write it all as JSON."""
        file.write_bytes(orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_NON_STR_KEYS))
