"""A join whose order is fixed, for SQLite, whose planner takes the order in which tables are named for a proposal."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Join
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler


class InnerLoop(Join):
    """For each row of `left`, the rows of `right` that fulfil the condition; never the other way round.

    SQLite's `CROSS JOIN` (https://www.sqlite.org/optoverview.html, section 7.2).
    """

    inherit_cache = True


@compiles(InnerLoop)
def _cross_join(join: InnerLoop, compiler: SQLCompiler, **options: Any) -> str:
    left, right = (compiler.process(side, **options | {"asfrom": True}) for side in (join.left, join.right))
    condition: Any = join.onclause
    return f"{left} CROSS JOIN {right} ON {compiler.process(condition, **options)}"
