"""Where the walk over the schema does not go: changes, events as they happen, the REST endpoints, what is for all."""

import asyncio
from collections.abc import Mapping
from itertools import product
from typing import Any, Final

import pytest

from gql_api.identity import Principal, Role
from tests.integration.questions import (
    COURSE_IDS,
    MUTATIONS,
    PATHS,
    STUDENT_IDS,
    UNLIMITED,
    Question,
    events_after,
    question,
    rest_paths,
)
from tests.integration.rest_application import problem, rest_client
from tests.integration.watched_school import ADA, BOB, CASES, EVERYTHING, NURSING, Case
from tests.schema.api import Api

READING_ONLY: Final = [who for who, case in CASES.items() if not case.changes]
ANONYMOUS: Final = [who for who, case in CASES.items() if case.principal.role is Role.ANONYMOUS]
STAFF: Final = Principal(Role.STAFF, "sam")

ROSTER: Final = "{ student { name } course { title students { totalCount nodes { name } } } }"


@pytest.fixture
async def whole(database_url: str) -> str:
    """The URL of a database of this test's own that holds the whole school."""
    async with Api(database_url) as api:
        await api.store(EVERYTHING)
    return database_url


def as_one(url: str, case: Case) -> Api:
    return Api(url, principal=case.principal, rights=case.table, limits=UNLIMITED)


def refusal(case: Case, message: str) -> list[dict[str, Any]]:
    code = "UNAUTHENTICATED" if case.principal.role is Role.ANONYMOUS else "FORBIDDEN"
    return [{"message": message, "extensions": {"code": code}}]


async def everything_in(url: str) -> list[dict[str, Any]]:
    lists = [question(f"Query.{name}") for name in ("students", "courses")]
    async with Api(url, limits=UNLIMITED) as api:
        return [await api.execute(one.document) for one in lists]


def change(name: str) -> Question:
    return question(f"Mutation.{name}", f"input: {name[0].upper()}{name[1:]}Input!", MUTATIONS[name])


@pytest.mark.parametrize("who", READING_ONLY)
async def test_who_may_not_change_anything_is_told_so_and_changes_nothing(schools: Mapping[str, str], who: str) -> None:
    case, whole = CASES[who], schools["registrar"]
    before = await everything_in(whole)
    message = f"The role `{case.principal.role}` may not change anything; `registrar` may."
    async with as_one(whole, case) as api:
        for one in map(change, MUTATIONS):
            assert await api.execute(one.document, **one.variables) == {"errors": refusal(case, message)}
    assert await everything_in(whole) == before


async def test_registrars_change_everything(whole: str) -> None:
    assert {f"Mutation.{name}" for name in MUTATIONS} == {root for root in PATHS if root.startswith("Mutation.")}
    async with as_one(whole, CASES["registrar"]) as api:
        for name in MUTATIONS:
            one = change(name)
            data = await api.data(one.document, **one.variables)
            assert data[name]["__typename"] == f"{name[0].upper()}{name[1:]}Success"


@pytest.mark.parametrize("who", ANONYMOUS)
async def test_who_sees_no_student_hears_of_none(schools: Mapping[str, str], who: str) -> None:
    one = events_after(EVERYTHING.events[0]["id"])
    async with as_one(schools["registrar"], CASES[who]) as api:
        [answer] = await api.hear(one.document, events=1, **one.variables)
    message = "The role `anonymous` may not listen to assignments; `student` or `staff` or `registrar` may."
    assert answer == {"errors": refusal(CASES[who], message)}


async def test_a_student_hears_of_his_own_assignments_alone(whole: str) -> None:
    arguments = "studentId: $student, courseId: $course"
    document = f"subscription ($student: ID, $course: ID) {{ courseAssignments({arguments}) {ROSTER} }}"
    async with as_one(whole, CASES["student"]) as ada, Api(whole) as registrar:
        anyone = asyncio.create_task(ada.hear(document, events=1))
        of_nursing = asyncio.create_task(ada.hear(document, events=1, course=COURSE_IDS[2]))
        of_bob = asyncio.create_task(ada.hear(document, events=1, student=STUDENT_IDS[1]))
        await ada.listening(3)
        await assign(registrar, STUDENT_IDS[1], COURSE_IDS[3])
        await assign(registrar, STUDENT_IDS[2], COURSE_IDS[2])
        await assign(registrar, STUDENT_IDS[0], COURSE_IDS[2])
        course = {"title": "Nursing", "students": {"totalCount": 1, "nodes": [{"name": "Ada Nightingale"}]}}
        told = [{"data": {"courseAssignments": {"student": {"name": "Ada Nightingale"}, "course": course}}}]
        assert await anyone == told
        assert await of_nursing == told
        assert not of_bob.done()
        of_bob.cancel()
        await asyncio.wait([of_bob])


async def test_an_answer_that_is_shared_is_shared_among_equals_alone(whole: str) -> None:
    document = f"subscription {{ courseAssignments {ROSTER} }}"
    ada = CASES["student"].principal
    async with Api(whole) as api:
        hearing = [asyncio.create_task(api.hear(document, events=1, principal=who)) for who in (STAFF, ada, STAFF)]
        await api.listening(3)
        await assign(api, STUDENT_IDS[0], COURSE_IDS[2])
        answers = [(await task)[0]["data"]["courseAssignments"]["course"]["students"] for task in hearing]
    own = {"totalCount": 1, "nodes": [{"name": "Ada Nightingale"}]}
    all_ = {"totalCount": 2, "nodes": [{"name": "Ada Nightingale"}, {"name": "Bob Quokka"}]}
    assert answers == [all_, own, all_]


async def assign(api: Api, student_id: str, course_id: str) -> None:
    assign = "assignCourse(input: $input) { ... on AssignCourseSuccess { assignedAt } }"
    input_ = {"studentId": student_id, "courseId": course_id}
    await api.data(f"mutation ($input: AssignCourseInput!) {{ {assign} }}", input=input_)


@pytest.mark.parametrize("who", CASES)
async def test_all_seats_are_counted_for_whoever_sees_courses(schools: Mapping[str, str], who: str) -> None:
    async with as_one(schools["registrar"], CASES[who]) as api:
        data = await api.data("{ courses { nodes { title seatsTaken } } }")
    taken = [("Logic", 3), ("Music", 2), ("Nursing", 1), ("Opera", 0)]
    seen = taken if CASES[who].seen.courses else []
    assert data == {"courses": {"nodes": [{"title": title, "seatsTaken": seats} for title, seats in seen]}}


@pytest.mark.parametrize("who", CASES)
async def test_the_rest_endpoints_show_no_more(schools: Mapping[str, str], who: str) -> None:
    case = CASES[who]
    async with (
        rest_client(schools["registrar"], principal=case.principal, rights=case.table) as client,
        rest_client(schools[who]) as alone,
    ):
        for path in rest_paths():
            answer, expected = await client.get(path), await alone.get(path)
            assert (answer.status_code, answer.content) == (expected.status_code, expected.content), path
            assert not [hidden for hidden in case.hidden if hidden in answer.text]


@pytest.mark.parametrize("who", READING_ONLY)
async def test_the_rest_endpoint_refuses_changes_before_it_looks_at_them(schools: Mapping[str, str], who: str) -> None:
    case, whole = CASES[who], schools["registrar"]
    before = await everything_in(whole)
    status, code = (401, "UNAUTHENTICATED") if case.principal.role is Role.ANONYMOUS else (403, "FORBIDDEN")
    message = f"The role `{case.principal.role}` may not change anything; `registrar` may."
    async with rest_client(whole, principal=case.principal, rights=case.table) as client:
        for student_id, body in product((ADA, BOB, 7), ({"courseId": NURSING}, {"courseId": 7}, "nonsense")):
            answer = await client.post(f"/students/{student_id}/courses", json=body)
            assert answer.status_code == status
            assert answer.json() == problem(status, code, code.capitalize(), message)
    assert await everything_in(whole) == before
