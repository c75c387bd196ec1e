"""Ids: each row has one, and nothing else is one."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_api.database.statements import Entity
from gql_api.errors import BadUserInput
from gql_api.schema.global_id import KEY_MAX, decode_id, decode_key, encode_id, encode_ids
from tests.database.school import MOMENTS, School
from tests.schema.api import DIALECTS, Api, stored_once

keys = st.integers(1, KEY_MAX) | st.integers(1, 10**7) | st.sampled_from([1, 999, 1000, 999_999, 10**6, 2**31, KEY_MAX])
entities = st.sampled_from(Entity)


def raw(text: bytes) -> str:
    return urlsafe_b64encode(text).decode()


NOT_IDS = [
    "",
    "0",
    "1",
    "-1",
    "1.0",
    "1e3",
    str(2**63),
    str(2**63 - 1),
    "abc",
    "Student",
    "Student:1",
    " ",
    "\0",
    "\n",
    "é",
    "学生",
    "😀",
    "\ud800",
    "' OR 1=1 --",
    "x" * 1_000_000,
    "=",
    "====",
    "c3R1",  # stu
    raw(b"Student:1"),
    raw(b"stu000"),
    raw(b"stu-01"),
    raw(b"stu+01"),
    raw(b"stu 01"),
    raw(b"stu0x1"),
    raw(b"stu0_1"),
    raw(b"stu1.0"),
    raw("stu\u0660\u0660\u0661".encode()),
    raw(b"stu01"),
    raw(b"stu1"),
    raw(b"stu000001"),
    raw(b"STU001"),
    raw(b"xyz001"),
    raw(b"\xff\xff\xff001"),
    raw(b"stu009223372036854775808"),
    raw(b"stu018446744073709551617"),
    raw(b"stu999999999999999999999"),
    raw(b"stu000000000000000000000000001"),
]

ADA = encode_id(Entity.STUDENT, 1)
ALGEBRA = encode_id(Entity.COURSE, 1)


@given(entities, keys)
def test_an_id_names_its_row(entity: Entity, key: int) -> None:
    text = encode_id(entity, key)
    assert decode_id(text, argument="id") == (entity, key)
    assert decode_key(text, entity, argument="id") == key


@given(entities, st.lists(keys))
def test_many_ids_are_made_as_each_of_them(entity: Entity, several: list[int]) -> None:
    assert encode_ids(entity, several) == [encode_id(entity, key) for key in several]


@given(st.lists(st.tuples(entities, keys), min_size=2, unique=True))
def test_ids_are_unique_among_all_kinds(rows: list[tuple[Entity, int]]) -> None:
    assert len({encode_id(*row) for row in rows}) == len(rows)


@pytest.mark.parametrize("text", NOT_IDS)
def test_what_is_no_id_is_refused(text: str) -> None:
    with pytest.raises(BadUserInput) as refused:
        decode_id(text, argument="ids")
    assert refused.value.message == "`ids` is not an id of this API; pass the `id` of a Student or Course unchanged."


@given(st.text() | st.binary(max_size=24).map(raw) | st.from_regex(r"c3R1[A-Za-z0-9_=-]*", fullmatch=True))
def test_random_text_names_nothing_unless_it_is_the_very_id(text: str) -> None:
    try:
        entity, key = decode_id(text, argument="id")
    except BadUserInput:
        return
    assert encode_id(entity, key) == text


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text + "=",
        lambda text: text.rstrip("="),
        lambda text: text + "\n",
        lambda text: " " + text,
        lambda text: text[:4] + "!" + text[4:],
        lambda text: text[:-1],
        lambda text: text.swapcase(),
        lambda text: urlsafe_b64encode(urlsafe_b64decode(text) + b"0").decode(),
    ],
)
def test_another_spelling_of_an_id_is_none(change: Any) -> None:
    text = change(encode_id(Entity.STUDENT, 12345))
    with pytest.raises(BadUserInput):
        decode_id(text, argument="id") if text != encode_id(Entity.STUDENT, 12345) else decode_id("", argument="id")


def test_the_id_of_another_kind_is_refused_by_name() -> None:
    with pytest.raises(BadUserInput) as refused:
        decode_key(ALGEBRA, Entity.STUDENT, argument="studentId")
    assert refused.value.message == "`studentId` is the id of a Course; the id of a Student is needed."


LOOK_UPS = {
    "node": "query ($id: ID!) { node(id: $id) { id } }",
    "student": "query ($id: ID!) { student(id: $id) { id } }",
    "course": "query ($id: ID!) { course(id: $id) { id } }",
    "nodes": "query ($id: ID!) { nodes(ids: [$id]) { id } }",
}


STUDENT = {"id": 1, "name": "Ada", "email": None, "sourced_id": None, "created_at": MOMENTS[0]}
COURSE = {"id": 1, "code": "C", "title": "T", "sourced_id": None, "created_at": MOMENTS[0]}
SCHOOL = School((STUDENT, {**STUDENT, "id": KEY_MAX, "name": "Far"}), (COURSE,), ())


@pytest.fixture(scope="module", params=DIALECTS)
def stored_url(request: pytest.FixtureRequest) -> Iterator[str]:
    with stored_once(request, SCHOOL) as url:
        yield url


@pytest.fixture
async def stored(stored_url: str) -> AsyncIterator[Api]:
    async with Api(stored_url) as api:
        yield api


async def test_bad_ids_are_refused_before_the_database_is_asked(stored: Api) -> None:
    for field, document in LOOK_UPS.items():
        argument = "ids" if field == "nodes" else "id"
        for text in (*NOT_IDS, 0, 1, -1, 2**63 - 1, 2**63):
            message = await stored.refusal(document, id=text)
            assert message.startswith(f"`{argument}` is not an id of this API"), (field, text)
            assert stored.statements == []


@pytest.mark.parametrize("value", [None, 1.5, True, [], ["x"], {}, {"id": "x"}])
async def test_an_id_is_text_or_a_whole_number(stored: Api, value: Any) -> None:
    for document in LOOK_UPS.values():
        response = await stored.execute(document, id=value)
        assert [error["extensions"]["code"] for error in response["errors"]] == ["BAD_USER_INPUT"]
        assert stored.statements == []


async def test_ids_that_name_nothing_are_null(stored: Api) -> None:
    gone = [encode_id(entity, key) for entity in Entity for key in (2, 999, 10**6, 2**31, 2**62)]
    for text in gone:
        assert await stored.data(LOOK_UPS["node"], id=text) == {"node": None}
        assert await stored.data(LOOK_UPS["nodes"], id=text) == {"nodes": [None]}


async def test_the_largest_key_is_found(stored: Api) -> None:
    far = encode_id(Entity.STUDENT, KEY_MAX)
    document = "query ($id: ID!) { student(id: $id) { id name courses { nodes { id } totalCount } } }"
    assert await stored.data(document, id=far) == {
        "student": {"id": far, "name": "Far", "courses": {"nodes": [], "totalCount": 0}}
    }


async def test_an_id_of_the_other_kind_is_refused(stored: Api) -> None:
    assert await stored.refusal(LOOK_UPS["student"], id=ALGEBRA) == (
        "`id` is the id of a Course; the id of a Student is needed."
    )
    assert await stored.refusal(LOOK_UPS["course"], id=ADA) == (
        "`id` is the id of a Student; the id of a Course is needed."
    )


async def test_nodes_come_in_the_order_of_their_ids(stored: Api) -> None:
    gone = encode_id(Entity.STUDENT, 77)
    document = """
        query ($ids: [ID!]!) {
            nodes(ids: $ids) { __typename id ... on Student { name } ... on Course { title } }
        }
    """
    ada = {"__typename": "Student", "id": ADA, "name": "Ada"}
    algebra = {"__typename": "Course", "id": ALGEBRA, "title": "T"}
    assert await stored.data(document, ids=[ALGEBRA, gone, ADA, ADA, ALGEBRA]) == {
        "nodes": [algebra, None, ada, ada, algebra]
    }
    assert await stored.data(document, ids=[]) == {"nodes": []}
    assert await stored.data(document, ids=[ADA] * 500) == {"nodes": [ada] * 500}
    assert await stored.refusal(document, ids=[ADA] * 501) == "`ids` has 501 elements; at most 500 are allowed."


async def test_one_bad_id_among_many_refuses_them_all(stored: Api) -> None:
    message = await stored.refusal("query ($ids: [ID!]!) { nodes(ids: $ids) { id } }", ids=[ADA, "x", ALGEBRA])
    assert message.startswith("`ids` is not an id of this API")
    assert stored.statements == []
