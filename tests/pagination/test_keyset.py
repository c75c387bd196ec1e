"""The condition by which a place is sought: right for every place, and of a form that an index answers."""

from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, create_engine, select
from sqlalchemy.dialects import sqlite

from gql_api.pagination import KeyKind, Ordering, OrderKey, Part, order_by, seek

TABLE = Table("things", MetaData(), Column("a", Integer), Column("b", String), Column("id", Integer, primary_key=True))
COLUMNS: dict[str, Any] = dict(TABLE.c)
ID = OrderKey("id", KeyKind.INTEGER)
A = OrderKey("a", KeyKind.INTEGER)
B = OrderKey("b", KeyKind.TEXT)
MAYBE_A = A._replace(nullable=True)
DOWN = {key: key._replace(descending=True) for key in (A, B, ID, MAYBE_A)}


def sql(expression: Any) -> str:
    return str(expression.compile(dialect=sqlite.dialect()))


@pytest.mark.parametrize(
    ("keys", "nulls", "options", "condition"),
    [
        ([ID], [False], {}, "things.id > ?"),
        ([ID], [False], {"backward": True}, "things.id < ?"),
        ([ID], [False], {"inclusive": True}, "things.id >= ?"),
        ([A, B, ID], [False] * 3, {}, "(things.a, things.b, things.id) > (?, ?, ?)"),
        ([DOWN[A], DOWN[ID]], [False] * 2, {}, "(things.a, things.id) < (?, ?)"),
        ([DOWN[A], DOWN[ID]], [False] * 2, {"backward": True, "inclusive": True}, "(things.a, things.id) >= (?, ?)"),
        ([DOWN[A], ID], [False] * 2, {}, "things.a <= ? AND (things.a < ? OR things.id > ?)"),
        (
            [DOWN[A], B, ID],
            [False] * 3,
            {},
            "things.a <= ? AND (things.a < ? OR (things.b, things.id) > (?, ?))",
        ),
        (
            [MAYBE_A, ID],
            [False] * 2,
            {},
            "things.a >= ? AND (things.a > ? OR things.id > ?) OR things.a IS NULL",
        ),
        ([MAYBE_A, ID], [False] * 2, {"backward": True}, "things.a <= ? AND (things.a < ? OR things.id < ?)"),
        ([MAYBE_A, ID], [True, False], {}, "things.a IS NULL AND things.id > ?"),
        (
            [MAYBE_A, ID],
            [True, False],
            {"backward": True},
            "things.a IS NOT NULL OR things.a IS NULL AND things.id < ?",
        ),
        ([A, B, ID], [False] * 3, {"part": Part.EQUAL}, "things.a = ? AND (things.b, things.id) > (?, ?)"),
        ([DOWN[A], ID], [False] * 2, {"part": Part.BEYOND}, "things.a < ?"),
        ([A, ID], [False] * 2, {"part": Part.EQUAL, "backward": True}, "things.a = ? AND things.id < ?"),
        ([MAYBE_A, ID], [False] * 2, {"part": Part.WITH_VALUE}, "things.a >= ? AND (things.a > ? OR things.id > ?)"),
        ([MAYBE_A, ID], [False] * 2, {"part": Part.WITHOUT_VALUE}, "1"),
        ([MAYBE_A, ID], [True, False], {"part": Part.WITH_VALUE}, "0"),
        ([MAYBE_A, ID], [True, False], {"part": Part.WITHOUT_VALUE}, "things.id > ?"),
        ([DOWN[MAYBE_A], ID], [False] * 2, {"part": Part.WITHOUT_VALUE}, "0"),
        ([DOWN[MAYBE_A], ID], [True, False], {"part": Part.WITH_VALUE}, "1"),
    ],
)
def test_the_first_key_is_bounded_by_itself(
    keys: list[OrderKey], nulls: list[bool], options: dict[str, Any], condition: str
) -> None:
    assert sql(seek(Ordering("x", tuple(keys)), COLUMNS, nulls, name="after", **options)) == condition


@pytest.mark.parametrize(
    ("keys", "options", "terms"),
    [
        ([A, ID], {}, "things.a ASC, things.id ASC"),
        ([A, ID], {"backward": True}, "things.a DESC, things.id DESC"),
        ([DOWN[A], ID], {"backward": True}, "things.a ASC, things.id DESC"),
        ([MAYBE_A, ID], {}, "things.a ASC NULLS LAST, things.id ASC"),
        ([MAYBE_A, ID], {"backward": True}, "things.a DESC NULLS FIRST, things.id DESC"),
        ([MAYBE_A, ID], {"part": Part.WITH_VALUE}, "things.a ASC, things.id ASC"),
        ([MAYBE_A, ID], {"part": Part.WITHOUT_VALUE, "backward": True}, "things.id DESC"),
        ([A, ID], {"part": Part.EQUAL}, "things.id ASC"),
        ([DOWN[A], ID], {"part": Part.BEYOND}, "things.a DESC, things.id ASC"),
    ],
)
def test_null_is_greater_than_every_value(keys: list[OrderKey], options: dict[str, Any], terms: str) -> None:
    assert ", ".join(map(sql, order_by(Ordering("x", tuple(keys)), COLUMNS, **options))) == terms


@pytest.mark.parametrize("inclusive", [False, True])
@pytest.mark.parametrize("backward", [False, True])
@pytest.mark.parametrize("first", [A, DOWN[A], MAYBE_A, DOWN[MAYBE_A]])
@pytest.mark.parametrize("second", [B, DOWN[B]])
@pytest.mark.parametrize("last", [ID, DOWN[ID]])
def test_what_is_sought_is_what_stands_behind_in_the_order(
    first: OrderKey, second: OrderKey, last: OrderKey, *, backward: bool, inclusive: bool
) -> None:
    numbers = [None, 1, 2] if first.nullable else [0, 1, 2]
    rows = [(a, b) for a in numbers for b in ("x", "y") for _ in range(2)]
    ordering = Ordering("x", (first, second, last))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        TABLE.metadata.create_all(connection)
        connection.execute(TABLE.insert(), [{"a": a, "b": b} for a, b in rows])
        ordered = select(TABLE).order_by(*order_by(ordering, COLUMNS, backward=backward))
        in_order = list(connection.execute(ordered))
        assert len(in_order) == 12
        for place, (a, b, key) in enumerate(in_order):
            condition = seek(
                ordering, COLUMNS, [a is None, False, False], name="p", backward=backward, inclusive=inclusive
            )
            found = connection.execute(ordered.where(condition), {"p_0": a, "p_1": b, "p_2": key})
            assert list(found) == in_order[place if inclusive else place + 1 :]
    engine.dispose()
