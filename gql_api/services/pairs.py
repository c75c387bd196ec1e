"""Many pairs of student and course as the source of one statement, whose text is the same for any number of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, FromClause, Integer, String, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import ARRAY

from gql_api.database.conditions import json_list


class Pair(NamedTuple):
    """A student and a course, by their keys."""

    student_id: int
    course_id: int


def pairs_table(dialect_name: str) -> FromClause:
    """A table `pairs` of the pairs that `pair_parameters` binds: from arrays, or from JSON on SQLite."""
    if dialect_name == "postgresql":
        arrays = (bindparam(name, type_=ARRAY(BigInteger)) for name in Pair._fields)
        columns = (column(name, BigInteger) for name in Pair._fields)
        return func.unnest(*arrays).table_valued(*columns, name="pairs").render_derived()
    value = func.json_each(bindparam("pairs", type_=String())).table_valued("value", name="pair").c.value
    ids = (cast(func.json_extract(value, f"$[{i}]"), Integer).label(name) for i, name in enumerate(Pair._fields))
    return select(*ids).subquery("pairs")


def pair_parameters(dialect_name: str, pairs: Sequence[tuple[int | None, int | None]]) -> dict[str, Any]:
    """What a statement over `pairs_table` is run with; None is NULL."""
    if dialect_name == "postgresql":
        return {name: [pair[i] for pair in pairs] for i, name in enumerate(Pair._fields)}
    return {"pairs": json_list([tuple(pair) for pair in pairs])}
