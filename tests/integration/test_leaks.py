"""Nobody is shown more than the table of rights allows, whatever way they come by.

The schema is walked: every path to every leaf, as every kind of caller. What a caller is answered is held to the rule
of each field (`field_rules.py`), searched for whatever gives somebody else away, and compared with what a registrar is
answered by a school in which there is nothing but what the caller may see: so nothing can be learnt from counts,
places, errors or the absence of an answer either.
"""

import re
from base64 import urlsafe_b64decode
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Hashable, Iterator, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any, Final

import orjson
import pytest
from sqlalchemy import Select

from gql_api.database.compiled import Columns, Reader, Records
from gql_api.database.visibility import EVERYTHING as SEES_EVERYTHING
from gql_api.identity import RIGHTS, StudentsSeen
from tests.integration.field_rules import RULES
from tests.integration.questions import (
    LISTS,
    PATHS,
    UNLIMITED,
    List,
    Question,
    events_after,
    filtered,
    orderings,
    pages,
    walks,
)
from tests.integration.schema_walk import fields, values_at
from tests.integration.watched_school import CASES, EVERYTHING, Case
from tests.schema.api import Api

PATHS_MIN: Final = 2_300

FIRST_POSITION: Final = EVERYTHING.events[0]["id"]
"""Of an event of Ada's."""

LISTENING: Final = [
    who for who, case in CASES.items() if case.table[case.principal.role].students_seen is not StudentsSeen.NONE
]
SEARCHING: Final = {"anonymous before an open catalogue", "student", "student without assignments"}
"""Who asks by filters and cursors, too: some 550 questions to each of two schools."""

STATEMENTS: Final = (
    "rows_by_id",
    "page",
    "pages_by_parent",
    "count",
    "counts_by_parent",
    "any_before",
    "parents_with_any_before",
    "_at_position",
)
"""All that read for somebody, but for two: `seats_by_course` is the same for all who have a course to ask it of, and
what `_events_after` reads too much a subscriber's interest keeps back (`tests/events/test_visible_events.py`)."""


def asking(schools: Mapping[str, str], who: str, **options: Any) -> Api:
    """The API over the whole school, for somebody."""
    case = CASES[who]
    return Api(schools["registrar"], principal=case.principal, rights=case.table, limits=UNLIMITED, **options)


async def questions(schools: Mapping[str, str], who: str) -> AsyncIterator[Question]:
    """All that is asked: the walks, and lists by filters and cursors that only others could have."""
    for walk in walks():
        yield walk
    if who not in SEARCHING:
        return
    for one in filtered():
        yield one
    async with asking(schools, "registrar") as registrar:
        for list_ in LISTS:
            for ordering in orderings(list_):
                for one in pages(list_, ordering, await stolen_cursors(registrar, list_, ordering)):
                    yield one


async def stolen_cursors(registrar: Api, list_: List, ordering: list[dict[str, str]]) -> list[str]:
    """The first and the last place of a list as a whole."""
    one = list_.question("{ edges { cursor } }", orderBy=ordering)
    answer = await registrar.data(one.document, **one.variables)
    cursors = re.findall(r'"cursor":"([^"]+)"', orjson.dumps(answer).decode())
    assert len(cursors) > 0
    return [cursors[0], cursors[-1]]


async def leaks(schools: Mapping[str, str], who: str, **options: Any) -> AsyncGenerator[str, None]:
    """What somebody learns that is not for them."""
    case = CASES[who]
    async with asking(schools, who, **options) as api, Api(schools[who], limits=UNLIMITED) as alone:
        if who in LISTENING:
            one = events_after(FIRST_POSITION)
            number = max(1, len(case.seen.events) - 1)  # of none, the refusal
            told = await alone.hear(one.document, events=number, **one.variables)
            heard = await api.hear(one.document, events=number, **one.variables)
            if len(heard) < len(told):
                yield f"silence, where {told} would be heard"
            for answer, expected in zip(heard, told, strict=False):
                for leak in leaks_in(answer, expected, one, case):
                    yield leak
        async for one in questions(schools, who):
            answer = await api.execute(one.document, **one.variables)
            for leak in leaks_in(answer, await alone.execute(one.document, **one.variables), one, case):
                yield leak


def leaks_in(answer: dict[str, Any], expected: dict[str, Any], one: Question, case: Case) -> Iterator[str]:
    text = legible(answer)
    yield from (f"{hidden} in the answer to {one.document}" for hidden in case.hidden if hidden in text)
    for path in one.paths:
        allowed = RULES[path[-1]](case)
        for value in values_at(answer.get("data"), path):
            if not isinstance(value, dict | list) and value not in allowed:
                yield f"{value!r} at {' > '.join(path)}"
    if without_seats(answer) != without_seats(expected):
        yield f"{answer} instead of {expected} to {one.document}"


def legible(answer: dict[str, Any]) -> str:
    """All text of an answer, with what ids and cursors hold."""
    text = orjson.dumps(answer).decode()
    opaque = (part for part in re.findall(r'"([A-Za-z0-9_-]{8,})"', text) if len(part) % 4 != 1)
    return text + "".join(urlsafe_b64decode(part + "=" * (-len(part) % 4)).decode("latin-1") for part in opaque)


def without_seats(value: Any) -> Any:
    """The answer but for `seatsTaken`, which is as if all students were seen."""
    if isinstance(value, dict):
        return {name: without_seats(inner) for name, inner in value.items() if name != "seatsTaken"}
    return [without_seats(inner) for inner in value] if isinstance(value, list) else value


def test_every_field_of_every_object_type_has_a_rule() -> None:
    assert set(fields()) == set(RULES)


def test_every_role_is_asked_for() -> None:
    assert {case.principal.role for case in CASES.values()} == set(RIGHTS)


def test_the_walk_goes_thousands_of_paths(record_property: Callable[[str, object], None]) -> None:
    number = sum(map(len, PATHS.values()))
    record_property("paths", number)
    assert number >= PATHS_MIN


@pytest.mark.parametrize("who", CASES)
async def test_nobody_is_shown_more_than_there_is_for_them(schools: Mapping[str, str], who: str) -> None:
    assert [leak async for leak in leaks(schools, who)] == []


async def test_the_walk_finds_something_at_the_end_of_every_path(schools: Mapping[str, str]) -> None:
    async with asking(schools, "registrar") as api:
        answers = [(walk, await api.execute(walk.document, **walk.variables)) for walk in walks()]
        one = events_after(FIRST_POSITION)
        heard = await api.hear(one.document, events=len(EVERYTHING.events) - 1, **one.variables)
    answers += [(one, answer) for answer in heard]
    reached = {
        path
        for asked, answer in answers
        for path in asked.paths
        if any(value is not None for value in values_at(answer.get("data"), path))
    }
    roots = [root for root in PATHS if not root.startswith("Mutation.")]
    assert [path for root in roots for path in PATHS[root] if path not in reached] == []


class Forgetful:
    """A reader that forgets for whom it reads, in statements of one kind."""

    def __init__(self, reader: Reader, *, forgets: str) -> None:
        self._reader = reader
        self._forgets = forgets

    async def fetch(self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]) -> Records:
        if build.__name__ == self._forgets:
            shape = (SEES_EVERYTHING.sight, *shape[1:])
        return await self._reader.fetch(build, *shape, values=values)

    async def fetch_columns(
        self, build: Callable[..., Select[Any]], *shape: Hashable, values: Mapping[str, Any]
    ) -> Columns:
        if build.__name__ == self._forgets:
            shape = (SEES_EVERYTHING.sight, *shape[1:])
        return await self._reader.fetch_columns(build, *shape, values=values)

    async def close(self) -> None:
        await self._reader.close()


@pytest.mark.parametrize("forgotten", STATEMENTS)
async def test_the_walk_notices_a_statement_that_forgets(schools: Mapping[str, str], forgotten: str) -> None:
    through = partial(Forgetful, forgets=forgotten)
    who = "student" if forgotten != "_at_position" else "student without assignments"
    async with aclosing(leaks(schools, who, through=through)) as found:
        assert await anext(found, None) is not None
