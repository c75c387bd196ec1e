"""Filters: what each comparison lets through, on both databases alike."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any

import pytest
from sqlalchemy.dialects.postgresql import asyncpg as postgresql
from sqlalchemy.dialects.sqlite import aiosqlite as sqlite
from sqlalchemy.ext.asyncio import AsyncEngine

from gql_api.database.compiled import StatementCache
from gql_api.database.conditions import AllOf, AnyOf, Comparison, Condition, Not, Operator, split
from gql_api.database.lists import ListRequest, read_page
from gql_api.database.readers import create_reader
from gql_api.database.statements import Listing, count
from gql_api.database.visibility import EVERYTHING, VisibleReader
from gql_api.pagination import KeyKind, Ordering, OrderKey, PageRequest
from tests.database.school import TEXTS, School

BY_ID = Ordering("x", (OrderKey("id", KeyKind.INTEGER),))
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture
async def reader(database_url: str) -> AsyncIterator[VisibleReader]:
    reader = create_reader(
        database_url, pool_size=1, sqlite_reader_threads=1, sqlite_inline_seconds=0.01, busy_timeout_seconds=5
    )
    yield VisibleReader(reader, EVERYTHING)
    await reader.close()


async def named(engine: AsyncEngine, *names: str) -> None:
    """A school whose students have these names, and an e-mail address each second."""
    rows = [
        {
            "id": i,
            "name": name,
            "email": None if i % 2 else f"{i}@example.org",
            "sourced_id": None,
            "created_at": NOON + timedelta(microseconds=i),
        }
        for i, name in enumerate(names)
    ]
    await School(tuple(rows), (), ()).store(engine)


async def found(reader: VisibleReader, condition: Condition) -> list[str]:
    request = ListRequest(Listing.STUDENTS, BY_ID, PageRequest(500), condition, ("name",))
    return [row.name for row in (await read_page(reader, request)).nodes]


def name(operator: Operator, value: Any) -> Comparison:
    return Comparison("name", operator, value)


EQ, IN, CONTAINS, STARTS_WITH = Operator.EQ, Operator.IN, Operator.CONTAINS, Operator.STARTS_WITH


async def test_texts_equal_themselves_alone(engine: AsyncEngine, reader: VisibleReader) -> None:
    await named(engine, *TEXTS)
    for text in TEXTS:
        same = [other for other in TEXTS if other == text]
        assert await found(reader, name(EQ, text)) == same
        assert await found(reader, name(IN, (text, "nobody"))) == same


@pytest.mark.parametrize(
    ("operator", "pattern", "expected"),
    [
        (CONTAINS, "%", ["100%", "a%b", "\\%"]),
        (CONTAINS, "_", ["a_b"]),
        (CONTAINS, "\\", ["a\\b", "\\%"]),
        (CONTAINS, "\\%", ["\\%"]),
        (CONTAINS, "a_b", ["a_b"]),
        (CONTAINS, "a%b", ["a%b"]),
        (CONTAINS, "%%", []),
        (CONTAINS, "", ["100%", "100", "a_b", "aXb", "a%b", "a\\b", "\\%", "'; DROP TABLE students; --"]),
        (CONTAINS, "'; DROP", ["'; DROP TABLE students; --"]),
        (CONTAINS, "XB", ["aXb"]),
        (STARTS_WITH, "100%", ["100%"]),
        (STARTS_WITH, "100", ["100%", "100"]),
        (STARTS_WITH, "%", []),
        (STARTS_WITH, "_", []),
        (STARTS_WITH, "\\", ["\\%"]),
        (STARTS_WITH, "A_", ["a_b"]),
        (STARTS_WITH, "", ["100%", "100", "a_b", "aXb", "a%b", "a\\b", "\\%", "'; DROP TABLE students; --"]),
        (EQ, "%", []),
        (EQ, "a_b", ["a_b"]),
        (EQ, "100\\%", []),
    ],
)
async def test_nothing_in_a_text_is_a_wildcard(
    engine: AsyncEngine, reader: VisibleReader, operator: Operator, pattern: str, expected: list[str]
) -> None:
    await named(engine, "100%", "100", "a_b", "aXb", "a%b", "a\\b", "\\%", "'; DROP TABLE students; --")
    assert await found(reader, name(operator, pattern)) == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("ÉLAN", ["Élan", "élan"]),
        ("élan", ["Élan", "élan"]),
        ("elan", []),
        ("SSA", []),
        ("ẞ", ["ßa"]),
        ("жАННА", ["Жанна"]),
        ("σίσυφοσ", ["ΣΊΣΥΦΟΣ"]),
        ("Σίσυφοσ", ["ΣΊΣΥΦΟΣ"]),
        ("i", ["İ", "I"]),
        ("İ", ["İ", "I"]),
        ("\u0131", ["\u0131"]),
        ("ǆ", ["ǅ"]),
        ("Ǆ", ["ǅ"]),
        ("KELVIN", ["\u212aelvin"]),
        ("𐐨", ["𐐀"]),
        ("中", ["中村"]),
        ("e\u0301", ["e\u0301"]),
        ("\u00e9", ["Élan", "élan"]),
    ],
)
async def test_contains_and_starts_with_ignore_case_in_every_alphabet(
    engine: AsyncEngine, reader: VisibleReader, pattern: str, expected: list[str]
) -> None:
    names = (
        "Élan",
        "élan",
        "ßa",
        "Жанна",
        "ΣΊΣΥΦΟΣ",
        "İ",
        "I",
        "\u0131",
        "ǅ",
        "\u212aelvin",
        "𐐀",
        "中村",
        "e\u0301",
    )
    await named(engine, *names)
    assert await found(reader, name(STARTS_WITH, pattern)) == expected
    assert await found(reader, name(CONTAINS, pattern)) == [
        *expected,
        *(["\u212aelvin"] if pattern in {"i", "İ"} else []),
    ]


async def test_a_missing_value_equals_nothing_but_null(engine: AsyncEngine, reader: VisibleReader) -> None:
    await named(engine, "with", "without")
    assert await found(reader, Comparison("email", EQ, None)) == ["without"]
    for comparison in (
        Comparison("email", EQ, "x"),
        Comparison("email", IN, ("x",)),
        Comparison("email", CONTAINS, "x"),
    ):
        assert await found(reader, comparison) == ["with"] * (comparison.operator is CONTAINS)
        assert await found(reader, Not(comparison)) == ["with", "without"][comparison.operator is CONTAINS :]
    assert await found(reader, Not(Comparison("email", EQ, None))) == ["with"]
    assert await found(reader, Not(Not(Comparison("email", IN, ("0@example.org",))))) == ["with"]


async def test_of_no_conditions_all_hold_and_none_does(engine: AsyncEngine, reader: VisibleReader) -> None:
    await named(engine, "Ada")
    for condition, expected in (
        (AllOf(()), ["Ada"]),
        (AnyOf(()), []),
        (Not(AllOf(())), []),
        (Not(AnyOf(())), ["Ada"]),
        (name(IN, ()), []),
        (Not(name(IN, ())), ["Ada"]),
        (Comparison("created_at", IN, ()), []),
        (AllOf((AnyOf(()), AllOf(()))), []),
    ):
        assert await found(reader, condition) == expected, condition


async def test_moments_are_compared_whatever_their_zone(engine: AsyncEngine, reader: VisibleReader) -> None:
    await named(engine, "first", "second", "third")
    second = (NOON + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=5, minutes=45)))
    for operator, value, expected in (
        (Operator.EQ, second, ["second"]),
        (Operator.IN, (second, NOON), ["first", "second"]),
        (Operator.GT, second, ["third"]),
        (Operator.GTE, second, ["second", "third"]),
        (Operator.LT, second, ["first"]),
        (Operator.LTE, second, ["first", "second"]),
        (Operator.GT, datetime(1, 1, 1, tzinfo=UTC), ["first", "second", "third"]),
        (Operator.LT, datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), ["first", "second", "third"]),
        (Operator.EQ, None, []),
    ):
        assert await found(reader, Comparison("created_at", operator, value)) == expected, operator


def test_filters_of_one_form_share_their_shape() -> None:
    one = AllOf((name(EQ, "Ada"), Not(name(IN, ("Bo", "Cy"))), name(CONTAINS, "50%_\\")))
    other = AllOf((name(EQ, "Di"), Not(name(IN, ())), name(CONTAINS, "x")))
    (shape, values), (other_shape, other_values) = split(one), split(other)
    assert shape == other_shape
    assert hash(shape) == hash(other_shape)
    assert values == {"filter_0": "Ada", "filter_1": ("Bo", "Cy"), "filter_2": "%50\\%\\_\\\\%"}
    assert other_values == {"filter_0": "Di", "filter_1": (), "filter_2": "%x%"}
    assert split(None) == (None, {})


def test_null_is_another_shape() -> None:
    assert split(name(EQ, None)) == (name(EQ, None), {})
    assert split(name(EQ, None))[0] != split(name(EQ, "x"))[0]


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])  # type: ignore[no-untyped-call]
def test_conditions_of_the_same_parts_are_statements_of_their_own(dialect: Any) -> None:
    parts = (name(EQ, "filter_0"), name(EQ, "filter_1"))
    shapes: list[Condition] = [
        AllOf(parts),
        AnyOf(parts),
        AllOf(parts[::-1]),
        Not(AllOf(parts)),
        AnyOf((AllOf(parts),)),
    ]
    statements = StatementCache(dialect)
    compiled = partial(statements.get, count, EVERYTHING.sight, Listing.STUDENTS)
    assert len({compiled(shape).sql for shape in shapes}) == 3
    assert "OR" in compiled(AnyOf(parts)).sql
    assert compiled(shapes[0]) is compiled(AllOf(parts))
