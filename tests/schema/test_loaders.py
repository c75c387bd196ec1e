"""Look-ups by id: what is asked for before anybody waits is one statement."""

import asyncio
from collections.abc import Callable, Hashable, Mapping
from typing import Any

import pytest
from sqlalchemy import Select

from gql_api.database.compiled import Columns, Records
from gql_api.database.rows import CourseRow, StudentRow
from gql_api.database.statements import Entity
from gql_api.database.visibility import EVERYTHING
from gql_api.schema.loaders import Loaders, OperationReader

NAMES = {Entity.STUDENT: "Ada", Entity.COURSE: "ALG-1"}


class Shelf:
    """A reader of rows 1 to 9, which are all alike, that notes what it is asked."""

    def __init__(self, *, fails: BaseException | None = None) -> None:
        self.asked: list[tuple[Entity, tuple[str, ...], list[int]]] = []
        self._fails = fails

    async def fetch(self, _build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Records:
        _sight, entity, columns, parameter = shape
        assert isinstance(entity, Entity)
        assert isinstance(columns, tuple)
        keys = values["ids"] if parameter == "ids" else [values["id"]]
        self.asked.append((entity, columns, sorted(keys)))
        await asyncio.sleep(0)
        if self._fails is not None:
            raise self._fails
        found = [key for key in keys if key < 10]
        return [[key if name == "id" else NAMES[entity] for name in columns] for key in found]

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        raise NotImplementedError

    async def close(self) -> None: ...


def loaders_over(shelf: Shelf) -> Loaders:
    return Loaders(OperationReader(shelf, EVERYTHING))


async def test_rows_asked_for_before_the_first_is_awaited_are_one_statement() -> None:
    shelf = Shelf()
    loaders = loaders_over(shelf)
    lookups = [loaders.row(Entity.STUDENT, key, columns=("name",)) for key in (3, 1, 3, 77)]
    assert [await lookup for lookup in lookups] == [
        StudentRow(3, "Ada"),
        StudentRow(1, "Ada"),
        StudentRow(3, "Ada"),
        None,
    ]
    assert shelf.asked == [(Entity.STUDENT, ("id", "name"), [1, 3, 77])]


async def test_each_kind_of_row_is_a_statement_with_all_columns_that_are_asked_for() -> None:
    shelf = Shelf()
    loaders = loaders_over(shelf)
    student = loaders.row(Entity.STUDENT, 1, columns=())
    course = loaders.row(Entity.COURSE, 2, columns=("code",))
    other = loaders.row(Entity.STUDENT, 2, columns=("name",))
    assert tuple(await asyncio.gather(student, course, other)) == (
        StudentRow(1, "Ada"),
        CourseRow(2, "ALG-1"),
        StudentRow(2, "Ada"),
    )
    assert shelf.asked == [(Entity.STUDENT, ("id", "name"), [1, 2]), (Entity.COURSE, ("id", "code"), [2])]


async def test_what_is_asked_for_after_a_statement_was_sent_is_read_anew() -> None:
    shelf = Shelf()
    loaders = loaders_over(shelf)
    for _ in range(2):
        assert await loaders.row(Entity.STUDENT, 1, columns=()) == StudentRow(1)
    assert len(shelf.asked) == 2


async def test_an_error_is_everybodys() -> None:
    loaders = loaders_over(Shelf(fails=OSError("gone")))
    lookups = [loaders.row(Entity.STUDENT, key, columns=()) for key in (1, 2)]
    outcomes = await asyncio.gather(*lookups, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [OSError, OSError]


async def test_who_waits_for_a_statement_that_is_cancelled_is_cancelled() -> None:
    loaders = loaders_over(Shelf(fails=asyncio.CancelledError()))
    lookups = [loaders.row(Entity.STUDENT, key, columns=()) for key in (1, 2)]
    async with asyncio.timeout(5):
        for lookup in lookups:
            with pytest.raises(asyncio.CancelledError):
                await lookup
