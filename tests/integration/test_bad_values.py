"""Every bad value in every place that takes one: a clear answer that names the place, and nothing is changed."""

import json
from typing import Any, Final

import pytest

from tests.integration.graphql_client import Answer, GraphQLClient
from tests.integration.school import School
from tests.integration.sdl import MUTATIONS
from tests.integration.slots import (
    Slot,
    all_slots,
    good_request,
    is_enum,
    is_input_object,
    is_list,
    is_required,
    request_with,
)
from tests.integration.stored import Database, everything

SLOTS: Final = all_slots()
TEXT_SLOTS: Final = [slot for slot in SLOTS if slot.named_type in {"String", "ID"} and not is_list(slot.type)]

NOT_TEXTS: Final = [1, 1.5, True, {}, [], ["text"]]

# Ids are three letters and the key in decimal, in Base64: these are of the same making, and of none.
BAD_IDS: Final = [
    "",
    " ",
    "0",
    "-1",
    "1",
    "9223372036854775808",
    0,
    -1,
    1,
    2**63,
    "Student:1",
    "U3R1ZGVudDox",  # Student:1, as Strawberry and others encode ids
    "c3R1MDAw",  # stu000
    "c3R1LTAx",  # stu-01
    "c3R1MDAwMDAx",  # stu000001: another spelling of stu001
    "c3R1MDA5MjIzMzcyMDM2ODU0Nzc1ODA4",  # stu of 2⁶³
    "c3R1MDAx\n",
    "c3R1MDAx=",
    "c3R1\u0000MDAx",
    "c3R1MDAx\u00e9",
    "x" * 100_000,
]
BAD_TEXTS: Final = ["\0", "a\0b", "x" * 256]
NOT_ONE_LINE: Final = ["", "   ", "\t", "a\nb", "\x07", "a\x7fb", "a\u0085b"]
BAD_EMAILS: Final = ["", "x", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\n", " a@b", "x" * 250 + "@x.yz"]
BAD_SOURCED_IDS: Final = ["", " ", "a b", "é", "a;b", "a'b", "<a>"]
BAD_NUMBERS: Final = ["1", "", 1.5, True, {}, [], [1], 2**31, -(2**31) - 1, 2**63, 1e300]
BAD_TIMES: Final = [
    1,
    True,
    {},
    [],
    "",
    "yesterday",
    "2026-11-22",
    "2026-11-22T10:00:00",
    "2026-11-22 10:00:00Z",
    "2026-13-01T00:00:00Z",
    "2026-02-29T00:00:00Z",
    "2026-11-22T24:00:01Z",
    "2026-11-22T10:00:00+99:00",
    "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59-23:59",
    "x" * 100_000,
]
BAD_CURSORS: Final = ["", " ", "0", "nonsense", "bm9uc2Vuc2U=", "W10=", "\0", "é", "=" * 8, "x" * 100_000]


def bad_values(slot: Slot) -> list[Any]:
    """The values that this slot must not take, by the type and by the name it has."""
    values = list(_bad_by_type(slot))
    if is_list(slot.type):
        # A single value stands for a list of it, and an empty list is one.
        values = [value for value in values if not isinstance(value, list)]
        if is_required(slot.type.of_type if not is_required(slot.type) else slot.type.of_type.of_type):
            values.append([None])
    return [None, *values] if is_required(slot.type) else values


def _bad_by_type(slot: Slot) -> list[Any]:
    if is_enum(slot):
        return ["", "nonsense", "name", "asc", 1, True, {}, []]
    if is_input_object(slot):
        return [1, "text", True, [1], {"nonsense": 1}]
    return {
        "ID": [1.5, True, {}, [], *BAD_IDS],
        "String": [*NOT_TEXTS, *_bad_texts(slot)],
        "Int": [*BAD_NUMBERS, *_bad_numbers(slot)],
        "DateTime": BAD_TIMES,
    }[slot.named_type]


def _bad_numbers(slot: Slot) -> list[int]:
    if slot.is_compared:
        return []
    return [-1, 501] if slot.name in {"first", "last"} else [-1]


def _bad_texts(slot: Slot) -> list[str]:
    if slot.is_compared:
        return BAD_TEXTS
    match slot.name:
        case "after" | "before":
            return BAD_CURSORS
        case "email":
            return [*BAD_TEXTS, *BAD_EMAILS]
        case "sourcedId":
            return [*BAD_TEXTS, *BAD_SOURCED_IDS]
        case _:
            return [*BAD_TEXTS, *NOT_ONE_LINE]


@pytest.fixture(scope="module")
def schools() -> dict[str, School]:
    """A school for each dialect: nothing changes it."""
    return {}


@pytest.fixture
def school(schools: dict[str, School], dialect: str, client: GraphQLClient) -> School:
    if dialect not in schools:
        schools[dialect] = School.founded(client)
    return schools[dialect]


def fault(answer: Answer, slot: Slot) -> str | None:
    """What is wrong with a refusal; None if it is clear and nothing was done."""
    if answer.body.get("errors"):
        if any((answer.body.get("data") or {}).values()):
            return f"errors beside data: {answer.body}"
        if set(answer.codes) != {"BAD_USER_INPUT"} or answer.status != (200 if "data" in answer.body else 400):
            return f"status {answer.status}, codes {answer.codes}"
        if not all(slot.name in message for message in answer.messages):
            return f"{slot.name} is not in {answer.messages}"
        return None
    (value,) = answer.data.values()
    if value is None or value.get("__typename") != "InvalidInput":
        return f"answered {str(value)[:200]}"
    return None if value["field"] == slot.name and slot.name in value["message"] else f"unclear: {value}"


@pytest.mark.parametrize("slot", SLOTS, ids=str)
def test_no_bad_value_is_taken_and_each_is_named(
    client: GraphQLClient, database: Database, school: School, slot: Slot
) -> None:
    values = bad_values(slot)
    assert values
    before = everything(database)
    faults = []
    for value in values:
        document, variables = request_with(slot, value, school)
        found = fault(client.execute(document, **variables), slot)
        if found:
            faults.append(f"{str(value)[:40]!r}: {found}")
    assert faults == []
    assert everything(database) == before


@pytest.mark.parametrize("slot", TEXT_SLOTS, ids=str)
def test_half_a_surrogate_pair_is_no_json(
    client: GraphQLClient, database: Database, school: School, slot: Slot
) -> None:
    before = everything(database)
    for half in ("\ud800", "x\udfffx", "\udc00\ud800"):
        request = request_with(slot, half, school)
        body = json.dumps({"query": request.document, "variables": request.variables})
        for encoded in (
            body.encode(),
            json.dumps(json.loads(body), ensure_ascii=False).encode("utf-8", "surrogatepass"),
        ):
            answer = client.post(encoded)
            assert (answer.status, answer.codes) == (400, ["BAD_REQUEST"])
            assert "JSON" in answer.messages[0]
    assert everything(database) == before


@pytest.mark.parametrize("escape", [r"\uD800", r"\uDFFF", r"\u{D800}", r"\uDC00\uD800", r"\u{110000}"])
def test_half_a_surrogate_pair_is_no_graphql(client: GraphQLClient, database: Database, escape: str) -> None:
    before = everything(database)
    answer = client.execute(f'mutation {{ createStudent(input: {{name: "{escape}"}}) {{ __typename }} }}')
    assert (answer.status, answer.codes) == (400, ["GRAPHQL_PARSE_FAILED"])
    assert everything(database) == before


@pytest.mark.parametrize("field", sorted({slot.field for slot in SLOTS}))
def test_but_for_its_bad_value_each_of_these_requests_is_good(client: GraphQLClient, field: str) -> None:
    request = good_request(field, School.founded(client))
    (value,) = client.execute(request.document, **request.variables).data.values()
    assert value
    if field in MUTATIONS:
        assert value["__typename"] == f"{field[0].upper()}{field[1:]}Success"
