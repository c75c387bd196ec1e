"""Cursors: every place there and back, and nothing else."""

import string
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gql_api.errors import BadUserInput
from gql_api.pagination import KeyKind, Ordering, OrderKey, decode_cursor, encode_cursor
from gql_api.pagination.cursor import CURSOR_LENGTH_MAX

ORDERING = Ordering(
    "Course.students",
    (
        OrderKey("assigned_at", KeyKind.TIME),
        OrderKey("name", KeyKind.TEXT, descending=True),
        OrderKey("email", KeyKind.TEXT, nullable=True),
        OrderKey("id", KeyKind.INTEGER),
    ),
)
BY_ID = Ordering("Query.students", (OrderKey("id", KeyKind.INTEGER),))

PLACE = (datetime(2026, 11, 22, 10, tzinfo=UTC), "Zoë", None, 7)
CURSOR = encode_cursor(ORDERING, PLACE)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=255)
places = st.tuples(st.datetimes(timezones=st.just(UTC)), texts, st.none() | texts, st.integers(-(2**63), 2**63 - 1))


def forged(*payload: Any) -> str:
    return urlsafe_b64encode(orjson.dumps(payload)).rstrip(b"=").decode()


def refusal(cursor: str, ordering: Ordering = ORDERING) -> str:
    with pytest.raises(BadUserInput) as refused:
        decode_cursor(cursor, ordering, argument="after")
    return refused.value.message


MALFORMED = "`after` is not a cursor of this API; pass one that it gave you, unchanged."


@given(places)
def test_a_place_goes_into_a_cursor_and_comes_back(place: tuple[Any, ...]) -> None:
    cursor = encode_cursor(ORDERING, place)
    assert set(cursor) <= set(string.ascii_letters + string.digits + "-_")
    assert decode_cursor(cursor, ORDERING, argument="after") == place


@pytest.mark.parametrize("text", ["\x01" * 255, "\U0010ffff" * 255, '"' * 255, "\\" * 255])
def test_the_longest_cursors_are_accepted(text: str) -> None:
    ordering = Ordering(
        "Course.students",
        tuple(
            OrderKey(name, kind, descending=True)
            for name, kind in (
                ("created_at", KeyKind.TIME),
                ("assigned_at", KeyKind.TIME),
                ("name", KeyKind.TEXT),
                ("email", KeyKind.TEXT),
                ("id", KeyKind.INTEGER),
            )
        ),
    )
    moment = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)
    place = (moment, moment, text, text, -(2**63))
    cursor = encode_cursor(ordering, place)
    assert len(cursor) < CURSOR_LENGTH_MAX * 0.6
    assert decode_cursor(cursor, ordering, argument="after") == place


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "=",
        "====",
        " ",
        "x",
        "null",
        "0",
        "-1",
        "MTIz",
        "cursor",
        "arrayconnection:1",
        "YXJyYXljb25uZWN0aW9uOjE=",
        "\0",
        "é",
        "\ud800",
        "😀",
        "' OR 1=1 --",
        "x" * 1_000_000,
        "W1tb" * 1000,
        forged(),
        forged(None),
        forged(7),
        forged("no ordering"),
        forged([ORDERING.signature]),
        urlsafe_b64encode(b"\xff\xfe").decode(),
        urlsafe_b64encode(b'{"a": 1}').decode(),
        urlsafe_b64encode(b'"Course.students by id asc"').decode(),
        urlsafe_b64encode(b'["\\ud800", 1]').decode(),
        urlsafe_b64encode(b"[" * 3000).decode(),
    ],
)
def test_what_is_no_cursor_is_refused(cursor: str) -> None:
    assert refusal(cursor) == MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        lambda cursor: cursor[:-1],
        lambda cursor: cursor[:-4],
        lambda cursor: cursor[1:],
        lambda cursor: cursor + "=",
        lambda cursor: cursor + "A",
        lambda cursor: cursor + "\n",
        lambda cursor: cursor[:8] + "!" + cursor[8:],
        lambda cursor: cursor[:8] + " " + cursor[8:],
        lambda cursor: cursor + cursor,
        lambda cursor: cursor.lower(),
        lambda cursor: urlsafe_b64encode(urlsafe_b64decode(cursor + "===") + b" ").rstrip(b"=").decode(),
    ],
)
def test_a_cursor_that_was_changed_is_refused(change: Any) -> None:
    assert refusal(change(CURSOR)) == MALFORMED


@given(st.text() | st.text(string.ascii_letters + string.digits + "-_", max_size=400))
def test_random_text_is_refused(text: str) -> None:
    assert refusal(text) == MALFORMED


SIGNATURE = ORDERING.signature
TIME = "2026-11-22T10:00:00+00:00"


@pytest.mark.parametrize(
    "values",
    [
        (),
        (TIME, "Zoë", None),
        (TIME, "Zoë", None, 7, 8),
        (TIME, "Zoë", None, None),
        (TIME, None, None, 7),
        (None, "Zoë", None, 7),
        (TIME, 7, None, 7),
        (TIME, "Zoë", 7, 7),
        (TIME, "Zoë", None, "7"),
        (TIME, "Zoë", None, 7.0),
        (TIME, "Zoë", None, 7.5),
        (TIME, "Zoë", None, True),
        (TIME, "Zoë", None, [7]),
        (TIME, "Zoë", None, {"id": 7}),
        (TIME, "Zoë", None, 2**63),
        (TIME, "Zoë", None, 2**64 - 1),
        (TIME, "Zo\0ë", None, 7),
        (TIME, "Zoë", "\0", 7),
        (1_795_341_600, "Zoë", None, 7),
        ("yesterday", "Zoë", None, 7),
        ("", "Zoë", None, 7),
        ("2026-11-22", "Zoë", None, 7),
        ("2026-11-22T10:00:00", "Zoë", None, 7),
        ("2026-11-22T10:00:00Z", "Zoë", None, 7),
        ("2026-11-22T10:00:00.1234567+00:00", "Zoë", None, 7),
        ("2026-11-22T11:00:00+01:00", "Zoë", None, 7),
        ("2026-02-30T10:00:00+00:00", "Zoë", None, 7),
        ("0001-01-01T00:00:00+14:00", "Zoë", None, 7),
        ("9999-12-31T23:59:59-14:00", "Zoë", None, 7),
    ],
)
def test_a_forged_cursor_with_values_that_no_row_can_have_is_refused(values: tuple[Any, ...]) -> None:
    assert refusal(forged(SIGNATURE, *values)) == MALFORMED


def test_an_integer_beyond_64_bits_is_refused() -> None:
    payload = f'["{BY_ID.signature}",{2**70}]'.encode()
    assert refusal(urlsafe_b64encode(payload).rstrip(b"=").decode(), BY_ID) == MALFORMED


@pytest.mark.parametrize(
    "other",
    [
        ORDERING._replace(listing="Query.students"),
        ORDERING._replace(keys=ORDERING.keys[1:]),
        ORDERING._replace(keys=(ORDERING.keys[0]._replace(descending=True), *ORDERING.keys[1:])),
        ORDERING._replace(keys=(ORDERING.keys[1], ORDERING.keys[0], *ORDERING.keys[2:])),
        BY_ID,
    ],
)
def test_a_cursor_of_another_list_or_ordering_is_refused_by_name(other: Ordering) -> None:
    assert refusal(CURSOR, other) == (
        "`after` holds a cursor of another list or ordering"
        " ('Course.students by assigned_at asc, name desc, email asc, id asc');"
        f" this list is {other.signature!r}."
    )


def test_the_message_names_the_argument() -> None:
    with pytest.raises(BadUserInput, match=r"^`before` is not a cursor"):
        decode_cursor("x", ORDERING, argument="before")
